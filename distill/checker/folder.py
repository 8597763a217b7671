"""Re-checks the evidence of a finished folder without trusting the run that made it.

Nothing in the folder is executed: `program.py` is compared with the export of `program.dsl`.
Nothing of `distill.verify` is used: inputs are listed and drawn again, proofs are walked leaf by
leaf with bounds of this room. `holds` means that every claim was confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from distill.checker.draws import draw_findings
from distill.checker.files import COMPOSED, file_findings, fits, read_folder
from distill.checker.finding import Finding, Verdict, judged, verdict_of
from distill.checker.loop_folder import loop_folder_findings
from distill.checker.pieces import piece_findings
from distill.checker.points import point_findings
from distill.checker.proof import EXTRA_BOXES, proof_finding
from distill.checker.replay import more_findings, replay_finding
from distill.checker.same import same_findings
from distill.checker.second import original_side, second_findings
from distill.checker.sides import side
from distill.checker.tally import fresh
from distill.errors import BadInput
from distill.evidence import Claim
from distill.target import Target
from dsl.program import Program

if TYPE_CHECKING:
    from distill.distillation import Distillation


@dataclass(frozen=True)
class Checked:
    """What came out: holds, refuted or unknown, and a line for every step."""

    verdict: Verdict
    lines: tuple[str, ...]


def check_folder(path: Path | str) -> Checked:
    """Re-check a finished distillation.

    holds: every claim was confirmed; refuted: something is contradicted, be it by a tampered
    file or by an input; unknown: a claim couldn't be confirmed.

    Raises:
        BadInput: the folder isn't the output of a distillation.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise BadInput(f"'{folder}' isn't a folder; give the folder that a run wrote")
    findings = list(_either(folder))
    return Checked(verdict_of(findings), tuple(f.line for f in findings))


def _either(folder: Path) -> Iterator[Finding]:
    from distill.export.folder import read_evidence

    if read_evidence(folder).of_sequences:
        yield from loop_folder_findings(folder)
    else:
        yield from _findings(read_folder(folder), folder)


def _findings(found: Distillation, folder: Path) -> Iterator[Finding]:
    files = list(file_findings(found, folder))
    yield from files
    if not fits(found):
        return
    target = side(found.network, found.domain, found.output)
    claim, rng = found.evidence.program_vs_deployed, fresh(found.evidence, "draws")
    yield from square_findings(target, found.program, claim, rng)
    yield from second_findings(found, target)
    yield from _whole_findings(found)
    yield from piece_findings(found)


def _whole_findings(found: Distillation) -> Iterator[Finding]:
    """The program beside the original network: the sum of two distances, or a claim of its own."""
    claim, evidence = found.evidence.program_vs_original, found.evidence
    if claim is None:
        return
    if claim.method != COMPOSED:
        rng = fresh(evidence, "whole")
        yield from square_findings(original_side(found), found.program, claim, rng)
        return
    parts = evidence.program_vs_deployed, evidence.deployed_vs_original
    known = [Fraction(p.achieved) for p in parts if p.achieved is not None]
    enough = len(known) == 2 and sum(known) <= Fraction(claim.achieved or 0.0)
    stands = claim.verdict == evidence.verdict and claim.verdict not in ("refuted", "unknown")
    within = (claim.achieved or 0.0) <= (claim.tolerance or 0.0)
    yield judged(
        enough and stands and within,
        "program and original network: the two distances add up to what is claimed",
        "program and original network: the claim doesn't follow from the other two",
    )


def square_findings(
    target: Target,
    program: Program,
    claim: Claim,
    rng: np.random.Generator,
    extra: int = EXTRA_BOXES,
) -> Iterator[Finding]:
    """The program beside the deployed network, by the method that the claim names.

    rng: draws that no run makes; extra: boxes that a proof may be cut into beyond twice its own.
    """
    if claim.verdict == "refuted":
        yield replay_finding(target, program, claim)
        yield from more_findings(target, program, claim)
    elif claim.verdict == "unknown":
        yield Finding("unknown", f"nothing is claimed of the program: {claim.statement}")
    elif claim.method == "exhaustive":
        yield from point_findings(target, program, claim)
    else:
        drawn = list(draw_findings(target, program, claim, rng))
        yield from drawn
        if claim.verdict != "tested" and verdict_of(drawn) != "refuted":
            yield from _proof_again(target, program, claim, extra)


def _proof_again(target: Target, program: Program, claim: Claim, extra: int) -> Iterator[Finding]:
    if claim.method == "relational":
        yield from same_findings(target, program, claim)
    else:
        yield proof_finding(target, program, claim, extra)
