"""The output folder: written whole or not at all, read back without executing anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from distill.errors import BadInput
from distill.evidence import SCHEMA, Evidence
from distill.export.evidence_shape import front_fault, shape_fault
from distill.export.place import shown, staged
from distill.export.property_test import property_test
from distill.labels import Labels
from distill.load import load, write_onnx
from distill.load.examples import NAME, read_examples, write_examples
from distill.piece import Piece, with_bodies
from distill.target import parse_output
from dsl.domain import DomainError
from dsl.domain_text import parse_domain
from dsl.program import Definition
from dsl.text import ParseError, parse_program
from dsl.types import TypeMismatch

if TYPE_CHECKING:
    from distill.distillation import Distillation, Distilled
    from distill.distillation_loop import LoopDistillation


FAULTS = (KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What a text that isn't a program's or a domain's may raise."""
_LONGEST = 300
LOCATED = "located.json"
PARTS = "parts.json"
LABELS = "labels.json"


def save(distillation: Distillation, folder: Path) -> Path:
    """Write all files of a distillation; an older run's folder is replaced.

    Raises:
        BadInput: the folder holds something else, or can't be written.
    """
    with staged(folder) as staging:
        _write(distillation, staging.draft)
        staging.publish()
    return folder


def _write(d: Distillation, folder: Path) -> None:
    write_onnx(d.network, folder / "network.onnx")
    if d.network is not d.original:
        write_onnx(d.original, folder / "original.onnx")
    if d.data is not None:
        write_examples(folder / NAME, d.domain, d.data)
    write_texts(d, folder, property_test(d))
    if d.pieces:
        told = [piece.to_json() for piece in d.pieces]
        _text(folder / PARTS, json.dumps(told, indent=1) + "\n")


