"""Claims about sequences that were run: listed again, or drawn again with other seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.draws import at_least
from distill.checker.finding import Finding, State, judged
from distill.checker.induction import FAULTS
from distill.checker.machine import EDGES, TooMany, items_of, machine_of
from distill.checker.sides import decoded
from distill.evidence import Claim
from distill.recurrent_target import Oracle
from dsl.algebra import Undefined, Unsupported
from dsl.cost import loop_bits
from dsl.domain import Columns, DomainError
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop

_WORDS = 1 << 24
_STEPS = 1 << 26
"""Sequences, and items in all of them, that are listed at most."""
_NUMBERS = 1 << 18
_EXACT_EDGES, _EXACT_WORK = 20_000, 4e6
"""States times items that the exact meaning is run on at most, and that times bits of program."""
_FEWEST, _MOST = 1_000, 1 << 17
_BESIDE, _LONG = 8_192, 100
"""Sequences drawn beside a proof, and how long they are where it is for every length."""
CLOSE = "sequences with a decision of the network closer than {:.3g} to another"
"""What a claim about sequences that were run may leave out."""

_EXCEEDED = 20
"""So many differences beyond the closest of as many earlier draws have a chance of 2**-20."""
_SURPRISE = 1e-4
_CLOSE, _SLACK = 1e-5, 1.001


@dataclass
class _Seen:
    """Sequences run, those that differ, those with a decision within the margin, the first that
    differs, and the closest decision."""

    count: int = 0
    wrong: int = 0
    left_out: int = 0
    example: Any = None
    closest: float = np.inf


def listed_findings(oracle: Oracle, loop: Loop, claim: Claim) -> Iterator[Finding]:
    """All sequences up to the claim's length, and how many there are."""
    count, length = oracle.domain.symbols, claim.length_bound
    if not isinstance(length, int) or length < 1 or not _few(count, length):
        yield Finding("refuted", "there are too many sequences to have been listed")
        return
    assert count is not None
    total = count**length
    blocks = (oracle.domain.words(length, a, b) for a, b in _spans(total, length))
    try:
        found = _tally(oracle, loop, blocks, claim)
    except (*FAULTS, DomainError) as fault:
        yield Finding("unknown", f"the sequences couldn't be run ({type(fault).__name__})")
        return
    what = f"all {found.count:,} sequences of length {length} run again"
    outside = " where decisions are clear" if claim.margin > 0 else ""
    yield judged(
        found.wrong == 0,
        f"{what}: {_equal(oracle, claim)}{outside} (the network in its own precision)",
        f"{what}: {found.wrong:,} differ{outside}, {found.example} among them",
    )
    share = found.left_out / total
    if share > claim.left_out + 1e-3:
        yield Finding("refuted", f"{100 * share:.3g} % are left out, more than evidence.json says")
    if claim.verdict != "tested" and not claim.margin:
        told = f"evidence.json counts {claim.count:,} sequences"
        yield judged(claim.count == total, told, f"{told}, and there are {total:,}")
        if not oracle.output.discrete:
            return
        clear = "clear of" if found.closest > _CLOSE else "not clear of"
        text = f"the closest decision has a margin of {found.closest:.4g}"
        yield Finding("note", f"{text}, {clear} the rounding of another order of summation")
    yield _meanings(oracle, loop, length)


