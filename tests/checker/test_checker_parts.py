"""Bands in parts: what a box shows at which margin, beside the same in a few lines of fractions."""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from distill.checker import parts
from distill.checker.parts import beyond, faults, in_parts
from distill.checker.smooth import NoBound
from distill.network import Network, Operation, Wire
from distill.target import Target, make_target, parse_output
from dsl.algebra import Unsupported
from dsl.domain_text import parse_domain
from dsl.program import program
from dsl.text import parse

SUMS = ((1, 1), (2, 1), (1, 2), (8, 1), (1, 8))
UNIT = 2.0**-24
"""Rounding of float32; below, that of float64."""
FINE = 2.0**-53
MOST = sys.float_info.max


def network_of(matrix: np.ndarray, bias: np.ndarray) -> Network:
    """matrix @ x + bias."""
    constants = {"w": matrix.T.copy(), "b": bias}
    shapes = {"x": (1, matrix.shape[1]), "y": (1, len(matrix))}
    shapes |= {name: value.shape for name, value in constants.items()}
    wires = {name: Wire(name, shape, "float64") for name, shape in shapes.items()}
    gemm = Operation("Gemm", ("x", "w", "b"), ("y",))
    return Network((gemm,), wires, constants, "x", "y", batched=True)


def target_of(slopes, shifts, output: str, inputs: str = "x: real(-8,8)") -> Target:
    network = network_of(np.array(slopes, float).reshape(len(slopes), -1), np.array(shifts, float))
    return make_target(network, parse_domain(inputs), parse_output(output), 0.0)


def asked(target: Target, text: str, widths: list[dict], *boxes) -> list[bool]:
    """What is shown of boxes, (low, high) each."""
    parameters = target.domain.parameters
    body = parse(text, dict(parameters))
    ask = in_parts(target, program(parameters, body), widths)
    low, high = (np.array([np.atleast_1d(b[k]) for b in boxes], dtype=float) for k in (0, 1))
    return ask(low, high).tolist()


def part(margin, weight=1.0, low: ArrayLike = -8.0, high: ArrayLike = 8.0) -> dict:
    return {
        "lower": np.atleast_1d(low).tolist(),
        "upper": np.atleast_1d(high).tolist(),
        "weight": weight,
        "margin": margin,
    }


def is_least(target, text, weight, margin, room, box=(0.0, 1.0)) -> bool:
    """Whether the box is shown from a margin up, give or take the room."""
    above = asked(target, text, [part(margin + room, weight)], box)
    return above == [True] and asked(target, text, [part(margin - room, weight)], box) == [False]


def line(ends) -> str:
    """A number that goes from one value to another as x goes from 0 to 1."""
    return f"({Fraction(ends[0])}) + ({Fraction(ends[1]) - Fraction(ends[0])}) * x"


def deciding(lead, behind, weight=2.0, level=1.5) -> tuple[Target, str]:
    """A bool program whose weighted lead, and a network whose distance below the level, go so."""
    shift, slope = level - behind[0], behind[0] - behind[1]
    target = target_of([slope], [shift], f"bool above {level}")
    return target, line([Fraction(end) / Fraction(weight) for end in lead]) + " > 0"


