"""Re-checks the finished folder of a recurrent network: its files, then the claim about its loop.

As for other folders nothing is executed: `program.py` is compared with the export of `program.dsl`,
the loop is run by its meanings, the cell from `network.onnx` and `initial_state.npy`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from distill.checker.files import (
    bit_findings,
    export_findings,
    hash_findings,
    located_findings,
    require_plain,
)
from distill.checker.finding import Finding, judged
from distill.checker.loops import METHODS, loop_findings
from distill.checker.tally import fresh
from distill.errors import BadInput
from distill.evidence import IDENTICAL
from distill.recurrent_target import show_reading
from dsl.cost import loop_bits
from dsl.domain import DomainError
from dsl.types import accepts

if TYPE_CHECKING:
    from distill.distillation_loop import LoopDistillation


def loop_folder_findings(folder: Path) -> Iterator[Finding]:
    """A line for every step of the check.

    Raises:
        BadInput: the folder isn't the output of a distillation.
    """
    from distill.export.loop_folder import load_loop_distillation

    found = load_loop_distillation(folder)
    for claim in (found.evidence.program_vs_deployed, found.evidence.deployed_vs_original):
        require_plain(claim, METHODS)
    if found.domain.item.width != found.network.input_width:
        raise BadInput("evidence.json gives a domain or an output that isn't the network's")
    yield from hash_findings(_hashes(found), found.evidence, folder)
    yield from export_findings(_texts(found), folder)
    yield from located_findings(found)
    try:
        yield from bit_findings(_bits(found), found.evidence)
    except DomainError as error:
        raise BadInput(f"evidence.json gives a domain that can't be bounded: {error}") from None
    yield _consistent(found, folder)
    rng = fresh(found.evidence, "sequences")
    yield from loop_findings(found.oracle, found.program, found.evidence.program_vs_deployed, rng)
    yield judged(
        found.evidence.deployed_vs_original == IDENTICAL
        and found.evidence.hashes.get("original") == found.evidence.hashes.get("network"),
        "the deployed network is the original one",
        "a recurrent network is distilled as it is, and the evidence says otherwise",
    )
    if found.evidence.parts:
        yield Finding("unknown", "claims about parts of the network aren't re-checked")


def _hashes(found: LoopDistillation) -> dict[str, tuple[str, str]]:
    state = np.ascontiguousarray(found.network.initial, dtype="<f8").tobytes()
    texts = {
        "program.dsl": ("program", str(found.program).encode()),
        "network.onnx": ("network", found.model),
        "initial_state.npy": ("initial_state", state),
    }
    return {n: (key, hashlib.sha256(data).hexdigest()) for n, (key, data) in texts.items()}


def _texts(found: LoopDistillation) -> dict[str, str]:
    from distill.export.loop_test import loop_test

    return {
        "program.py": found.source,
        "test_program.py": loop_test(found),
        "summary.txt": found.summary() + "\n",
    }


def _bits(found: LoopDistillation) -> dict[str, float]:
    from distill.literal_loop import literal_loop

    item, at_end = found.domain.item, found.program.at_end
    own = literal_loop(found.network, item, found.output, at_end, plain_matrices=True)
    return {"program": loop_bits(found.program), "network": loop_bits(own, 32.0)}


def _consistent(found: LoopDistillation, folder: Path) -> Finding:
    from distill.export.evidence_shape import completed
    from distill.export.folder import read_json

    evidence = found.evidence
    same = completed(read_json(folder / "evidence.json")) == evidence.to_json()
    read = show_reading(found.output, found.program.at_end) == evidence.output
    fits = accepts(found.output.type, found.program.output.type)
    return judged(
        same and read and fits,
        f"evidence.json agrees with itself and the program ({evidence.verdict} by "
        f"{evidence.method})",
        "evidence.json contradicts itself, or the program returns something else than it says",
    )
