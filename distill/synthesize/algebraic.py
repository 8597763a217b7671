"""Programs that sympy finds equal to the best ones and shorter; they are judged like any other.

sympy may cancel a factor that is zero somewhere, so its word is a proposal, never evidence.
"""

from __future__ import annotations

from distill.synthesize.loop import Pool
from dsl.meanings.from_sympy import simplify
from dsl.program import size

_BEST = 3
_SMALLEST = 4
"""Nodes up to which nothing is to be gained."""


def offer_simplified(pool: Pool) -> None:
    """Ask sympy about the best programs that hold, and offer what it makes of them."""
    holding = [j for j in pool.judged.values() if j.holds]
    holding.sort(key=lambda j: (j.score, j.candidate.bits))
    for judged in holding[:_BEST]:
        made = judged.candidate
        if size(made.program.main.body) <= _SMALLEST:
            continue
        simpler = simplify(made.program)
        if simpler is not None:
            pool.offer(simpler.main.body, made.route + ", simplified by sympy")
