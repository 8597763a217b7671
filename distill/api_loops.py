"""The door for Python to recurrent networks; `distill.api.distill` opens it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from distill.align.variables import has_inner
from distill.distillation import Alternative
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.evidence import IDENTICAL, NOT_LOOKED_FOR, Evidence
from distill.load.recurrent import load_recurrent
from distill.load.write_recurrent import cell_onnx
from distill.loops import DEPARTS, LoopOutcome, distil_recurrent
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import show_reading
from distill.run.budget import Budget, Progress
from distill.run.memory import NOTHING, Memory
from distill.simplify.recurrent import used_numbers
from distill.synthesize.loops.search import Found
from distill.verify.relational import input_box
from dsl.cost import VERSION
from dsl.loop import Loop
from dsl.sequences import Sequences

_FRONT = 12
_CLOSE = "which close decisions a claim leaves out is found, not asked for"
_OWN = "the search for loops has a vocabulary of its own"
_REASONS = {
    "margin": _CLOSE, "data": "sequences are drawn from the domain",
    "hints": _OWN, "allowed": _OWN, "forbidden": _OWN, "primitives": _OWN,
    "library": _OWN,
}  # fmt: skip


def refuse_for_sequences(**given: bool) -> None:
    """Refuse what makes no sense for sequences, or isn't there for them yet.

    Raises:
        BadInput: naming the first that was given, and why.
    """
    for name, asked in given.items():
        if asked:
            raise BadInput(f"{name} can't be given for a recurrent network: {_REASONS[name]}")


def require_sequences(model: Any, inputs: Any, initial_state: Any, length: int | None) -> None:
    """Refuse what only a recurrent network has, where the domain isn't one of sequences.

    Raises:
        BadInput: with the domain that would be right.
    """
    recurrent = isinstance(model, RecurrentNetwork)
    if recurrent or initial_state is not None or length is not None:
        raise BadInput(
            "a recurrent network takes sequences: give a domain such as 'seq(int(0,9))', not "
            + (f"'{inputs}'" if inputs is not None else "none")
        )


def distil_sequences(
    model: Any,
    inputs: str | Sequences,
    outputs: str | None,
    initial_state: Any,
    length: int | None,
    tolerance: float | None,
    spent: Budget,
    seed: int,
    progress: Progress,
    versions: dict[str, str],
    memory: Memory = NOTHING,
) -> LoopDistillation:
    """Distil a recurrent network into a loop; see `distill.api.distill`.

    Raises:
        BadInput: something can't be used, in one sentence.
    """
    network = load_recurrent(model, initial_state)
    file = b"" if network.cell.opaque else cell_onnx(network.cell, network.hidden)
    outcome = distil_recurrent(
        network, inputs, outputs, length, seed, spent.stage(1.0), progress, tolerance, memory
    )
    oracle = outcome.oracle
    evidence = Evidence(
        outcome.claim,
        IDENTICAL,
        str(oracle.domain),
        show_reading(oracle.output, oracle.at_end),
        {"program": outcome.bits, "network": outcome.network_bits, "version": VERSION},
        spent.elapsed,
        spent.spent,
        seed,
        versions,
        hashes_of(outcome.program, file, network),
        variables="" if outcome.literal or not has_inner(outcome.program) else NOT_LOOKED_FOR,
    )
    return LoopDistillation(
        outcome.program,
        evidence,
        network,
        oracle.domain,
        oracle.output,
        oracle.length,
        _front(outcome.front),
        found=outcome.finished or not outcome.literal,
        literal=outcome.own,
        note=_note(outcome, spent),
        interrupted=spent.interrupted,
        timed_out=spent.timed_out,
        model=file,
    )


def hashes_of(program: Loop, file: bytes, network: RecurrentNetwork) -> dict[str, str]:
    """sha256 of the written program, of network.onnx, and of the first state's float64 numbers."""
    state = np.ascontiguousarray(network.initial, dtype="<f8").tobytes()
    cell = hashlib.sha256(file).hexdigest()
    return {
        "program": hashlib.sha256(str(program).encode()).hexdigest(),
        "network": cell,
        "original": cell,
        "initial_state": hashlib.sha256(state).hexdigest(),
    }


def _front(found: tuple[Found, ...]) -> tuple[Alternative, ...]:
    """The shortest of the loops, each once."""
    each = {str(f.loop): Alternative(f.loop, f.bits, f.error, f.route) for f in reversed(found)}
    return tuple(sorted(each.values(), key=lambda a: a.bits)[:_FRONT])


def _note(outcome: LoopOutcome, spent: Budget) -> str:
    late = f"time ended this run after {spent.spent:,} of {spent.steps:,} steps"
    notes = [late] * spent.timed_out
    if outcome.literal:
        notes.append("no shorter loop was found: this is the network's own arithmetic in a loop")
        network, ends = outcome.oracle.network, input_box(outcome.oracle.domain.item)
        notes.append(f"its outputs need {used_numbers(network, ends)}")
    elif outcome.departs is not None:
        notes.append(
            f"in sequences of {DEPARTS} items the first difference is at item {outcome.departs}"
        )
    elif outcome.oracle.domain.longest is None:
        notes.append(f"no difference in 4,096 sequences of {DEPARTS} items")
    return "; ".join(notes)
