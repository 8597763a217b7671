"""Networks that err now and then: the program they stand for, and what the claim leaves out."""

import numpy as np

from distill.loops import distil_recurrent, make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.synthesize.loops.traces import traces_of, without
from distill.verify.words import words_claim
from dsl.loop_text import parse_loop

TOTAL = "loop predict(x: bool) -> seq(int)\n  start r: int = 0\n  out r + as_int(x)\n" + (
    "  next r = r + as_int(x)\n"
)


def counter(error: float) -> RecurrentNetwork:
    """h' = h + x; the read-out says h, and from 10 on `error` more."""
    step = [(np.array([[1.0, 1.0]]), np.zeros(1))]
    readout = [
        (np.array([[1.0], [1.0]]), np.array([0.0, -9.0])),
        (np.array([[1.0, error]]), np.zeros(1)),
    ]
    return RecurrentNetwork(cell_of_layers(step, readout), np.zeros(1))


def test_a_close_decision_is_left_out_by_its_margin():
    oracle = make_oracle(counter(0.55), "seq(x: bool)", "seq(int)", 10)
    claim = words_claim(parse_loop(TOTAL), oracle, 0)
    assert claim.verdict == "proved_to_length"
    assert abs(claim.margin - 0.05) < 1e-6
    assert claim.left_out == 1 / 1024
    assert "1 of 1,024" in claim.statement


def test_a_wrong_decision_that_is_clear_refutes():
    claim = words_claim(
        parse_loop(TOTAL), make_oracle(counter(1.0), "seq(x: bool)", "seq(int)", 10), 0
    )
    assert claim.verdict == "refuted"
    assert claim.counterexample is not None
    assert claim.counterexample["network"] != claim.counterexample["program"]


def test_the_program_of_an_erring_network_is_found():
    found = distil_recurrent(counter(0.55), "seq(x: bool)", "seq(int)", 10)
    assert not found.literal
    assert found.claim.left_out > 0
    assert len(found.program.registers) == 1


def test_what_follows_an_outvoted_row_does_not_matter():
    traces = traces_of(make_oracle(counter(0.0), "seq(x: bool)", "seq(int)", 6), 0)
    left = without(traces, np.array([2]))
    lost = traces.care & ~left.care
    same = (traces.columns[0][:, :3] == traces.columns[0][0, :3]).all(1)
    assert (lost == (same[:, None] & (np.arange(6) >= 2))).all()
