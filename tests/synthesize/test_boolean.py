"""Truth tables: every proposal is right, and planted functions come out in their short form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import BadInput
from distill.synthesize.boolean import Table, propose
from distill.synthesize.boolean.table import agrees, assignments, defined
from dsl.cost import bits
from dsl.meanings.array import run_expression
from dsl.program import Expression, const, prim, var
from dsl.text import Reader, show
from dsl.types import BOOL, Type, Vector


def vectors(**lengths: int) -> dict[str, Type]:
    return {name: Vector(BOOL, (n,)) if n else BOOL for name, n in lengths.items()}


def leaves_of(scope: dict[str, Type]) -> tuple[Expression, ...]:
    found: list[Expression] = []
    for name, item in scope.items():
        if isinstance(item, Vector):
            found += [prim("item", var(name, item), const(i)) for i in range(item.shape[0])]
        else:
            found.append(var(name, item))
    return tuple(found)


def columns_of(scope: dict[str, Type]) -> dict[str, np.ndarray]:
    rows, at = assignments(len(leaves_of(scope))), 0
    found = {}
    for name, item in scope.items():
        length = item.shape[0] if isinstance(item, Vector) else 1
        part = rows[:, at : at + length]
        found[name] = part if isinstance(item, Vector) else part[:, 0]
        at += length
    return found


def planted(text: str, **lengths: int) -> tuple[Expression, Table]:
    scope = vectors(**lengths)
    reference = Reader(text).expression(scope)
    values = np.array(run_expression(reference, columns_of(scope)), dtype=bool)
    groups = tuple(var(n, t) for n, t in scope.items() if isinstance(t, Vector))
    return reference, Table(leaves_of(scope), values, np.ones_like(values), groups)


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("count(x) > 2", {"x": 5}),
        ("count(x) > 3", {"x": 7}),
        ("count(x) > 5", {"x": 10}),
        ("any(x)", {"x": 6}),
        ("count(x) > 1 and count(x) < 5", {"x": 7}),
        ("count(x) % 3 == 0", {"x": 8}),
        ("x[0] xor x[3] xor x[7]", {"x": 10}),
        ("count(x[2:7]) % 2 == 1", {"x": 10}),
        ("count(x) % 2 == 1", {"x": 10}),
        ("if x[0] then x[1] else x[2]", {"x": 3}),
        ("x[2:6][number(x[0:2], 2)]", {"x": 6}),
        ("same(x, reverse(x))", {"x": 6}),
        ("same(x, reverse(x))", {"x": 10}),
        ("number(a, 2) < number(b, 2)", {"a": 2, "b": 2}),
        ("number(a, 2) < number(b, 2)", {"a": 3, "b": 3}),
        ("number(x[0:4], 2) <= number(x[4:8], 2)", {"x": 8}),
        ("number(x, 2) > 37", {"x": 6}),
        ("number(x, 2) % 3 == 0", {"x": 6}),
        ("number(a, 2) + number(b, 2) == number(c, 2)", {"a": 2, "b": 2, "c": 3}),
        ("number(a, 2) * number(b, 2) > 5", {"a": 3, "b": 3}),
        ("count(a and b) % 2 == 1", {"a": 3, "b": 3}),
        ("any(x[0:6] and x[1:7])", {"x": 7}),
        ("number(a, 2) < number(b, 2) and count(a) > 1", {"a": 3, "b": 3}),
        ("same(a, b) or count(a) == 1", {"a": 3, "b": 3}),
        ("if c then number(a, 2) < number(b, 2) else same(a, b)", {"a": 3, "b": 3, "c": 0}),
        ("as_int(x[0]) * 3 + count(x[1:5]) > 3", {"x": 6}),
        ("x[0] and x[1] or not x[2] and x[3] and x[4] or x[5] and not x[6]", {"x": 8}),
        ("a and (b or c)", {"a": 0, "b": 0, "c": 0}),
    ],
)
def test_planted_functions_come_out_as_short_as_they_were_written(text, lengths):
    reference, table = planted(text, **lengths)
    best = propose(table)[0]
    assert agrees(best, table)
    assert bits(best) <= bits(reference) + 1e-6, show(best)


def test_planted_sums_of_products_come_out_as_short_as_they_were_written():
    rng = np.random.default_rng(1)
    for count in (6, 8, 10):
        terms = []
        for _ in range(4):
            chosen = rng.choice(count, 3, replace=False)
            signs = rng.random(3) < 0.5
            literals = [f"{'' if s else 'not '}x[{i}]" for i, s in zip(chosen, signs, strict=True)]
            terms.append(" and ".join(literals))
        reference, table = planted(" or ".join(terms), x=count)
        assert bits(propose(table)[0]) <= bits(reference) + 1e-6


tables = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=1 << n, max_size=1 << n),
        st.lists(st.booleans(), min_size=1 << n, max_size=1 << n),
        st.booleans(),
    )
)


@settings(max_examples=30, deadline=None)
@given(tables)
def test_every_proposal_is_right_on_every_row_that_matters(drawn):
    values, care, everywhere = (np.array(d, dtype=bool) for d in drawn)
    scope = vectors(x=len(values).bit_length() - 1)
    table = Table(leaves_of(scope), values, care | everywhere)
    found = propose(table)
    assert found
    for expression in found:
        result = run_expression(expression, columns_of(scope))
        right = (np.broadcast_to(result, values.shape) == values)[table.care]
        assert right.all(), show(expression)


def test_rows_that_do_not_matter_make_it_shorter():
    _, table = planted("if x[0] then x[1] else x[2]", x=4)
    loose = Table(table.leaves, table.values, table.columns[:, 0], table.groups)
    assert show(propose(loose)[0]) == "x[1]"


def test_leaves_may_be_any_conditions():
    x = var("x", Vector(BOOL, (2,)))
    low = prim("less", var("t", Reader("int").type()), const(3))
    rows = assignments(3)
    leaves = (low, prim("item", x, const(0)), prim("item", x, const(1)))
    table = Table(leaves, rows[:, 0] & rows[:, 2], np.ones(8, dtype=bool), (x,))
    assert show(propose(table)[0]) in ("t < 3 and x[1]", "x[1] and t < 3")


def test_wrong_expressions_are_refused():
    reference, table = planted("count(x) > 2", x=5)
    assert agrees(reference, table)
    assert not agrees(Reader("count(x) > 1").expression(vectors(x=5)), table)
    assert not agrees(Reader("count(x)").expression(vectors(x=5)), table)


def test_a_table_without_rows_that_matter_is_anything():
    _, table = planted("count(x) > 2", x=3)
    assert propose(Table(table.leaves, table.values, np.zeros(8, dtype=bool)))


def test_a_row_that_does_not_matter_still_has_a_value():
    scope = vectors(x=3)
    table = Table(leaves_of(scope), assignments(3)[:, 0], assignments(3)[:, 0])
    outside = Reader("x[0:2][number(x, 2) - 5]").expression(scope)
    assert not defined(outside, table)
    assert defined(Reader("x[number(x[0:1], 2)]").expression(scope), table)


def test_bad_tables_are_refused():
    leaves = leaves_of(vectors(x=2))
    full = np.ones(4, dtype=bool)
    with pytest.raises(BadInput, match="4 values"):
        Table(leaves, full[:3], full)
    with pytest.raises(BadInput, match="different"):
        Table((leaves[0], leaves[0]), full, full)
    with pytest.raises(BadInput, match="every item of the group"):
        Table(leaves, full, full, (var("y", Vector(BOOL, (2,))),))
    with pytest.raises(BadInput, match="Boolean"):
        Table((leaves[0], const(3)), full, full)
