"""The counterexample-guided loop: propose on few examples, judge on many, learn from the worst."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import Stage, spend
from distill.synthesize.candidate import Candidate, candidate
from distill.synthesize.enumerate import (
    ENTRIES,
    Search,
    Wanted,
    answers,
    counted,
    lookup_price,
    open_search,
)
from distill.synthesize.judge import Judged, judge
from distill.synthesize.points import points_of
from distill.synthesize.refine import refined
from distill.synthesize.terms import terms
from distill.synthesize.vocabulary import operations
from distill.synthesize.wellformed import defined_on
from distill.synthesize.whole import linear_forms, whole_values
from distill.target import Target
from distill.verify.square import compare, tolerance
from dsl.cost import bits
from dsl.domain import Columns, joined, rows
from dsl.primitive import Primitive
from dsl.program import Definition, Expression, const, prim, primitives_of
from dsl.rewrite import simplify
from dsl.types import BOOL, INT, REAL, Category, TypeMismatch, Vector, accepts

_EXAMPLES = 96
_NEAR = 0.02
"""Share of the examples nearest to a decision, and of the largest margin, that don't matter yet."""

_DEEPEST = 9
_ROUNDS = 5
_MORE_LEVELS = 1
_AT_LEAST = 4
_CROWDED = 5000
_BITS_A_LEVEL = 8.0
_COMBINATIONS = 3
_JUDGING = 2000
"""Steps that judging a program takes beside running the network, which is quick."""


@dataclass(frozen=True)
class Vocabulary:
    """Which primitives the search may use: names allowed or forbidden, a user's own, and functions
    of a user's library, which call nothing."""

    allowed: frozenset[str] | None = None
    forbidden: frozenset[str] = frozenset()
    own: tuple[Primitive, ...] = ()
    functions: tuple[Definition, ...] = ()

    @property
    def usable(self) -> tuple[Definition, ...]:
        """The user's functions, but for those with a primitive that may not be used."""
        return tuple(d for d in self.functions if self._permits(primitives_of(d.body)))

    def _permits(self, names: frozenset[str]) -> bool:
        return names.isdisjoint(self.forbidden) and (self.allowed is None or names <= self.allowed)


@dataclass
class Pool:
    """Everything judged so far; `best` holds where something does.

    forbidden: names of primitives that nothing offered may use, but for the user's own hints.
    learned: counterexamples of programs that were refuted; they are among the points; functions:
    the user's, which bodies may call.
    """

    target: Target
    points: Columns
    judged: dict[Expression, Judged] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    learned: Columns | None = None
    functions: tuple[Definition, ...] = ()

    def offer(self, body: Expression, route: str) -> Judged | None:
        """Judge a body once; None where its type isn't the output's, or it may not be used."""
        if body in self.judged:
            return self.judged[body]
        result = self.target.output.type
        if not accepts(result, body.type):
            return None
        shorter = simplify(body)
        if shorter is not body and accepts(result, shorter.type):
            self.offer(shorter, route)
        if route != "hint" and not self.forbidden.isdisjoint(primitives_of(body)):
            return None
        made = candidate(self.target.domain.parameters, body, result, route, self.functions)
        if not defined_on(made.program, self.target.domain):
            return None
        self.judged[body] = judge(self.target, made, self.points)
        return self.judged[body]

    def add(self, made: Candidate) -> Judged:
        """Judge a whole program."""
        found = judge(self.target, made, self.points)
        self.judged[made.program.main.body] = found
        return found

    def learn(self, examples: Columns) -> None:
        """Take counterexamples among the judging points; what they refute doesn't hold any more.

        Discrete programs over reals may differ on a share of the domain, whatever a few inputs say.
        """
        self.points = joined(self.points, examples)
        self.learned = examples if self.learned is None else joined(self.learned, examples)
        if self.target.output.discrete and not self.target.finite:
            return
        allowed = tolerance(self.target)
        for body, judged in list(self.judged.items()):
            if judged.holds:
                found = compare(self.target, judged.candidate.program, examples)
                if found.wrong(allowed, self.target.margin).any():
                    self.judged[body] = judge(self.target, judged.candidate, self.points)

    @property
    def price(self) -> int:
        """Steps that judging a program takes: all points through the network."""
        return rows(self.points) * self.target.form.multiply_adds // 8000 + _JUDGING

    @property
    def best(self) -> Judged | None:
        """The one that holds with the smallest score."""
        holding = [j for j in self.judged.values() if j.holds]
        return min(holding, key=lambda j: (j.score, j.candidate.bits), default=None)


def search_values(pool: Pool, seed: int, vocabulary: Vocabulary, stop: Stage) -> bool:
    """Fill the pool by read-offs and enumeration; True where the search ran to its end."""
    for body in whole_values(pool.target):
        pool.offer(body, "read off")
    examples = first_examples(pool.target, seed)
    if pool.learned is not None:
        examples = joined(examples, pool.learned)
    for _ in range(_ROUNDS):
        wrong, ended = _one_round(pool, examples, vocabulary, stop)
        best = pool.best
        if best is not None or not wrong or stop():
            return ended or best is not None
        picked = sorted(wrong)[:16]
        fresh = tuple(c[picked] for c in pool.points)
        examples = tuple(np.concatenate(pair) for pair in zip(examples, fresh, strict=True))
    return True


