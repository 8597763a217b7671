"""Claims about loops whose networks err now and then: equal wherever the decisions are clear.

A network with a little noise in its weights answers a few sequences otherwise than the program
that stands for it. Where such answers come with a decision that was close, the claim leaves out
the sequences with decisions as close as that, and says what share of all they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.recurrent_target import Oracle
from dsl.domain import Columns
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop

AT_MOST = 0.05
"""Share of sequences that a claim may leave out, at least."""

_SIDES = 2
"""A decision is moved one way; a margin leaves out as much on its other side."""

_SHOWN = 3


@dataclass
class _Tally:
    """What was seen: the closest decision of every sequence, those of the wrong ones, examples."""

    closest: list[NDArray[np.float64]] = field(default_factory=list)
    of_wrong: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Sequences seen."""
        return sum(len(c) for c in self.closest)


def excepted_claim(
    loop: Loop, oracle: Oracle, blocks: Iterable[Columns], listed: bool, begin: float
) -> Claim | None:
    """Equality outside sequences with a close decision; None where too many would be left out,
    as where program and network differ on clear decisions.

    listed: the blocks hold all sequences of the oracle's length.
    """
    tally, most = _Tally(), _at_most(oracle)
    for columns in blocks:
        _look(loop, oracle, columns, tally)
        if len(tally.of_wrong) > most * max(tally.count, 1 << 14):
            return None
    margin = max(tally.of_wrong)
    left = float((np.concatenate(tally.closest) <= margin).mean())
    wrong = len(tally.of_wrong)
    differs = f"{wrong:,} of {tally.count:,} sequences of length {oracle.length}"
    shown = "; ".join(tally.examples)
    if left > most:
        return None
    text = (
        f"equal on sequences of length {oracle.length} where no decision of the network was "
        f"closer than {margin:.3g}; differs on {differs}: {shown}"
    )
    exempt = f"sequences with a decision of the network closer than {margin:.3g} to another"
    return Claim(
        "proved_to_length" if listed else "tested",
        "exhaustive" if listed else "sampling",
        text,
        achieved=0.0,
        exempt=exempt,
        margin=margin,
        left_out=left,
        arithmetic="network in float32 as run, program in "
        + ("float64" if oracle.over_reals else "whole numbers"),
        count=tally.count,
        seconds=time.perf_counter() - begin,
        length_bound=oracle.length,
    )


def _at_most(oracle: Oracle) -> float:
    """The share that may be left out: over reals every item has its chance of a close decision,
    and the tolerance is the share of outputs that may be others."""
    chance = min(_SIDES * oracle.tolerance, 1.0) if oracle.over_reals else 0.0
    return max(AT_MOST, 1 - (1 - chance) ** oracle.length)


def closest_so_far(oracle: Oracle, raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least margin of a decision up to each item, (n, T), for the network's numbers."""
    return np.minimum.accumulate(oracle.margins(raw), axis=1)


def _look(loop: Loop, oracle: Oracle, columns: Columns, tally: _Tally) -> None:
    raw = oracle.raw(columns)
    with np.errstate(all="ignore"):
        ours, theirs = oracle.read(raw), run_loop(loop, columns)
    differ = (ours != theirs).reshape(*ours.shape[:2], -1).any(2)
    differ &= oracle.counts(differ.shape[1])
    close = closest_so_far(oracle, raw)
    tally.closest.append(close[:, -1])
    for row in np.flatnonzero(differ.any(1)).tolist():
        step = int(differ[row].argmax())
        tally.of_wrong.append(float(close[row, step]))
        if len(tally.examples) < _SHOWN:
            shown = _example(oracle, columns, row, step, ours, theirs)
            tally.examples += [shown] * (shown not in tally.examples)


def _example(oracle: Oracle, columns: Columns, row: int, step: int, ours: Any, theirs: Any) -> str:
    names = [f.name for f in oracle.domain.item.fields]
    items = {n: c[row, : step + 1].tolist() for n, c in zip(names, columns, strict=True)}
    shown = ", ".join(f"{n} = {v}" for n, v in items.items())
    network, program = ours[row, step].tolist(), theirs[row, step].tolist()
    return f"after {shown} the network says {network}, the program {program}"
