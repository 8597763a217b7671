"""Fitting a network to a task: Adam with cosine decay, then L-BFGS where precision counts."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor], Tensor]
Batches = Callable[[int], tuple[Tensor, Tensor]]
"""Maps a step number to inputs (n, width) and targets (n, k)."""


def logistic(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of logits (n, k) against 0/1 targets."""
    return F.binary_cross_entropy_with_logits(outputs, targets)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of logits (n, k) against class indices (n, 1)."""
    return F.cross_entropy(outputs, targets[:, 0].long())


def power_mean(power: int, scale: float) -> Loss:
    """Mean of |error / scale| ** power: 2 is least squares, larger looks at the worst points."""
    return lambda outputs, targets: ((outputs - targets) / scale).abs().pow(power).mean()


def adam(
    model: nn.Module, batches: Batches, loss: Loss, steps: int, rate: float, decay: float = 0.0
) -> None:
    """`steps` of Adam with cosine decay from `rate` to zero, in place."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizer.zero_grad()
        loss(model(batches(step)[0]), batches(step)[1]).backward()
        optimizer.step()


def lbfgs(model: nn.Module, x: Tensor, y: Tensor, loss: Loss, iterations: int) -> None:
    """Full-batch L-BFGS with a strong Wolfe line search, in place."""
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=iterations,
        max_eval=iterations * 5 // 4,
        history_size=50,
        tolerance_grad=1e-12,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        return value

    optimizer.step(closure)
