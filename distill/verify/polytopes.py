"""Induction with a template polytope of hidden states for each state of the program.

Boxes move the rounding of a step on through all weights, whatever their signs, and tell nothing of
what two hidden numbers have to do with each other: networks of five and more hidden numbers seldom
have boxes that close. A polytope is bounded along chosen directions (`template`) instead. Its image
under an item is bounded along the next state's directions by lines below and above the step, whose
least values on the polytope follow from multipliers (`exchange`); float32 rounding is added, and
the images are taken together until nothing grows.
Source: template polyhedra as in Sankaranarayanan, Sipma and Manna (VMCAI 2005).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from distill.evidence import Claim
from distill.normal_form import Array, Elementwise
from distill.recurrent_target import Oracle
from distill.verify.bounds import box_price
from distill.verify.crown import enclose, lines_below
from distill.verify.envelope import error_within
from distill.verify.exchange import Polytopes, coordinates, improved, least
from distill.verify.frames import plain_frame, seen_along
from distill.verify.images import Stepper, Work, of_length, same_outputs, with_room
from distill.verify.machine import Ints, remembering, steps_of
from distill.verify.packed import packed_floats, packed_rows
from distill.verify.rounding import SLACK, TINY, down, gamma
from distill.verify.template import Reading, Seen, directions, seen
from dsl.loop import Loop
from dsl.types import BOOL, INT

_WORK = 10_000_000
"""Steps of work in all, as `distill.run.budget` counts them."""
_WIDEST, _STATES, _MEMORIES = 64, 600, (0, 2, 4, 6)
_TEMPLATES = ((2, 24), (6, 40))
"""Items that a state's own directions look ahead, and how many of them there are at most."""
_DRAWS, _LENGTH = 1_024, 60
_ROUNDS, _EARLY = 60, 2
"""Rounds of growing; a template that fails in the first few isn't worth a larger one."""
_WIDEN = 0.3
"""Part of its growth by which an end is moved on, twice as much every fifth round."""
_SPARE = 1e-3
"""Part of an image's width that is left for a checker that lays other lines around relus."""
_NUMBERS = 1 << 22


def polytopes_claim(
    loop: Loop, oracle: Oracle, seed: int = 0, steps_at_most: int = _WORK
) -> Claim | None:
    """Equality on sequences of every length; None where no polytopes close within so much work."""
    begin, work = time.perf_counter(), Work(steps_at_most)
    for met, systems in _systems(loop, oracle, seed):
        for system in systems:
            found, rounds = _closed(system, met, work)
            if found is not None:
                return _claim(system, found, begin)
            if rounds < _EARLY:
                break
        if work.left <= 0:
            return None
    return None


