"""Enumeration: candidates for one number or one truth value, from a bank of behaviours.

Examples come from the network only. The bank grows by cost; after each level the last
operation is answered by lookup, with constants left open and fitted, then rounded to
the simplest numbers that keep the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.run.budget import spend, steps_left
from distill.synthesize.bank import (
    NUMBER,
    Bank,
    Leaf,
    Match,
    Operation,
    bool_target,
    grow,
    last_step,
    match_tree,
    number_target,
    start,
)
from distill.synthesize.simplest import simplest_between
from distill.synthesize.terms import Term, search_type
from distill.synthesize.vocabulary import apply, number_constant, operation_name
from dsl.domain import Columns, Domain
from dsl.meanings.array import run_expression
from dsl.program import Definition, Expression, prim
from dsl.types import TypeMismatch

Tree = Any
ENTRIES = 60_000
"""Behaviours of one type that a bank may hold; it ends with the block that passes this."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the enumerated term must give on the examples.

    values: (n,) numbers or truths; care: which examples matter; tolerance: for numbers; weights
    and allowed_errors: for truths, the weight that a threshold may get wrong.
    """

    values: NDArray[Any]
    care: NDArray[np.bool_]
    tolerance: float = 0.0
    allowed_errors: float = 0.0

    @property
    def truth(self) -> bool:
        """Whether truth values are wanted."""
        return self.values.dtype == np.bool_


@dataclass(frozen=True)
class Search:
    """A bank with the terms and operations it was made from."""

    bank: Bank
    operations: tuple[Operation, ...]
    leaves: dict[str, Expression]
    functions: Mapping[str, Definition] = field(default_factory=dict)


def open_search(
    domain: Domain,
    examples: Columns,
    leaves: Sequence[Term],
    operations: tuple[Operation, ...],
    functions: Collection[Definition] = (),
) -> Search:
    """An empty bank on these examples; terms that repeat another's values are left out."""
    named = dict(zip((f.name for f in domain.fields), examples, strict=True))
    rows = len(examples[0])
    found: dict[str, Expression] = {}
    banked: list[Leaf] = []
    for number, term in enumerate(leaves):
        values = np.broadcast_to(run_expression(term.expression, named), (rows,))
        if values.dtype != np.bool_:
            values = values.astype(np.float64)
        name = f"t{number}"
        found[name] = term.expression
        kind = search_type(term.expression.type)
        banked.append(Leaf(name, kind, np.ascontiguousarray(values), term.cost))
    return Search(start(banked), operations, found, {operation_name(d): d for d in functions})


def deepen(
    search: Search,
    cost: int,
    step_limit: int | None = None,
    entry_limit: int = ENTRIES,
    should_stop: Callable[[], bool] | None = None,
) -> Search:
    """The search with every behaviour up to `cost`."""
    bank = grow(
        search.bank,
        search.operations,
        cost,
        step_limit=step_limit,
        entry_limit=entry_limit,
        should_stop=should_stop,
    )
    return replace(search, bank=bank)


def counted(
    search: Search, cost: int, entry_limit: int, should_stop: Callable[[], bool] | None
) -> Search:
    """The search deepened, its candidates counted as steps of the stage that may stop it."""
    before, left = search.bank.steps, steps_left(should_stop)
    limit = None if left is None else before + left
    found = deepen(search, cost, limit, entry_limit, should_stop)
    spend(should_stop, found.bank.steps - before)
    return found


def lookup_price(search: Search) -> int:
    """Steps that answering the last operation from a bank takes."""
    entries = len(search.bank.number.values) + len(search.bank.bool.values)
    return entries * len(search.operations)


def answers(search: Search, wanted: Wanted, limit: int = 12) -> list[Expression]:
    """Expressions that give what is wanted on every example that matters, cheapest first."""
    if not wanted.care.any():
        return []
    if wanted.truth:
        target = bool_target(wanted.values, wanted.care, None, wanted.allowed_errors)
    else:
        target = number_target(wanted.values.astype(np.float64), wanted.tolerance, wanted.care)
    matches = last_step(search.bank, search.operations, target, limit=limit)
    found: list[Expression] = []
    for match in matches[: 4 * limit]:
        found += _expressions(search, match, wanted)
    return list(dict.fromkeys(found))


def _expressions(search: Search, match: Match, wanted: Wanted) -> Iterator[Expression]:
    try:
        children = [_from_tree(search, match_tree(search.bank, _entry(c))) for c in match.children]
        if match.operation == "entry":
            yield children[0]
        elif match.operation in ("above", "below"):
            yield from _threshold(match, children[0])
        elif match.operation == "affine":
            yield from _affine(search, match, children, wanted)
        else:
            yield apply(match.operation, children, search.functions)
    except TypeMismatch:
        return


def entry_expression(search: Search, row: int, kind: str = NUMBER) -> Expression:
    """The expression of one of the bank's numbers, or truths."""
    return _from_tree(search, match_tree(search.bank, _entry((kind, row))))


def _entry(child: tuple[str, int]) -> Match:
    return Match(0, "entry", (child,))


def _from_tree(search: Search, tree: Tree) -> Expression:
    if isinstance(tree, str):
        return search.leaves[tree]
    name, *children = tree
    return apply(name, [_from_tree(search, c) for c in children], search.functions)


def _threshold(match: Match, child: Expression) -> Iterator[Expression]:
    assert match.interval is not None
    low, high = match.interval
    constant = number_constant(simplest_between(low, high))
    name = "greater" if match.operation == "above" else "less"
    yield prim(name, child, constant)


def _affine(
    search: Search, match: Match, children: list[Expression], wanted: Wanted
) -> Iterator[Expression]:
    from distill.synthesize.fit import affine_expression, simplest_coefficients

    bank = search.bank
    columns = [bank.entries(NUMBER).values[row] for _, row in match.children]
    design = np.stack([*columns, np.ones(bank.examples)], 1)[wanted.care]
    values = wanted.values[wanted.care].astype(np.float64)
    for coefficients in simplest_coefficients(
        design, values, np.array(match.constants), wanted.tolerance
    ):
        yield affine_expression(children, coefficients)
