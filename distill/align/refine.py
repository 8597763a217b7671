"""Directions by gradient: distributed alignment search.

The subspace is turned until interchange interventions on training pairs have the effect that they
have in the program (Geiger et al., arXiv 2303.02536; Wu et al., Interpretability at Scale, arXiv
2305.08809, learn its size as well, which here is tried from small to large). Such a search can
find subspaces that act without being where the network keeps the variable (Makelov et al., Is
This the Subspace You Are Looking for?, arXiv 2311.17030): what comes out counts only if the
variable can be read there too, and on other pairs than those that were searched with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.align.place import Array, Place, Site, Spread, directions
from distill.align.setting import Outputs, Pairs, Setting
from distill.target import Output
from dsl.types import BOOL, Category

_STEPS = 40


def refined(
    setting: Setting, site: Site, pairs: Pairs, sides: tuple[Array, Array], spread: Spread,
    start: Array, whitened: bool,
) -> Place:  # fmt: skip
    """The place that `start` (r, k), in principal axes, is turned into.

    sides: the site's activations (n, d) at bases and sources. whitened: project orthogonally in
    axes of spread 1 instead of the site's own.

    Raises:
        BadInput: the network can't be differentiated.
    """
    from scipy.optimize import minimize

    scale = spread.scale if whitened else np.ones(len(spread.scale))
    maps = (spread.axes / scale, spread.axes * scale)

    def loss(flat: Array) -> tuple[float, Array]:
        return _with_gradient(setting, site, pairs, sides, maps, flat.reshape(start.shape))

    found = minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    ).x.reshape(start.shape)
    return spread.place(site, found) if whitened else directions(site, spread.axes @ found)


def _with_gradient(
    setting: Setting, site: Site, pairs: Pairs, sides: tuple[Array, Array],
    maps: tuple[Array, Array], columns: Array,
) -> tuple[float, Array]:  # fmt: skip
    """The loss of the subspace that columns (r, k) span, and its gradient (r * k,)."""
    import torch

    base, source, read, write = map(torch.as_tensor, (*sides, *maps))
    turned = torch.tensor(columns, requires_grad=True)
    basis = torch.linalg.qr(turned)[0]
    moved = base + (source - base) @ read @ basis @ basis.T @ write.T
    loss = _loss(setting, setting.raw(pairs.base, site.wire, moved), pairs)
    loss.backward()
    assert turned.grad is not None
    slope = turned.grad.numpy()
    usable = np.isfinite(slope).all() and bool(torch.isfinite(loss))
    return (float(loss.detach()), slope.ravel()) if usable else (1e30, np.zeros(columns.size))


def _loss(setting: Setting, raw: Any, pairs: Pairs) -> Any:
    """How far the network's numbers (n, k) or (n, T, k) are from the outputs that are wanted."""
    import torch

    counted = setting.counted(pairs.base)
    rows = raw.reshape(-1, raw.shape[-1])[torch.as_tensor(counted.reshape(-1))]
    wanted = pairs.wanted.reshape(counted.size, -1)[counted.reshape(-1)]
    return difference(setting.output, rows, wanted)


def difference(output: Output, raw: Any, wanted: Outputs) -> Any:
    """A differentiable difference of raw numbers (n, k) from decoded outputs (n, m), as a tensor.

    Decisions by how far they are on the wrong side, in units of what is usual; numbers squared.
    """
    import torch

    if isinstance(output.type, Category) and raw.shape[1] > 1:
        scores = raw / raw.detach().std().clamp_min(1e-9)
        return torch.nn.functional.cross_entropy(4 * scores, torch.as_tensor(wanted[:, 0]).long())
    aim = torch.as_tensor(wanted.astype(np.float64))
    if output.scalar == BOOL:
        off = raw - output.level
        unit = off.detach().abs().median().clamp_min(1e-9)
        return torch.relu(1 - (2 * aim - 1) * off / unit).mean()
    spread = aim.std(unbiased=False).clamp_min(1e-9) if len(aim) > 1 else 1.0
    return (((raw - aim) / spread) ** 2).mean()
