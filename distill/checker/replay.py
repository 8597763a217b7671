"""A claim that was refuted: its counterexamples are run again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from distill.checker.finding import Finding
from distill.checker.sides import apart, by_arrays
from distill.evidence import Claim
from distill.target import Target
from dsl.domain import Columns, rows
from dsl.meanings.array import run
from dsl.program import Program
from dsl.program import program as made_program
from dsl.text import ParseError
from dsl.text import parse as parse_expression
from dsl.types import TypeMismatch


def replay_finding(target: Target, program: Program, claim: Claim) -> Finding:
    """`refuted` where the difference shows again, `unknown` where it doesn't."""
    if claim.counterexample is None:
        return Finding("unknown", "the evidence says refuted, and gives no input that shows it")
    return _again(target, program, claim, claim.counterexample)


def more_findings(target: Target, program: Program, claim: Claim) -> Iterator[Finding]:
    """The other counterexamples run again, and the conditions tried on their examples."""
    for example in claim.counterexamples[1:] if claim.verdict == "refuted" else []:
        yield _again(target, program, claim, example)
    for region in claim.regions:
        yield _region_finding(target, program, claim, region)


def _region_finding(
    target: Target, program: Program, claim: Claim, region: dict[str, Any]
) -> Finding:
    """A condition has to hold on its example, which has to differ."""
    again = _again(target, program, claim, region)
    try:
        condition = parse_expression(str(region["condition"]), dict(target.domain.parameters))
        columns = _columns(target, region)
        made = made_program(target.domain.parameters, condition)
        holds = again.state == "refuted" and bool(np.all(run(made, columns)))
    except (KeyError, TypeError, ValueError, OverflowError, ParseError, TypeMismatch):
        holds = False
    if not holds:
        return Finding("unknown", "the evidence says where they differ, and its example isn't one")
    return Finding("note", f"they differ where {region['condition']}, as at {region['inputs']}")


def _columns(target: Target, example: dict[str, Any]) -> Columns:
    names = [field.name for field in target.domain.fields]
    return target.domain.column(tuple(example["inputs"][name] for name in names))


def _again(target: Target, program: Program, claim: Claim, example: dict[str, Any]) -> Finding:
    try:
        columns = _columns(target, example)
    except (KeyError, TypeError, ValueError, OverflowError):
        return Finding("unknown", "the evidence says refuted, and gives no input that shows it")
    if rows(columns) != 1 or not target.domain.contains(columns)[0]:
        return Finding("unknown", "the evidence says refuted, by an input outside the domain")
    found = apart(target, program, columns, by_arrays, claim)
    if found.wrong(claim.tolerance or 0.0, claim.margin)[0]:
        text = f"the evidence says refuted, and its input {example['inputs']} shows it again"
        return Finding("refuted", text)
    return Finding("unknown", "the evidence says refuted, and its input shows no difference")
