"""The checker confirms what was proved and refuses certificates that do not show their claim."""

import copy
import json
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from bounds_cases import (
    KINKED,
    abs_difference_form,
    difference,
    max_as_relu,
    max_program,
    random_form,
)

import distill.checker.bounds
from distill.checker.bounds import check_bounds, digest
from distill.checker.exact import exact, from_fractions, largest, least
from distill.checker.lines import gap
from distill.checker.smooth import NoBound, range_of
from distill.normal_form import ELEMENTWISE, Affine, Builder, NormalForm
from distill.verify.bounds import Limit, best_bound, prove_within
from distill.verify.exact import run_exact

SQUARE = -np.ones(2), np.ones(2)


def proved(seed=0):
    form = abs_difference_form(np.random.default_rng(seed), 2, 8)
    result = best_bound(form, *SQUARE, Limit(2000))
    return form, json.loads(json.dumps(result.certificate)), result.achieved


@pytest.mark.parametrize("seed", range(6))
def test_proofs_are_confirmed_leaf_by_leaf(seed):
    form, certificate, eps = proved(seed)
    result = check_bounds(certificate, form, *SQUARE, eps)
    assert result.holds, result.reason
    assert result.leaves_checked == result.leaves_total > 10
    assert result.arithmetic == "exact"


def test_random_graphs_are_confirmed_at_their_best_bound():
    for seed in range(25):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=[*KINKED, "mul", "square"], inputs=2, wide=seed % 2 == 0)
        found = best_bound(form, *SQUARE, Limit(200))
        result = check_bounds(found.certificate, form, *SQUARE, found.achieved)
        assert result.holds, (seed, result.reason)


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "erf", "exp", "sin", "cos", "log", "sqrt", "reciprocal"]
)
def test_smooth_functions_are_confirmed_in_floats(name):
    builder = Builder(1)
    shifted = builder.affine([(0, np.eye(1))], np.array([1.5]))
    bent = builder.elementwise(name, shifted)
    mixed = builder.elementwise("tanh", builder.affine([(bent, np.eye(1))], np.zeros(1)))
    form = builder.build(builder.affine([(mixed, np.eye(1)), (0, -np.eye(1))], np.zeros(1)))
    ends = -np.ones(1), np.ones(1)
    found = best_bound(form, *ends, Limit(300))
    result = check_bounds(found.certificate, form, *ends, found.achieved)
    assert result.holds, result.reason
    assert result.arithmetic == "floats"


def test_steps_and_whole_numbers_are_confirmed():
    builder = Builder(1)
    half = builder.affine([(0, np.array([[0.5]]))], np.zeros(1))
    floor = builder.elementwise("floor", half)
    odd = builder.affine([(0, np.eye(1)), (floor, -2 * np.eye(1))], np.array([-0.5]))
    form = builder.build(odd)
    ends, whole = (np.array([-4.0]), np.array([9.0])), np.array([True])
    found = prove_within(form, *ends, 0.5, integral=whole)
    assert found.status == "proved"
    assert check_bounds(found.certificate, form, *ends, 0.5, integral=whole).holds
    assert not check_bounds(found.certificate, form, *ends, 0.5).holds


def test_a_cap_makes_the_check_partial_and_says_so():
    form, certificate, eps = proved()
    result = check_bounds(certificate, form, *SQUARE, eps, most_leaves=5)
    assert result.holds
    assert result.leaves_checked == 5 < result.leaves_total


def test_a_smaller_tolerance_is_refused_even_when_the_certificate_says_it():
    form, certificate, eps = proved()
    worst = prove_within(form, *SQUARE, 0.0).found
    smaller = np.nextafter(worst, 0)
    assert not check_bounds(certificate, form, *SQUARE, np.nextafter(eps, 0)).holds
    certificate["eps"] = smaller
    result = check_bounds(certificate, form, *SQUARE, smaller)
    assert not result.holds
    assert result.leaves_total > 0


def test_another_domain_is_refused_even_when_the_certificate_says_it():
    form, certificate, eps = proved()
    wide = np.array([1.0, 40.0])
    assert not check_bounds(certificate, form, -np.ones(2), wide, eps).holds
    certificate["upper"] = [wide.tolist()]
    assert not check_bounds(certificate, form, -np.ones(2), wide, eps).holds


def flipped(form: NormalForm, index: int) -> NormalForm:
    nodes, affine = list(form.nodes), form.nodes[index]
    assert isinstance(affine, Affine)
    (source, matrix), *rest = affine.terms
    nodes[index] = Affine(((source, -matrix), *rest), affine.bias)
    return NormalForm(tuple(nodes), form.output)


