"""Loops for a network that errs now and then: they agree with it on most sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from distill.synthesize.loops.accumulate import accumulators, updates
from distill.synthesize.loops.assemble import loop_of_recurrence
from distill.synthesize.loops.explain import Depth
from distill.synthesize.loops.linear import recurrence
from distill.synthesize.loops.registers import Memory
from distill.synthesize.loops.routes import Proposal, Scene, as_memory
from distill.synthesize.loops.solve import loops_of
from distill.synthesize.loops.traces import Traces, without

_TRIED = 12
_SETS = 8
_OUTVOTED = 0.01
_VOTERS = 3.0
_LISTED = 80
_PRICE = 300.0
"""Cost that rows are worth which a set leaves unsaid, all of them together."""

Outvoted = NDArray[np.bool_]


def linear(traces: Traces, tolerance: float = 0.0) -> Iterator[Proposal]:
    """The linear recurrence that gives all outputs but for a share of them."""
    truth = traces.outputs.dtype == np.bool_
    found = recurrence(replace(traces, outputs=traces.outputs.astype(np.int64)), tolerance)
    if found is not None:
        yield "linear", loop_of_recurrence(found, traces.inputs, truth)


def nearly(scene: Scene, depth: Depth, tables: bool = False) -> Iterator[Proposal]:
    """Loops whose registers nearly say the output: rows that are outvoted no longer matter.

    tables: give tables instead of expressions, as the last resort.
    """
    for chosen, outvoted in islice(_outvoting(scene), _SETS):
        if scene.stop():
            return
        traces = without(scene.traces, scene.rows.where[outvoted])
        made = False
        for loop in loops_of(traces, chosen, scene.counted, depth, scene.stop, tables):
            made = True
            yield "nearly", loop
        if made:
            return


def _outvoting(scene: Scene) -> Iterator[tuple[tuple[Memory, ...], Outvoted]]:
    """Sets that nearly say the output, with the rows where they say another: cheap ones with few
    such rows first, then accumulators."""
    listed = [(s, _outvoted(scene, s)) for s in scene.sets.nearly()[:_LISTED]]
    kept = [(s, o) for s, o in listed if o is not None]
    yield from sorted(kept, key=lambda k: sum(m.cost for m in k[0]) + _PRICE * k[1].mean())
    for chosen in _near_accumulators(scene):
        found = _outvoted(scene, chosen)
        if found is not None:
            yield chosen, found


def _outvoted(scene: Scene, chosen: Sequence[Memory]) -> Outvoted | None:
    outvoted, repeats = scene.rows.outvoted([scene.rows.codes(m) for m in chosen])
    return None if outvoted.mean() > _OUTVOTED or repeats < _VOTERS else outvoted


def _near_accumulators(scene: Scene) -> Iterator[tuple[Memory]]:
    alphabet = scene.alphabet
    if alphabet is None:
        return
    found = updates(alphabet, scene.counted, 5, 20_000, scene.stop)
    for one in islice(accumulators(found, alphabet, (0, 1, -1), _OUTVOTED), _TRIED):
        yield (as_memory(scene, one),)
