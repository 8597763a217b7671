"""The places of a program at which values decide: their sides, who takes which, and how nearly.

A side is a branch of a choice, a truth of a comparison, a row of a table, the argument that is the
largest, a piece of `abs`, `relu` and `clip`, or an alternative of `argmax`. The distance to the
other side is counted in the numbers that are compared; truths made of others are as far from
changing as the quantitative meaning of temporal logic says (Donzé and Maler, Robust Satisfaction of
Temporal Logic over Real-Valued Signals, FORMATS 2010, definition 3): `and` of what is true by its
nearest part, of what is false by its farthest false one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.program import Const, Expression, Prim
from dsl.types import BOOL, Vector, element, is_numeric, shape_of

Array = NDArray[Any]
COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"})
_PIECES = {
    "abs": ("below 0", "0 and above"),
    "relu": ("0 and below", "above 0"),
    "clip": ("below", "inside", "above"),
}
_MOST = 256
"""Rows of a table, or alternatives, above which nothing is counted."""
_APART = 32
"""Numbers of a vector up to which each has sides of its own."""


def sides_of(node: Expression) -> tuple[str, ...]:
    """What a node's sides are called; () where nothing is decided."""
    if not isinstance(node, Prim):
        return ()
    name, first = node.primitive.name, node.children[0] if node.children else None
    if name == "if_":
        return ("then", "else")
    if name in COMPARISONS:
        return _of_each(node, ("true", "false"))
    if name in ("max", "min"):
        return _of_each(node, tuple(map(_short, node.children)))
    if name in ("argmax", "argmin", "item") and first is not None:
        moving = name != "item" or not isinstance(node.children[1], Const)
        count = first.type.shape[0] if isinstance(first.type, Vector) else 0
        flat = name == "item" or (isinstance(first.type, Vector) and len(first.type.shape) == 1)
        return tuple(map(str, range(count))) if moving and flat and count <= _MOST else ()
    return _of_each(node, _PIECES[name]) if name in _PIECES else ()


def _of_each(node: Expression, sides: tuple[str, ...]) -> tuple[str, ...]:
    """The sides of every number of a short vector, one number after the other."""
    if not _apart(node):
        return sides
    count = shape_of(node.type)[0]
    return tuple(f"[{place}] {side}" for place in range(count) for side in sides)


def _apart(node: Expression) -> bool:
    shape = shape_of(node.type)
    return len(shape) == 1 and shape[0] <= _APART


def kind_of(node: Expression) -> str:
    """`choice`, `comparison`, `table`, `index`, or the primitive's name."""
    assert isinstance(node, Prim)
    name = node.primitive.name
    if name == "item":
        return "table" if isinstance(node.children[0], Const) else "index"
    return "choice" if name == "if_" else "comparison" if name in COMPARISONS else name


def takes_of(node: Expression, arguments: list[Array], value: Array, count: int) -> Array:
    """Whether each of `count` rows takes each side, (count, sides)."""
    # of vectors that aren't told apart, any number of them does
    assert isinstance(node, Prim)
    name, sides = node.primitive.name, len(sides_of(node))
    if name == "item":
        place = np.clip(arguments[1], 0, sides - 1)
    elif name in ("argmax", "argmin"):
        place = value
    elif name == "if_":
        place = np.where(arguments[0], 0, 1)
    elif name in COMPARISONS:
        place = np.where(value, 0, 1)
    elif name in ("max", "min"):
        stacked = np.stack(np.broadcast_arrays(*_levelled(arguments)))
        place = stacked.argmax(0) if name == "max" else stacked.argmin(0)
    else:
        place = _piece(name, arguments)
    if name not in ("item", "argmax", "argmin", "if_") and _apart(node):
        width = shape_of(node.type)[0]
        place = place + np.arange(width) * (sides // width)
    rows = np.broadcast_to(place, (count, *place.shape[1:])).reshape(count, -1)
    return np.stack([(rows == side).any(1) for side in range(sides)], 1)


def _piece(name: str, arguments: list[Array]) -> Array:
    x = arguments[0]
    if name == "clip":
        x, low, high = _levelled(arguments)
        return np.where(x < low, 0, np.where(x > high, 2, 1))
    return np.where(x < 0, 0, 1) if name == "abs" else np.where(x > 0, 1, 0)


def margin_of(
    node: Expression, arguments: list[Array], margins: list[Array], count: int
) -> NDArray[np.float64]:
    """How far (count,) each row is from taking another side; infinite where no number says it."""
    assert isinstance(node, Prim)
    name = node.primitive.name
    if name == "if_":
        found = margins[0]
    elif name in COMPARISONS:
        found = truth_margin(node, arguments, margins)
    elif name in ("max", "min", "argmax", "argmin"):
        one = len(arguments) == 1
        stacked = np.moveaxis(arguments[0], -1, 0) if one else np.stack(
            np.broadcast_arrays(*_levelled(arguments))
        )  # fmt: skip
        ordered = np.sort(stacked.astype(np.float64), 0)
        best = ordered[-2:] if name.endswith("max") else ordered[:2]
        found = best[-1] - best[0] if len(ordered) > 1 else np.full(stacked.shape[1:], np.inf)
    elif name == "clip":
        x, low, high = _levelled(arguments)
        found = np.minimum(np.abs(x - low), np.abs(x - high))
    elif name in ("abs", "relu"):
        found = np.abs(arguments[0])
    else:
        found = np.full((1,), np.inf)
    flat = np.asarray(found, dtype=np.float64).reshape(len(found), -1).min(1)
    return np.broadcast_to(flat, (count,))


def truth_margin(node: Expression, arguments: list[Array], margins: list[Array]) -> Array:
    """How far a truth is from being the other one, in the shape of its values."""
    assert isinstance(node, Prim)
    name = node.primitive.name
    if name in COMPARISONS and all(is_numeric(element(c.type)) for c in node.children):
        first, second = _levelled(arguments)
        return np.abs(first.astype(np.float64) - second)
    if name == "not_":
        return margins[0]
    levelled = _levelled(margins)
    if name in ("and_", "or_"):
        return _joined(_levelled(arguments), levelled, name == "and_")
    if name == "xor" or (name in COMPARISONS and element(node.children[0].type) == BOOL):
        return np.minimum.reduce(np.broadcast_arrays(*levelled))
    if name == "if_" and element(node.type) == BOOL:
        taken = np.where(*_levelled([arguments[0], margins[1], margins[2]]))
        changes = np.not_equal(*_levelled([arguments[1], arguments[2]]))
        return np.minimum(taken, np.where(*_levelled([changes, margins[0], np.full(1, np.inf)])))
    return np.full((1,), np.inf)


def _joined(values: list[Array], margins: list[Array], every: bool) -> Array:
    """Of `and` (every) or `or`: the nearest of those that hold it up, or the farthest that stand
    in the way, which all have to change."""
    held = np.broadcast_arrays(*(v if every else ~v for v in values))
    margins = list(np.broadcast_arrays(*margins))
    all_hold = np.logical_and.reduce(held)
    blocking = [np.where(v, 0.0, m) for v, m in zip(held, margins, strict=True)]
    return np.where(all_hold, np.minimum.reduce(margins), np.maximum.reduce(blocking))


def _levelled(arrays: list[Array]) -> list[Array]:
    """With as many axes each; numbers of the batch stand before those of vectors."""
    axes = max(a.ndim for a in arrays)
    return [a.reshape(*a.shape, *([1] * (axes - a.ndim))) for a in arrays]


def _short(node: Expression, most: int = 40) -> str:
    text = " ".join(repr(node).split())
    return text if len(text) <= most else text[: most - 4] + " ..."