def test_another_network_is_refused_even_with_its_own_digest():
    form, certificate, eps = proved()
    for index in (i for i, node in enumerate(form.nodes) if isinstance(node, Affine)):
        other = flipped(form, index)
        if (np.abs(other.run(np.random.default_rng(0).uniform(-1, 1, (500, 2)))) <= eps).all():
            continue
        assert not check_bounds(certificate, other, *SQUARE, eps).holds
        forged = {**certificate, "form": digest(other)}
        assert not check_bounds(forged, other, *SQUARE, eps).holds


def first_cut(tree):
    return next(i for i, axis in enumerate(tree["axis"]) if axis >= 0)


def removed_box(c):
    for column in c["tree"].values():
        column.pop()


def cut_made_leaf(c):
    c["tree"]["axis"][first_cut(c["tree"])] = -1


def cut_outside(c):
    c["tree"]["place"][first_cut(c["tree"])] = 7.0


def cut_at_nan(c):
    c["tree"]["place"][first_cut(c["tree"])] = float("nan")


def child_is_self(c):
    c["tree"]["child"][first_cut(c["tree"])] = first_cut(c["tree"])


def child_beyond(c):
    c["tree"]["child"][first_cut(c["tree"])] = 10**9


def negative_axis(c):
    c["tree"]["axis"][first_cut(c["tree"])] = -2


def slope_not_finite(c):
    c["slopes"][0]["upper"][0] = [float("inf")]


def slopes_missing(c):
    del c["slopes"]


def slopes_emptied(c):
    c["slopes"] = []


def slopes_at_an_affine_node(c):
    c["slopes"][0]["node"] = 1


def unit_unknown(c):
    c["slopes"][0]["unit"][0] = 10**6


def no_tolerance(c):
    c["eps"] = float("nan")


def a_list(c):
    c["tree"] = []


@pytest.mark.parametrize(
    "corrupt",
    [
        removed_box,
        cut_made_leaf,
        cut_outside,
        cut_at_nan,
        child_is_self,
        child_beyond,
        negative_axis,
        slope_not_finite,
        slopes_missing,
        slopes_emptied,
        slopes_at_an_affine_node,
        unit_unknown,
        no_tolerance,
        a_list,
    ],
)
def test_corrupted_certificates_are_refused_with_a_reason(corrupt):
    form, certificate, eps = proved()
    corrupt(certificate)
    result = check_bounds(certificate, form, *SQUARE, eps)
    assert not result.holds
    assert result.reason


def test_cuts_outside_and_orphans_are_named():
    form, certificate, eps = proved()
    orphan = copy.deepcopy(certificate)
    for column, value in (("axis", -1), ("place", 0.0), ("child", 0)):
        orphan["tree"][column].append(value)
    assert "belong to no box" in check_bounds(orphan, form, *SQUARE, eps).reason
    cut_outside(certificate)
    assert "outside its box" in check_bounds(certificate, form, *SQUARE, eps).reason


@pytest.mark.parametrize("name", ["relu", "abs", "max", "min", "mul", "square"])
def test_gaps_hold_for_any_slope_in_rationals(name):
    rng = np.random.default_rng(6)
    arity = 2 if name in ("max", "min", "mul") else 1
    corners = [np.sort(rng.uniform(-2, 2, (2, 50, 1)), axis=0) for _ in range(arity)]
    slopes = [rng.normal(size=(50, 1)) for _ in range(arity)]
    sources = [(exact(low), exact(high)) for low, high in corners]
    below, above = gap(name, sources, tuple(exact(s) for s in slopes))
    for share in product(np.linspace(0, 1, 9), repeat=arity):
        points = [low + t * (high - low) for (low, high), t in zip(corners, share, strict=True)]
        rest = ELEMENTWISE[name](*points)
        rest = rest - sum(s * p for s, p in zip(slopes, points, strict=True))
        low, high = (
            np.array([float(v) for v in side.fractions()])[:, None] for side in (below, above)
        )
        assert (rest >= low - 1e-12).all()
        assert (rest <= high + 1e-12).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "erf", "sin", "cos"])
def test_both_turning_points_count(name):
    points = np.linspace(-4, 4, 4001)
    for slope in (0.02, 0.1, 0.2):
        below, above = range_of(name, Fraction(-4), Fraction(4), slope)
        rest = ELEMENTWISE[name](points) - slope * points
        assert float(below) <= rest.min() <= float(below) + 1e-4
        assert float(above) >= rest.max() >= float(above) - 1e-4


