"""Do the files of an output folder belong together? Nothing in them is executed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.checker.finding import Finding, judged
from distill.checker.parts import faults
from distill.checker.sides import reading
from distill.errors import BadInput
from distill.evidence import NOT_LOOKED_FOR, RANK, Claim, Evidence
from distill.guard import guard_of
from distill.load.examples import NAME, examples_hash
from dsl.cost import VERSION, program_bits
from dsl.program import Program

if TYPE_CHECKING:
    from distill.distillation import Distillation, Distilled

COMPOSED = "composition"
"""The method of a claim that follows from two others."""

_METHODS = {
    "exhaustive": ("proved", "tested", "refuted"),
    "bounds": ("proved", "unknown", "refuted"),
    "lockstep": ("proved", "unknown", "refuted"),
    "tuned": ("proved", "unknown", "refuted"),
    "phases": ("proved", "refuted"),
    "smt": ("proved", "refuted"),
    "milp": ("proved_to_solver_tolerance", "unknown", "refuted"),
    "sampling": ("tested", "refuted"),
    "property": ("refuted",),
    "relational": ("proved",),
}
"""The verdicts that a method can give."""


def read_folder(folder: Path) -> Distillation:
    """The finished distillation of a folder.

    Raises:
        BadInput: a file is missing or isn't what it should be.
    """
    from distill.export.folder import load_distillation, read_evidence

    evidence = read_evidence(folder)
    for claim in (evidence.program_vs_deployed, evidence.deployed_vs_original):
        require_plain(claim, _METHODS)
    if evidence.program_vs_original is not None:
        require_plain(evidence.program_vs_original, [*_METHODS, COMPOSED])
    if not isinstance(evidence.output, str) or not isinstance(evidence.domain, str):
        raise BadInput("evidence.json must give domain and output as text")
    output = reading(evidence.output)
    found = replace(load_distillation(folder), output=output)
    for fault in faults(evidence.program_vs_deployed.widths, found.domain.scalars):
        raise BadInput(f"evidence.json: {fault}")
    return found


def require_plain(claim: Claim, methods: Collection[str]) -> None:
    """Refuse a claim by another method, or with numbers that aren't.

    Raises:
        BadInput: as said.
    """
    numbers = (claim.margin, claim.left_out, claim.count)
    optional = (claim.tolerance, claim.achieved)
    good = claim.verdict in RANK and claim.method in methods
    good &= all(_is_number(v) and v >= 0 for v in numbers)
    good &= all(v is None or (_is_number(v) and v >= 0) for v in optional)
    good &= claim.band in ("network", "program", "both") and isinstance(claim.widths, list)
    good &= all(isinstance(part, dict) for part in claim.widths)
    good &= isinstance(claim.statement, str) and isinstance(claim.exempt, str | None)
    if not good:
        raise BadInput(
            "evidence.json holds a claim whose verdict, method or numbers aren't what a run writes"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value < float("inf")


def file_findings(found: Distillation, folder: Path) -> Iterator[Finding]:
    """Hashes, sizes, program.py, and whether evidence.json agrees with itself."""
    yield from _hashes(found, folder)
    yield from _exported(found, folder)
    yield from _bits(found)
    yield _signature(found)
    yield from _consistent(found.evidence, found.program, folder)


def _hashes(found: Distillation, folder: Path) -> Iterator[Finding]:
    written = hashlib.sha256(str(found.program).encode()).hexdigest()
    own = {
        "program.dsl": ("program", written),
        "network.onnx": ("network", found.network.sha256()),
        "original.onnx": ("original", found.original.sha256()),
    }
    if found.data is not None:
        own[NAME] = ("data", examples_hash(found.domain, found.data))
    yield from hash_findings(own, found.evidence, folder)


def hash_findings(
    own: Mapping[str, tuple[str, str]], evidence: Evidence, folder: Path
) -> Iterator[Finding]:
    """Files by name, each with its key in evidence.json and its own sha256."""
    for name, (key, digest) in own.items():
        shown = name if (folder / name).exists() else "network.onnx as the original"
        same = evidence.hashes.get(key) == digest
        yield judged(
            same,
            f"{shown} has the sha256 that evidence.json gives",
            f"{shown} isn't the one that the evidence is about (its sha256 differs)",
        )


def _exported(found: Distillation, folder: Path) -> Iterator[Finding]:
    """The files that are written from others are what they would be if they were written now."""
    from distill.export.property_test import property_test
    from distill.export.python import module_source

    texts = {
        "program.py": module_source(found),
        "test_program.py": property_test(found),
        "summary.txt": found.summary() + "\n",
    }
    yield from export_findings(texts, folder)
    yield from located_findings(found)


def located_findings(found: Distilled) -> Iterator[Finding]:
    """What evidence.json says of variables is what located.json says, of this very program."""
    told, located = found.evidence.variables, found.located
    if located is not None:
        hashes = {key: found.evidence.hashes.get(key) for key in ("program", "network")}
        yield judged(
            located.get("sha256") == hashes and located.get("headline") == told,
            "located.json is about this program and this network",
            "located.json is about another program or network, or says something else of it",
        )
    elif told not in ("", NOT_LOOKED_FOR):
        yield Finding("unknown", "variables are said to be looked for, and there's no located.json")


def export_findings(texts: Mapping[str, str], folder: Path) -> Iterator[Finding]:
    """Whether files hold these texts; all but program.py may be missing."""
    for name, text in texts.items():
        if name != "program.py" and not (folder / name).exists():
            continue
        there = _bytes(folder / name)
        yield judged(
            there == text.encode(),
            f"{name} is the export of program.dsl, byte for byte ({len(there):,} bytes)",
            f"{name} isn't the export of program.dsl with this evidence",
        )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise BadInput(f"{path.name} is missing in '{path.parent}' or can't be read") from None


def _bits(found: Distillation) -> Iterator[Finding]:
    own = {"program": program_bits(found.program), "network": _network_bits(found)}
    yield from bit_findings(own, found.evidence)


def bit_findings(own: Mapping[str, float], evidence: Evidence) -> Iterator[Finding]:
    """Sizes counted again beside those of evidence.json."""
    claimed = evidence.bits
    if claimed.get("version") != VERSION:
        yield Finding("unknown", f"bits were counted by measure {claimed.get('version')}, not ours")
        return
    for name, bits in own.items():
        yield judged(
            abs(claimed.get(name, -1.0) - bits) <= 1e-6 * bits,
            f"the {name} takes {bits:.1f} bits, counted again",
            f"the {name} takes {bits:.1f} bits, and evidence.json says {claimed.get(name)}",
        )


def _network_bits(found: Distillation) -> float:
    """Those of the original network's literal program: that is how they are defined."""
    from distill.checker.second import original_side
    from distill.literal import literal_program

    target = original_side(found)
    plain = literal_program(target.form, target.domain, target.output, plain_matrices=True)
    return program_bits(plain, 32.0)


