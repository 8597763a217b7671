"""Boxes and cells of hidden states that lead into each other: certificates, read as sets."""

import numpy as np
import pytest

from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.cells import cells_claim
from distill.verify.hulls import boxes_claim, closed_claim
from dsl.loop_text import parse_loop

SECOND = """loop predict(x: int) -> seq(int)
  start previous: int = 0
  out previous
  next previous = x
"""
PARITY = """loop predict(x: bool) -> seq(bool)
  start odd: bool = false
  out odd xor x
  next odd = odd xor x
"""
SUM = """loop predict(x: int) -> seq(int)
  start total: int = 0
  out total + x
  next total = total + x
"""
FADING = """loop predict(x: bool) -> seq(bool)
  start before: bool = false
  out x
  next before = x
"""


def network(step, readout, initial):
    layers = [
        [(np.array(w, float), np.array(b, float)) for w, b in part] for part in (step, readout)
    ]
    return RecurrentNetwork(cell_of_layers(*layers), np.array(initial, float))


READ = [([[1.0]], [0.0])]


def parity(drift=0.0):
    return network([([[1, 1], [1, 1]], [0, -1]), ([[1, -2]], [drift])], READ, [0.0])


def second(weight=1.0):
    return network([([[0, 0, weight], [1, 0, 0]], [0, 0])], [([[0.0, 1.0]], [0.0])], [0.0, 0.0])


def fading(keep=0.5):
    """h' = keep h + x, and x is read off: h is between 0 and 1 / (1 - keep)."""
    return network([([[keep, 1.0]], [0.0])], [([[1.0]], [0.0])], [0.0])


def oracle(cell, items, outputs, length=10):
    return make_oracle(cell, f"seq({items})", f"seq({outputs})", length)


def boxes_of(claim, hidden):
    rows = unpacked_rows(claim.certificate["states"], 2 if claim.length_bound else 1)
    ends = unpacked_floats(claim.certificate["ends"], 2 * hidden)
    return rows, ends[:, :hidden], ends[:, hidden:]


def test_boxes_that_close_hold_just_what_is_reached():
    """The delay's two numbers are the last item and the one before it, 0 to 3."""
    found = closed_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
    assert found is not None
    assert (found.verdict, found.method, found.length_bound) == ("proved", "induction", None)
    assert found.count == 4
    assert found.achieved == 0.0
    assert found.certificate["kind"] == "hulls"
    assert "memory" not in found.certificate
    assert "matrix" not in found.certificate
    rows, low, high = boxes_of(found, 2)
    assert rows.ravel().tolist() == [0, 1, 2, 3]
    for state in range(4):
        assert (low[state] <= [state, 0]).all() and (high[state] >= [state, 3]).all()
        assert low[state] == pytest.approx([state, 0], abs=0.2)
        assert high[state] == pytest.approx([state, 3], abs=0.2)
    assert "every length" in found.statement
    assert "4 states of the program" in found.statement


def test_boxes_grow_until_they_close():
    """1 / (1 - keep) is only reached in the end; boxes that grow are widened to be ahead of it."""
    text = FADING.replace("out x", "out before")
    for keep in (0.25, 0.4):
        cell = network([([[keep, 1.0]], [0.0])], [([[1.0]], [0.0])], [0.0])
        loop = oracle(cell, "bool", "bool above 0.75")
        found = closed_claim(parse_loop(text.replace("out before", "out x")), loop)
        assert found is not None, keep
        rows, low, high = boxes_of(found, 1)
        top = 1 / (1 - keep)
        assert rows.ravel().tolist() == [0, 1]
        assert high[1] >= top and low[0] <= 0
        assert high[1] <= top * 1.3
        assert high[0] >= keep * top and low[1] <= 1


def test_boxes_of_what_drifts_do_not_close():
    for wrong in (parity(1e-3), parity(-1e-3)):
        assert closed_claim(parse_loop(PARITY), oracle(wrong, "bool", "bool above 0.5")) is None
    assert closed_claim(parse_loop(SUM), oracle(network([([[1, 1]], [0])], READ, [0.0]),
                                                "int(0,9)", "int")) is None  # fmt: skip