def write_texts(
    d: Distilled, folder: Path, test: str, extra: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Write what any distillation has; `extra` goes into front.json."""
    _text(folder / "program.dsl", str(d.program))
    _text(folder / "program.py", d.to_python())
    _text(folder / "test_program.py", test)
    for name, text in _told(d):
        _text(folder / name, text)
    if d.labels.all:
        _text(folder / LABELS, json.dumps(d.labels.to_json(), indent=1) + "\n")
    front = [
        {"bits": a.bits, "error": a.error, "route": a.route, "program": str(a.program)}
        for a in d.front
    ]
    rest = {
        "front": front,
        "found": d.found,
        "note": d.note,
        "literal": None if d.literal is None else str(d.literal),
        **extra,
    }
    _text(folder / "front.json", json.dumps(rest, indent=1) + "\n")


def _told(d: Distilled) -> Iterator[tuple[str, str]]:
    """Names and texts of the files that `locate` changes."""
    if d.located is not None:
        yield LOCATED, json.dumps(d.located, indent=1) + "\n"
    yield "summary.txt", d.summary() + "\n"
    yield "evidence.json", json.dumps(d.evidence.to_json(), indent=1) + "\n"


def write_located(d: Distilled, folder: Path) -> None:
    """Put what `locate` found into a finished folder: its report, the summary and the evidence.

    Raises:
        BadInput: the folder can't be written.
    """
    try:
        for name, text in _told(d):
            draft = folder / f".{name}.new"
            _text(draft, text)
            draft.replace(folder / name)
    except OSError as error:
        raise BadInput(f"can't write to {shown(folder)} ({error.strerror})") from None


def read_located(folder: Path) -> dict[str, Any] | None:
    """What located.json holds; None where there is none.

    Raises:
        BadInput: it isn't a record that a run writes.
    """
    if not (folder / LOCATED).exists():
        return None
    found = read_json(folder / LOCATED)
    if not isinstance(found, dict) or not isinstance(found.get("sha256"), dict):
        raise BadInput(f"{LOCATED} in {shown(folder)} isn't what a run writes")
    return found


def read_pieces(folder: Path, evidence: Evidence, whole: Definition) -> tuple[Piece, ...]:
    """The pieces of a program that parts.json lists, with their claims; () where there is none.

    Raises:
        BadInput: it isn't what a run writes.
    """
    if not (folder / PARTS).exists():
        return ()
    found = read_json(folder / PARTS)
    if not isinstance(found, list) or len(found) != len(evidence.parts):
        raise BadInput(f"{PARTS} in {shown(folder)} doesn't list the parts that evidence.json does")
    try:
        pairs = zip(found, evidence.parts, strict=True)
        pieces = tuple(Piece.from_json(one, claim) for one, claim in pairs)
        if pieces:
            with_bodies(pieces, whole.parameters, whole.result)
        return pieces
    except (ParseError, DomainError, TypeMismatch, IndexError, *FAULTS) as error:
        raise BadInput(
            f"{PARTS} in {shown(folder)} isn't what a run writes: {shortened(error)}"
        ) from None


def read_labels(folder: Path) -> Labels:
    """What labels.json holds; nothing where there is none.

    Raises:
        BadInput: it isn't what `distill label` writes.
    """
    if not (folder / LABELS).exists():
        return Labels()
    try:
        return Labels.from_json(read_json(folder / LABELS))
    except BadInput as error:
        raise BadInput(f"{LABELS} in {shown(folder)} can't be used: {error}") from None


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def read_folder(folder: Path) -> Distillation | LoopDistillation:
    """Read an output folder of either kind.

    Raises:
        BadInput: a file is missing or isn't what it should be.
    """
    if not read_evidence(folder).of_sequences:
        return load_distillation(folder)
    from distill.export.loop_folder import load_loop_distillation

    return load_loop_distillation(folder)


def load_distillation(folder: Path) -> Distillation:
    """Read an output folder.

    Raises:
        BadInput: a file is missing or isn't what it should be.
    """
    from distill.distillation import Alternative, Distillation

    evidence = read_evidence(folder)
    if evidence.of_sequences:
        raise BadInput(
            f"{shown(folder)} holds the loop of a recurrent network; read it with "
            "LoopDistillation.load"
        )
    extra = read_json(folder / "front.json")
    fault = front_fault(extra)
    if fault is not None:
        raise BadInput(f"front.json in {shown(folder)} {fault}")
    network = load(folder / "network.onnx")
    original = folder / "original.onnx"
    try:
        program = parse_program(read_text(folder / "program.dsl"))
        domain = parse_domain(evidence.domain)
        front = tuple(
            Alternative(parse_program(e["program"]), e["bits"], e["error"], e["route"])
            for e in extra["front"]
        )
        literal = extra["literal"] and parse_program(extra["literal"])
        read = parse_output(evidence.output)
        level = 0.0 if math.isnan(read.level) else read.level  # it is written unless it is 0
        result = replace(read, type=program.main.result, level=level)
        return Distillation(
            program,
            evidence,
            network,
            load(original) if original.exists() else network,
            domain,
            result,
            front,
            extra["found"],
            literal,
            extra["note"],
            data=read_examples(folder / NAME, domain) if "data" in evidence.hashes else None,
            located=read_located(folder),
            pieces=read_pieces(folder, evidence, program.main),
            labels=read_labels(folder),
        )
    except (ParseError, DomainError, TypeMismatch, *FAULTS) as error:
        raise BadInput(
            f"{shown(folder)} isn't a finished distillation: {shortened(error)}"
        ) from None


def read_evidence(folder: Path) -> Evidence:
    """The evidence of an output folder.

    Raises:
        BadInput: there is none, or it is of another schema.
    """
    data = read_json(folder / "evidence.json")
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise BadInput(f"evidence.json in {shown(folder)} isn't of schema {SCHEMA}")
    fault = shape_fault(data)
    if fault is not None:
        raise BadInput(f"evidence.json in {shown(folder)} {fault}")
    return Evidence.from_json(data)


def shortened(error: Exception) -> str:
    """What an error says, at most 300 characters of it."""
    return str(error)[:_LONGEST]


def read_text(path: Path) -> str:
    """A text file of an output folder.

    Raises:
        BadInput: it is missing or can't be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        trouble = "can't be read" if path.exists() else "is missing"
        raise BadInput(
            f"{shown(path.parent)} isn't the folder of a finished distillation: "
            f"{path.name} {trouble}"
        ) from None


def read_json(path: Path) -> Any:
    """A JSON file of an output folder.

    Raises:
        BadInput: it is missing, can't be read or isn't JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(
            f"{path.name} in {shown(path.parent)} isn't JSON that a run writes"
        ) from None
