"""Sums of products as short formulas: common literals are taken out.

Algebraic factoring in the manner of Brayton (Factoring logic functions, 1987).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from distill.synthesize.boolean.cubes import Term
from distill.synthesize.boolean.formula import conjunction, disjunction, literal
from distill.synthesize.boolean.measure import lightest, weigh
from dsl.program import Expression, prim

Join = Callable[[Iterable[Expression]], Expression]


@dataclass(frozen=True)
class Form:
    """How terms are written: `outer` joins terms, `inner` the literals of one.

    Or of ands; or, for the terms of the opposite function, and of ors with every literal
    the other way round.
    """

    leaves: tuple[Expression, ...]
    dual: bool = False

    def outer(self, parts: Iterable[Expression]) -> Expression:
        """The terms joined."""
        return (conjunction if self.dual else disjunction)(parts)

    def inner(self, parts: Iterable[Expression]) -> Expression:
        """The literals of a term joined."""
        return (disjunction if self.dual else conjunction)(parts)

    def literals(self, term: Term) -> list[Expression]:
        """The literals of a term."""
        return [literal(self.leaves[i], positive != self.dual) for i, positive in sorted(term)]

    def differ(self, one: Expression, other: Expression, equal: bool) -> Expression:
        """The two terms that make an exclusive or (or an equality) of two leaves."""
        return prim("equal" if equal != self.dual else "not_equal", one, other)


def written(terms: Sequence[Term], form: Form) -> Expression:
    """The shorter of the factored and the plain form of a sum of products."""
    plain = form.outer([form.inner(form.literals(t)) for t in terms])
    return lightest([_factored(list(terms), form), plain])


def _factored(terms: list[Term], form: Form) -> Expression:
    shared = frozenset.intersection(*terms)
    if len(terms) == 1 or any(t == shared for t in terms):
        return form.inner(form.literals(shared))
    if shared:
        rest = _factored([t - shared for t in terms], form)
        return form.inner([*form.literals(shared), rest])
    exclusive = _exclusive(terms, form)
    if exclusive is not None:
        return exclusive
    best, times = _most_common(terms, form)
    if times < 2:
        return form.outer([form.inner(form.literals(t)) for t in terms])
    inside = [t for t in terms if best in t]
    outside = [t for t in terms if best not in t]
    return form.outer([_factored(inside, form), _factored(outside, form)])


def _most_common(terms: list[Term], form: Form) -> tuple[tuple[int, bool], int]:
    """The literal in most terms; of equals the heaviest to write."""
    counts = Counter(x for t in terms for x in sorted(t))
    best = max(counts, key=lambda x: (counts[x], weigh(form.leaves[x[0]]), -x[0]))
    return best, counts[best]


def _exclusive(terms: list[Term], form: Form) -> Expression | None:
    """`a != b` for the terms `a, not b` and `not a, b`."""
    if len(terms) != 2 or any(len(t) != 2 for t in terms):
        return None
    (one, first), (other, second) = sorted(terms[0])
    if terms[1] != {(one, not first), (other, not second)}:
        return None
    return form.differ(form.leaves[one], form.leaves[other], first == second)
