"""Breaking a long line never changes what it says."""

from __future__ import annotations

import ast
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.meanings.python import wrap

NAMES = ["x", "carry", "items[3]", "longer_name", "2.5"]
WORDS = ["or", "and", "+", "-", "*", "^", "<", "//", "%", "==", "not in", "if x else"]


def grown(random: Random, depth: int) -> str:
    """A random expression, brackets and calls among it."""
    if depth == 0 or random.random() < 0.15:
        return random.choice(NAMES)
    first, second = grown(random, depth - 1), grown(random, depth - 1)
    shapes = [
        f"{first} {random.choice(WORDS)} {second}",
        f"{first} {random.choice(WORDS)} {second}",
        f"({first})",
        f"(not {first})",
        f"({first}) if ({second}) else ({first})",
        f"max({first}, {second})",
        f"[{first}, {second}]",
        f"abs({first})",
        f"({first}, {second})",
        f"sum({first} for v in items)",
    ]
    return random.choice(shapes)


@given(st.integers(0, 2**32), st.integers(0, 6), st.sampled_from([20, 40, 88]))
def test_wrapping_keeps_the_syntax_tree(seed, depth, width):
    text = grown(Random(seed), depth)
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
