"""Recurrent networks, from cell to loop with evidence: the pipeline of sequences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from distill.errors import BadInput
from distill.evidence import Claim
from distill.literal_loop import literal_loop
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle, parse_reading
from distill.remembered import claim_recalled, joined, loops_recalled, oracle_content
from distill.run.budget import Budget, Progress, Stage, Stop, silent
from distill.run.memory import NOTHING, Memory
from distill.synthesize.loops.real_search import SOFT, search_real_loops
from distill.synthesize.loops.search import Found, search_loops
from distill.target import Output, check_width, parse_output
from distill.verify.real_words import real_claim
from distill.verify.unrolled import unrolled_claim
from distill.verify.words import first_departure, words_claim
from dsl.cost import loop_bits
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.program import const, prim
from dsl.sequences import Sequences, parse_sequences
from dsl.sequences_items import by_number
from dsl.types import BOOL, INT, Category

_LONGEST = 30
_SHORTEST = 4
_AT_MOST = 1_000
_USUALLY = 0.98
"""Share of sequences that must be clear up to a length for it to be searched at."""

_NEAR = 0.35
"""How near to a whole number an output must be to be one clearly."""

_SHARE = 0.01
"""Of the range of real outputs, or of discrete ones over reals: the tolerance by default."""

_LOOKED_AT = 512
_ASKED = 6
DEPARTS = 50
"""How long the sequences are on which program and network are followed beyond the claim."""


@dataclass(frozen=True, eq=False)
class LoopOutcome:
    """A loop for an oracle with its claim, and what else was found.

    front: the loops that agreed with the network on its traces, shortest first; own: the
    network's arithmetic, by which its bits are counted, None for a plain function; finished:
    whether the search ran to its end; literal: whether the program is the network's own
    arithmetic because no loop stood; departs: the first item at which sequences of `DEPARTS`
    items showed a difference, where the domain has such.
    """

    oracle: Oracle
    program: Loop
    claim: Claim
    bits: float
    route: str
    own: Loop | None
    network_bits: float
    front: tuple[Found, ...] = ()
    finished: bool = True
    literal: bool = False
    departs: int | None = None


def make_oracle(
    network: RecurrentNetwork,
    inputs: str | Sequences,
    outputs: str | None = None,
    length: int | None = None,
    seed: int = 0,
    tolerance: float | None = None,
) -> Oracle:
    """Put a recurrent network on a domain of sequences.

    outputs: "seq(int)" for one per item, "int" for the one at the end. Without `outputs` they are
    truth values where the network answers 0 and 1 only, else whole numbers, one per item unless
    the model itself answers at the end only. length: how long the sequences of the search are;
    without it as long as the domain allows, or 30, and no longer than the network's decisions
    stay clear. tolerance: see `Oracle`; without it 1 % of the outputs' range, or of the outputs.

    Raises:
        BadInput: the domain isn't one of sequences or doesn't fit, outputs aren't near whole
            numbers, or a tolerance is given where outputs are compared for equality.
    """
    domain = _domain(network, inputs)
    most = _searched_length(network, domain, length)
    raw = _looked_at(network, domain, most, seed)
    read, at_end = _reading(network, raw, outputs)
    _check_outputs(raw, read, at_end)
    oracle = _tolerant(Oracle(network, domain, read, most, at_end), raw, tolerance)
    if length or network.length:
        return oracle
    held = oracle.clear(raw).mean(0) >= _USUALLY
    return replace(oracle, length=max(int(held.sum()), min(_SHORTEST, most)))


def _tolerant(oracle: Oracle, raw: np.ndarray, tolerance: float | None) -> Oracle:
    """The oracle with the tolerance given, else the default one; `raw`: some of its outputs."""
    if not oracle.real and not oracle.over_reals:
        if tolerance is not None:
            raise BadInput(
                f"a tolerance goes with real numbers; {oracle.output.type} outputs over whole "
                "items are compared for equality, so leave it out or say 'real' or 'seq(real)'"
            )
        return oracle
    if tolerance is not None:
        return replace(oracle, tolerance=tolerance)
    spread = float(np.ptp(raw.reshape(-1, raw.shape[2]), axis=0).max()) if oracle.real else 1.0
    return replace(oracle, tolerance=_SHARE * (spread or 1.0), soft=oracle.real)


def read_sequences(inputs: str | Sequences) -> Sequences:
    """A domain of sequences from its text, items as single numbers.

    Raises:
        BadInput: it can't be read.
    """
    try:
        domain = parse_sequences(inputs) if isinstance(inputs, str) else inputs
    except DomainError as error:
        raise BadInput(str(error)) from None
    return replace(domain, item=by_number(domain.item))


def _domain(network: RecurrentNetwork, inputs: str | Sequences) -> Sequences:
    domain = read_sequences(inputs)
    if domain.item.width != network.input_width:
        raise BadInput(
            f"an item of '{domain}' fills {domain.item.width} inputs, and the cell takes "
            f"{network.input_width}"
        )
    return domain


def _searched_length(network: RecurrentNetwork, domain: Sequences, length: int | None) -> int:
    most = length or network.length or domain.longest or _LONGEST
    if not 2 <= most <= _AT_MOST:
        raise BadInput(f"the length must be from 2 to {_AT_MOST}, not {most}")
    if length is not None and not domain.shortest <= length <= (domain.longest or length):
        raise BadInput(f"there are no sequences of length {length} in the domain '{domain}'")
    return most


def _looked_at(network: RecurrentNetwork, domain: Sequences, length: int, seed: int) -> np.ndarray:
    """The network's numbers (n, T, k) on a few sequences."""
    try:
        columns = domain.sample(np.random.default_rng([seed, 31]), _LOOKED_AT, length)
    except DomainError as error:
        raise BadInput(str(error)) from None
    with np.errstate(all="ignore"):
        raw = network.run(domain.encode(columns))[1]
    if not np.isfinite(raw).all():
        raise BadInput(
            f"the network's outputs aren't finite numbers on sequences of '{domain}' with "
            f"{length} items; give narrower bounds or a smaller length"
        )
    return raw


