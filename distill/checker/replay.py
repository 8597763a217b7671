"""A claim that was refuted: its counterexample is run again."""

from __future__ import annotations

from distill.checker.finding import Finding
from distill.checker.sides import apart, by_arrays
from distill.evidence import Claim
from distill.target import Target
from dsl.domain import rows
from dsl.program import Program


def replay_finding(target: Target, program: Program, claim: Claim) -> Finding:
    """`refuted` where the difference shows again, `unknown` where it doesn't."""
    example = claim.counterexample
    names = [field.name for field in target.domain.fields]
    try:
        assert example is not None
        columns = target.domain.column(tuple(example["inputs"][name] for name in names))
    except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
        return Finding("unknown", "the evidence says refuted, and gives no input that shows it")
    if rows(columns) != 1 or not target.domain.contains(columns)[0]:
        return Finding("unknown", "the evidence says refuted, by an input outside the domain")
    found = apart(target, program, columns, by_arrays, claim)
    if found.wrong(claim.tolerance or 0.0, claim.margin)[0]:
        text = f"the evidence says refuted, and its input {example['inputs']} shows it again"
        return Finding("refuted", text)
    return Finding("unknown", "the evidence says refuted, and its input shows no difference")
