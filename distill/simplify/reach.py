"""Bounds of a recurrent network's reachable states: a box that one step leads back into.

Interval arithmetic on float64, rounded outward, so the box holds over the reals.
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import ELEMENTWISE, Affine, Array, Elementwise, NormalForm

Box = tuple[Array, Array]

_EPSILON = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
_TRIED = 60
_RISING = frozenset({"relu", "tanh", "sigmoid", "exp", "erf", "floor", "round", "sign"})
_ULPS = 8
"""Last places by which numpy's functions may be off, and more."""


def reachable(form: NormalForm, initial: Array, items: Box | None) -> Box:
    """Lower and upper ends (H,) that all states stay within, infinite where none were found.

    form: the cell, (h, x) to (h', y); items: lower and upper ends of an item, None if unknown.
    """
    hidden = len(initial)
    width = form.input_width - hidden
    items = items or (np.full(width, -np.inf), np.full(width, np.inf))
    low, high = initial.copy(), initial.copy()
    for tried in range(_TRIED + 2 * hidden + 2):
        after_low, after_high = (e[:hidden] for e in ranges(form, (low, high), items)[form.output])
        if (after_low >= low).all() and (after_high <= high).all():
            return low, high
        if tried >= _TRIED:
            low = np.where(after_low < low, -np.inf, low)
            high = np.where(after_high > high, np.inf, high)
        else:
            low, high = np.minimum(low, after_low), np.maximum(high, after_high)
    return np.full(hidden, -np.inf), np.full(hidden, np.inf)


def ranges(form: NormalForm, state: Box, items: Box) -> list[Box]:
    """Ends of every number of every wire, for states and items within boxes."""
    found: list[Box] = []
    with np.errstate(all="ignore"):
        for node in form.nodes:
            if isinstance(node, Affine):
                found.append(_affine(node, found))
            elif isinstance(node, Elementwise):
                found.append(_elementwise(node.function, [found[s] for s in node.sources]))
            else:
                ends = zip(state, items, strict=True)
                low, high = (np.concatenate(pair) for pair in ends)
                found.append((low, high))
    return found


def _affine(node: Affine, known: list[Box]) -> Box:
    low, high = node.bias.copy(), node.bias.copy()
    size, count = np.abs(node.bias), 1
    for source, matrix in node.terms:
        ends = [_scaled(matrix, e) for e in known[source]]
        low = low + np.minimum(*ends).sum(1)
        high = high + np.maximum(*ends).sum(1)
        size = size + np.maximum(*map(np.abs, ends)).sum(1)
        count += matrix.shape[1]
    error = 2 * (count + 2) * (_EPSILON * size + _TINY)
    return _sound(low - error, high + error)


def _scaled(matrix: Array, ends: Array) -> Array:
    """Each weight times its end, 0 where the weight is 0 whatever the end."""
    return np.where(matrix == 0, 0.0, matrix * ends)


def _elementwise(function: str, sources: list[Box]) -> Box:
    corners = [(a,) for a in sources[0]]
    if len(sources) == 2:
        corners = [(a, b) for a in sources[0] for b in sources[1]]
    shape = sources[0][0].shape
    unknown = (np.full(shape, -np.inf), np.full(shape, np.inf))
    if function in ("relu", "max", "min"):  # exact in floats
        return _sound(*_ends(function, corners))
    if function in _RISING or function == "mul":
        low, high = _ends(function, corners)
        slack = _ULPS * _EPSILON
        return _sound(low - slack * np.abs(low) - _TINY, high + slack * np.abs(high) + _TINY)
    if function == "abs":
        low, high = sources[0]
        least = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
        return least, np.maximum(np.abs(low), np.abs(high))
    return unknown


def _ends(function: str, corners: list[tuple[Array, ...]]) -> Box:
    values = np.stack([ELEMENTWISE[function](*corner) for corner in corners])
    return values.min(0), values.max(0)


def _sound(low: Array, high: Array) -> Box:
    """Without what is no number: there nothing is known."""
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