def first_examples(target: Target, seed: int) -> Columns:
    """All of a small finite domain, else draws; for real outputs corners among them."""
    return points_of(target, (seed, 5), _EXAMPLES, 12, 4 * _EXAMPLES)


def _one_round(
    pool: Pool, examples: Columns, vocabulary: Vocabulary, stop: Stage
) -> tuple[set[int], bool]:
    """Enumerate on these examples; the judging points where proposals failed, and the end."""
    target, wrong = pool.target, set[int]()
    wanted = _components(target, examples)
    for component in range(len(wanted)):
        for body in linear_forms(target, examples, component):
            if len(wanted) == 1:
                wrong |= _offer(pool, body, "read off", stop)
    offered = operations(
        target.domain, vocabulary.allowed, vocabulary.forbidden, vocabulary.own, pool.functions
    )
    search = open_search(target.domain, examples, terms(target.domain), offered, pool.functions)
    proposals: list[list[Expression]] = [[] for _ in wanted]
    after = 0
    for cost in range(1, _DEEPEST + 1):
        if stop():
            return wrong, False
        search = counted(search, cost, ENTRIES, stop)
        if lookup_price(search) * len(wanted) > stop.left:
            return wrong, False
        for place, one in enumerate(wanted):
            if not proposals[place] or len(wanted) == 1:
                spend(stop, lookup_price(search))
                proposals[place] += answers(search, one)
        for body in _assembled(target, proposals):
            wrong |= _offer(pool, body, "enumerated", stop)
        best = pool.best
        if best is not None:
            after += 1
        elif len(wrong) >= 4:
            return wrong, False
        if best is not None and _enough(search, cost, after, best):
            return wrong, True
        if search.bank.level < cost:
            return wrong, _full(search)
    return wrong, True


def _enough(search: Search, cost: int, after: int, best: Judged) -> bool:
    """Whether a shorter program than the best one is hardly to be expected from going on."""
    if len(search.bank.number.values) > _CROWDED or cost * _BITS_A_LEVEL > best.candidate.bits:
        return True
    return after > _MORE_LEVELS and cost >= _AT_LEAST


def _full(search: Search) -> bool:
    """Whether the bank ended for want of room, and not of steps."""
    return max(len(search.bank.number.values), len(search.bank.bool.values)) >= ENTRIES


def _offer(pool: Pool, body: Expression, route: str, stop: Stage) -> set[int]:
    before = len(pool.judged)
    found = pool.offer(body, route)
    if found is None:
        return set()
    for better in refined(pool.target, body, pool.points, pool.functions):
        pool.offer(better, route + ", fitted")
    spend(stop, (len(pool.judged) - before) * pool.price)
    return set() if found.holds else set(found.wrong[:4])


def _components(target: Target, examples: Columns) -> list[Wanted]:
    """What is wanted of each component of the output on the examples."""
    raw = target.raw(examples)
    values = target.output.decode(raw)
    margins = target.output.margin(raw)
    care = margins > target.margin
    if target.output.discrete and not target.finite:
        care &= margins >= min(np.quantile(margins, _NEAR), _NEAR * margins.max())
    columns = values if isinstance(target.output.type, Vector) else values[:, None]
    allowed = 0.0 if target.finite else target.tolerance * rows(examples)
    tolerance = target.tolerance if not target.output.discrete else 1e-9
    return [
        Wanted(_plain(columns[:, i]), care, tolerance, allowed) for i in range(columns.shape[1])
    ]


def _plain(column: NDArray) -> NDArray:
    return column if column.dtype == np.bool_ else column.astype(np.float64)


def _assembled(target: Target, proposals: list[list[Expression]]) -> Iterator[Expression]:
    """Component proposals as whole values of the output's type."""
    item = target.output.type
    if not all(proposals):
        return
    if not isinstance(item, Vector):
        for body in proposals[0]:
            yield from _as_type(body, target)
        return
    ranked = [sorted(p, key=bits)[:_COMBINATIONS] for p in proposals]
    for place in range(_COMBINATIONS):
        parts = [_first_of_type(r[min(place, len(r) - 1) :], target) for r in ranked]
        if all(p is not None for p in parts):
            yield prim("vector", *(p for p in parts if p is not None))


def _first_of_type(found: Collection[Expression], target: Target) -> Expression | None:
    return next((t for body in found for t in _as_type(body, target)), None)


def _as_type(body: Expression, target: Target) -> Iterator[Expression]:
    """A number as what the output is: rounded for int, an alternative for a category."""
    scalar = target.output.scalar
    try:
        if isinstance(scalar, Category):
            whole = body if body.type == INT else prim("round", body)
            yield _category(whole, scalar.size)
        elif scalar == INT and body.type == REAL:
            yield prim("round", body)
        elif scalar != BOOL or body.type == BOOL:
            yield body
    except TypeMismatch:
        return


def _category(index: Expression, size: int) -> Expression:
    from dsl.program import Const, Prim

    if isinstance(index, Prim) and index.primitive.name == "index":
        return index.children[0]
    if isinstance(index, Const):
        return const(index.value, Category(size))
    if isinstance(index, Prim) and index.primitive.name == "if_":
        condition, yes, no = index.children
        return prim("if_", condition, _category(yes, size), _category(no, size))
    return prim("category", index, const(size))
