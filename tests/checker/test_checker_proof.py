"""The checker's own lowering, lines, roundings and walks: sound on random graphs, and not naive."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from bounds_cases import KINKED, ONE, TOTAL, TWO, points_in, random_boxes, random_form

from distill.checker.exact import exact
from distill.checker.float_error import float_errors
from distill.checker.leaf import exact_weights, wire_ranges
from distill.checker.lower import both_sides, with_output
from distill.checker.proof import confirm, shown, simple_question
from distill.checker.slopes import floats, own_slopes
from distill.normal_form import ELEMENTWISE, Affine, Builder, Elementwise, NormalForm
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import program
from dsl.text import parse

LOW, HIGH = -np.ones(2), np.ones(2)

PROGRAMS = [
    ("a: real(-2,2) * b: real(-2,2)", "3 * a - b / 4 + 0.1"),
    ("a: real(-2,2) * b: real(-2,2)", "a * b + a * a - square(b) - (a - a)"),
    ("a: real(-2,2) * b: real(-2,2)", "max(a, b, 0.5) - min(a, 1) * abs(b)"),
    ("a: real(-2,2) * b: real(-2,2)", "if a < b then a else b * 2"),
    ("a: real(-2,2) * b: real(-2,2)", "if a <= b and not (a > 1) then 1 else -1"),
    ("a: real(-2,2) * b: real(-2,2)", "if a > b or b >= 1 then a else 0.25"),
    ("a: real(-2,2) * b: real(1,2)", "a / b + sqrt(b) + log(b) + 1 / (b + 1)"),
    ("a: real(-2,2) * b: real(-2,2)", "exp(a) + tanh(b) + sigmoid(a) + erf(b) + sin(a) * cos(b)"),
    ("a: real(-2,2) * b: real(-2,2)", "floor(a * 2) + round(b) + sign(a) + relu(b)"),
    ("a: int(-9,9) * b: int(1,5)", "a // 2 + a % 4 + (if a == b then 7 else b)"),
    ("x: real(-1,1)[3]", "sum(x) + largest(x) * item(x, 1)"),
    ("x: real(-1,1)[3]", "sort(x)"),
    ("x: real(-1,1)[2,2]", "[x[0][1], x[1][0]]"),
    ("c: bool * d: bool * a: real(-1,1)", "if c == d then a else -a"),
    ("c: bool * d: bool * a: real(-1,1)", "number([c, d], 2) * a"),
]


def lowered(domain, body):
    """A form that gives the program's value beside a network that gives the inputs."""
    names = dict(domain.parameters)
    made = program(domain.parameters, parse(body, names))
    network = Builder(domain.width)
    sides = both_sides(network.build(0), made, domain)
    matrix = np.hstack([np.zeros((len(sides.program), domain.scalars)), np.eye(len(sides.program))])
    return made, with_output(sides, matrix, np.zeros(len(matrix)))


