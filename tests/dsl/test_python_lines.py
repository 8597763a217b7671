"""Breaking a long line never changes what it says."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.meanings.python import wrap

NAMES = st.sampled_from(["x", "carry", "items[3]", "longer_name", "2.5"])
WORDS = st.sampled_from(["or", "and", "+", "-", "*", "^", "<"])


def joined(parts):
    left, word, right = parts
    return f"{left} {word} {right}"


def grown(inner):
    group = inner.map("({})".format)
    return st.one_of(
        st.tuples(inner, st.sampled_from(["or", "and", "+", "-", "*", "^", "<"]), inner).map(
            joined
        ),
        group,
        st.tuples(group, group).map(lambda p: f"{p[0]} if {p[1]} else {p[0]}"),
        st.lists(inner, min_size=1, max_size=4).map(lambda v: f"max({', '.join(v)})"),
        st.lists(inner, min_size=1, max_size=4).map(lambda v: f"[{', '.join(v)}]"),
        st.tuples(inner, inner).map(lambda v: f"({v[0]}, {v[1]})"),
        inner.map(lambda v: f"sum({v} for v in items)"),
    )


@given(st.recursive(NAMES, grown, max_leaves=25), st.sampled_from([20, 40, 88]))
def test_wrapping_keeps_the_syntax_tree(text, width):
    before = ast.dump(ast.parse(f"y = {text}"))
    assert ast.dump(ast.parse("\n".join(wrap("y = ", text, width)))) == before


@pytest.mark.parametrize("inner", ["a or b or c", "a if b else c", "a"])
def test_a_group_isnt_a_tuple(inner):
    text = f"({inner.replace('a', 'a' * 90)}) and z"
    scope = {"a" * 90: False, "b": False, "c": False, "z": True}
    assert eval("\n".join(wrap("(", text)) + ")", scope) == eval(text, scope)


def test_a_check_of_the_domain_too_long_for_a_line_is_broken_and_means_the_same() -> None:
    from distill.export.python import _unless

    parts = ["len(x) == 3", "all(len(v) == 3 for v in x)", "all(w in (0, 1) for v in x for w in v)"]
    lines = _unless(" and ".join([*parts, *parts]))
    assert max(map(len, lines)) < 96
    for x, outside in (([[0] * 3] * 3, False), ([[0] * 3] * 2, True), ([[2] * 3] * 3, True)):
        space: dict[str, object] = {"x": x, "found": False}
        exec("\n".join([*lines, "    found = True"]), space)
        assert space["found"] is outside
    assert _unless("x > 0 or y") == ["if not (x > 0 or y):"]
