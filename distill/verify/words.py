"""Loops beside recurrent networks: all words of a length, draws, and where they first part."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.recurrent_target import Oracle
from distill.verify.beam import departing
from distill.verify.cells import cells_claim
from distill.verify.exceptions import excepted_claim
from distill.verify.float_states import float_states_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.linear_loops import linear_claim
from distill.verify.polytopes import polytopes_claim
from dsl.domain import Columns
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop

LISTED = 1 << 16
"""Words that are listed in any case, and (below) for the length the network was made for."""

LISTED_AT_MOST = 1 << 20
DRAWS = 65_536
_BLOCK = 1 << 14
_FEW, _LONG, _FRESH = 64, 400, 0.05
"""Sequences of each kind, their length, and how often those that repeat an item take another."""
_ARITHMETIC = "network in float32 as run, program in whole numbers"
_FLOATS = "network in float32 as run, program in float64"


def words_claim(loop: Loop, oracle: Oracle, seed: int) -> Claim:
    """What is known about a loop beside its network: proofs come first (`proof_of`), else what
    running words shows (`run_claim`)."""
    begin = time.perf_counter()
    proof = proof_of(loop, oracle, seed)
    if proof is not None and proof.verdict == "proved":
        return proof
    length = longest_listed(oracle)
    if proof is not None and (proof.length_bound or 0) >= length:
        return proof
    return run_claim(loop, oracle, seed, begin)


def run_claim(loop: Loop, oracle: Oracle, seed: int, begin: float) -> Claim:
    """What words that are run show, where they are few enough all of a length.

    That is a proof up to that length, or up to the item before the first difference, if that is
    the network's own length at least. Otherwise sequences of that length are drawn, and all
    shorter words are listed beside them.
    """
    length = longest_listed(oracle)
    found = first_difference(loop, oracle, all_words(oracle, length)) if length else None
    if found is not None and found[0] <= oracle.length:
        return _outside(loop, oracle, seed, begin) or _refuted(found[1], oracle, begin)
    if length >= oracle.length:
        return _listed(oracle, length if found is None else found[0] - 1, found, begin)
    departs = first_difference(loop, oracle, _looked_at(loop, oracle, seed))
    if departs is None:
        return _tested(length, oracle, begin)
    return _outside(loop, oracle, seed, begin) or _refuted(departs[1], oracle, begin)


def _outside(loop: Loop, oracle: Oracle, seed: int, begin: float) -> Claim | None:
    """Equality but for few sequences, where those differ that were run."""
    total = (oracle.domain.symbols or 0) ** oracle.length
    if 0 < total <= LISTED_AT_MOST:
        blocks = all_words(oracle, oracle.length)
        return excepted_claim(loop, oracle, blocks, True, begin)
    return excepted_claim(loop, oracle, _looked_at(loop, oracle, seed), False, begin)


def _looked_at(loop: Loop, oracle: Oracle, seed: int) -> Iterator[Columns]:
    """Sequences of the network's own length: draws, and one that was searched for."""
    yield from drawn(oracle, seed, oracle.length, DRAWS)
    found = departing(loop, oracle, seed, oracle.length)
    if found is not None:
        yield found


def proof_of(loop: Loop, oracle: Oracle, seed: int) -> Claim | None:
    """The strongest proof that needs no listing: for every length, else for the longest.

    Boxes of the hidden space that close, grid cells or polytopes show equality for every length and
    every order of summation, states of float32 that are few for a stated order; affine cells beside
    linear loops, compared exactly, cells and boxes up to a length. None for cells that can't be
    looked into.
    """
    if oracle.network.cell.opaque or oracle.domain.symbols is None:
        return None
    sure = closed_claim(loop, oracle, seed) or linear_claim(loop, oracle)
    if sure is not None:
        return sure
    cells = cells_claim(loop, oracle, seed)
    if cells is not None and cells.verdict == "proved":
        return cells
    if not departs_in_time(loop, oracle, seed):
        endless = polytopes_claim(loop, oracle, seed) or float_states_claim(loop, oracle)
        if endless is not None:
            return endless
    boxes = boxes_claim(loop, oracle, seed)
    if cells is None or boxes is None:
        return cells or boxes
    return max(boxes, cells, key=lambda claim: claim.length_bound or 0)


def longest_listed(oracle: Oracle) -> int:
    """The length whose words are listed; 0 where there are too many of length 1."""
    count = oracle.domain.symbols
    if count is None or count > LISTED:
        return 0
    if count == 1:
        return oracle.length
    length = 1
    while count ** (length + 1) <= LISTED:
        length += 1
    wanted = oracle.length if count**oracle.length <= LISTED_AT_MOST else 0
    return max(length, wanted)


def all_words(oracle: Oracle, length: int) -> Iterator[Columns]:
    """All sequences of a length, in blocks."""
    total = (oracle.domain.symbols or 0) ** length
    for start in range(0, total, _BLOCK):
        yield oracle.domain.words(length, start, min(start + _BLOCK, total))


