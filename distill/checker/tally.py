"""Comparisons on many inputs, added up: all points of a finite domain, or fresh draws."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from distill.checker.sides import Values, apart
from distill.evidence import Claim, Evidence
from distill.target import Target
from dsl.domain import Columns, Domain, rows
from dsl.program import Program

BLOCK = 1 << 14


@dataclass
class Tally:
    """Rows seen, rows that contradict the claim, and what was measured beside it.

    `left_out`: rows within the claim's margin; `above`: rows farther apart than the claim's
    `achieved`; `worst` and `closest`: largest distance and smallest decision margin outside it;
    `example`: the first contradicting row, as plain values.
    """

    seen: int = 0
    wrong: int = 0
    left_out: int = 0
    above: int = 0
    worst: float = 0.0
    closest: float = np.inf
    scale: float = 0.0
    example: tuple | None = None

    @property
    def share(self) -> float:
        """The share of rows within the margin."""
        return self.left_out / max(self.seen, 1)


def tally(
    target: Target, program: Program, claim: Claim, blocks: Iterable[Columns], values: Values
) -> Tally:
    """Go both ways round the square on every block."""
    found, allowed = Tally(), claim.tolerance or 0.0
    limit = allowed if claim.achieved is None else claim.achieved * (1 + 1e-6)
    for columns in filter(rows, blocks):
        seen = apart(target, program, columns, values, claim)
        counted = seen.margin > claim.margin
        wrong = np.flatnonzero(seen.wrong(allowed, claim.margin))
        if len(wrong) and found.example is None:
            found.example = target.domain.row(columns, int(wrong[0]))
        found.seen += rows(columns)
        found.wrong += len(wrong)
        found.left_out += int((~counted).sum())
        found.above += int((seen.distance[counted] > limit).sum())
        found.worst = max(found.worst, float(seen.distance[counted].max(initial=0.0)))
        found.closest = min(found.closest, float(seen.margin[counted].min(initial=np.inf)))
        found.scale = max(found.scale, seen.scale)
    return found


def draws(domain: Domain, rng: np.random.Generator, count: int) -> Iterator[Columns]:
    """Independent uniform draws in blocks. Raises: DomainError."""
    for start in range(0, count, BLOCK):
        yield domain.sample(rng, min(BLOCK, count - start))


def fresh(evidence: Evidence, purpose: str) -> np.random.Generator:
    """Draws of the checker's own: the same for one folder, other than any that the run made."""
    text = f"{purpose} {evidence.hashes} {evidence.seed}"
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