@dataclass(frozen=True, eq=False)
class System:
    """A network beside a program, and the directions (s, m, H) of every state of the program."""

    stepper: Stepper
    reading: Reading
    rows: Array

    @cached_property
    def outputs(self) -> int:
        """Numbers of an output."""
        return self.stepper.oracle.network.output_width

    @cached_property
    def bounded(self) -> int:
        """Lines that are followed back for a state and an item."""
        return 2 * (self.rows.shape[1] + self.outputs)

    def price(self, edges: int) -> int:
        """Steps of work that so many images take."""
        _, rows, hidden = self.rows.shape
        return edges * (self.bounded * rows * hidden // 6 + box_price(self.reading.form))


@dataclass(eq=False)
class Images:
    """What every state's polytope leads to under every item: ends (s, a, m) along the directions of
    the next state, whether outputs are right (s, a), and the bases (s, a, r, H) that show it."""

    lower: Array
    upper: Array
    right: np.ndarray
    bases: Ints


def _systems(loop: Loop, oracle: Oracle, seed: int) -> Iterator[tuple[Seen, Iterator[System]]]:
    """Programs with more and more memory; for each the templates, small ones first."""
    cell, hidden = oracle.network.cell.normal_form(), oracle.network.hidden
    bent = any(isinstance(n, Elementwise) and 0 in n.sources for n in cell.nodes)
    if oracle.output.scalar not in (INT, BOOL) or not 2 <= hidden <= _WIDEST or bent:
        return
    base, reading = steps_of(loop, oracle), Reading(cell, hidden)
    for memory in _MEMORIES:
        steps = None if base is None else remembering(base, memory)
        if steps is None or len(steps.next) > _STATES:
            return
        stepper = Stepper(oracle, steps, plain_frame(hidden), memory)
        if not oracle.representable(stepper.items):
            return
        met = seen(oracle, steps, stepper.items, seed, _DRAWS, _LENGTH)
        yield met, (System(stepper, reading, rows) for rows in _templates(reading, stepper, met))


def _templates(reading: Reading, stepper: Stepper, met: Seen) -> Iterator[Array]:
    for levels, most in _TEMPLATES:
        yield directions(reading, stepper.steps, stepper.items, met, levels, most)


@dataclass(frozen=True, eq=False)
class Closed:
    """States that are reached (n,), their polytopes, and the bases (n, a, r, H) of their images."""

    states: Ints
    polytopes: Polytopes
    bases: Ints


def _closed(system: System, met: Seen, work: Work) -> tuple[Closed | None, int]:
    """Polytopes that lead into each other, else how many rounds were right."""
    lower, upper = _met(system, met)
    images, states = _none(system), np.flatnonzero(np.isfinite(lower[:, 0]))
    steps = system.stepper.steps
    for rounds in range(_ROUNDS):
        if not work.spend(system.price(len(states) * len(system.stepper.items))):
            return None, rounds
        _follow(system, Polytopes(system.rows, lower, upper), images, states)
        known = np.isfinite(lower[:, 0])
        if not images.right[known].all():
            return None, rounds
        low, high, after = lower.copy(), upper.copy(), steps.next[known]
        np.minimum.at(low, after, images.lower[known])
        np.maximum.at(high, after, images.upper[known])
        if (low >= lower).all() and (high <= upper).all():
            found = Polytopes(system.rows[known], lower[known], upper[known])
            return Closed(np.flatnonzero(known), found, images.bases[known]), rounds
        more = _WIDEN * 2.0 ** (rounds // 5)
        with np.errstate(invalid="ignore"):  # ends that were infinite aren't moved on
            low -= np.where(known[:, None], more * (lower - low), 0.0)
            high += np.where(known[:, None], more * (high - upper), 0.0)
        states = np.flatnonzero(((low < lower) | (high > upper)).any(1))
        lower, upper = low, high
    return None, _ROUNDS


def _met(system: System, met: Seen) -> tuple[Array, Array]:
    """Ends (s, m) of what was met, infinite where nothing was, the first state surely inside."""
    lower = np.full(system.rows.shape[:2], np.inf)
    upper = -lower
    for state in np.unique(met.states):
        values = met.hidden[met.states == state] @ system.rows[state].T
        lower[state], upper[state] = values.min(0), values.max(0)
    low, high = seen_along(system.rows[0], system.stepper.oracle.network.initial)
    lower[0], upper[0] = np.minimum(lower[0], low), np.maximum(upper[0], high)
    return lower, upper


def _none(system: System) -> Images:
    (states, count), rows = system.stepper.steps.next.shape, system.rows.shape[1]
    hidden = system.reading.hidden
    bases = coordinates(states * count, system.bounded, hidden)
    return Images(
        np.full((states, count, rows), np.inf),
        np.full((states, count, rows), -np.inf),
        np.zeros((states, count), dtype=np.bool_),
        bases.reshape(states, count, system.bounded, hidden),
    )


def _follow(system: System, polytopes: Polytopes, images: Images, states: Ints) -> None:
    """Bring the images of some states up to date."""
    count = len(system.stepper.items)
    pairs = np.repeat(states, count), np.tile(np.arange(count), len(states))
    rows = system.rows.shape[1]
    size = max(_NUMBERS // (system.bounded * (rows + system.reading.hidden**2)), 1)
    for start in range(0, len(pairs[0]), size):
        state, item = (p[start : start + size] for p in pairs)
        bases = images.bases[state, item]
        low, high, bases = _image(system, polytopes.at(state), state, item, bases)
        wanted = system.stepper.steps.outputs[state, item].reshape(len(state), -1)
        oracle = system.stepper.oracle
        images.right[state, item] = same_outputs(oracle, low[:, rows:], high[:, rows:], wanted)
        images.lower[state, item], images.upper[state, item] = low[:, :rows], high[:, :rows]
        images.bases[state, item] = bases


def _image(
    system: System, polytopes: Polytopes, state: Ints, item: Ints, bases: Ints
) -> tuple[Array, Array, Ints]:
    """Bounds (e, m + k) along the next state's directions and of outputs, as float32 computes
    them, and bases that show them."""
    reading, stepper, hidden = system.reading, system.stepper, system.reading.hidden
    shared, items = len(reading.rows), stepper.items[item]
    box = tuple(np.concatenate([end[:, :shared], items], 1)
                for end in (polytopes.lower, polytopes.upper))  # fmt: skip
    found = enclose(reading.form, *box)
    rows = _wanted(system, stepper.steps.next[state, item])
    lines = lines_below(reading.form, found, np.concatenate([rows, -rows], 1))
    slopes, fixed = lines.slopes[:, :, :shared], lines.slopes[:, :, shared:]
    forms = slopes @ reading.rows
    doubt = gamma(shared + 2) * (np.abs(slopes) @ np.abs(reading.rows))
    bases = improved(polytopes, forms, bases, 2 * hidden + 6)
    below = np.maximum(_on_box(slopes, *(end[:, :shared] for end in box)),
                       least(polytopes, forms, doubt, bases))  # fmt: skip
    parts = fixed * items[:, None]
    size = np.abs(lines.constant) + np.abs(parts).sum(2) + np.abs(below)
    lost = (lines.error + gamma(parts.shape[2] + 4) * size) * SLACK + TINY
    below = down(lines.constant + parts.sum(2) + below - lost, 2)
    below = np.where(np.isnan(below), -np.inf, below)
    low, high = below[:, : rows.shape[1]], -below[:, rows.shape[1] :]
    own = dict(found.ranges)
    own[0] = (
        np.concatenate([polytopes.lower[:, :hidden], items], 1),
        np.concatenate([polytopes.upper[:, :hidden], items], 1),
    )
    error = error_within(stepper.oracle.network.cell.normal_form(), own)
    error = np.einsum("erh,eh->er", np.abs(rows), error) * SLACK
    return *with_room(low, high, error + _SPARE * (high - low)), bases


def _wanted(system: System, after: Ints) -> Array:
    """The next states' directions, then the outputs, as rows (e, m + k, H + k) of (h', y)."""
    directions, outputs = system.rows[after], system.outputs
    rows, hidden = directions.shape[1:]
    found = np.zeros((len(after), rows + outputs, hidden + outputs))
    found[:, :rows, :hidden] = directions
    found[:, rows:, hidden:] = np.eye(outputs)
    return found


def _on_box(slopes: Array, lower: Array, upper: Array) -> Array:
    """At most the least values (e, r) of slopes (e, r, p) on boxes."""
    with np.errstate(all="ignore"):
        products = slopes * np.where(slopes >= 0, lower[:, None], upper[:, None])
        lost = gamma(products.shape[2] + 2) * np.abs(products).sum(2) * SLACK + TINY
        return down(products.sum(2) - lost, 2)


def _claim(system: System, found: Closed, begin: float) -> Claim:
    stepper, polytopes = system.stepper, found.polytopes
    rows, hidden = polytopes.rows.shape[1:]
    text = (
        "equal on sequences of every length: polytopes of the hidden space for "
        f"{len(found.states):,} {stepper.wording} lead into each other with equal outputs"
    )
    certificate = {
        **stepper.described("polytopes"),
        "states": packed_rows(found.states[:, None]),
        "directions": rows,
        "rows": packed_floats(polytopes.rows.reshape(-1, hidden)),
        "ends": packed_floats(np.concatenate([polytopes.lower, polytopes.upper], 1)),
        "bases": packed_rows(found.bases.reshape(-1, hidden)),
    }
    claim = of_length("proved", text, None, begin)
    return replace(claim, count=len(found.states), certificate=certificate)
