"""A program wire by wire: the node that every operation becomes, and what it is at points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from distill.checker.lower import Term, Wires, both_sides, network_side, with_output
from distill.normal_form import Affine, Builder, Elementwise, Input, NormalForm
from dsl.algebra import Unsupported
from dsl.domain_text import parse_domain
from dsl.program import program
from dsl.text import parse

POINTS = np.array(
    [[a, b, *truths] for a in (-1.5, 0.5, 2.0) for b in (-2.0, 0.5, 3.0)
     for truths in ((0, 0), (0, 1), (1, 0), (1, 1))]
)  # fmt: skip


class Graph:
    """Numbers a, b and truths t, u as wires 1 to 4, and what is built of them."""

    def __init__(self) -> None:
        self.builder = Builder(4)
        wires = [self.builder.affine([(0, row[None])], np.zeros(1)) for row in np.eye(4)]
        self.a, self.b, self.t, self.u = (Term(w, w > 2) for w in wires)
        self.ops = Wires(self.builder)

    def nodes(self) -> list[tuple]:
        """All nodes after the arguments."""
        return [plain(node) for node in self.builder.nodes[5:]]

    def values(self, term: Term) -> np.ndarray:
        return self.builder.build(term.wire).run(POINTS)[:, 0]


def plain(node) -> tuple:
    """A node of width 1: (bias, (source, weight)...) or (function, source...)."""
    if isinstance(node, Affine):
        return (float(node.bias[0]), *((s, float(m[0, 0])) for s, m in node.terms))
    assert isinstance(node, Elementwise)
    return (node.function, *node.sources)


A, B, T, U = POINTS.T
HALF = Fraction(1, 2)
NUMBERS = {
    "sum": (lambda g: g.ops.add(g.a, g.b), [(0, (1, 1), (2, 1))], A + B),
    "twice": (lambda g: g.ops.add(g.a, g.a), [(0, (1, 2))], 2 * A),
    "one more": (lambda g: g.ops.add(g.a, 1), [(1,), (1, (1, 1))], A + 1),
    "one and it": (lambda g: g.ops.add(1, g.a), [(1,), (1, (1, 1))], A + 1),
    "a half more": (lambda g: g.ops.add(g.a, HALF), [(0.5,), (0.5, (1, 1))], A + 0.5),
    "itself": (lambda g: g.ops.add(g.a, 0), [(0,), (0, (1, 1))], A),
    "nothing and it": (lambda g: g.ops.add(0, g.a), [(0,), (0, (1, 1))], A),
    "difference": (lambda g: g.ops.sub(g.a, g.b), [(0, (1, 1), (2, -1))], A - B),
    "nothing": (lambda g: g.ops.sub(g.b, g.b), [(0,)], 0 * A),
    "one less": (lambda g: g.ops.sub(g.a, 1), [(1,), (0, (1, 1), (5, -1))], A - 1),
    "rest to one": (lambda g: g.ops.sub(1, g.a), [(1,), (0, (5, 1), (1, -1))], 1 - A),
    "opposite": (lambda g: g.ops.neg(g.a), [(0, (1, -1))], -A),
    "product": (lambda g: g.ops.mul(g.a, g.b), [("mul", 1, 2)], A * B),
    "itself squared": (lambda g: g.ops.mul(g.a, g.a), [("square", 1)], A * A),
    "square": (lambda g: g.ops.square(g.b), [("square", 2)], B * B),
    "three times": (lambda g: g.ops.mul(3, g.a), [(3,), (0, (1, 3))], 3 * A),
    "times three": (lambda g: g.ops.mul(g.a, 3), [(3,), (0, (1, 3))], 3 * A),
    "no times": (lambda g: g.ops.mul(g.a, 0), [(0,), (0, (1, 0))], 0 * A),
    "none of it": (lambda g: g.ops.mul(0, g.a), [(0,), (0, (1, 0))], 0 * A),
    "quarter": (lambda g: g.ops.div(g.a, 4), [(4,), (0, (1, 0.25))], A / 4),
    "ratio": (lambda g: g.ops.div(g.a, g.b), [("reciprocal", 2), ("mul", 1, 5)], A / B),
    "inverse": (
        lambda g: g.ops.div(1, g.b),
        [(1,), ("reciprocal", 2), (0, (6, 1))],
        1 / B,
    ),
    "floor": (lambda g: g.ops.floor(g.a), [("floor", 1)], np.floor(A)),
    "halves": (
        lambda g: g.ops.floordiv(g.a, 2),
        [(2,), (0, (1, 0.5)), ("floor", 6)],
        np.floor(A / 2),
    ),
    "remainder": (
        lambda g: g.ops.mod(g.a, 2),
        [(2,), (0, (1, 0.5)), ("floor", 6), (0, (7, 2)), (0, (1, 1), (8, -1))],
        A % 2,
    ),
    "larger": (lambda g: g.ops.maximum(g.a, g.b), [("max", 1, 2)], np.maximum(A, B)),
    "smaller": (lambda g: g.ops.minimum(g.a, g.b), [("min", 1, 2)], np.minimum(A, B)),
    "size": (lambda g: g.ops.spellings["abs"](g.a), [("abs", 1)], np.abs(A)),
    "rounded": (lambda g: g.ops.spellings["round"](g.b), [("round", 2)], np.round(B)),
    "sign": (lambda g: g.ops.spellings["sign"](g.a), [("sign", 1)], np.sign(A)),
    "size of one": (lambda g: g.ops.spellings["abs"](-1), [(-1,), ("abs", 5)], 1 + 0 * A),
    "one rounded": (lambda g: g.ops.spellings["round"](1), [(1,), ("round", 5)], 1 + 0 * A),
    "sign of one": (lambda g: g.ops.spellings["sign"](1), [(1,), ("sign", 5)], 1 + 0 * A),
    "choice": (
        lambda g: g.ops.choose(g.t, g.a, g.b),
        [(0, (1, 1), (2, -1)), ("mul", 3, 5), (0, (6, 1), (2, 1))],
        np.where(T, A, B),
    ),
    "one or nothing": (
        lambda g: g.ops.choose(g.t, 1, 0),
        [(1,), (0,), (0, (5, 1), (6, -1)), ("mul", 3, 7), (0, (8, 1))],
        T,
    ),
    "a number or a truth": (
        lambda g: g.ops.choose(g.t, g.u, g.a),
        [(0, (4, 1), (1, -1)), ("mul", 3, 5), (0, (6, 1), (1, 1))],
        np.where(T, U, A),
    ),
    "a truth or a number": (
        lambda g: g.ops.choose(g.t, g.a, g.u),
        [(0, (1, 1), (4, -1)), ("mul", 3, 5), (0, (6, 1), (4, 1))],
        np.where(T, A, U),
    ),
}
TRUTHS = {
    "less": (lambda g: g.ops.less(g.a, g.b), [("greater", 2, 1)], A < B),
    "at most": (lambda g: g.ops.less_equal(g.a, g.b), [("greater", 1, 2), (1, (5, -1))], A <= B),
    "equal": (lambda g: g.ops.equal(g.a, g.b), [("equal", 1, 2)], A == B),
    "both": (lambda g: g.ops.both(g.t, g.u), [("min", 3, 4)], np.minimum(T, U)),
    "either": (lambda g: g.ops.either(g.t, g.u), [("max", 3, 4)], np.maximum(T, U)),
    "not": (lambda g: g.ops.negate(g.t), [(1, (3, -1))], 1 - T),
    "sure or one": (
        lambda g: g.ops.choose(g.t, True, g.u),
        [(1,), (0, (5, 1), (4, -1)), ("mul", 3, 6), (0, (7, 1), (4, 1))],
        np.maximum(T, U),
    ),
}


@pytest.mark.parametrize("name", [*NUMBERS, *TRUTHS])
def test_every_operation_is_a_node(name):
    build, nodes, values = (NUMBERS | TRUTHS)[name]
    graph = Graph()
    term = build(graph)
    assert graph.nodes() == nodes
    assert term.wire == len(graph.builder.nodes) - 1
    assert graph.values(term).tolist() == values.tolist()
    assert (term.truth, graph.ops.is_truth(term)) == (name in TRUTHS, name in TRUTHS)


def test_a_divisor_of_zero_stays_a_division():
    graph = Graph()
    graph.ops.div(graph.a, 0)
    assert graph.nodes() == [(0,), ("reciprocal", 5), ("mul", 1, 6)]


def test_truths_are_bools_and_terms_that_are_said_to_be():
    graph = Graph()
    some = [True, False, graph.t, graph.a, 1, HALF]
    assert [graph.ops.is_truth(value) for value in some] == [True, True, True, False, False, False]
    assert [graph.ops.term(v).truth for v in (True, False, 1, HALF)] == [True, True, False, False]
    assert graph.nodes() == [(1,), (0,), (1,), (0.5,)]
    assert graph.ops.term(graph.b) == graph.b
    assert Term(3) == Term(3, False)


def test_what_is_known_is_not_built_again():
    graph = Graph()
    ops, a, b = graph.ops, graph.a, graph.b
    assert ops.mul(a, b) == ops.mul(a, b) != ops.mul(b, a)
    assert ops.maximum(a, b) != ops.minimum(a, b)
    assert ops.add(a, b) == ops.add(a, b)
    assert ops.sub(a, b) != ops.add(a, b)
    assert ops.add(a, 2) == ops.add(a, 2) != ops.add(a, 3)
    assert ops.floor(a) == ops.floor(a) != ops.floor(b)
    assert ops.both(graph.t, graph.u) == ops.both(graph.t, graph.u)
    assert len(graph.nodes()) == 13
    assert ops.minimum(graph.t, graph.u) != ops.both(graph.t, graph.u)


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "cos", "tanh", "sigmoid", "erf"])
def test_smooth_functions_are_nodes(name):
    graph = Graph()
    assert graph.ops.function(name, graph.a) == Term(5)
    assert graph.nodes() == [(name, 1)]
    graph.ops.function(name, 2)
    assert graph.nodes() == [(name, 1), (2,), (name, 6)]


def test_other_functions_have_no_bounds():
    with pytest.raises(Unsupported):
        Graph().ops.function("tan", Graph().a)


def twice(width: int, shift: float = 0.0) -> NormalForm:
    """Every input twice and shifted, then its relu."""
    builder = Builder(width)
    wire = builder.affine([(0, 2.0 * np.eye(width))], np.full(width, shift))
    return builder.build(builder.elementwise("relu", wire))


def test_the_network_stands_behind_the_encoding():
    points = np.array([[0.0, 0.25], [1.0, -0.5]])
    seen = {
        "x: real(-1,1) * y: real(-1,1)": points,
        "x: real(-1,1) as affine(3,0) * y: real(-1,1)": points * [3, 1],
        "x: real(-1,1) * y: real(-1,1) as affine(1,2)": points + np.array([0, 2]),
        "x: bool as -1/1 * y: real(-1,1)": points * [2, 1] - [1, 0],
    }
    for inputs, values in seen.items():
        sides = network_side(twice(2, 0.5), parse_domain(inputs))
        assert sides.form.run(points).tolist() == np.maximum(2 * values + 0.5, 0).tolist()
        assert sides.form.input_width == 2
        assert (sides.program, sides.start) == ((), len(sides.form.nodes))
        assert len(sides.form.nodes) == 3 + (values is not points)


@pytest.mark.parametrize("inputs", ["c: category(2) as onehot", "n: int(0,3) as bits(2)"])
def test_other_encodings_are_unsupported(inputs):
    domain, builder = parse_domain(inputs), Builder(2)
    with pytest.raises(Unsupported):
        network_side(builder.build(0), domain)


def test_wires_of_several_sources_keep_their_order():
    builder = Builder(2)
    first = builder.affine([(0, np.array([[1.0, 0.0]]))], np.zeros(1))
    second = builder.affine([(0, np.array([[0.0, 1.0]]))], np.array([0.5]))
    product = builder.elementwise("mul", first, second)
    last = builder.affine([(first, np.eye(1)), (product, -np.eye(1))], np.ones(1))
    domain = parse_domain("x: real(-1,1) as affine(2,1) * y: real(-1,1)")
    sides = network_side(builder.build(last), domain)
    x, y = 2.0 * 0.25 + 1.0, 0.75
    assert sides.form.run(np.array([[0.25, 0.75]])).tolist() == [[1.0 + x - x * (y + 0.5)]]
    unused = NormalForm((*builder.nodes, Affine((), np.zeros(1))), first)
    assert network_side(unused, domain).form.run(np.array([[0.25, 0.75]])).tolist() == [[x]]


def sides_of(inputs: str, text: str, form: NormalForm | None = None):
    domain = parse_domain(inputs)
    found = program(domain.parameters, parse(text, dict(domain.parameters)))
    return both_sides(form or twice(domain.scalars), found, domain)


def results(sides, row) -> list[float]:
    values = sides.form.wires(np.array([row], dtype=float))
    return [float(values[wire][0, 0]) for wire in sides.program]


def test_network_and_program_share_a_graph():
    sides = sides_of("x: real(-1,1) * y: real(-1,1)", "[x - y, 3, x]")
    assert (sides.start, sides.form.input_width) == (3, 2)
    assert isinstance(sides.form.nodes[0], Input)
    assert results(sides, [0.5, 0.25]) == [0.25, 3.0, 0.5]
    assert sides.form.run(np.array([[0.5, -0.25]])).tolist() == [[1.0, 0.0]]
    assert all(wire >= sides.start for wire in sides.program)
    assert results(sides_of("x: real(-1,1)", "7"), [0.5]) == [7.0]


def test_arguments_have_the_shape_of_their_field():
    row = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    text = "[m[0][1], m[1][0], m[1][2], v[1], s]"
    sides = sides_of("s: real(0,9) * m: real(0,9)[2,3] * v: real(0,9)[2]", text)
    assert results(sides, row) == [3, 5, 7, 9, 1]


def test_truths_of_the_domain_are_truths():
    """A truth is made a number by a choice of 1 and 0, where it counts as one."""
    sides = sides_of("t: bool[2] * x: real(-1,1)", "number(t, 2)")
    assert [results(sides, [a, b, 0.5]) for a in (0, 1) for b in (0, 1)] == [[0], [1], [2], [3]]
    bent = [n.function for n in sides.form.nodes[sides.start :] if isinstance(n, Elementwise)]
    assert bent == ["mul", "mul"]


def test_outputs_are_rows_of_both_sides():
    sides = sides_of("x: real(-1,1) * y: real(-1,1)", "[x + y, 5]")
    matrix, bias = np.array([[1.0, 2.0, 4.0, 8.0], [0.0, -1.0, 0.5, 0.0]]), np.array([0.25, -1.0])
    form = with_output(sides, matrix, bias)
    row = np.array([[0.5, 0.25]])
    assert form.run(row).tolist() == [[1.0 + 1.0 + 3.0 + 40.0 + 0.25, -0.5 + 0.375 - 1.0]]
    assert form.output == len(sides.form.nodes) == len(form.nodes) - 1
    last = form.nodes[-1]
    assert isinstance(last, Affine)
    assert [source for source, _ in last.terms] == [sides.form.output, *sides.program]


def test_a_wire_that_stands_twice_has_one_matrix():
    sides = sides_of("x: real(-1,1)", "[x, 2, x]", twice(1))
    form = with_output(sides, np.array([[1.0, 10.0, 100.0, 1000.0]]), np.zeros(1))
    last = form.nodes[-1]
    assert isinstance(last, Affine)
    assert [matrix.tolist() for _, matrix in last.terms] == [[[1.0]], [[1010.0]], [[100.0]]]
    assert form.run(np.array([[0.5]])).tolist() == [[1.0 + 505.0 + 200.0]]