def test_boxes_item_by_item_hold_just_what_is_reached_after_so_many():
    found = boxes_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
    assert found is not None
    assert (found.verdict, found.length_bound, found.count) == ("proved_to_length", 60, 60)
    assert found.certificate["kind"] == "boxes"
    rows, low, high = boxes_of(found, 2)
    assert rows[:4].tolist() == [[1, 0], [1, 1], [1, 2], [1, 3]]
    assert rows[:, 0].max() == 59
    first, later = rows[:, 0] == 1, rows[:, 0] == 2
    assert low[first] == pytest.approx(np.array([[s, 0] for s in range(4)]), abs=1e-4)
    assert high[first] == pytest.approx(np.array([[s, 0] for s in range(4)]), abs=1e-4)
    assert high[later] == pytest.approx(np.array([[s, 3] for s in range(4)]), abs=1e-3)
    assert low[later] == pytest.approx(np.array([[s, 0] for s in range(4)]), abs=1e-3)
    assert (high[later] >= [[s, 3] for s in range(4)]).all()
    assert "up to length 60" in found.statement


def test_a_drift_is_followed_until_it_shows():
    """Of 0.02 an item, from 0 or 1: 0.5 is passed after 24 items."""
    found = boxes_claim(parse_loop(PARITY), oracle(parity(0.02), "bool", "bool above 0.5"))
    assert found is not None
    assert 20 <= found.length_bound <= 26
    assert boxes_claim(parse_loop(PARITY), oracle(parity(0.1), "bool", "bool above 0.5")) is None


@pytest.mark.parametrize("prove", [closed_claim, boxes_claim, cells_claim])
def test_wrong_programs_are_never_claimed(prove):
    for text, cell, items, outputs in (
        (PARITY.replace("odd = odd xor x", "odd = x"), parity(), "bool", "bool above 0.5"),
        (PARITY.replace("= false", "= true"), parity(), "bool", "bool above 0.5"),
        (SECOND, second(1.5), "int(0,3)", "int"),
        (SECOND.replace("int = 0", "int = 1"), second(), "int(0,3)", "int"),
        (SECOND.replace("next previous = x", "next previous = 0"), second(), "int(0,3)", "int"),
    ):  # fmt: skip
        assert prove(parse_loop(text), oracle(cell, items, outputs)) is None


def test_cells_that_close_hold_all_that_is_reached():
    found = cells_claim(parse_loop(FADING), oracle(fading(0.25), "bool", "bool above 0.75"))
    assert found is not None
    assert (found.verdict, found.length_bound) == ("proved", None)
    assert found.certificate["kind"] == "cells"
    rows = unpacked_rows(found.certificate["cells"], 2)
    assert found.count == len(rows) == len(np.unique(rows, axis=0))
    (width,) = found.certificate["widths"]
    low, high = rows[:, 1] * width, (rows[:, 1] + 1) * width
    for state, least, most in ((0, 0.0, 1 / 3), (1, 1.0, 4 / 3)):
        own = rows[:, 0] == state
        assert (low[own] > least - 3 * width).all() and (high[own] < most + 3 * width).all()
        for value in np.linspace(least, most, 9)[[0, 8]]:
            assert ((low[own] <= value) & (value <= high[own])).any()
    assert rows.tolist() == sorted(rows.tolist())


def test_cells_of_what_drifts_are_listed_by_items():
    found = cells_claim(parse_loop(PARITY), oracle(parity(0.02), "bool", "bool above 0.5"))
    assert found is not None
    assert found.verdict == "proved_to_length"
    assert 10 <= found.length_bound <= 26
    assert found.certificate["kind"] == "layers"
    rows = unpacked_rows(found.certificate["cells"], 3)
    assert rows[:, 0].min() == 1
    assert rows[:, 0].max() == found.length_bound - 1
    assert found.count == len(rows) == len(np.unique(rows[:, 1:], axis=0))


def test_cells_cover_a_set_that_is_not_a_box():
    found = cells_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
    assert found is not None
    assert found.verdict == "proved"
    rows = unpacked_rows(found.certificate["cells"], 3)
    widths = np.array(found.certificate["widths"])
    for last in range(4):
        for before in range(4):
            places = rows[rows[:, 0] == last, 1:]
            low, high = places * widths, (places + 1) * widths
            assert ((low <= [last, before]) & ([last, before] <= high)).all(1).any()


def test_outputs_that_are_reals_and_hidden_states_too_many_are_left_to_others():
    real = parse_loop(
        "loop predict(x: int) -> seq(real)\n  start s: real = 0\n  out s / 2\n  next s = s / 2\n"
    )
    for prove in (closed_claim, boxes_claim, cells_claim):
        assert prove(real, oracle(second(), "int(0,3)", "real")) is None
    wide = network(
        [(np.zeros((9, 10)), np.zeros(9))], [(np.zeros((1, 9)), np.zeros(1))], np.zeros(9)
    )
    assert cells_claim(parse_loop(SECOND.replace("out previous", "out 0")),
                       oracle(wide, "int(0,3)", "int")) is None  # fmt: skip
    assert cells_claim(parse_loop(SUM), oracle(second(), "int(0,70000)", "int")) is None
