"""Polytopes of hidden states that lead into each other: proofs above four state dimensions."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from distill.checker.finding import verdict_of
from distill.checker.induction import induction_finding
from distill.checker.loops import loop_findings
from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.checker.polytopes import _least
from distill.checker.quick import Below
from distill.evidence import Claim
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.crown import enclose, lines_below
from distill.verify.exchange import Polytopes, coordinates, improved, least
from distill.verify.hulls import closed_claim
from distill.verify.packed import packed_floats, packed_rows
from distill.verify.polytopes import _on_box, polytopes_claim
from distill.verify.template import Reading
from distill.verify.words import departs_in_time, proof_of
from dsl.loop_text import parse_loop

SECOND = """loop predict(x: bool) -> seq(bool)
  start previous: bool = false
  out previous
  next previous = x
"""


def floats32(values) -> np.ndarray:
    return np.asarray(values, dtype=np.float32).astype(float)


@cache
def turned(hidden: int, fade: float = 0.5, leak: float = 0.0) -> RecurrentNetwork:
    """The item and the one before, and numbers that follow them ever more slowly, as seen along
    random axes: every hidden number is a bit of everything. leak: how much of the last follower the
    output takes in."""
    steps, sees = np.zeros((hidden, hidden)), np.zeros((hidden, 1))
    sees[0], steps[1, 0] = 1.0, 1.0
    for k in range(2, hidden):
        steps[k, k - 1], steps[k, k] = 0.5, fade
    axes, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((hidden, hidden)))
    inner = floats32(np.hstack([steps @ axes.T, sees])), np.full(hidden, 4.0)
    outer = floats32(axes), floats32(-axes @ np.full(hidden, 4.0))
    reads = floats32(axes[:, 1] + leak * axes[:, -1])[None], np.zeros(1)
    return RecurrentNetwork(cell_of_layers([inner, outer], [reads]), np.zeros(hidden))


def oracle_of(net: RecurrentNetwork):
    return make_oracle(net, "seq(bool)", "seq(bool above 0.5)", 10)


@cache
def asked(hidden: int = 5, fade: float = 0.5):
    oracle, loop = oracle_of(turned(hidden, fade)), parse_loop(SECOND)
    claim = polytopes_claim(loop, oracle)
    assert claim is not None
    return loop, oracle, Claim.from_json(json.loads(json.dumps(claim.to_json())))


def certificate_of(claim: Claim) -> dict[str, Any]:
    assert claim.certificate is not None
    return claim.certificate


@pytest.mark.parametrize("hidden", [5, 8])
def test_networks_whose_boxes_dont_close_are_proved_for_every_length(hidden: int):
    loop, oracle, claim = asked(hidden)
    assert closed_claim(loop, oracle) is None
    assert (claim.verdict, claim.method, claim.length_bound) == ("proved", "induction", None)
    assert certificate_of(claim)["kind"] == "polytopes"
    assert "polytopes of the hidden space for 2 states of the program" in claim.statement
    assert verdict_of(loop_findings(oracle, loop, claim, np.random.default_rng(0))) == "holds"


def test_the_ladder_asks_for_polytopes():
    loop = parse_loop(SECOND)
    found = proof_of(loop, oracle_of(turned(8)), 0)
    assert found is not None
    assert certificate_of(found)["kind"] == "polytopes"


@pytest.mark.parametrize("change", [("out previous", "out x"), ("= false", "= true"),
                                    ("out previous", "out not previous")])  # fmt: skip
def test_wrong_programs_are_not_proved(change: tuple[str, str]):
    wrong = parse_loop(SECOND.replace(*change))
    assert polytopes_claim(wrong, oracle_of(turned(5))) is None
    _, oracle, claim = asked()
    assert induction_finding(oracle, wrong, claim).state != "holds"


def test_a_network_that_departs_late_is_not_proved():
    loop, drifting = parse_loop(SECOND), oracle_of(turned(5, 1.0, 1e-5))
    ones = np.ones((1, 400, 1))
    outputs = drifting.network.run(ones)[1][0, :, 0]
    right = np.r_[False, np.ones(399, dtype=bool)] == (outputs > 0.5)
    assert right[:30].all()
    assert not right.all() or np.abs(outputs[30:] - 1).max() > 0.1
    assert polytopes_claim(loop, drifting, steps_at_most=1_500_000) is None


def tampered(claim: Claim, **changes) -> Claim:
    return replace(claim, certificate={**certificate_of(claim), **changes})


def test_tampered_certificates_are_not_confirmed():
    loop, oracle, claim = asked()
    certificate = certificate_of(claim)
    many = certificate["directions"]
    ends = unpacked_floats(certificate["ends"], 2 * many)
    rows = unpacked_floats(certificate["rows"], 5)
    states = unpacked_rows(certificate["states"], 1)
    bases = unpacked_rows(certificate["bases"], 5)
    assert induction_finding(oracle, loop, claim).state == "holds"
    rng, changes = np.random.default_rng(0), []
    for place in rng.integers(many, size=12):
        shrunk = ends.copy()
        middle = (ends[:, place] + ends[:, many + place]) / 2
        shrunk[:, place], shrunk[:, many + place] = middle, middle
        changes.append({"ends": packed_floats(shrunk)})
    other = rows.copy()
    other[0] += 0.5
    changes += [
        {"rows": packed_floats(other)},
        {"rows": packed_floats(rows[:-1])},
        {"directions": many - 1},
        {"directions": True},
        {"directions": "5"},
        {"states": packed_rows(states[:1])},
        {"states": packed_rows(states + 1)},
        {"states": packed_rows(np.repeat(states[:1], len(states), 0))},
        {"bases": packed_rows(bases + many)},
        {"bases": packed_rows(bases - many)},
        {"bases": packed_rows(bases[:-1])},
        {"bases": packed_rows(np.zeros_like(bases))},
        {"memory": 1},
        {"kind": "hulls"},
        {"ends": None},
    ]
    for change in changes:
        assert induction_finding(oracle, loop, tampered(claim, **change)).state == "unknown", change
    longer = replace(claim, verdict="proved_to_length", length_bound=10)
    assert induction_finding(oracle, loop, longer).state == "unknown"


def test_a_certificate_is_about_its_own_network():
    loop, _, claim = asked()
    for net in (turned(5, 0.6), turned(5, 0.5, 2.0)):
        assert induction_finding(oracle_of(net), loop, claim).state == "unknown"
    initial = RecurrentNetwork(turned(5).cell, np.full(5, 9.0))
    assert induction_finding(oracle_of(initial), loop, claim).state == "unknown"


def random_polytopes(rng: np.random.Generator, hidden: int, many: int) -> Polytopes:
    rows = np.concatenate([np.eye(hidden), rng.standard_normal((many - hidden, hidden))])
    inside = rows @ rng.standard_normal((hidden, 30))
    return Polytopes(rows[None], inside.min(1)[None], inside.max(1)[None])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(0, 8))
def test_exchanges_end_at_the_optimum_and_every_basis_is_a_bound(seed: int, hidden: int, more: int):
    rng = np.random.default_rng(seed)
    polytopes = random_polytopes(rng, hidden, hidden + more)
    forms = rng.standard_normal((1, 3, hidden))
    rows, low, high = polytopes.rows[0], polytopes.lower[0], polytopes.upper[0]
    best = [
        linprog(f, np.concatenate([rows, -rows]), np.concatenate([high, -low]),
                bounds=(None, None)).fun
        for f in forms[0]
    ]  # fmt: skip
    bases, doubt = coordinates(1, 3, hidden), np.zeros_like(forms)
    before = least(polytopes, forms, doubt, bases)[0]
    for rounds in (1, 60):
        found = improved(polytopes, forms, bases, rounds)
        value = least(polytopes, forms, doubt, found)[0]
        assert (value <= np.array(best) + 1e-9).all()
        assert (value >= before - 1e-9).all()
        before = value
    assert before == pytest.approx(best, abs=1e-5)
    chosen = rng.integers(hidden + more, size=(1, 3, hidden))
    assert (least(polytopes, forms, doubt, chosen)[0] <= np.array(best) + 1e-9).all()


def test_what_is_doubtful_of_a_form_counts():
    polytopes = Polytopes(np.eye(2)[None], np.array([[-1.0, -2.0]]), np.array([[3.0, 1.0]]))
    forms = np.array([[[1.0, 1.0], [-1.0, 0.0]]])
    doubt = np.array([[[0.5, 0.25], [0.0, 0.0]]])
    found = least(polytopes, forms, doubt, coordinates(1, 2, 2))[0]
    assert found == pytest.approx([-3.0 - 1.5 - 0.5, -3.0], abs=1e-5)
    assert (found <= [-5.0, -3.0]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_lines_below_a_step_hold_on_its_box(seed: int):
    rng = np.random.default_rng(seed)
    reading = Reading(turned(3).cell.normal_form(), 3)
    center, width = rng.uniform(-2, 2, 3), rng.uniform(0, 6, 3)
    points = center + width * rng.uniform(-1, 1, (50, 3))
    seen = points @ reading.rows.T
    box = np.r_[seen.min(0), 0.0][None], np.r_[seen.max(0), 1.0][None]
    found = enclose(reading.form, *box)
    rows = rng.standard_normal((1, 4, 4))
    lines = lines_below(reading.form, found, rows)
    inputs = np.concatenate([seen, rng.uniform(0, 1, (50, 1))], 1)
    values = reading.form.run(inputs) @ rows[0].T
    below = inputs @ lines.slopes[0].T + lines.constant[0] - lines.error[0]
    assert (below <= values + 1e-9).all()
    steps = turned(3).cell.normal_form().run(np.concatenate([points, inputs[:, -1:]], 1))
    assert reading.form.run(inputs) == pytest.approx(steps, abs=1e-9)


def test_proofs_for_every_length_arent_sought_where_long_sequences_differ():
    loop = parse_loop(SECOND)
    assert departs_in_time(loop, oracle_of(turned(5, 1.0, 1e-5)), 0)
    assert not departs_in_time(loop, oracle_of(turned(5)), 0)


def exactly_least(form, lower, upper) -> Fraction:
    """The least value of a form on a box, in fractions."""
    total = Fraction(0)
    for a, pair in zip(form, zip(lower, upper, strict=True), strict=True):
        total += min(Fraction(float(a)) * Fraction(float(end)) for end in pair)
    return total


@pytest.mark.parametrize("seed", range(20))
def test_least_values_on_boxes_are_rounded_down(seed: int):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    lower = rng.standard_normal((3, count))
    upper = lower + rng.random((3, count))
    forms = rng.standard_normal((3, 4, count))
    bases = coordinates(3, 4, count)
    polytopes = Polytopes(np.broadcast_to(np.eye(count), (3, count, count)), lower, upper)
    zero = np.zeros_like(forms)
    line = Below(forms, np.zeros((3, 4)), np.zeros((3, 4)))
    used = np.broadcast_to(np.eye(count), (3, 4, count, count))
    ends = tuple(np.broadcast_to(e[:, None], forms.shape) for e in (lower, upper))
    rooms = {
        "exchange": least(polytopes, forms, zero, bases),
        "box": _on_box(forms, lower, upper),
        "checker": _least(line, 1e-13, np.eye(count), np.zeros((3, 0)), (lower, upper), used,
                          (ends[0], ends[1])),
    }  # fmt: skip
    for name, found in rooms.items():
        for box in range(3):
            for row in range(4):
                exact = exactly_least(forms[box, row], lower[box], upper[box])
                near = float(np.abs(forms[box, row]) @ polytopes.largest[box])
                assert Fraction(float(found[box, row])) < exact, name
                assert exact - Fraction(float(found[box, row])) < Fraction(1e-11 * near), name


def test_what_rows_lack_of_a_form_counts_times_the_sizes():
    rows = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    lower, upper = np.array([[-2.0, -1.0, -3.0]]), np.array([[1.0, 4.0, 5.0]])
    polytopes = Polytopes(rows, lower, upper)
    forms = np.array([[[1.0, 0.5]]])
    flat = np.array([[[0, 0]]])  # no basis: nothing is known
    assert least(polytopes, forms, np.zeros_like(forms), flat)[0, 0] == -np.inf
    line = Below(forms, np.array([[0.25]]), np.zeros((1, 1)))
    used = rows[:, None, [2, 1]]  # 1 (1, 1) - 0.5 (0, 1)
    ends = lower[:, None, [2, 1]], upper[:, None, [2, 1]]
    found = _least(line, 0.0, np.eye(2), np.zeros((1, 0)), (lower, upper), used, ends)
    assert found[0, 0] == pytest.approx(0.25 - 2.5)  # the box is better than -3 - 2
    wrong = rows[:, None, [0, 0]]
    ends = lower[:, None, [0, 0]], upper[:, None, [0, 0]]
    narrow = lower.copy(), upper.copy()
    found = _least(line, 0.0, np.eye(2), np.zeros((1, 0)), narrow, wrong, ends)
    assert found[0, 0] == pytest.approx(0.25 - 2.5)


def test_a_fixed_part_of_a_line_is_the_item_times_its_factor():
    forms = np.array([[[1.0, 3.0]]])
    line = Below(forms, np.array([[0.0]]), np.zeros((1, 1)))
    box = np.array([[2.0]]), np.array([[5.0]])
    used, ends = np.ones((1, 1, 1, 1)), (np.array([[[2.0]]]), np.array([[[5.0]]]))
    found = _least(line, 0.0, np.eye(1), np.array([[-4.0]]), box, used, ends)
    assert found[0, 0] == pytest.approx(2.0 - 12.0)
