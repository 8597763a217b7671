"""Several outputs: arithmetic, words item by item, and output by output."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.errors import BadInput
from distill.synthesize.boolean import Table, propose_vector
from distill.synthesize.boolean.table import assignments
from dsl.cost import bits
from dsl.meanings.array import run_expression
from dsl.program import const, prim, var
from dsl.text import Reader, show
from dsl.types import BOOL, Vector


def planted(text, **lengths):
    scope = {n: Vector(BOOL, (k,)) if k else BOOL for n, k in lengths.items()}
    leaves, columns, at = [], {}, 0
    rows = assignments(sum(k or 1 for k in lengths.values()))
    for name, item in scope.items():
        k = lengths[name]
        whole = var(name, item)
        leaves += [prim("item", whole, const(i)) for i in range(k)] or [whole]
        columns[name] = rows[:, at : at + k] if k else rows[:, at]
        at += k or 1
    reference = Reader(text).expression(scope)
    values = np.array(run_expression(reference, columns), dtype=bool)
    full = np.ones(len(rows), dtype=bool)
    return reference, [Table(tuple(leaves), column, full) for column in values.T], columns


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("bits(number(a, 2) + number(b, 2), 3)", {"a": 2, "b": 2}),
        ("bits(number(a, 2) + number(b, 2), 4)", {"a": 3, "b": 3}),
        ("bits(number(x[0:3], 2) + number(x[3:6], 2), 4)", {"x": 6}),
        ("bits(number(a, 2) + number(b, 2) + as_int(c), 4)", {"a": 3, "b": 3, "c": 0}),
        ("bits(number(a, 2) * number(b, 2), 4)", {"a": 2, "b": 2}),
        ("bits(number(a, 2) * number(b, 2), 5)", {"a": 3, "b": 2}),
        ("bits(number(a, 2) - number(b, 2), 3)", {"a": 3, "b": 3}),
        ("bits(max(number(a, 2), number(b, 2)), 3)", {"a": 3, "b": 3}),
        ("bits(3 * number(x, 2) + 1, 6)", {"x": 4}),
        ("bits(count(x), 4)", {"x": 8}),
        ("reverse(bits(number(reverse(a), 2) + number(reverse(b), 2), 3))", {"a": 2, "b": 2}),
        (
            "bits(if c then number(a, 2) - number(b, 2) else number(a, 2) + number(b, 2), 3)",
            {"a": 3, "b": 3, "c": 0},
        ),
        ("a xor b", {"a": 4, "b": 4}),
        ("reverse(x)", {"x": 5}),
        ("if c then a else b", {"a": 3, "b": 3, "c": 0}),
        ("[x[0], x[0] != x[1], x[1] != x[2], x[2] != x[3]]", {"x": 4}),
        (
            "[x[0] and x[1] and (x[2] or x[3]), x[4] and not (x[0] and x[1]),"
            " x[0] and x[1] and x[4] or x[2] and x[3]]",
            {"x": 5},
        ),
    ],
)
def test_planted_vectors_come_out_as_short_as_they_were_written(text, lengths):
    reference, tables, columns = planted(text, **lengths)
    best = propose_vector(tables)[0]
    assert bits(best) <= bits(reference) + 1e-6, show(best)
    found = run_expression(best, columns)
    assert (found == np.stack([t.values for t in tables], axis=1)).all()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=8, max_size=8), min_size=1, max_size=3))
def test_every_vector_is_right(outputs):
    _, [some, *_], columns = planted("reverse(x)", x=3)
    tables = [Table(some.leaves, np.array(o), some.care) for o in outputs]
    found = propose_vector(tables)
    assert found
    for expression in found:
        result = np.broadcast_to(run_expression(expression, columns), (8, len(outputs)))
        assert (np.array(outputs) == result.T).all(), show(expression)


def test_outputs_that_matter_on_some_rows_only():
    _, tables, columns = planted("bits(number(a, 2) + number(b, 2), 3)", a=2, b=2)
    care = columns["a"][:, 0] | columns["b"][:, 1]
    loose = [Table(t.leaves, t.values & care, care) for t in tables]
    assert show(propose_vector(loose)[0]) == "bits(number(a, 2) + number(b, 2), 3)"


def test_tables_over_different_leaves_are_refused():
    _, one, _ = planted("reverse(x)", x=2)
    _, other, _ = planted("reverse(y)", y=2)
    with pytest.raises(BadInput, match="same leaves"):
        propose_vector([*one, *other])
    with pytest.raises(BadInput, match="at least one"):
        propose_vector([])


def test_outputs_that_matter_nowhere_are_no_fault():
    leaves = tuple(prim("item", var("x", Vector(BOOL, (4,))), const(i)) for i in range(4))
    nowhere = np.zeros(16, bool)
    found = propose_vector([Table(leaves, nowhere, nowhere)] * 3)
    assert found[0].type == Vector(BOOL, (3,))
