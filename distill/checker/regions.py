"""Sets of hidden states that a certificate lists for every state of the program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.tree import Refused
from distill.normal_form import Array

Ints = NDArray[np.int64]
_SPAN = 4_096
"""Cells that one box may touch, as many along every axis."""


@dataclass(frozen=True, eq=False)
class Cells:
    """For states (n,) the cells places (n, H): k * width <= u <= (k + 1) * width on every axis."""

    states: Ints
    places: Ints
    widths: Array

    def ends(self) -> tuple[Array, Array]:
        """Boxes (n, H) that hold the cells."""
        low, high = self.places * self.widths, (self.places + 1) * self.widths
        return np.nextafter(low, -np.inf), np.nextafter(high, np.inf)

    def hold(self, states: Ints, low: Array, high: Array) -> NDArray[np.bool_]:
        """For which boxes (m, H) of states (m,) all cells that they touch are listed."""
        good = np.zeros(len(states), dtype=np.bool_)
        if not len(self.states):
            return good
        with np.errstate(all="ignore"):
            far = np.maximum(np.abs(low), np.abs(high)) / self.widths
        near = np.flatnonzero(np.asarray((far < 2.0**40).all(1)) & (states >= 0))
        first = np.floor(np.nextafter(low[near] / self.widths, -np.inf)).astype(np.int64)
        last = np.floor(np.nextafter(high[near] / self.widths, np.inf)).astype(np.int64)
        few = (last - first < max(int(_SPAN ** (1 / len(self.widths))), 2)).all(1)
        good[near[few]] = self._listed(states[near][few], first[few], last[few])
        return good

    def _listed(self, states: Ints, first: Ints, last: Ints) -> NDArray[np.bool_]:
        good = np.ones(len(states), dtype=np.bool_)
        spans = (last - first).max(0, initial=0) + 1
        for offset in product(*map(range, spans.tolist())):
            places = first + np.array(offset)
            touched = np.flatnonzero((places <= last).all(1) & good)
            good[touched] = self._known(states[touched], places[touched])
        return good

    def _known(self, states: Ints, places: Ints) -> NDArray[np.bool_]:
        """Whether cells are among those listed, by keys that differ for different ones."""
        low, sizes, keys = self._keys  # numbers of cells, in order
        asked = np.column_stack([states, places])
        inside = np.all((asked >= low) & (asked < low + sizes), axis=1)
        wanted = _keys_of(np.where(inside.reshape(-1, 1), asked - low, 0), sizes)
        where = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.asarray(inside) & (np.asarray(keys[where]) == wanted)

    @cached_property
    def _keys(self) -> tuple[Ints, Ints, Ints]:
        """Least numbers and how many there are, for states and axes, and all keys in order."""
        rows = np.column_stack([self.states, self.places])
        low, sizes = rows.min(0), np.ptp(rows, axis=0) + 1
        if float(np.prod(sizes.astype(np.float64))) >= 2.0**62:
            raise Refused("The certificate's cells are spread too widely.")
        return low, sizes, np.sort(_keys_of(rows - low, sizes))


@dataclass(frozen=True, eq=False)
class Hulls:
    """For states (n,), each at most once, one box (n, H)."""

    states: Ints
    lower: Array
    upper: Array

    def ends(self) -> tuple[Array, Array]:
        """The boxes."""
        return self.lower, self.upper

    def hold(self, states: Ints, low: Array, high: Array) -> NDArray[np.bool_]:
        """Which boxes (m, H) lie in that of their state (m,)."""
        if not len(self.states):
            return np.zeros(len(states), dtype=np.bool_)
        order = np.argsort(self.states)
        where = np.minimum(np.searchsorted(self.states[order], states), len(order) - 1)
        own = order[where]
        inside = (self.lower[own] <= low) & (high <= self.upper[own])
        return np.asarray((self.states[own] == states) & inside.all(1))


Region = Cells | Hulls


def _keys_of(rows: Ints, sizes: Ints) -> Ints:
    found = np.zeros(len(rows), dtype=np.int64)
    for axis in range(rows.shape[1]):
        found = found * sizes[axis] + rows[:, axis]
    return found


def widths_of(values: Any, hidden: int) -> Array:
    """Widths (H,) of cells. Raises: Refused."""
    try:
        found = np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise Refused("The certificate's widths aren't numbers.") from None
    if found.shape != (hidden,) or not ((found > 1e-30) & (found < 1e30)).all():
        raise Refused("The certificate's widths aren't positive numbers, one for each axis.")
    return found
