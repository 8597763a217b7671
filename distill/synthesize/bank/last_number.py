"""The last operation of a number target: which a, b of the bank give a + b, a * b, max(a, b) ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.bank.cover import covering_pairs
from distill.synthesize.bank.data import Bank
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.near import Pairs, pairs_near
from distill.synthesize.bank.packing import pack
from distill.synthesize.bank.target import NumberTarget

PAIR_LIMIT = 1 << 21

_SAMPLE = 200
_PIVOT_CHOICE = 16

Proposer = Callable[[Bank, NumberTarget], Iterator[Pairs]]


def sums(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for a + b: b lies in the target's box minus a."""
    where = pivots(bank, target, np.isfinite(target.low) & np.isfinite(target.high))
    if len(where):
        values = bank.number.values[:, where]
        widths = _widths(target.low[where], target.high[where])
        yield _cheap_first(pairs_near(values, target.low[where] - values, widths, PAIR_LIMIT))


def differences(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for a - b: b lies in a minus the target's box."""
    where = pivots(bank, target, np.isfinite(target.low) & np.isfinite(target.high))
    if len(where):
        values = bank.number.values[:, where]
        widths = _widths(target.low[where], target.high[where])
        yield _cheap_first(pairs_near(values, values - target.high[where], widths, PAIR_LIMIT))


def products(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for a * b: a sum of logarithms, on examples whose sign is sure."""
    for logs, low, high in _logarithms(bank, target):
        yield _cheap_first(pairs_near(logs, low - logs, _widths(low, high), PAIR_LIMIT))


def quotients(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for a / b: a difference of logarithms."""
    for logs, low, high in _logarithms(bank, target):
        yield _cheap_first(pairs_near(logs, logs - high, _widths(low, high), PAIR_LIMIT))


def _logarithms(bank: Bank, target: NumberTarget) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Logarithms of the entries (n, k) and of the target's magnitude (k,), (k,) at pivots."""
    bounded = np.isfinite(target.low) & np.isfinite(target.high)
    where = pivots(bank, target, bounded & (np.sign(target.low) * np.sign(target.high) > 0))
    if len(where):
        ends = np.abs([target.low[where], target.high[where]])
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(bank.number.values[:, where]))
        yield logs, np.log(ends.min(axis=0)), np.log(ends.max(axis=0))


def distances(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for |a - b|: a - b is the target with some sign at each pivot, the first +."""
    where = pivots(bank, target, np.isfinite(target.high) & (target.low >= 0))
    if not len(where):
        return
    values, low, high = bank.number.values[:, where], target.low[where], target.high[where]
    for signs in product((1.0, -1.0), repeat=len(where) - 1):
        positive = np.array([1.0, *signs]) > 0
        corners = values + np.where(positive, -high, low)
        yield _cheap_first(pairs_near(values, corners, _widths(low, high), PAIR_LIMIT))


def maxima(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for max(a, b): both stay below the box's top, together they reach its bottom."""
    values = bank.number.values
    rows = np.flatnonzero((values <= target.high).all(axis=1))
    yield _covering(rows, values[rows] >= target.low)


def minima(bank: Bank, target: NumberTarget) -> Iterator[Pairs]:
    """Proposals for min(a, b)."""
    values = bank.number.values
    rows = np.flatnonzero((values >= target.low).all(axis=1))
    yield _covering(rows, values[rows] <= target.high)


def _covering(rows: NDArray[np.intp], reached: NDArray[np.bool_]) -> Pairs:
    left, right = covering_pairs(pack(reached), pack(np.ones_like(reached[:1])))
    return rows[left], rows[right]


PROPOSERS: dict[str, Proposer] = {
    "add": sums,
    "sub": differences,
    "mul": products,
    "div": quotients,
    "abs_diff": distances,
    "max": maxima,
    "min": minima,
}
"""By kind: all pairs that can meet the target (up to `PAIR_LIMIT`), and others to be checked."""


def pivots(bank: Bank, target: NumberTarget, usable: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Up to three examples on which few entries share a cell of the target's size.

    No more of them than needed to leave about one wrong partner per entry.
    """
    places = np.flatnonzero(usable)
    count = len(bank.number.values)
    if not len(places) or not count:
        return places[:0]
    places = places[:: 1 + len(places) // _PIVOT_CHOICE]
    some = np.unique(np.linspace(0, count - 1, _SAMPLE).astype(np.intp))
    values = np.sort(bank.number.values[some[:, None], places], axis=0)
    widths = _widths(target.low[places], target.high[places])
    close = (np.diff(values, axis=0) < widths).sum(axis=0)
    shared = close / max(len(values) - 1, 1) + 1 / _SAMPLE
    middle = values[3 * len(some) // 4] - values[len(some) // 4]
    alike = np.clip(np.maximum(shared**2, 2 * widths / np.maximum(middle, widths)), 0.0, 1.0)
    best = np.argsort(alike, kind="stable")[:3]
    needed = 1 + int((count * np.cumprod(alike[best]) > 1.0).sum())
    return places[best[:needed]]


def _widths(low: Floats, high: Floats) -> Floats:
    """Sizes of the box, widened a little for rounding (exact targets have none at all)."""
    scale = np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
    return (high - low) * (1 + 1e-9) + 1e-9 * scale


def _cheap_first(pairs: Pairs) -> Pairs:
    """Order by the later of both rows, which are in order of cost; each pair once."""
    later, sooner = np.maximum(*pairs), np.minimum(*pairs)
    code = np.sort((later << 32) | (sooner << 1) | (pairs[0] > pairs[1]))
    code = code[np.diff(code, prepend=-1) > 0]  # np.unique hashes, a hundred times as slow
    later, sooner, turned = code >> 32, (code >> 1) & 0x7FFFFFFF, (code & 1) == 1
    return np.where(turned, later, sooner), np.where(turned, sooner, later)
