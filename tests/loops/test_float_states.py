"""States of float32 that are few: proofs about one order of summation, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from test_loop_checker import PARITY, parity, recurrent, verdict

from benchmarks.rnn.networks import network
from benchmarks.rnn.references import REFERENCES
from distill.checker.float_states import _added, float_states_finding
from distill.checker.packed import unpacked_rows
from distill.evidence import Claim
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.cells import cells_claim
from distill.verify.float_states import float_states_claim
from distill.verify.float_steps import _fused, stepped
from distill.verify.hulls import closed_claim
from distill.verify.packed import packed_rows
from distill.verify.words import proof_of
from dsl.loop_text import parse_loop

F32 = np.float32
SATURATES = """loop predict(x: bool) -> seq(bool)
  start count: int = 0
  let new_count = min(count + as_int(x), {most})
  out new_count >= {most}
  next count = new_count
"""


def counting_to(most: int):
    """h' = min(h + x, most), read as h' - most + 1."""
    step = [([[1, 1], [1, 1]], [0, -most]), ([[1, -1]], [0])]
    net = recurrent(step, [([[1.0]], [1.0 - most])], [0.0])
    return make_oracle(net, "seq(x: bool)", "seq(bool above 0.5)", 10)


def neutral():
    """A network of the suite that keeps its carry where it is: bounds can't close around it."""
    name = "rnn_base_4_addition"
    oracle = make_oracle(network(name), "seq(x0: int(0,3) * x1: int(0,3))", "seq(int)", 10)
    return REFERENCES[name], oracle


def suite(name: str, inputs: str):
    return REFERENCES[name], make_oracle(network(name), inputs, "seq(bool above 0.5)", 10)


def written(claim: Claim) -> Claim:
    return Claim.from_json(json.loads(json.dumps(claim.to_json())))


def test_a_network_that_no_bounds_close_around_is_proved():
    loop, oracle = neutral()
    assert closed_claim(loop, oracle) is None
    cells = cells_claim(loop, oracle)
    assert cells is None or cells.verdict != "proved"
    claim = proof_of(loop, oracle, 0)
    assert claim is not None
    assert (claim.verdict, claim.method, claim.length_bound) == ("proved", "exhaustive", None)
    assert "rounded or fused at every item" in claim.arithmetic
    assert verdict(loop, oracle, written(claim)) == "holds"


def test_both_ways_are_listed_where_a_mixture_drifts():
    loop, oracle = suite("rnn_bit_dot_prod_mod2_numerical", "seq(x0: bool * x1: bool)")
    claim = float_states_claim(loop, oracle)
    assert claim is not None
    assert "all rounded or all fused" in claim.arithmetic
    assert [run["products"] for run in claim.certificate["runs"]] == [["rounded"], ["fused"]]
    assert verdict(loop, oracle, written(claim)) == "holds"


@pytest.mark.parametrize("drift", [0.004, 2.0**-12, 2.0**-20])
def test_a_network_that_drifts_is_not_proved(drift):
    net = parity(drift)
    oracle = make_oracle(net, "seq(x: bool)", "seq(bool above 0.5)", 10)
    assert float_states_claim(parse_loop(PARITY), oracle) is None


def test_a_difference_after_many_items_is_found():
    oracle = counting_to(40)
    assert float_states_claim(parse_loop(SATURATES.format(most=40)), oracle) is not None
    assert float_states_claim(parse_loop(SATURATES.format(most=41)), oracle) is None
    assert float_states_claim(parse_loop(SATURATES.format(most=39)), oracle) is None


def test_functions_that_are_approximated_are_refused():
    layers = [[(np.array([[1.0, 1.0]]), np.zeros(1)), (np.array([[1.0]]), np.zeros(1))]]
    cell = cell_of_layers(layers[0], [(np.array([[1.0]]), np.zeros(1))], "tanh")
    oracle = make_oracle(RecurrentNetwork(cell, np.zeros(1)), "seq(x: bool)", "seq(bool)", 10)
    assert float_states_claim(parse_loop(PARITY), oracle) is None


