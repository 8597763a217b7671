"""For test suites: assertions about equivalence."""

from __future__ import annotations

from typing import Any

from distill.api import equivalent
from distill.evidence import Claim
from dsl.domain import Domain
from dsl.sequences import Sequences


def assert_equivalent(
    f: Any,
    g: Any,
    inputs: str | Domain | Sequences,
    tolerance: float | None = None,
    seed: int = 0,
) -> Claim:
    """Assert that two of network, program or callable agree on a domain; returns the evidence.

    Raises:
        AssertionError: with a shrunk counterexample, where they differ.
    """
    claim = equivalent(f, g, inputs, tolerance, seed)
    if claim.verdict == "refuted":
        raise AssertionError(f"not equivalent: {claim.statement}: {claim.counterexample}")
    return claim