def _reading(
    network: RecurrentNetwork, raw: np.ndarray, outputs: str | None
) -> tuple[Output, bool]:
    """How the network's numbers are read, and whether only the last output counts."""
    if outputs is None:
        return _inferred(raw), network.at_end
    read, at_end = parse_reading(outputs, 0.5)
    if network.at_end and not at_end:
        raise BadInput(f"the model answers at the end only; give '{read.type}', not 'seq'")
    check_width(read, network.output_width)
    return read, at_end


def _inferred(raw: np.ndarray) -> Output:
    """Truth values where the network says 0 and 1 only, as long as it says anything clearly."""
    near = np.abs(raw - np.rint(raw)).max(2) < _NEAR
    said = np.rint(raw)[np.logical_and.accumulate(near, axis=1)]
    truth = raw.shape[2] == 1 and set(np.unique(said)) <= {0.0, 1.0}
    if truth:
        return Output(BOOL, 0.5)
    return parse_output("int" if raw.shape[2] == 1 else f"int[{raw.shape[2]}]")


def _check_outputs(raw: np.ndarray, read: Output, at_end: bool) -> None:
    off = np.abs(raw - np.rint(raw))[:, :_SHORTEST]
    if read.scalar == INT and float(np.median(off)) > 0.2:
        examples = [t if at_end else f"seq({t})" for t in ("real", "bool above 0")]
        raise BadInput(
            "the outputs aren't near whole numbers (half of them are farther than 0.2 from one), "
            f"so they can't be read as int; say what they mean, as in '{examples[0]}' or "
            f"'{examples[1]}'"
        )