def tampered(claim: Claim, how: str) -> Claim:
    runs = [dict(run) for run in claim.certificate["runs"]]
    rows = unpacked_rows(runs[0]["states"], 3).copy()
    if how == "left out":
        rows = rows[1:]
    elif how == "nudged":
        rows[3, 1] += 1
    elif how == "without the first":
        rows = rows[~((rows[:, 0] == 0) & (rows[:, 1:] == 0).all(1))]
    elif how == "of no program's state":
        rows[0, 0] = 99
    elif how == "infinite":
        rows[0, 1] = int(np.array(np.inf, F32).view(np.int32))
    runs[0]["states"] = packed_rows(rows)
    if how == "only rounded":
        runs[0]["products"] = ["rounded"]
    if how == "no runs":
        runs = []
    count = len(rows) * 16 + (how == "counted wrongly")
    made = replace(claim, count=count, certificate={**claim.certificate, "runs": runs})
    if how == "of any order":
        made = replace(made, arithmetic="network in float32 in any order of summation")
    return made


@pytest.mark.parametrize(
    "how",
    ["left out", "nudged", "without the first", "of no program's state", "infinite",
     "only rounded", "no runs", "counted wrongly", "of any order"],
)  # fmt: skip
def test_what_was_tampered_with_is_not_confirmed(how):
    loop, oracle = neutral()
    claim = float_states_claim(loop, oracle)
    assert claim is not None
    assert float_states_finding(oracle, loop, tampered(claim, "")).state == "holds"
    assert float_states_finding(oracle, loop, tampered(claim, how)).state == "unknown"


def test_every_listed_state_is_needed():
    loop, oracle = neutral()
    claim = float_states_claim(loop, oracle)
    assert claim is not None
    rows = unpacked_rows(claim.certificate["runs"][0]["states"], 3)
    for gone in range(len(rows)):
        run = {"products": ["rounded", "fused"], "states": packed_rows(np.delete(rows, gone, 0))}
        less = replace(claim, count=claim.count - 16, certificate={"kind": "floats", "runs": [run]})
        assert float_states_finding(oracle, loop, less).state == "unknown"


def test_a_certificate_is_for_one_network_and_one_program():
    loop, oracle = neutral()
    claim = float_states_claim(loop, oracle)
    assert claim is not None
    other = parse_loop(str(loop).replace("total // 4", "total // 5"))
    assert float_states_finding(oracle, other, claim).state == "unknown"
    moved = replace(oracle, network=replace(oracle.network, initial=np.array([2.0**-20, 0.0])))
    assert float_states_finding(moved, loop, claim).state == "unknown"


def rounded_once(value: Fraction) -> np.float32:
    """The float32 nearest to a fraction, ties to even."""
    near = F32(float(value))
    others = [near, np.nextafter(near, F32(np.inf)), np.nextafter(near, F32(-np.inf))]
    return min(others, key=lambda v: (abs(Fraction(float(v)) - value), v.view(np.int32) & 1))


def fused_cases():
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, 3000)).astype(F32)
    total = (rng.standard_normal(3000) * 10.0 ** rng.integers(-9, 4, 3000)).astype(F32)
    total[:1000] = -(left[:1000] * right[:1000])  # what is left is rounding alone
    # 1 + 2**-23 and just under half of what float32 has beyond it: float64 makes it half
    under = F32(1 - 2.0**-23), F32(2.0**-24 * (1 + 2.0**-23)), F32(1 + 2.0**-23)
    over = -under[0], under[1], F32(1 + 2.0**-22)
    more = np.array([under, over], dtype=F32).T
    return (np.concatenate([a, b]) for a, b in zip((left, right, total), more, strict=True))


def test_fused_products_are_rounded_once_by_both_rooms():
    left, right, total = fused_cases()
    wanted = [
        rounded_once(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))
        for a, b, c in zip(left, right, total, strict=True)
    ]
    assert (_fused(left, right, total) == wanted).all()
    assert (_added(total, left, right, True) == wanted).all()
    twice = (left.astype(float) * right + total).astype(F32)
    assert (twice != wanted).any()  # or the cases above wouldn't ask for anything


def test_a_step_depends_on_no_batch():
    form = network("rnn_div_5_numerical").cell.normal_form()
    inputs = np.random.default_rng(1).standard_normal((50, form.input_width)).astype(F32)
    inputs = inputs.astype(np.float64)
    for fused in (False, True):
        alone = np.concatenate([stepped(form, row[None], fused) for row in inputs])
        assert (stepped(form, inputs, fused) == alone).all()
        assert np.abs(alone - form.run(inputs)).max() < 1e-4
