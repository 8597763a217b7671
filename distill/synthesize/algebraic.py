"""Programs that sympy finds equal to the best ones and shorter; they are judged like any other.

sympy may cancel a factor that is zero somewhere, so its word is a proposal, never evidence.
"""

from __future__ import annotations

from distill.synthesize.loop import Pool
from dsl.cost import program_bits
from dsl.meanings.from_sympy import simplify
from dsl.program import size

_BEST = 3
_SMALLEST = 4
"""Nodes up to which nothing is to be gained."""

_LARGEST = 150
"""Nodes above which sympy isn't asked: writing the formula alone could take it minutes."""


def offer_simplified(pool: Pool) -> None:
    """Ask sympy about the best programs that hold, and offer what it makes of them.

    Only what takes fewer bits is offered; the program it was made from stays in the pool, so
    that it is there when a verifier refutes the simplified one.
    """
    holding = [j for j in pool.judged.values() if j.holds]
    holding.sort(key=lambda j: (j.score, j.candidate.bits))
    for judged in holding[:_BEST]:
        made = judged.candidate
        if not _SMALLEST < size(made.program.main.body) <= _LARGEST:
            continue
        simpler = simplify(made.program)
        if simpler is not None and program_bits(simpler) < made.bits:
            pool.offer(simpler.main.body, made.route + ", simplified by sympy")
