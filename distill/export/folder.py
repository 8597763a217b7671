"""The output folder: written whole or not at all, read back without executing anything."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.errors import BadInput
from distill.evidence import SCHEMA, Evidence
from distill.export.evidence_shape import front_fault, shape_fault
from distill.export.place import shown, staged
from distill.export.property_test import property_test
from distill.load import load, write_onnx
from distill.load.examples import NAME, read_examples, write_examples
from distill.target import parse_output
from dsl.domain import DomainError
from dsl.domain_text import parse_domain
from dsl.text import ParseError, parse_program
from dsl.types import TypeMismatch

if TYPE_CHECKING:
    from distill.distillation import Distillation


_FAULTS = (KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What a text that isn't a program's or a domain's may raise."""
_LONGEST = 300


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
    _text(folder / "program.dsl", str(d.program))
    _text(folder / "program.py", d.source)
    _text(folder / "test_program.py", property_test(d))
    _text(folder / "summary.txt", d.summary() + "\n")
    _text(folder / "evidence.json", json.dumps(d.evidence.to_json(), indent=1) + "\n")
    front = [
        {"bits": a.bits, "error": a.error, "route": a.route, "program": str(a.program)}
        for a in d.front
    ]
    extra = {
        "front": front,
        "found": d.found,
        "note": d.note,
        "literal": None if d.literal is None else str(d.literal),
    }
    _text(folder / "front.json", json.dumps(extra, indent=1) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def load_distillation(folder: Path) -> Distillation:
    """Read an output folder.

    Raises:
        BadInput: a file is missing or isn't what it should be.
    """
    from distill.distillation import Alternative, Distillation

    evidence = read_evidence(folder)
    extra = _json(folder / "front.json")
    fault = front_fault(extra)
    if fault is not None:
        raise BadInput(f"front.json in {shown(folder)} {fault}")
    network = load(folder / "network.onnx")
    original = folder / "original.onnx"
    try:
        program = parse_program(_read(folder / "program.dsl"))
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
        )
    except (ParseError, DomainError, TypeMismatch, *_FAULTS) as error:
        told = str(error)[:_LONGEST]
        raise BadInput(f"{shown(folder)} isn't a finished distillation: {told}") from None


def read_evidence(folder: Path) -> Evidence:
    """The evidence of an output folder.

    Raises:
        BadInput: there is none, or it is of another schema.
    """
    data = _json(folder / "evidence.json")
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise BadInput(f"evidence.json in {shown(folder)} isn't of schema {SCHEMA}")
    fault = shape_fault(data)
    if fault is not None:
        raise BadInput(f"evidence.json in {shown(folder)} {fault}")
    return Evidence.from_json(data)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        trouble = "can't be read" if path.exists() else "is missing"
        raise BadInput(
            f"{shown(path.parent)} isn't the folder of a finished distillation: "
            f"{path.name} {trouble}"
        ) from None


def _json(path: Path) -> Any:
    try:
        return json.loads(_read(path))
    except (ValueError, RecursionError):
        raise BadInput(
            f"{path.name} in {shown(path.parent)} isn't JSON that a run writes"
        ) from None
