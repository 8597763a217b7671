"""Recurrent networks, from cell to loop with evidence: what `distill` does with sequences."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.evidence import Claim
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from distill.synthesize.loops.search import Found, search_loops
from distill.target import Output, parse_output
from distill.verify.words import first_departure, words_claim
from dsl.domain import Domain, DomainError, Field
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop
from dsl.meanings.loop_python import loop_python
from dsl.sequences import Sequences, parse_sequences
from dsl.types import BOOL, INT, Category

_LONGEST = 30
_SHORTEST = 6
_USUALLY = 0.98
"""Share of sequences that must be clear up to a length for it to be searched at."""

_EACH = re.compile(r"\s*seq\((.*)\)\s*")
_LOOKED_AT = 512
_ASKED = 6
_DEPARTS = 50
"""How long the sequences are on which program and network are followed beyond the claim."""


@dataclass(frozen=True, eq=False)
class LoopDistillation:
    """A loop that stands for a recurrent network, with the evidence for it.

    front: the other loops that agreed with the network on its traces, shortest first; departs:
    the first item at which sequences of 50 items showed a difference, None where none did.
    """

    program: Loop
    evidence: Claim
    network: RecurrentNetwork
    domain: Sequences
    output: Output
    bits: float
    route: str
    front: tuple[Found, ...] = ()
    departs: int | None = None

    @cached_property
    def source(self) -> str:
        """The loop as Python."""
        return loop_python(self.program)

    def __call__(self, items: Sequence[Any]) -> Any:
        """The output for one sequence, a list where there is one per item.

        Items are scalars, or tuples where they have several fields.
        """
        rows = [i if isinstance(i, tuple) else (i,) for i in items]
        columns = self.domain.item.column(*rows)
        found = run_loop(self.program, tuple(c[None] for c in columns))[0].tolist()
        return found[-1] if self.program.at_end else found

    def __repr__(self) -> str:
        lines = [self.source, f"domain    {self.domain}", f"verdict   {self.evidence.verdict}"]
        lines.append(f"evidence  {self.evidence.statement}")
        where = f"first difference at item {self.departs}" if self.departs else "no difference"
        lines.append(f"longer    {where} in 4,096 sequences of {_DEPARTS} items")
        lines.append(f"size      {self.bits:.0f} bits ({self.route})")
        return "\n".join(lines)


def make_oracle(
    network: RecurrentNetwork,
    inputs: str | Sequences,
    outputs: str | None = None,
    length: int | None = None,
    seed: int = 0,
) -> Oracle:
    """Put a recurrent network on a domain of sequences.

    outputs: "seq(int)" for one per item, "int" for the one at the end. Without `outputs` they are
    truth values where the network answers 0 and 1 only, else whole numbers, one per item unless
    the model itself answers at the end only. length: how long the sequences of the search are;
    without it as long as the domain allows, at most 30, and no longer than the network's
    decisions stay clear.

    Raises:
        BadInput: the domain isn't one of sequences or doesn't fit, or outputs aren't near whole
            numbers.
    """
    try:
        domain = parse_sequences(inputs) if isinstance(inputs, str) else inputs
    except DomainError as error:
        raise BadInput(str(error)) from None
    domain = replace(domain, item=_by_index(domain.item))
    if domain.item.width != network.input_width:
        raise BadInput(
            f"an item of '{domain}' fills {domain.item.width} inputs, and the cell takes "
            f"{network.input_width}"
        )
    most = length or network.length or domain.longest or _LONGEST
    if most < 2:
        raise BadInput(f"the length must be 2 or more, not {most}")
    columns = domain.sample(np.random.default_rng([seed, 31]), _LOOKED_AT, most)
    raw = network.run(domain.encode(columns))[1]
    read, at_end = _reading(network, raw, outputs)
    _check_outputs(raw, read)
    oracle = Oracle(network, domain, read, most, at_end)
    if length or network.length or domain.longest:
        return oracle
    held = oracle.clear(raw).mean(0) >= _USUALLY
    return replace(oracle, length=max(int(held.sum()), _SHORTEST))


def _reading(
    network: RecurrentNetwork, raw: np.ndarray, outputs: str | None
) -> tuple[Output, bool]:
    """How the network's numbers are read, and whether only the last output counts."""
    if outputs is None:
        return _inferred(raw[:, :_SHORTEST]), network.at_end
    each = _EACH.fullmatch(outputs)
    if each is not None and network.at_end:
        raise BadInput(f"the model answers at the end only; give '{each[1]}', not '{outputs}'")
    read = parse_output(each[1] if each else outputs)
    return (replace(read, level=0.5) if np.isnan(read.level) else read), each is None


def _by_index(item: Domain) -> Domain:
    """Categories as whole numbers, which steps can compare and count."""
    return replace(item, fields=tuple(_number(f) for f in item.fields))


def _number(field: Field) -> Field:
    if not isinstance(field.item, Category):
        return field
    return replace(field, item=INT, low=Fraction(0), high=Fraction(field.item.size - 1))


def _inferred(raw: np.ndarray) -> Output:
    truth = raw.shape[2] == 1 and set(np.unique(np.rint(raw))) <= {0.0, 1.0}
    if truth:
        return Output(BOOL, 0.5)
    return parse_output("int" if raw.shape[2] == 1 else f"int[{raw.shape[2]}]")


def _check_outputs(raw: np.ndarray, read: Output) -> None:
    if not read.discrete:
        raise BadInput(f"outputs of a recurrent network are discrete for now, not {read.type}")
    off = np.abs(raw - np.rint(raw))[:, :_SHORTEST]
    if read.scalar == INT and float(np.median(off)) > 0.2:
        raise BadInput(
            "the outputs aren't near whole numbers (half of them are farther than 0.2 from one); "
            "int was asked for"
        )


def distil_recurrent(
    network: RecurrentNetwork,
    inputs: str | Sequences,
    outputs: str | None = None,
    length: int | None = None,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> LoopDistillation | None:
    """The shortest loop that isn't refuted, with its evidence; None where none was found.

    outputs, length: see `make_oracle`.

    Raises:
        BadInput: see `make_oracle`.
    """
    oracle = make_oracle(network, inputs, outputs, length, seed)
    found = search_loops(oracle, seed, should_stop)
    for one in found[:_ASKED]:
        claim = words_claim(one.loop, oracle, seed)
        if claim.verdict != "refuted":
            departs = first_departure(one.loop, oracle, seed, _DEPARTS)
            return LoopDistillation(
                one.loop, claim, network, oracle.domain, oracle.output, one.bits, one.route,
                tuple(found), departs,
            )  # fmt: skip
    return None
