"""The beam search: sequences that draws don't meet, differences that grow, no false ones."""

import numpy as np
import pytest

from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.beam import departing
from distill.verify.words import differences, first_departure, words_claim
from dsl.loop_text import parse_loop

NOTHING = "loop predict(x: int) -> seq(int)\n  out 0\n"
KEPT = """loop predict(x: real) -> seq(real)
  start r: real = 0
  out r / 2 + x
  next r = r / 2 + x
"""


def nines(count, length):
    """Counts nines in a row, and says how many there are beyond `count`."""
    step = [(np.array([[1.0, 50.0]]), np.array([-449.0])), (np.eye(1), np.zeros(1))]
    readout = [(np.eye(1), np.array([-float(count)])), (np.eye(1), np.zeros(1))]
    network = RecurrentNetwork(cell_of_layers(step, readout), np.zeros(1))
    return make_oracle(network, "seq(x: int(0,9))", "seq(int)", length)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_of_nines_is_found_that_draws_do_not_meet(seed):
    oracle, loop = nines(7, 12), parse_loop(NOTHING)
    drawn = oracle.domain.sample(np.random.default_rng(seed), 4096, 12)
    assert not differences(loop, oracle, drawn).any()
    found = departing(loop, oracle, seed, 12)
    assert found is not None and found[0].shape == (1, 12)
    (where,) = np.flatnonzero(differences(loop, oracle, found)[0])[:1]
    assert (found[0][0, where - 7 : where + 1] == 9).all()
    assert departing(loop, oracle, seed, 7) is None


def test_a_claim_by_draws_is_refuted_by_what_the_search_finds():
    claim = words_claim(parse_loop(NOTHING), nines(7, 12), 0)
    assert claim.verdict == "refuted" and claim.counterexample is not None
    assert claim.counterexample["network"] != claim.counterexample["program"]
    assert first_departure(parse_loop(NOTHING), nines(20, 12), 0, 40) == 21


def test_where_nothing_differs_nothing_is_found():
    assert departing(parse_loop(NOTHING), nines(30, 12), 0, 25) is None


def test_differences_of_real_outputs_are_driven_up():
    cell = cell_of_layers([(np.array([[0.5078125, 1.0]]), np.zeros(1))], [(np.eye(1), np.zeros(1))])
    network = RecurrentNetwork(cell, np.zeros(1))
    oracle = make_oracle(network, "seq(x: real(-1,1))", "seq(real)", 10, tolerance=0.02)
    loop = parse_loop(KEPT)
    drawn = oracle.domain.sample(np.random.default_rng(0), 256, 20)
    found = departing(loop, oracle, 0, 20)
    assert found is not None and differences(loop, oracle, found).any()
    assert not differences(loop, oracle, drawn).all()