def shaken(rng, certificate):
    """Slopes, cuts and the claimed tolerance changed at random."""
    c = copy.deepcopy(certificate)
    for column in c["slopes"]:
        for side in ("lower", "upper"):
            column[side] = (np.array(column[side]) + rng.normal(size=(1,))).tolist()
    place = rng.integers(len(c["tree"]["place"]))
    c["tree"]["place"][place] *= rng.uniform()
    return c


def test_no_certificate_makes_a_false_claim_hold():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        form = random_form(rng, functions=[*KINKED, "mul"], inputs=2, depth=2)
        found = best_bound(form, *SQUARE, Limit(60))
        worst = max(abs(value) for value in run_exact(form, found.point))
        eps = float(worst * (1 - Fraction(10.0 ** rng.uniform(-12, -1))))
        forged = {**(found.certificate if seed % 2 else shaken(rng, found.certificate)), "eps": eps}
        assert not check_bounds(forged, form, *SQUARE, eps).holds


@pytest.mark.parametrize("name", ["greater", "equal", "floor"])
def test_slopes_cannot_be_smuggled_under_a_step(name):
    builder = Builder(1)
    sources = [0] if name == "floor" else [0, builder.constant(np.zeros(1))]
    form = builder.build(builder.elementwise(name, *sources))
    found = best_bound(form, np.array([-2.0]), np.array([2.0]), Limit(1))
    node = len(form.nodes) - 1
    forged = dict(found.certificate)
    for slope in (0.5, -0.5):
        slopes = [[slope] * len(sources)]
        forged["slopes"] = [
            {"node": node, "leaf": [0], "unit": [0], "lower": slopes, "upper": slopes}
        ]
        assert not check_bounds(forged, form, np.array([-2.0]), np.array([2.0]), 2.0).holds


def test_a_jump_is_not_within_less_than_its_height():
    builder = Builder(1)
    form = builder.build(builder.elementwise("round", 0))
    ends = np.array([0.0]), np.array([2.5])
    found = best_bound(form, *ends, Limit(100))
    assert check_bounds(found.certificate, form, *ends, found.achieved).holds
    forged = {**found.certificate, "eps": 1.9}
    assert not check_bounds(forged, form, *ends, 1.9).holds


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "erf", "exp", "sin", "cos", "log", "sqrt", "reciprocal"]
)
def test_ranges_of_smooth_functions_hold_at_sampled_points(name):
    rng = np.random.default_rng(3)
    for _ in range(40):
        low, high = np.sort(rng.uniform(0.01, 6, size=2) * 10.0 ** rng.uniform(-3, 0))
        shift = rng.uniform(-5, 0) if name in ("tanh", "sigmoid", "erf", "sin", "cos") else 0.0
        low, high, slope = low + shift, high + shift, float(rng.normal())
        below, above = range_of(name, Fraction(low), Fraction(high), slope)
        points = np.clip(np.linspace(low, high, 200), low, high)
        rest = ELEMENTWISE[name](points) - slope * points
        assert float(below) - 1e-13 <= rest.min()
        assert float(above) + 1e-13 >= rest.max()
        assert float(above) <= rest.max() + 0.05 * (rest.max() - rest.min()) + 1e-12


def test_undefined_functions_have_no_range():
    for name in ("log", "reciprocal"):
        with pytest.raises(NoBound):
            range_of(name, Fraction(-1), Fraction(1), 0.0)


def test_exact_arrays_do_not_round():
    values = np.array([1e-300, 3.0, -1e10, 0.1, 0.0])
    array = exact(values)
    assert array.fractions() == [Fraction(v) for v in values]
    assert (array * array + array).fractions() == [Fraction(v) ** 2 + Fraction(v) for v in values]
    assert largest(array, exact(0.0)).fractions() == [max(Fraction(v), 0) for v in values]
    assert least(array, exact(1.0)).fractions() == [min(Fraction(v), 1) for v in values]
    assert from_fractions([Fraction(3, 8), Fraction(-5)], (2,)).fractions() == [Fraction(3, 8), -5]


def test_the_checker_does_not_import_the_prover():
    folder = Path(distill.checker.bounds.__file__).parent
    assert not any("distill.verify import" in f.read_text() for f in folder.glob("*.py"))
    assert not any("import distill.verify" in f.read_text() for f in folder.glob("*.py"))


def test_max_as_relu_is_confirmed():
    builder = Builder(2)
    form = difference(builder, max_as_relu(builder), max_program(builder))
    found = prove_within(form, *SQUARE, 0.01)
    assert check_bounds(found.certificate, form, *SQUARE, 0.01).holds