def distil_recurrent(
    network: RecurrentNetwork,
    inputs: str | Sequences,
    outputs: str | None = None,
    length: int | None = None,
    seed: int = 0,
    should_stop: Stop | None = None,
    progress: Progress = silent,
    tolerance: float | None = None,
    memory: Memory = NOTHING,
) -> LoopOutcome:
    """The shortest loop that isn't refuted, else the network's own arithmetic, with evidence.

    outputs, length, tolerance: see `make_oracle`; memory: results found before.

    Raises:
        BadInput: see `make_oracle`; or nothing was found for a plain Python function.
    """
    oracle = make_oracle(network, inputs, outputs, length, seed, tolerance)
    progress("searching", None)
    proposed = _remembered(oracle, seed, should_stop, memory)
    found = tuple(_as_read(f, oracle.output) for f in proposed)
    finished = should_stop is None or not should_stop()
    progress("verifying", None)
    own = None if network.cell.opaque else _own_loop(oracle, plain_matrices=True)
    network_bits = 0.0 if own is None else loop_bits(own, 32.0)
    judge = partial(_claim_remembered, claim_of, seed=seed, memory=memory)
    standing = _standing(found[:_ASKED], oracle, judge)
    if standing is not None:
        one, claim, oracle = standing
        ends = oracle.domain.longest is not None
        departs = None if ends else first_departure(one.loop, oracle, seed, DEPARTS)
        return LoopOutcome(
            oracle, one.loop, claim, one.bits, one.route, own, network_bits, found, finished,
            departs=departs,
        )  # fmt: skip
    if own is None:
        raise BadInput(
            "no loop was found, and a plain Python function has no arithmetic to write out; give "
            "a torch module or a model file"
        )
    loop = _own_loop(oracle)
    claim = _claim_remembered(_literal_claim, loop, oracle, seed, memory)
    return LoopOutcome(
        oracle, loop, claim, loop_bits(loop), "literal", own, network_bits, found, finished,
        literal=True,
    )  # fmt: skip


def claim_of(loop: Loop, oracle: Oracle, seed: int) -> Claim:
    """What is known about a loop beside its network, real outputs or discrete ones."""
    return (real_claim if oracle.real else words_claim)(loop, oracle, seed)


def _claim_remembered(
    make: Callable[[Loop, Oracle, int], Claim],
    loop: Loop,
    oracle: Oracle,
    seed: int,
    memory: Memory,
) -> Claim:
    """What is known about a loop, as it was made before or now; no clock ends it."""
    content = joined(oracle_content(oracle), (make.__name__, str(loop), seed))
    endless = Budget(seconds=float("inf"))
    return claim_recalled(memory, content, endless, lambda: make(loop, oracle, seed))


def _remembered(oracle: Oracle, seed: int, stop: Stop | None, memory: Memory) -> list[Found]:
    """The loops of the search, as it found them before or finds them now."""
    left = None if not isinstance(stop, Stage) else stop.left
    budget = stop.budget if isinstance(stop, Stage) else Budget()
    content = joined(oracle_content(oracle), (seed, left))
    return loops_recalled(memory, content, budget, lambda: _searched(oracle, seed, stop))


def _searched(oracle: Oracle, seed: int, should_stop: Stop | None) -> list[Found]:
    if oracle.real or oracle.over_reals:
        return search_real_loops(oracle, seed, should_stop)
    return search_loops(oracle, seed, should_stop)


def _standing(
    found: tuple[Found, ...], oracle: Oracle, judge: Callable[[Loop, Oracle], Claim]
) -> tuple[Found, Claim, Oracle] | None:
    """The first loop that isn't refuted, with its claim and the oracle whose tolerance it keeps.

    A default tolerance gives way where no loop keeps it.
    """
    looser = [replace(oracle, tolerance=SOFT * oracle.tolerance)] if oracle.soft else []
    for asked in (oracle, *looser):
        for one in found:
            if oracle.real and one.error > asked.tolerance:
                continue
            claim = judge(one.loop, asked)
            if claim.verdict != "refuted":
                return one, claim, asked
    return None


def _as_read(found: Found, read: Output) -> Found:
    """The search knows whole numbers; where they are read as alternatives the loop says so."""
    output = found.loop.output
    if not isinstance(read.type, Category) or output.type != INT:
        return found
    named = prim("category", output, const(read.type.size))
    loop = replace(found.loop, output=named)
    return replace(found, loop=loop, bits=loop_bits(loop))


def _own_loop(oracle: Oracle, plain_matrices: bool = False) -> Loop:
    """The network's own arithmetic."""
    item, read = oracle.domain.item, oracle.output
    return literal_loop(oracle.network, item, read, oracle.at_end, plain_matrices)


def _literal_claim(loop: Loop, oracle: Oracle, seed: int) -> Claim:
    """Rounding bounded up to the search's length, else sequences run, else what is left of both."""
    bounded = None if oracle.real else unrolled_claim(oracle, seed)
    if bounded is not None and (bounded.length_bound or 0) >= oracle.length:
        return bounded
    run = claim_of(loop, oracle, seed)
    if run.verdict != "refuted":
        return run
    if bounded is not None:
        return bounded
    text = "the program is the network's own arithmetic; rounding alone can change its outputs"
    return Claim("unknown", "relational", text, tolerance=oracle.tolerance if oracle.real else None)
