"""Networks glued from known modules come out as programs of their values."""

from __future__ import annotations

from itertools import product

import numpy as np

from benchmarks.structure.circuits import adder_chain, multiplier, sorting_network
from distill.decompose.cut import cut
from distill.decompose.links import links_of
from distill.decompose.reading import read
from distill.hierarchy.composed import composed
from distill.load import network_from_normal_form
from distill.normal_form import NormalForm
from distill.piece import with_bodies
from distill.run.budget import Budget
from distill.standing import Settings
from distill.target import Target, make_target, parse_output
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.types import BOOL, INT, REAL


def target_of(form: NormalForm, inputs: str, outputs: str) -> Target:
    network = network_from_normal_form(form)
    return make_target(network, parse_domain(inputs), parse_output(outputs))


def bits_of(numbers: np.ndarray, count: int) -> np.ndarray:
    return (numbers[:, None] >> np.arange(count)) & 1


def test_a_network_of_one_piece_is_not_cut():
    rng = np.random.default_rng(1)
    from benchmarks.structure.networks import Glue, layers
    from distill.normal_form import Builder

    glue = Glue(Builder(3), rng)
    wire = glue.beside(0, [layers(rng, 3, 6, 5, 1)], [[0, 1, 2]])
    assert cut(links_of(glue.builder.build(wire))) == ()


def test_known_circuits_compute_what_they_say():
    pairs = np.array(list(product(range(8), repeat=2)))
    a, b = pairs.T
    bits = np.hstack([bits_of(a, 3), bits_of(b, 3)]).astype(float)
    assert (adder_chain(3, 0).run(bits) == bits_of(a + b, 4)).all()
    assert (multiplier(3, 0).run(bits) == bits_of(a * b, 6)).all()
    x = np.random.default_rng(0).standard_normal((100, 8))
    assert np.allclose(sorting_network(8, 0).run(x), np.sort(x, 1))


def test_a_chain_of_adders_calls_one_function_again_and_again():
    target = target_of(adder_chain(4, 2), "a: bool[4] * b: bool[4]", "bool[5] above 0.5")
    found = next(composed(target, Settings(), Budget(2_000_000, 60.0)))
    shown = found.candidate.program
    calls = [str(shown).count(f"{d.name}(") - 1 for d in shown.definitions]
    assert max(calls) >= 3
    assert found.candidate.bits < 600
    points = target.domain.points(0, 256)
    assert (np.asarray(run(shown, points)) == target.values(points)).all()
    assert {piece.claim.verdict for piece in found.pieces} == {"proved"}
    bodies = with_bodies(found.pieces, shown.main.parameters, shown.main.result)
    assert (np.asarray(run(bodies, points)) == target.values(points)).all()


def test_a_sorting_network_is_read_as_its_comparators():
    target = target_of(sorting_network(4, 1), "x: real(-1,1)[4]", "real[4]")
    found = next(composed(target, Settings(), Budget(2_000_000, 60.0)))
    text = str(found.candidate.program)
    assert text.count("min(") == text.count("max(") == 5
    assert "*" not in text
    x = np.random.default_rng(3).uniform(-1, 1, (500, 4))
    assert np.allclose(np.asarray(run(found.candidate.program, (x,))), np.sort(x, 1))


def test_numbers_on_wires_are_read_by_the_values_they_take():
    rng = np.random.default_rng(0)
    truths = np.where(rng.random(100) < 0.5, 0.3, 1.7) + 0.01 * rng.standard_normal(100)
    found = read(truths)
    assert found is not None
    assert found.item == BOOL
    assert (found.values(truths) == (truths > 1)).all()
    assert (found.turned().values(truths) == (truths < 1)).all()
    whole = read(5.0 - 0.25 * rng.integers(0, 5, 200))
    assert whole is not None
    assert (whole.item, int(whole.high)) == (INT, 4)
    spread = read(rng.uniform(-2, 3, 500))
    assert spread is not None
    assert spread.item == REAL
    assert float(spread.low) < -1.9
    assert float(spread.high) > 2.9
    assert read(np.full(50, 0.7)) is None
    uneven = read(rng.choice([0.0, 1.0, 5.7], 100))
    assert uneven is not None
    assert uneven.item == REAL
