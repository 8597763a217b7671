"""What the array meanings share: batches first, numpy or torch as `xp`."""

from __future__ import annotations

from typing import Any


def as_number(xp: Any, x: Any) -> Any:
    """Booleans as 0 and 1; numbers stay."""
    return xp.where(x, 1, 0) if x.dtype == xp.bool else x


def as_real(xp: Any, x: Any) -> Any:
    """Numbers as float64, or as they are when they are floats already."""
    if x.dtype in (xp.float32, xp.float64):
        return x
    return x + xp.zeros((), dtype=xp.float64)


def stack(xp: Any, items: list[Any]) -> Any:
    """Arrays of one item shape, batches of 1 repeated, as a new axis after the batch."""
    if hasattr(xp, "broadcast_arrays"):
        return xp.stack(xp.broadcast_arrays(*_promoted(xp, items)), 1)
    return xp.stack(xp.broadcast_tensors(*_promoted(xp, items)), 1)


def _promoted(xp: Any, items: list[Any]) -> list[Any]:
    if any(i.dtype != items[0].dtype for i in items):
        return [as_real(xp, i) for i in items]
    return items


def flat(x: Any) -> Any:
    """(n, ...) as (n, product)."""
    return x.reshape(x.shape[0], -1)


def spread(x: Any, like: Any) -> Any:
    """(n,) with ones appended until it broadcasts against `like` (n, ...)."""
    return x.reshape(x.shape[0], *([1] * (like.ndim - x.ndim))) if x.ndim < like.ndim else x
