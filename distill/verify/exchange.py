"""Least values of linear forms on template polytopes, bounded by multipliers of few rows.

A polytope is `lower <= M h <= upper` for a tall M (m, H) of known rows. A basis is H of them; it
writes any a as a = w M, and then a h >= sum of w_i times the lower or upper end of row i: every
basis gives a bound, whatever rounding did to it. `improved` exchanges rows, one at a time, as the
dual simplex method does, for many forms at once; where it ends early a bound is merely looser.
Source: Sankaranarayanan, Sipma and Manna, Scalable analysis of linear systems using mathematical
programming (VMCAI 2005), for the polytopes; the bounds are weak duality.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill.normal_form import Array
from distill.verify.machine import Ints
from distill.verify.rounding import SLACK, TINY, down, gamma

_CLOSE = 1e-7
"""A row that is broken by less than this part of its width is taken as kept."""
_FLAT = 1e-7
"""Least size of a pivot."""


@dataclass(frozen=True, eq=False)
class Polytopes:
    """Many polytopes: rows (b, m, H), of which the first H are the coordinates, ends (b, m)."""

    rows: Array
    lower: Array
    upper: Array

    def at(self, which: Ints) -> Polytopes:
        """Some of them."""
        return Polytopes(self.rows[which], self.lower[which], self.upper[which])

    @property
    def largest(self) -> Array:
        """Sizes (b, H) of the coordinates, at most."""
        hidden = self.rows.shape[2]
        return np.maximum(np.abs(self.lower[:, :hidden]), np.abs(self.upper[:, :hidden]))


def coordinates(forms: int, counts: int, hidden: int) -> Ints:
    """The bases (forms, counts, H) of the coordinates, to begin with."""
    return np.broadcast_to(np.arange(hidden), (forms, counts, hidden)).copy()


def improved(polytopes: Polytopes, forms: Array, bases: Ints, rounds: int) -> Ints:
    """Bases (b, r, H) with which forms (b, r, H) are bounded better, after so many exchanges."""
    bases = bases.copy()
    with np.errstate(all="ignore"):
        inverses = _inverses(polytopes, bases)
        waiting = np.nonzero(np.isfinite(inverses).all((2, 3)))
        for _ in range(rounds):
            if not len(waiting[0]):
                break
            waiting = _exchanged(polytopes, forms, bases, inverses, waiting)
    return bases


Places = tuple[Ints, ...]


def _exchanged(
    polytopes: Polytopes, forms: Array, bases: Ints, inverses: Array, waiting: Places
) -> Places:
    """One row of each basis given up for one that its point breaks, in place; what may gain more.

    The point is where all rows of the basis are at the ends that their signs ask for.
    """
    box, form = waiting
    few = np.arange(len(box))
    basis, inverse = bases[box, form], inverses[box, form]
    ends = polytopes.lower[box], polytopes.upper[box]
    weights = np.einsum("nh,nhk->nk", forms[box, form], inverse)
    held = np.where(weights >= 0, *(np.take_along_axis(end, basis, 1) for end in ends))
    point = np.einsum("nhk,nk->nh", inverse, held)
    seen = np.einsum("nmh,nh->nm", polytopes.rows[box], point)
    short = ends[0] - seen
    width = ends[1] - ends[0]
    width = np.where(np.isfinite(width), width, 1.0)  # an end that is missing is never broken
    broken = np.maximum(short, seen - ends[1]) / (width + 1e-12)
    np.put_along_axis(broken, basis, -1.0, 1)
    entering = broken.argmax(1)
    row = polytopes.rows[box, entering]
    moves = np.einsum("nh,nhk->nk", row, inverse)
    toward = np.where((short[few, entering] > 0)[:, None] == (weights >= 0), moves, -moves)
    ratio = np.where(toward > _FLAT, np.abs(weights) / np.where(toward > _FLAT, toward, 1), np.inf)
    leaving = ratio.argmin(1)
    good = (broken[few, entering] > _CLOSE) & np.isfinite(ratio[few, leaving])
    box, form, leaving, entering = box[good], form[good], leaving[good], entering[good]
    moves, few = moves[good], np.arange(len(box))
    pivot = moves[few, leaving]
    column = inverse[good][few, :, leaving] / pivot[:, None]
    moves[few, leaving] -= 1.0
    inverses[box, form] -= column[:, :, None] * moves[:, None, :]
    bases[box, form, leaving] = entering
    return box, form


def _inverses(polytopes: Polytopes, bases: Ints) -> Array:
    """Of the rows of every basis, (b, r, H, H); nan where there is none."""
    which = np.arange(len(bases))[:, None, None]
    matrices = polytopes.rows[which, bases]
    try:
        return np.asarray(np.linalg.inv(matrices), dtype=np.float64)
    except np.linalg.LinAlgError:
        flat = matrices.reshape(-1, *matrices.shape[2:])
        found = np.full_like(flat, np.nan)
        sound = np.linalg.matrix_rank(flat) == flat.shape[1]
        found[sound] = np.linalg.inv(flat[sound])
        return found.reshape(matrices.shape)


def least(polytopes: Polytopes, forms: Array, doubt: Array, bases: Ints) -> Array:
    """At most the least values (b, r) of forms a h, (b, r, H), each a wrong by at most `doubt`.

    What the weights of a basis lack, and rounding, count times the sizes of the coordinates.
    """
    which, hidden = np.arange(len(bases))[:, None, None], forms.shape[2]
    with np.errstate(all="ignore"):
        weights = np.einsum("brh,brhk->brk", forms, _inverses(polytopes, bases))
        used = polytopes.rows[which, bases]
        lacking = np.abs(forms - np.einsum("brk,brkh->brh", weights, used))
        size = np.abs(forms) + np.einsum("brk,brkh->brh", np.abs(weights), np.abs(used))
        lacking = lacking + doubt + gamma(hidden + 4) * size
        ends = np.where(weights >= 0, polytopes.lower[which, bases], polytopes.upper[which, bases])
        products = weights * ends
        lost = np.einsum("brh,bh->br", lacking, polytopes.largest)
        lost = lost + gamma(hidden + 4) * np.abs(products).sum(2)
        found = down(products.sum(2) - lost * SLACK - TINY, 2)
        return np.where(np.isnan(found), -np.inf, found)
