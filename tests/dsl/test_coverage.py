"""Which rows take which side of a program's decisions, beside a walk row by row."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import dsl.primitives  # noqa: F401
from dsl.lines import lines_of
from dsl.loop_text import parse_loop
from dsl.meanings.coverage import coverage, loop_coverage
from dsl.meanings.deciding import sides_of
from dsl.program import Const, Expression, Let, Prim, Var, const, let, prim, program, var
from dsl.text import parse_program
from dsl.types import INT

NAMES = ("a", "b", "c")
NUMBERS = st.integers(-3, 3)
_TWO = st.sampled_from(["add", "max", "min"])


def numeric(depth: int, names: tuple[str, ...] = NAMES) -> st.SearchStrategy[Expression]:
    leaf = st.one_of(st.sampled_from([var(n, INT) for n in names]), NUMBERS.map(const))
    if not depth:
        return leaf
    below, truth = numeric(depth - 1, names), boolean(depth - 1, names)
    bound = numeric(depth - 1, (*names, f"t{depth}"))
    return st.one_of(
        leaf,
        st.builds(lambda p, x, y: prim(p, x, y), _TWO, below, below),
        st.builds(lambda x: prim("abs", x), below),
        st.builds(lambda c, x, y: prim("if_", c, x, y), truth, below, below),
        st.builds(lambda v, x: let(f"t{depth}", v, x), below, bound),
    )  # fmt: skip


def boolean(depth: int, names: tuple[str, ...] = NAMES) -> st.SearchStrategy[Expression]:
    below = numeric(depth, names)
    kinds = st.sampled_from(["less", "greater_equal", "equal"])
    leaf = st.builds(lambda p, x, y: prim(p, x, y), kinds, below, below)
    if not depth:
        return leaf
    truth = boolean(depth - 1, names)
    both = st.builds(lambda p, x, y: prim(p, x, y), st.sampled_from(["and_", "or_"]), truth, truth)
    return st.one_of(leaf, both, st.builds(lambda x: prim("not_", x), truth))


def walked(node: Expression, scope: dict[str, int], sides: dict[Expression, set[int]]):
    """The value of a node for one row; notes the side of every decision that is come to."""
    if isinstance(node, Const):
        return node.value
    if isinstance(node, Var):
        return scope[node.name]
    if isinstance(node, Let):
        value = walked(node.children[0], scope, sides)
        return walked(node.children[1], {**scope, node.name: value}, sides)
    assert isinstance(node, Prim)
    name = node.primitive.name
    if name == "if_":
        side = 0 if walked(node.children[0], scope, sides) else 1
        sides[node].add(side)
        return walked(node.children[1 + side], scope, sides)
    x = [walked(c, scope, sides) for c in node.children]
    if name in ("less", "greater_equal", "equal"):
        found = {"less": x[0] < x[1], "greater_equal": x[0] >= x[1], "equal": x[0] == x[1]}[name]
        sides[node].add(0 if found else 1)
        return found
    if name in ("max", "min"):
        best = max(x) if name == "max" else min(x)
        sides[node].add(x.index(best))
        return best
    if name == "abs":
        sides[node].add(0 if x[0] < 0 else 1)
        return abs(x[0])
    plain = {"add": lambda: x[0] + x[1], "and_": lambda: x[0] and x[1], "or_": lambda: x[0] or x[1]}
    return plain[name]() if name in plain else not x[0]


@settings(max_examples=150, deadline=None)
@given(numeric(3), st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12))
def test_counts_are_those_of_a_walk_row_by_row(body: Expression, data: list[tuple[int, ...]]):
    made = program(tuple((n, INT) for n in NAMES), body)
    columns = tuple(np.array([row[i] for row in data]) for i in range(3))
    counts: dict[Expression, list[int]] = {}
    for row in data:
        sides: dict[Expression, set[int]] = defaultdict(set)
        walked(body, dict(zip(NAMES, row, strict=True)), sides)
        for node, taken in sides.items():
            known = counts.setdefault(node, [0] * len(sides_of(node)))
            for side in taken:
                known[side] += 1
    found = {d.node: list(d.counts) for d in coverage(made, columns).decisions if d.reached}
    assert found == counts


def test_distances_are_those_of_the_numbers_that_are_compared():
    made = parse_program(
        "def predict(x: real) -> real =\n  if x > 1.0 and x < 3.0 then x else 0.0\n"
    )
    x = np.array([0.5, 1.25, 2.9, 7.0])
    seen = coverage(made, (x,))
    choice = next(d for d in seen.decisions if d.kind == "choice")
    assert np.allclose(choice.margin, [0.5, 0.25, 0.1, 4.0])
    assert choice.nearest(2) == [2, 1]


def test_of_truths_that_stand_in_the_way_all_have_to_change():
    text = "def predict(x: real) -> int =\n  if x > 1.0 or x > 2.0 then 1 else 0\n"
    seen = coverage(parse_program(text), (np.array([0.0, 1.25, 5.0]),))
    choice = next(d for d in seen.decisions if d.kind == "choice")
    assert choice.margin.tolist() == [1.0, 0.25, 4.0]


def test_unreached_sides_and_what_lies_behind_them_are_known():
    made = parse_program(
        "def f(n: int) -> int =\n  if n > 9 then 1 else 0\n"
        "def predict(n: int) -> int =\n  if n < 0 then f(n) else [1, 2, 3][n]\n"
    )
    seen = coverage(made, (np.array([0, 1, 1, 0]),))
    kinds = {d.kind: d for d in seen.decisions if d.owner == "predict"}
    assert kinds["choice"].unseen == (0,)
    assert kinds["table"].counts == (2, 2, 0)
    assert kinds["table"].unseen == (2,)
    assert all(d.reached == 0 for d in seen.decisions if d.owner == "f")
    assert "f" not in seen.arguments


def test_calls_hand_their_arguments_on():
    made = parse_program(
        "def f(n: int) -> int =\n  if n > 2 then 1 else 0\n"
        "def predict(n: int) -> int =\n  f(n) + f(n + 2)\n"
    )
    seen = coverage(made, (np.array([0, 1, 5]),))
    inner = next(d for d in seen.decisions if d.owner == "f" and d.kind == "choice")
    assert inner.counts == (2, 2)  # 1 takes both sides, in different calls
    given_ = sorted(v for call in seen.arguments["f"] for v in call[0].tolist())
    assert given_ == [0, 1, 2, 3, 5, 7]


def test_a_sequence_takes_a_side_if_it_does_at_one_item():
    loop = parse_loop(
        "loop predict(x: int) -> int\n  start s: int = 0\n  out if s > 2 then 1 else 0\n"
        "  next s = s + x\n"
    )
    words = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [9, 0, 0, 0]])
    seen = loop_coverage(loop, (words,))
    choice = next(d for d in seen.decisions if d.kind == "choice")
    assert choice.counts == (2, 1)  # only what is returned counts: the output after the last item
    assert loop.at_end


def test_vectors_are_told_apart_number_by_number():
    made = parse_program("def predict(x: real[2]) -> real[2] =\n  relu(x)\n")
    seen = coverage(made, (np.array([[1.0, -1.0], [2.0, -3.0]]),))
    assert seen.decisions[0].counts == (0, 2, 2, 0)
    assert seen.decisions[0].sides[1] == "[0] above 0"


def test_many_rows_are_taken_in_blocks():
    made = parse_program("def predict(x: int) -> int =\n  if x > 2 then 1 else 0\n")
    x = np.arange(10_000) % 5
    seen = coverage(made, (x,))
    assert seen.count == 10_000
    assert next(d for d in seen.decisions if d.kind == "choice").counts == (4000, 6000)


def test_every_branch_of_a_long_choice_has_a_line():
    made = parse_program(
        "def predict(n: int) -> int =\n"
        "  let m = n * 2 in\n  if m > 1 then (if m > 5 then 3 else 2) else 1\n"
    )
    texts = ["  " * ln.depth + ln.text for ln in lines_of(made)]
    assert texts == [
        "def predict(n: int) -> int =",
        "  let m = n * 2 in",
        "  if m > 1",
        "    then if m > 5 then 3 else 2",
        "    else 1",
    ]
    assert [ln.branch[1] for ln in lines_of(made) if ln.branch] == [0, 1]
