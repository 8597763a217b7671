"""Train a network that says whether most of five bits are set.

Run as `python -m examples.majority.train`.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import torch
from torch import nn

from benchmarks.train.write import write

FOLDER = Path(__file__).parent


def main() -> None:
    """Fit all 32 inputs and write `model.onnx`: five inputs of 0 or 1, one logit."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.tensor(list(product([0.0, 1.0], repeat=5)))
    y = (x.sum(dim=1, keepdim=True) >= 3).float()
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(1000):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
        optimizer.step()
    right = ((model(x) > 0) == (y > 0)).float().mean()
    print(f"right on {right:.0%} of the 32 inputs")
    write(model, FOLDER / "model.onnx", "onnx")


if __name__ == "__main__":
    main()
