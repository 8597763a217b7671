"""The literal program says exactly what the network computes, in every way of writing it."""

from __future__ import annotations

import numpy as np
import pytest

from distill.literal import linear_sum, literal_program
from distill.load import network_from_normal_form
from distill.normal_form import Builder, NormalForm
from distill.target import make_target, resolve_output
from dsl.cost import program_bits
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.text import parse, parse_program, show_program
from dsl.types import REAL, Type

DOMAINS = {
    "plain": "x: real(-1,1)[4]",
    "names": "a: real(-1,1) * b: real(-1,1) * c: int(0,5) * d: bool",
    "one-hot": "k: category(3) * b: bool as -1/1",
    "bits": "n: int(0,15) as bits(4)",
    "scaled": "x: real(0,10)[4] as affine(0.2,-1)",
    "image": "x: image(2,2,real(0,1))",
}
OUTPUTS = {"real": 1, "bool": 1, "int": 1, "category(3)": 3, "real[2]": 2, "bool[2]": 2}


def form_of(width: int, seed: int, function: str = "relu") -> NormalForm:
    """Four inputs, two hidden layers, weights of few binary digits: float32 sums are exact."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.integers(-8, 9, shape) / 8

    builder = Builder(4)
    wire = 0
    for outputs in (3, 2):
        inputs = builder.width(wire)
        wire = builder.elementwise(
            function, builder.affine([(wire, draw(outputs, inputs))], draw(outputs))
        )
    return builder.build(builder.affine([(wire, draw(width, 2))], draw(width)))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_it_computes_what_the_network_does(domain: str, output: str, plain: bool):
    form = form_of(OUTPUTS[output], seed=len(domain) + len(output))
    network = network_from_normal_form(form)
    target = make_target(network, parse_domain(domain), resolve_output(network, output))
    made = literal_program(target.form, target.domain, target.output, plain_matrices=plain)
    columns = target.domain.sample(np.random.default_rng(1), 60)
    sure = target.output.margin(target.raw(columns)) > 1e-4
    ours, theirs = np.asarray(run(made, columns)), target.values(columns)
    assert sure.any()
    assert np.allclose(ours[sure], theirs[sure], atol=1e-4)
    assert parse_program(show_program(made)) == made


@pytest.mark.parametrize("function", ["tanh", "sigmoid", "abs", "square", "sin"])
def test_activations_are_written_by_their_name(function: str):
    form = form_of(1, 3, function)
    network = network_from_normal_form(form)
    domain = parse_domain(DOMAINS["plain"])
    made = literal_program(form, domain, resolve_output(network, "real"))
    assert f"{function}(" in str(made)
    columns = domain.sample(np.random.default_rng(2), 40)
    assert np.allclose(np.asarray(run(made, columns)), form.run(columns[0])[:, 0])


def test_whole_and_missing_weights_make_it_shorter():
    domain = parse_domain("x: real(-1,1)[4]")

    def bits(weights: list[float], plain: bool = False) -> float:
        builder = Builder(4)
        form = builder.build(builder.affine([(0, np.array([weights]))], np.zeros(1)))
        output = resolve_output(network_from_normal_form(form), "real")
        return program_bits(literal_program(form, domain, output, plain_matrices=plain))

    sparse, whole, odd = bits([1, 0, 0, 1]), bits([1, 2, 3, 4]), bits([0.37, 1.91, 2.83, 0.11])
    assert sparse < whole < odd
    assert bits([1, 0, 0, 1], plain=True) > sparse


@pytest.mark.parametrize(
    ("weights", "bias", "wanted"),
    [
        ([1, -1], 0, "a - b"),
        ([-1, 2], 0.5, "2 * b - a + 1/2"),
        ([-1, -1], 1, "1 - a - b"),
        ([0.5, 0.5], -1, "1/2 * a + 1/2 * b - 1"),
    ],
)
def test_sums_read_as_a_person_writes_them(weights, bias, wanted):
    names: dict[str, Type] = {"a": REAL, "b": REAL}
    leaves = [parse(n, names) for n in names]
    pairs = [(float(w), leaf) for w, leaf in zip(weights, leaves, strict=True)]
    assert linear_sum(pairs, float(bias)) == parse(wanted, names)