HAND = [
    ((0.0, 1.0), (1.0, 0.0), 1.0),  # the plain sum
    ((0.0, 0.5), (0.5, 0.0), 0.5),
    ((-1.0, 1.0), (4.0, -0.5), 2.0),  # twice the program's lead
    ((4.0, -0.5), (-1.0, 1.0), 2.0),
    ((-1.0, 0.1), (9.0, -0.05), 1.0),  # eight times
    ((9.0, -0.05), (-1.0, 0.1), 1.0),
]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("lead", "behind", "margin"), HAND)
def test_a_box_shows_the_least_of_the_sums(lead, behind, margin, sign):
    ours, theirs = ([sign * end for end in ends] for ends in (lead, behind))
    assert is_least(*deciding(ours, theirs), 2.0, margin, 1e-5)
    assert is_least(*deciding(ours, theirs, weight=0.5), 0.5, margin, 1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_nothing_is_asked_where_the_decisions_are_the_same(sign):
    """One of the two is surely not ahead, by little, and the other by much."""
    for lead, behind in [((1, 2), (-0.01, -0.01)), ((-0.01, -0.01), (1, 2))]:
        ours, theirs = ([sign * end for end in ends] for ends in (lead, behind))
        assert asked(*deciding(ours, theirs), [part(0.0, 2.0)], (0.0, 1.0)) == [True]


def least_margin(scores, outputs, weight) -> Fraction:
    """The same of lines, by their ends: scores and outputs of every class at 0 and at 1."""

    def lead(values, i, j):
        return [values[i][k] - values[j][k] for k in (0, 1)]

    classes, worst = range(len(scores)), Fraction(0)
    for i, j in permutations(classes, 2):
        ahead = min(weight * max(lead(scores, i, k)) for k in classes if k != i)
        chosen = min(max(lead(outputs, j, k)) for k in classes if k != j)
        pairs = list(zip(lead(scores, i, j), lead(outputs, j, i), strict=True))
        reach = [max(a * weight * one + b * other for one, other in pairs) for a, b in SUMS]
        if ahead >= 0 and chosen >= 0:
            worst = max(worst, min(ahead + chosen, *reach))
    return worst


def choosing(scores, outputs) -> tuple[Target, str]:
    slopes, shifts = [[float(b - a)] for a, b in outputs], [float(a) for a, _ in outputs]
    target = target_of(slopes, shifts, f"category({len(outputs)})")
    return target, f"argmax([{', '.join(line(ends) for ends in scores)}])"


@pytest.mark.parametrize("seed", range(24))
def test_among_classes_the_least_margin_is_that_of_the_ends(seed):
    rng = np.random.default_rng(seed)
    classes, weight = 2 + seed % 3, [Fraction(1, 2), Fraction(3)][seed % 2]
    drawn = rng.integers(-16, 17, (2, classes, 2))
    scores, outputs = ([[Fraction(int(v), 4) for v in ends] for ends in side] for side in drawn)
    margin = float(least_margin(scores, outputs, weight))
    target, text = choosing(scores, outputs)
    if margin:
        assert is_least(target, text, float(weight), margin, 1e-4)
    else:
        assert asked(target, text, [part(1e-4, float(weight))], (0.0, 1.0)) == [True]


def test_leads_over_all_others_count_for_two_classes():
    """0 is ahead of 2 by 1 only, and 1 is chosen over 2 by 1 only: together 2, not 6 and more."""
    scores, outputs = [(4, 4), (0, 0), (3, 3)], [(0, 0), (4, 4), (3, 3)]
    assert least_margin(scores, outputs, 1) == 2
    assert is_least(*choosing(scores, outputs), 1.0, 2.0, 1e-5)


NET_TWO_X = target_of([[2.0]], [0.0], "bool above 1")


def test_boxes_lie_in_their_part_with_ends():
    inside = [part(9.0, low=0.0, high=1.0)]
    boxes = [(0.0, 1.0), (0.0, 0.5), (0.5, 1.0), (-0.01, 1.0), (0.0, 1.01), (2.0, 3.0)]
    assert asked(NET_TWO_X, "x > 0", inside, *boxes) == [True, True, True, False, False, False]
    plane = target_of([[2.0, 0.0]], [0.0], "bool above 1", "x: real(-8,8) * y: real(-8,8)")
    square = [part(9.0, low=[0.0, 0.0], high=[1.0, 1.0])]
    corners = [((0, 0), (1, 1)), ((0, -0.5), (1, 1)), ((0, 0), (1.5, 1)), ((-0.5, 0), (1, 1.5))]
    assert asked(plane, "x > 0", square, *corners) == [True, False, False, False]


def test_every_box_is_shown_by_itself_by_any_part_with_its_own_weight():
    """On [0, 1/2] the two differ by 1 - x at weight 1, so that boxes differ by where they begin."""
    boxes = [(-1.0, 0.0), (0.0, 0.5), (0.25, 0.5), (1.0, 2.0)]
    wide, narrow = part(0.9), part(0.5)
    assert asked(NET_TWO_X, "x > 0", [wide], *boxes) == [False, False, True, True]
    assert asked(NET_TWO_X, "x > 0", [narrow], *boxes) == [False, False, False, True]
    for widths in ([wide, narrow], [narrow, wide]):
        assert asked(NET_TWO_X, "x > 0", widths, *boxes) == [False, False, True, True]
    heavy, light = part(0.8, 4.0), part(0.8, 1.0)
    assert asked(NET_TWO_X, "x > 0", [heavy], (0.25, 0.5)) == [False]
    assert asked(NET_TWO_X, "x > 0", [heavy, light], (0.25, 0.5)) == [True]
    assert asked(NET_TWO_X, "x > 0", [], *boxes) == [False] * 4


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_many_boxes_are_bounded_a_few_at_a_time(size, monkeypatch):
    monkeypatch.setattr(parts, "boxes_at_once", lambda form: size)
    boxes = [(1.0, 2.0), (0.0, 0.5), (3.0, 4.0), (0.25, 0.5), (0.125, 0.5), (-2.0, -1.0)]
    expected = [True, False, True, True, False, True]
    assert asked(NET_TWO_X, "x > 0", [part(0.8)], *boxes) == expected


def test_a_program_that_compares_nothing_has_no_band():
    with pytest.raises(Unsupported):
        asked(NET_TWO_X, "x > 0 and x < 1", [part(9.0)], (0.0, 1.0))


@pytest.fixture
def exact_only(monkeypatch):
    """No bounds in floats, so that nothing is added but what a run may lose."""

    def none(*_):
        raise NoBound("not in floats")

    monkeypatch.setattr(parts, "quick_ranges", none)


def test_rounding_of_the_network_is_added_for_both_decisions(exact_only):
    """2 x has one rounding, its outputs up to 2; twice of it, for a lead, as for two outputs."""
    slack = 1.0 + 1e-6
    lost = 2.0 * UNIT / (1.0 - UNIT) * slack
    assert is_least(NET_TWO_X, "x > 0", 0.5, 1.0 + 2.0 * lost * slack, 2e-14)


def test_rounding_of_the_program_is_added_times_its_weight(exact_only):
    """x + 10**9 - 10**9: a sum and a constant, and the sum of them; x itself isn't rounded."""
    large, once, plain = 1e9, 4.0 * FINE * 1e9, 3.0 * FINE * 1e9
    lost = once + plain + 4.0 * FINE * 2.0 * large
    target = target_of([[1.0]], [0.0], "bool above 1")
    text = "x + 1000000000 - 1000000000 > 0"
    for weight in (0.5, 0.25):
        margin = 1.0 + 2.0 * weight * lost
        assert is_least(target, text, weight, margin, 1e-5 * lost)


def test_what_floats_cannot_bound_is_bounded_exactly(monkeypatch):
    text, tests = f"1{'0' * 101} * x > 0", [part(1.0 + 1e-5, 1e-101), part(1.0 - 1e-5, 1e-101)]
    assert [asked(NET_TWO_X, text, [one], (0.0, 0.5))[0] for one in tests] == [True, False]
    monkeypatch.setattr(parts, "small", lambda ranges: np.array([True, False]))
    assert asked(NET_TWO_X, "x > 0", [part(1.01)], (0.0, 0.5), (1.0, 2.0)) == [True, True]


def test_kinks_are_bounded_exactly_by_lines(exact_only):
    assert is_least(NET_TWO_X, "max(x, 0) > 0", 1.0, 1.0, 1e-5, (0.0, 0.5))
    assert is_least(NET_TWO_X, "max(x, 0 - x) > 0", 1.0, 0.75, 1e-5, (0.25, 0.5))


@np.errstate(invalid="ignore")
def test_a_run_that_may_overflow_shows_nothing_by_a_number():
    target = target_of([[1e38]], [0.0], "bool above 1")
    assert asked(target, "x > 0", [part(1.7e308)], (4.0, 8.0)) == [False]
    assert asked(target, "x > 0", [part(np.inf)], (4.0, 8.0)) == [True]
    assert asked(target, "x > 0", [part(0.0)], (1.0, 2.0)) == [True]


def test_rows_are_beyond_the_band_by_the_least_of_their_parts():
    scalars = np.array([[0.0, 0.0], [1.0, 2.0], [1.5, 0.0], [0.0, 2.5], [3.0, 3.0]])
    margin, guard = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([0.5, 0.25, 0.5, 1.0, 1.0])
    left = {"lower": [0.0, 0.0], "upper": [1.0, 2.0], "weight": 2.0, "margin": 0.5}
    all_of_it = {"lower": [0.0, 0.0], "upper": [2.0, 2.0], "weight": 4.0, "margin": 2.75}
    found = beyond([left], scalars, margin, guard)
    assert found.tolist() == [1.5, 2.0, np.inf, np.inf, np.inf]
    for widths in ([left, all_of_it], [all_of_it, left]):
        assert beyond(widths, scalars, margin, guard).tolist() == [0.25, 0.25, 2.25, np.inf, np.inf]
    assert beyond([], scalars, margin, guard).tolist() == [np.inf] * 5


def test_a_guard_without_a_value_leaves_nothing_out():
    found = beyond([part(1.0)], np.zeros((2, 1)), np.ones(2), np.array([np.nan, 2.0]))
    assert found.tolist() == [np.inf, 2.0]


GOOD = {"lower": [0.0, -1], "upper": [0.0, 2.5], "weight": 0.5, "margin": 0.5}


@pytest.mark.parametrize("change", [{}, {"weight": 0}, {"margin": 0.0}, {"upper": [1.0, MOST]}])
def test_parts_are_boxes_with_a_weight_and_a_margin(change):
    assert list(faults([GOOD, GOOD | change], 2)) == []


WRONG = [
    *({key: value} for key in ("weight", "margin") for value in (-0.5, np.inf, np.nan, "1", None)),
    *({key: value} for key in ("lower", "upper") for value in ([0.0], [0.0, 0.0, 0.0], (0.0, 0.0))),
    {"lower": [-np.inf, 0.0]},
    {"lower": [0.5, 0.0]},
    {"lower": [0.0, 3.0]},
    {"upper": [1.0, np.inf]},
    {"upper": [1.0, "2"]},
    {"weight": int(MOST) + 1},
    {"weight": 10**400},
    {"upper": [1.0, 10**400]},
    {"more": 1.0},
]


@pytest.mark.parametrize("change", WRONG)
def test_other_parts_are_a_fault(change):
    said = ["a part of the band isn't a box with a weight and a margin"]
    assert list(faults([GOOD, GOOD | change, GOOD | change], 2)) == said


def test_what_is_no_part_is_a_fault():
    for key in GOOD:
        assert len(list(faults([{k: v for k, v in GOOD.items() if k != key}], 2))) == 1
    entries: list = [None, list(GOOD), "part"]
    assert [len(list(faults([entry], 2))) for entry in entries] == [1, 1, 1]
    assert len(list(faults([GOOD], 1))) == 1
    assert list(faults([], 2)) == []