def fits(found: Distillation) -> bool:
    """Whether the program is one from the domain to the output's type."""
    main = found.program.main
    return main.parameters == found.domain.parameters and main.result == found.output.type


def _signature(found: Distillation) -> Finding:
    return judged(
        fits(found),
        "the program takes the domain's fields and returns the network's kind of output",
        "the program's parameters or result aren't those of the domain and the output",
    )


def _consistent(evidence: Evidence, program: Program, folder: Path) -> Iterator[Finding]:
    from distill.export.evidence_shape import completed
    from distill.export.folder import read_json

    written = completed(read_json(folder / "evidence.json"))
    wrong = [] if written == evidence.to_json() else ["its headline"]
    for claim in (evidence.program_vs_deployed, evidence.deployed_vs_original):
        wrong += _contradictions(claim, program)
    yield judged(
        not wrong,
        f"evidence.json agrees with itself ({evidence.verdict} by {evidence.method})",
        f"evidence.json contradicts itself: {', '.join(wrong)}",
    )


def _contradictions(claim: Claim, program: Program) -> Iterator[str]:
    if claim.verdict not in _METHODS[claim.method]:
        yield f"{claim.method} can't give the verdict {claim.verdict}"
    stands = claim.verdict not in ("refuted", "unknown")
    if stands and claim.tolerance is not None and (claim.achieved or 0.0) > claim.tolerance:
        yield f"it achieved {claim.achieved:.4g}, which is above the tolerance"
    if claim.exempt is None and claim.left_out > 0:
        yield "a share is left out, and no exception is named"
    if claim.exempt not in (None, _named(claim, program)) and not claim.exempt.startswith(
        "original "
    ):
        yield "the exception isn't the margin"


def _named(claim: Claim, program: Program) -> str:
    """The exception's words, from the margin and what it is measured on."""
    if claim.band == "both":
        return _named_parts(claim, program)
    guard = guard_of(program) if claim.band == "program" else None
    what = "network's decision margin" if guard is None else f"program's {guard.main.body}"
    return f"{what} <= {claim.margin:.4g}"


def _named_parts(claim: Claim, program: Program) -> str:
    guard, parts = guard_of(program), claim.widths
    around = "nothing" if guard is None else guard.main.body
    if len(parts) == 1:
        weight, margin = f"{parts[0]['weight']:.4g}", f"{parts[0]['margin']:.4g}"
        return f"network's decision margin + {weight} * program's {around} <= {margin}"
    sum_of = f"network's decision margin + weight * program's {around} <= width"
    return f"{sum_of}, both listed for {len(parts)} parts of the domain"
