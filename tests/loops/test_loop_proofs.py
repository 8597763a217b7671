"""Proofs about loops: wrong loops and drifting networks get none, and what is claimed holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.recurrent_target import Oracle
from distill.target import parse_output
from distill.verify.cells import cells_claim
from distill.verify.hulls import boxes_claim
from distill.verify.linear_loops import is_linear, linear_claim
from distill.verify.machine import steps_of
from distill.verify.words import differences
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences


def cell(step, readout, hidden: int) -> RecurrentNetwork:
    as_arrays = [
        [(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in part]
        for part in (step, readout)
    ]
    return RecurrentNetwork(cell_of_layers(as_arrays[0], as_arrays[1]), np.zeros(hidden))


READ = [([[1.0]], [0.0])]
PARITY = [([[1, 1], [1, 1]], [0, -1]), ([[1, -2]], [0])]
SUM = cell([([[1, 1]], [0])], READ, 1)
SECOND = cell([([[0, 0, 1], [1, 0, 0]], [0, 0])], [([[0.0, 1.0]], [0.0])], 2)
"""The item before; its state forgets all that is older."""

LOOPS = {
    "sum": "loop predict(x: int) -> seq(int)\n  start total: int = 0\n  out total + x\n"
    "  next total = total + x\n",
    "second": "loop predict(x: int) -> seq(int)\n  start previous: int = 0\n  out previous\n"
    "  next previous = x\n",
    "parity": "loop predict(x: bool) -> seq(bool)\n  start odd: bool = false\n  out odd xor x\n"
    "  next odd = odd xor x\n",
}


def oracle_of(network: RecurrentNetwork, inputs: str, outputs: str | None = None):
    return make_oracle(network, inputs, outputs, 10)


def holds_on_draws(loop, oracle, length: int) -> bool:
    drawn = oracle.domain.sample(np.random.default_rng(5), 3000, length)
    return not differences(loop, oracle, drawn).any()


def test_a_sum_is_proved_as_long_as_its_rounding_allows():
    loop, oracle = parse_loop(LOOPS["sum"]), oracle_of(SUM, "seq(int(0,99))")
    claim = linear_claim(loop, oracle)
    assert claim is not None
    assert claim.length_bound is not None
    assert claim.length_bound >= 20
    assert holds_on_draws(loop, oracle, claim.length_bound)


@pytest.mark.parametrize("error", [0.0004, 0.004, 0.02, 0.2])
def test_a_sum_with_a_wrong_weight_is_claimed_only_as_far_as_it_is_right(error: float):
    network = cell([([[1, 1 + error]], [0])], READ, 1)
    oracle = Oracle(network, parse_sequences("seq(int(0,9))"), parse_output("int"), 10)
    loop = parse_loop(LOOPS["sum"])
    claim = linear_claim(loop, oracle)
    worst = (np.full((1, 200), 9),)
    first = int(differences(loop, oracle, worst)[0].argmax())
    assert claim is None or (claim.length_bound or 0) <= first
    assert (claim is not None) == (first >= 10)


def test_a_linear_loop_is_told_from_others():
    assert is_linear(parse_loop(LOOPS["sum"]))
    assert not is_linear(parse_loop(LOOPS["sum"].replace("out total + x", "out max(total, x)")))
    assert not is_linear(parse_loop(LOOPS["sum"].replace("out total + x", "out total * x")))
    assert not is_linear(parse_loop(LOOPS["parity"]))


@pytest.mark.parametrize("name", ["sum", "second"])
@pytest.mark.parametrize("change", [("= 0", "= 1"), ("out ", "out 1 + "), ("out ", "out 2 * x - ")])
def test_wrong_linear_loops_get_no_proof(name: str, change: tuple[str, str]):
    network = SUM if name == "sum" else SECOND
    oracle = oracle_of(network, "seq(int(0,9))")
    wrong = parse_loop(LOOPS[name].replace(*change, 1))
    assert linear_claim(wrong, oracle) is None
    assert cells_claim(wrong, oracle) is None
    assert boxes_claim(wrong, oracle) is None


def leaking(kept: float, taken: float) -> RecurrentNetwork:
    """The previous item, and beside it taken * (x[t-1] + kept * x[t-2] + ...)."""
    step = [([[0, 0, 0, 1], [1, 0, 0, 0], [taken, 0, kept, 0]], [0, 0, 0])]
    return cell(step, [([[0.0, 1.0, 1.0]], [0.0])], 3)


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.95, 0.995), st.floats(0, 1))
def test_what_fades_is_proved_for_every_length_where_its_sum_stays_below_a_half(
    kept: float, share: float
):
    kept = float(np.float32(kept))
    taken = float(np.float32(share * 0.2 * (1 - abs(kept))))
    farthest = 5 * taken / (1 - abs(kept)) if kept >= 0 else 5 * taken / (1 - kept**2)
    oracle = Oracle(leaking(kept, taken), parse_sequences("seq(int(0,5))"), parse_output("int"), 10)
    claim = linear_claim(parse_loop(LOOPS["second"]), oracle)
    always = claim is not None and claim.verdict == "proved"
    if farthest > 0.5:
        assert not always
    if 5 * taken / (1 - abs(kept)) < 0.45:
        assert claim is not None
        assert always
        assert (claim.length_bound, claim.certificate) == (None, None)


def test_what_errs_behind_the_items_that_are_followed_has_a_length():
    oracle = oracle_of(leaking(0.99, 0.0011), "seq(int(0,5))")
    loop = parse_loop(LOOPS["second"])
    claim = linear_claim(loop, oracle)
    nines = (np.full((1, 600), 5),)
    first = int(differences(loop, oracle, nines)[0].argmax())
    assert claim is not None
    assert claim.verdict == "proved_to_length"
    assert 100 < (claim.length_bound or 0) <= first


def test_a_network_that_forgets_is_proved_for_every_length():
    loop, oracle = parse_loop(LOOPS["second"]), oracle_of(SECOND, "seq(int(0,5))")
    claim = cells_claim(loop, oracle)
    assert claim is not None
    assert (claim.verdict, claim.length_bound) == ("proved", None)
    assert holds_on_draws(loop, oracle, 300)


@pytest.mark.parametrize("drift", [0.0, 0.003, 0.01, 0.04])
def test_a_network_that_drifts_is_never_proved_beyond_its_first_mistake(drift: float):
    step = [PARITY[0], (PARITY[1][0], [drift])]
    oracle = oracle_of(cell(step, READ, 1), "seq(bool)")
    loop = parse_loop(LOOPS["parity"])
    words = (np.random.default_rng(1).random((4000, 200)) < 0.5,)
    wrong = differences(loop, oracle, words).any(0)
    first = int(wrong.argmax()) if wrong.any() else 200
    everywhere, bounded = cells_claim(loop, oracle), boxes_claim(loop, oracle)
    assert everywhere is None or (everywhere.length_bound or 200) <= first
    assert bounded is None or (bounded.length_bound or 0) <= first


def test_wrong_machines_get_no_proof():
    oracle = oracle_of(cell(PARITY, READ, 1), "seq(bool)")
    for before, after in (
        ("= false", "= true"),
        ("out odd xor x", "out odd"),
        ("xor x\n", "or x\n"),
    ):
        text = LOOPS["parity"]
        wrong = parse_loop(after.join(text.rsplit(before, 1)))
        assert boxes_claim(wrong, oracle) is None
        assert cells_claim(wrong, oracle) is None


def test_states_are_listed_up_to_a_depth():
    oracle = oracle_of(SUM, "seq(int(0,1))", "int")
    assert steps_of(parse_loop(LOOPS["sum"]), oracle) is None
    found = steps_of(parse_loop(LOOPS["sum"]), oracle, 12)
    assert found is not None
    assert found.next.shape == (13, 2)
    assert (found.next[-1] == -1).all()


@pytest.mark.parametrize("encoding", ["affine(2,1)", "affine(1,0.1)"])
def test_items_that_enter_the_cell_as_other_numbers_are_not_taken_for_themselves(encoding: str):
    domain = parse_sequences(f"seq(x: int(0,3) as {encoding})")
    oracle = Oracle(SUM, domain, parse_output("int"), 10)
    loop = parse_loop(LOOPS["sum"])
    assert linear_claim(loop, oracle) is None
    assert boxes_claim(loop, oracle) is None
    assert cells_claim(loop, oracle) is None