@pytest.mark.parametrize(("inputs", "body"), PROGRAMS)
def test_lowered_programs_are_what_their_batches_give(inputs, body):
    domain = parse_domain(inputs)
    made, form = lowered(domain, body)
    columns = domain.sample(np.random.default_rng(3), 200)
    expected = np.asarray(run(made, columns), float).reshape(200, -1)
    np.testing.assert_allclose(form.run(domain.flatten(columns)), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_ranges_of_all_wires_hold_what_is_computed(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, TOTAL, depth=4)
    low, high = random_boxes(rng, 4, 3)
    weights = exact_weights(form)
    ranges = wire_ranges(form, weights, (exact(low), exact(high)), own_slopes)
    for points in points_in(rng, low, high):
        for index, values in enumerate(form.wires(points)):
            if index in ranges:
                below, above = (floats(end) for end in ranges[index])
                slack = 1e-11 * (1 + np.abs(values))
                assert (below - slack <= values).all()
                assert (values <= above + slack).all()


@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_every_function_has_sound_and_local_bounds(name):
    rng = np.random.default_rng(len(name))
    builder = Builder(2)
    parts = [builder.affine([(0, row[None])], np.array([2.5])) for row in np.eye(2)]
    found = builder.elementwise(name, *parts[: 2 if name in TWO else 1])
    form = builder.build(builder.affine([(found, np.eye(1)), (parts[0], np.eye(1))], np.zeros(1)))
    low, high = random_boxes(rng, 30, 2, -1.5, 1.5)
    ranges = wire_ranges(form, exact_weights(form), (exact(low), exact(high)), own_slopes)
    below, above = (floats(end)[:, 0] for end in ranges[form.output])
    values = np.stack([form.run(points)[:, 0] for points in points_in(rng, low, high)])
    assert (below - 1e-10 <= values).all()
    assert (values <= above + 1e-10).all()
    if name not in ("floor", "round", "sign", "greater", "equal"):
        assert (above - below <= 60.0 * np.abs(high - low).sum(1) + 1e-9).all()


def in_float32(form: NormalForm, points):
    values = []
    for node in form.nodes:
        if isinstance(node, Affine):
            total = np.broadcast_to(node.bias.astype(np.float32), (len(points), len(node.bias)))
            for source, matrix in node.terms:
                total = total + values[source] @ matrix.T.astype(np.float32)
            values.append(total)
        elif isinstance(node, Elementwise):
            done = ELEMENTWISE[node.function](*(values[s] for s in node.sources))
            values.append(done.astype(np.float32))
        else:
            values.append(points.astype(np.float32))
    return values[form.output].astype(np.float64)


@pytest.mark.parametrize("seed", range(10))
def test_rounding_of_a_float32_run_stays_within_its_bound(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, TOTAL, depth=4)
    low, high = (end.astype(np.float32).astype(float) for end in random_boxes(rng, 3, 3))
    low, high = np.minimum(low, high), np.maximum(low, high)
    ranges = wire_ranges(form, exact_weights(form), (exact(low), exact(high)), own_slopes)
    bound = float_errors(form, ranges, len(form.nodes))[form.output]
    tight = float_errors(form, ranges, 0)[form.output]
    assert (tight < 1e-7 * bound).all()
    for points in points_in(rng, low, high):
        points = np.clip(points.astype(np.float32).astype(float), low, high)
        assert (np.abs(in_float32(form, points) - form.run(points)) <= bound).all()


def test_a_step_that_rounding_may_flip_counts_with_its_jump():
    builder = Builder(1)
    third = builder.affine([(0, np.array([[1 / 3]]))], np.zeros(1))
    form = builder.build(builder.elementwise("floor", third))
    for ends, wanted in (((2.9, 3.1), 1.0), ((3.3, 3.4), 0.0)):
        box = tuple(exact(np.array([[end]])) for end in ends)
        ranges = wire_ranges(form, exact_weights(form), box, own_slopes)
        assert float_errors(form, ranges, len(form.nodes))[form.output][0, 0] == pytest.approx(
            wanted, abs=1e-3
        )


@pytest.mark.parametrize("seed", range(8))
def test_nothing_false_is_confirmed_and_what_has_room_is(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, [*KINKED, "tanh", "square"], inputs=2, depth=2)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 41)] * 2), -1).reshape(-1, 2)
    highest = form.run(grid).max()
    for goal, holds in ((highest - 1e-9, False), (highest + 0.3 * abs(highest) + 0.3, True)):
        question = simple_question(form, goal)

        def ask(lower, upper, question=question):
            return shown(question, lower, upper)

        box = LOW[None], HIGH[None]
        good, _ = confirm(ask, *box, np.zeros(2, dtype=bool), extra=600)
        assert good == holds


def test_whole_numbers_are_cut_between_them():
    asked = []

    def ask(lower, upper):
        asked.extend(zip(lower[:, 0], upper[:, 0], strict=True))
        return lower[:, 0] == upper[:, 0]

    good, count = confirm(ask, np.array([[0.0]]), np.array([[5.0]]), np.array([True]))
    points = sorted(low for low, high in asked if low == high)
    assert points == [0, 1, 2, 3, 4, 5]
    assert (good, count) == (1, len(asked))


def test_one_stubborn_box_leaves_the_others_confirmed():
    lower = np.arange(6.0)[:, None]

    def ask(low, high):
        return high[:, 0] <= 4.5

    assert confirm(ask, lower, lower + 1, np.array([False]), extra=200)[0] == 4
