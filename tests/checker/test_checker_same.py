"""Exact sums tell whether a program is the network's own arithmetic, to the last bit."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from bounds_cases import TOTAL, random_form

from distill.checker.same import same_findings, same_function
from distill.evidence import Claim
from distill.literal import literal_program
from distill.load import network_from_normal_form
from distill.normal_form import Affine, Builder, NormalForm
from distill.target import Output, make_target
from dsl.domain_text import parse_domain
from dsl.program import program
from dsl.text import parse
from dsl.types import BOOL, INT, REAL, Category, Vector

FUNCTIONS = [*TOTAL, "floor", "round", "sign", "exp", "greater", "equal"]


def target_of(form, domain="x: real(-1,1)[3]", output=None):
    network = network_from_normal_form(form, "case")
    width = form.widths()[form.output]
    found = output or Output(REAL if width == 1 else Vector(REAL, (width,)))
    target = make_target(network, parse_domain(domain), found, 0.5)
    return replace(target, form=form)


def nudged(form: NormalForm, rng) -> NormalForm:
    """One weight moved by one unit in its last place."""
    place = form.output
    node = form.nodes[place]
    assert isinstance(node, Affine)
    (source, matrix), *rest = node.terms
    changed = matrix.copy()
    row, column = np.argwhere(changed != 0)[rng.integers((changed != 0).sum())]
    changed[row, column] = np.nextafter(changed[row, column], np.inf)
    nodes = list(form.nodes)
    nodes[place] = Affine(((source, changed), *rest), node.bias)
    return NormalForm(tuple(nodes), form.output)


@pytest.mark.parametrize("seed", range(15))
def test_literal_programs_are_recognised_and_their_neighbours_are_not(seed):
    rng = np.random.default_rng(seed)
    form = random_form(rng, FUNCTIONS, depth=3)
    target = target_of(form)
    literal = literal_program(form, target.domain, target.output)
    assert same_function(target, literal)
    assert not same_function(replace(target, form=nudged(form, rng)), literal)


def layered(width, outputs, seed=0):
    rng = np.random.default_rng(seed)
    builder = Builder(width)
    inner = builder.affine([(0, rng.normal(size=(5, width)))], rng.normal(size=5))
    bent = builder.elementwise("relu", inner)
    weights = [(bent, rng.normal(size=(outputs, 5)))]
    return builder.build(builder.affine(weights, rng.normal(size=outputs)))


@pytest.mark.parametrize(
    ("domain", "width", "outputs", "output"),
    [
        ("a: bool[2] * b: bool as -1/1", 3, 1, Output(BOOL, 0.25)),
        ("n: int(0,6) as onehot", 7, 3, Output(Category(3))),
        ("n: int(0,7) as bits(3)", 3, 1, Output(INT)),
        ("k: category(3) * x: real(-1,1) as affine(2,0.1)", 4, 2, Output(Vector(BOOL, (2,)))),
        ("k: category(3) as index * x: real(-1,1)[2,1]", 3, 1, Output(REAL)),
    ],
)
def test_every_encoding_and_reading_is_followed(domain, width, outputs, output):
    form = layered(width, outputs)
    target = target_of(form, domain, output)
    literal = literal_program(form, target.domain, target.output)
    assert same_function(target, literal)
    assert not same_function(replace(target, form=layered(width, outputs, 1)), literal)


def test_sums_may_be_added_up_otherwise_and_functions_may_not():
    form = Builder(2)
    target = target_of(
        form.build(form.affine([(0, np.array([[2.0, 3.0]]))], np.array([1.0]))),
        "a: real(-1,1) * b: real(-1,1)",
    )

    def same(text):
        parameters = target.domain.parameters
        return same_function(target, program(parameters, parse(text, dict(parameters))))

    assert same("1 + b + 2 * (a + b)")
    assert same("4 * a - (2 * a - 3 * b - 1)")
    assert not same("1 + b + 2 * (a + b) + 0 * floor(a) + 0.001")
    assert not same("2 * a + 3 * abs(b) + 1")


def claimed(target, achieved):
    text = "the same arithmetic"
    return Claim("proved", "relational", text, tolerance=0.5, achieved=achieved)


def test_a_program_of_another_shape_is_refused_for_its_own_rounding():
    target = target_of(layered(3, 1))
    literal = literal_program(target.form, target.domain, target.output)
    states = [f.state for f in same_findings(target, literal, claimed(target, 1e-4))]
    assert states == ["holds", "holds", "holds"]
    states = [f.state for f in same_findings(target, literal, claimed(target, 1e-9))]
    assert states == ["holds", "holds", "unknown"]
    body = parse(f"({literal.main.body}) + 2 - 2", dict(target.domain.parameters))
    other = program(target.domain.parameters, body)
    assert same_function(target, other)
    assert next(same_findings(target, other, claimed(target, 1e-4))).state == "refuted"