def drawn(oracle: Oracle, seed: int, length: int, count: int) -> Iterator[Columns]:
    """Independent uniform sequences, in blocks."""
    rng = np.random.default_rng([seed, 21])
    for start in range(0, count, _BLOCK):
        yield oracle.domain.sample(rng, min(_BLOCK, count - start), length)


def differences(loop: Loop, oracle: Oracle, columns: Columns) -> NDArray[np.bool_]:
    """Where outputs differ, (n, T)."""
    with np.errstate(all="ignore"):
        ours, theirs = oracle.values(columns), run_loop(loop, columns)
    return oracle.differ(ours, theirs) & oracle.counts(ours.shape[1])


Departure = tuple[int, dict[str, Any]]
"""The first item, counted from 1, at which they differ, and the sequence up to it."""


def first_difference(loop: Loop, oracle: Oracle, blocks: Iterable[Columns]) -> Departure | None:
    """The shortest prefix of all blocks on which they differ, with both outputs."""
    best: Departure | None = None
    for columns in blocks:
        differ = differences(loop, oracle, columns)
        if differ.any():
            steps = np.where(differ.any(1), differ.argmax(1), differ.shape[1])
            row = int(steps.argmin())
            if best is None or steps[row] + 1 < best[0]:
                best = (int(steps[row]) + 1, _example(loop, oracle, columns, row, int(steps[row])))
    return best


def _example(loop: Loop, oracle: Oracle, columns: Columns, row: int, last: int) -> dict[str, Any]:
    cut = tuple(c[row : row + 1, : last + 1] for c in columns)
    names = [f.name for f in oracle.domain.item.fields]
    return {
        "inputs": {n: c[0].tolist() for n, c in zip(names, cut, strict=True)},
        "network": np.asarray(oracle.values(cut)[0, -1]).tolist(),
        "program": np.asarray(run_loop(loop, cut)[0, -1]).tolist(),
    }


def _arithmetic(oracle: Oracle) -> str:
    return _ARITHMETIC if not oracle.over_reals else _FLOATS


def first_departure(loop: Loop, oracle: Oracle, seed: int, length: int = 50) -> int | None:
    """The first item, counted from 1, at which one of 4,096 drawn sequences, or one that was
    searched for, shows a difference."""
    found = departing(loop, oracle, seed + 1, length)
    blocks = [*drawn(oracle, seed + 1, length, 4096), *([] if found is None else [found])]
    seen = (differences(loop, oracle, columns).any(0) for columns in blocks)
    return min((int(d.argmax()) + 1 for d in seen if d.any()), default=None)


def departs_in_time(loop: Loop, oracle: Oracle, seed: int) -> bool:
    """Whether one of few sequences much longer than the network's own shows a difference, so that
    no proof for every length is to be had: uniform ones, and ones that repeat their items."""
    rng = np.random.default_rng([seed, 23])
    columns = oracle.domain.sample(rng, 2 * _FEW, _LONG)
    fresh = np.where(rng.random((_FEW, _LONG)) < _FRESH, np.arange(_LONG), 0)
    places = np.concatenate([np.tile(np.arange(_LONG), (_FEW, 1)),
                             np.maximum.accumulate(fresh, axis=1)])  # fmt: skip
    rows = np.arange(2 * _FEW)[:, None]
    return bool(differences(loop, oracle, tuple(c[rows, places] for c in columns)).any())


def _listed(oracle: Oracle, length: int, departs: Departure | None, begin: float) -> Claim:
    total = (oracle.domain.symbols or 0) ** length
    text = f"equal on all {total:,} sequences of length {length}, and so on all shorter ones"
    if departs is not None:
        text += f"; first difference at item {departs[0]} of {departs[1]['inputs']}"
    return Claim(
        "proved_to_length",
        "exhaustive",
        text,
        achieved=0.0,
        arithmetic=_arithmetic(oracle),
        count=total,
        seconds=time.perf_counter() - begin,
        length_bound=length,
    )


def _tested(listed: int, oracle: Oracle, begin: float) -> Claim:
    text = (
        f"no difference in {DRAWS:,} independent uniform sequences of length {oracle.length}: with "
        f"95 % confidence at most {3 / DRAWS:.2g} of them differs"
    )
    if listed:
        text += f"; equal on all sequences up to length {listed}"
    return Claim(
        "tested",
        "sampling",
        text,
        achieved=0.0,
        arithmetic=_arithmetic(oracle),
        count=DRAWS,
        seconds=time.perf_counter() - begin,
        length_bound=oracle.length,
    )


def _refuted(example: dict[str, Any], oracle: Oracle, begin: float) -> Claim:
    return Claim(
        "refuted",
        "exhaustive",
        "differs on a sequence",
        arithmetic=_arithmetic(oracle),
        seconds=time.perf_counter() - begin,
        counterexample=example,
        length_bound=oracle.length,
    )