def drawn_finding(oracle: Oracle, loop: Loop, claim: Claim, rng: np.random.Generator) -> Finding:
    """Fresh draws: as many as a sampled claim counts, fewer beside a proof."""
    sampled = claim.method == "sampling"
    longest = oracle.domain.longest or _LONG
    length = claim.length_bound or longest
    if not isinstance(length, int) or not 1 <= length <= 10_000:
        return Finding("unknown", f"sequences of length {length} aren't drawn")
    count = min(max(claim.count, _FEWEST), _MOST) if sampled else _BESIDE
    sizes = np.diff(np.append(np.arange(0, count, max(_NUMBERS // length, 1)), count))
    try:
        blocks = (oracle.domain.sample(rng, int(size), length) for size in sizes)
        found = _tally(oracle, loop, blocks, claim)
    except (*FAULTS, DomainError) as fault:
        return Finding("unknown", f"sequences couldn't be drawn and run ({type(fault).__name__})")
    what = f"{found.count:,} fresh uniform sequences of length {length}"
    share = found.left_out / found.count
    spread = np.sqrt(max(share, 1.0 / count) * 2.0 / count)
    if share > claim.left_out + 6 * spread:
        return Finding("refuted", f"{100 * share:.3g} % are left out of {what}, more than is said")
    more = "" if oracle.output.discrete else f" of more than {claim.tolerance or 0.0:.4g}"
    if not found.wrong:
        return Finding("holds", f"no difference{more} in {what}")
    told = f"{found.wrong:,} of {what} differ{more and f' by{more[3:]}'}"
    if sampled and claim.margin > 0 and found.wrong <= _EXCEEDED:
        return Finding("holds", f"{told} where decisions are clear, as few as draws may show")
    state: State = "refuted"
    if sampled and at_least(found.wrong, 3.0) > _SURPRISE:
        state = "unknown"
    return Finding(state, f"{told}, {found.example} among them")


def replayed(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    """A claim that was refuted: its sequence is run again."""
    told = "the evidence says refuted, and"
    try:
        example = claim.counterexample or {}
        rows = [example["inputs"][f.name] for f in oracle.domain.item.fields]
        columns = oracle.domain.item.column(*zip(*rows, strict=True))
        if not len(rows[0]) <= 10_000 or not oracle.domain.item.contains(columns).all():
            return Finding("unknown", f"{told} its sequence is outside the domain")
        found = _tally(oracle, loop, [tuple(c[None] for c in columns)], replace(claim, margin=0.0))
    except (*FAULTS, DomainError):
        return Finding("unknown", f"{told} gives no sequence that shows it")
    if found.wrong:
        return Finding("refuted", f"{told} its sequence {found.example} shows it again")
    return Finding("unknown", f"{told} its sequence shows no difference")


def _equal(oracle: Oracle, claim: Claim) -> str:
    return "equal" if oracle.output.discrete else f"within {claim.tolerance or 0.0:.4g}"


def _few(count: int | None, length: int) -> bool:
    if count is None or count < 1 or length > _STEPS:
        return False
    return count == 1 or (length <= 24 and count**length <= _WORDS and
                          length * count**length <= _STEPS)  # fmt: skip


def _spans(total: int, length: int) -> Iterator[tuple[int, int]]:
    size = max(_NUMBERS // length, 1)
    return ((start, min(start + size, total)) for start in range(0, total, size))


def _tally(oracle: Oracle, loop: Loop, blocks: Iterable[Columns], claim: Claim) -> _Seen:
    """Network and program on sequences; every output counts, or the last one only.

    Decisions within the claim's margin don't count, nor, where it leaves out sequences, those
    after one.
    """
    found = _Seen()
    exempt = claim.margin * _SLACK if claim.margin > 0 else -1.0
    carried = claim.method != "relational"
    for columns in blocks:
        raw = oracle.raw(columns)
        count, length = raw.shape[:2]
        ours, margin = decoded(raw.reshape(count * length, -1), oracle.output)
        with np.errstate(all="ignore"):
            theirs = np.asarray(run_loop(loop, columns)).reshape(count * length, -1)
        differ = _apart(ours, theirs, oracle, claim)
        differ |= ~np.isfinite(raw).reshape(count * length, -1).all(1)
        near = margin.reshape(count, length) <= exempt
        near = np.logical_or.accumulate(near, 1) if carried else near & oracle.counts(length)
        differ = differ.reshape(count, length) & oracle.counts(length) & ~near
        wrong = np.flatnonzero(differ.any(1))
        if len(wrong) and found.example is None:
            found.example = _shown(oracle, columns, int(wrong[0]), int(differ[wrong[0]].argmax()))
        counted = margin.reshape(count, length)[:, oracle.counts(length)]
        found.count += count
        found.wrong += len(wrong)
        found.left_out += int(near.any(1).sum())
        found.closest = min(found.closest, float(counted.min(initial=np.inf)))
    return found


def _apart(
    ours: NDArray[Any], theirs: NDArray[Any], oracle: Oracle, claim: Claim
) -> NDArray[np.bool_]:
    """Rows (n,) of values (n, k) that aren't equal; real ones, not within the claim's tolerance."""
    if oracle.output.discrete:
        return (ours != theirs).any(1)
    with np.errstate(all="ignore"):
        gap = np.abs(ours - theirs)
    within = gap <= (claim.tolerance or 0.0) * (1 + 1e-12)
    return np.logical_not(within.all(1))


def _shown(oracle: Oracle, columns: Columns, row: int, last: int) -> str:
    names = [f.name for f in oracle.domain.item.fields]
    cut = {n: c[row, : last + 1].tolist() for n, c in zip(names, columns, strict=True)}
    return str(cut)[:300]


def _meanings(oracle: Oracle, loop: Loop, length: int) -> Finding:
    """The batch meaning of the loop beside its exact one, on all its states and items."""
    try:
        items = items_of(oracle.domain.item, EDGES)
        most = min(_EXACT_EDGES, int(_EXACT_WORK / loop_bits(loop)))
        machine = machine_of(loop, items, length, most)
        words, told = _walks(machine.next, length), len(machine.next)
        columns = tuple(c[words] for c in oracle.domain.item.points(0, len(items)))
        found = np.asarray(run_loop(loop, columns)).reshape(*words.shape, -1)
    except (TooMany, Unsupported) as reason:
        return Finding("note", f"the loop was run by its batch meaning alone: {reason}")
    except (Undefined, DomainError, *FAULTS) as fault:
        return Finding("unknown", f"the loop has no exact meaning there ({fault})"[:300])
    wanted = _followed(machine.next, machine.outputs, words)
    return judged(
        bool((found == wanted).all()),
        f"the loop's exact meaning gives the same in all its {told:,} states under every item",
        "the loop's exact meaning and its batch meaning differ",
    )


def _walks(following: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Words that pass every state that is followed with every item, padded with item 0."""
    path: dict[int, list[int]] = {0: []}
    words: list[list[int]] = []
    for state in range(len(following)):
        if following[state, 0] < 0:
            continue
        for item, after in enumerate(following[state].tolist()):
            word = [*path[state], item]
            path.setdefault(after, word)
            words.append(word + [0] * (length - len(word)))
    return np.array(words, dtype=np.int64)


def _followed(
    following: NDArray[np.int64], outputs: NDArray[np.float64], words: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The machine's outputs on words."""
    state = np.zeros(len(words), dtype=np.int64)
    found = []
    for column in words.T:
        found.append(outputs[state, column])
        state = following[state, column]
    return np.stack(found, 1)
