"""Recurrent networks built by hand become the loops they are; wrong loops are refused."""

from __future__ import annotations

import numpy as np
import pytest

import distill
from distill.errors import BadInput
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.synthesize.loops.search import agrees, search_loops
from distill.synthesize.loops.traces import traces_of
from distill.verify.words import words_claim
from dsl.loop_text import parse_loop
from tests.loops.networks import DRIFTS, LARGEST, PARITY, READ, RUNNING_SUM, cell


def test_a_sum_is_a_running_total():
    found = distill.distill(RUNNING_SUM, "seq(int(0,99))")
    assert (found.evidence.verdict, found.evidence.method) == ("proved_to_length", "relational")
    assert (found.evidence.program_vs_deployed.length_bound or 0) >= 10
    assert found([5, 6, 7]) == [5, 11, 18]
    assert "total" in found.source


def test_a_maximum_starts_below_everything_it_was_shown():
    found = distill.distill(LARGEST, "seq(int(0,9))")
    assert "largest = max(largest, x)" in found.source
    assert "no difference" in found.note


def test_a_parity_that_keeps_to_few_states_of_float32_is_proved_for_every_length():
    found = distill.distill(PARITY, "seq(bool)")
    assert found.evidence.verdict == "proved"
    assert found.evidence.program_vs_deployed.length_bound is None
    assert found([True, True, True, False]) == [True, False, True, True]


def test_where_the_network_departs_the_claim_ends():
    found = distill.distill(DRIFTS, "seq(bool)", length=10)
    assert found.evidence.verdict == "proved_to_length"
    bound = found.evidence.program_vs_deployed.length_bound or 0
    assert 10 <= bound < 16
    oracle = make_oracle(DRIFTS, "seq(bool)", None, 10)
    longer = oracle.domain.words(bound + 1, 0, 2 ** (bound + 1))
    assert (oracle.values(longer)[:, :bound] == np.cumsum(longer[0], 1)[:, :bound] % 2).all()
    assert (oracle.values(longer) != np.cumsum(longer[0], 1) % 2).any()


@pytest.mark.parametrize(
    "text",
    [
        "loop predict(x: bool) -> seq(bool)\n  out x\n",
        "loop predict(x: bool) -> seq(bool)\n  start r: int = 0\n  let now = r + as_int(x)\n"
        "  out now % 2 == 1 and now < 9\n  next r = now\n",
    ],
)
def test_wrong_loops_are_refuted_by_their_shortest_word(text: str):
    oracle = make_oracle(PARITY, "seq(bool)", None, 10)
    claim = words_claim(parse_loop(text), oracle, 0)
    assert claim.verdict == "refuted"
    assert claim.counterexample is not None
    assert claim.counterexample["network"] != claim.counterexample["program"]
    assert not agrees(parse_loop(text), (traces := traces_of(oracle, 0)).items, traces)


def test_the_same_network_and_seed_give_the_same_loop():
    first, second = (distill.distill(PARITY, "seq(bool)", seed=3) for _ in range(2))
    assert first.program == second.program


@pytest.mark.parametrize(
    ("inputs", "outputs", "length"),
    [
        ("bool", None, 10),
        ("seq(bool[3])", None, 10),
        ("seq(bool)", "real[2]", 10),
        ("seq(bool)", None, 1),
    ],
)
def test_what_does_not_fit_is_one_sentence(inputs, outputs, length):
    with pytest.raises(BadInput) as caught:
        distill.distill(PARITY, inputs, outputs, length=length)
    assert "\n" not in str(caught.value)


def test_outputs_far_from_whole_numbers_are_refused():
    with pytest.raises(BadInput, match="whole numbers"):
        distill.distill(cell([([[1, 0.37]], [0.2])], READ, 1), "seq(int(0,9))", "int")
    with pytest.raises(BadInput, match=r"\(h, x\)"):
        RecurrentNetwork(RUNNING_SUM.cell, np.zeros(2))


def test_a_long_delay_of_numbers_is_not_taken_for_truths():
    """y = x[t - 5]: the first five outputs are 0."""
    shift = np.eye(6, 7, k=1)
    readout = [(np.eye(1, 6), np.zeros(1))]
    network = RecurrentNetwork(cell_of_layers([(shift, np.zeros(6))], readout), np.zeros(6))
    oracle = make_oracle(network, "seq(x: int(0,9))")
    assert str(oracle.output) == "int"
    found = search_loops(oracle)
    assert "recent" in str(found[0].loop)
