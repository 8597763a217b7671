"""Directions along which polytopes are bounded: sums that a cell reads, and what leads to them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.normal_form import Affine, Builder
from distill.verify import template
from distill.verify.machine import Steps
from distill.verify.template import Reading, Seen, directions, seen

X, Y, SUM, LESS = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def reals(*values) -> Any:
    return np.array(values, dtype=float)


def reading_of(*rows, bias=None, hidden=2):
    """A cell that forms sums of hidden numbers and an item, bends them and adds them to others."""
    form, matrix = Builder(hidden + 1), reals(*rows)
    inner = form.affine([(0, matrix)], np.zeros(len(matrix)) if bias is None else bias)
    bent = form.elementwise("relu", inner)
    outer = reals([1.0] * hidden + [4.0])
    return Reading(
        form.build(form.affine([(bent, np.eye(len(matrix))[:1]), (0, outer)], reals(0.5))), hidden
    )


def test_sums_of_hidden_numbers_are_shared_once():
    reading = reading_of([2, 1, 5], [1, 0, 6], [0, 0, 7], [2, 1, 8], [1, -1, 0])
    assert reading.rows.tolist() == [X, Y, [2, 1], LESS, SUM]
    form = reading.form
    assert form.input_width == 6
    assert form.output == reading.cell.output
    first, relu, last = form.nodes[1:]
    assert relu == reading.cell.nodes[2]
    assert isinstance(first, Affine) and isinstance(last, Affine)
    assert first.terms[0][1].tolist() == [
        [0, 0, 1, 0, 0, 5], [1, 0, 0, 0, 0, 6], [0, 0, 0, 0, 0, 7], [0, 0, 1, 0, 0, 8],
        [0, 0, 0, 1, 0, 0],
    ]  # fmt: skip
    assert [(source, m.tolist()) for source, m in last.terms] == [
        (2, [[1, 0, 0, 0, 0]]), (0, [[0, 0, 0, 0, 1, 4]]),
    ]  # fmt: skip
    assert last.bias.tolist() == [0.5]
    point = reals(3, -2, 0.5)
    read = np.concatenate([reading.rows @ point[:2], point[2:]])
    assert form.run(read[None]).tolist() == reading.cell.run(point[None]).tolist()


def test_directions_that_are_shared_are_not_too_many():
    reading = reading_of(*([k, 1, 3] for k in range(1, 131)))
    assert reading.rows.shape == (128, 2)
    assert reading.rows[-1].tolist() == [126, 1]
    first: Any = reading.form.nodes[1]
    assert first.terms[0][1][126].tolist() == [127, 1] + [0] * 126 + [3]
    assert first.terms[0][1][125].tolist() == [0] * 127 + [1, 3]


def test_states_of_the_program_are_met_beside_hidden_ones():
    asked = []

    def run(words):
        asked.append(words)
        return np.concatenate([words, -words], 2), None

    oracle: Any = SimpleNamespace(network=SimpleNamespace(run=run, initial=reals(7, 8), hidden=2))
    steps = Steps(ints([1, 2, 3], [2, 0, 3], [0, 1, 3], [3, 3, 3]), np.zeros(0))
    found = seen(oracle, steps, reals([10], [20], [30]), 5, 4, 6)
    words = np.random.default_rng([5, 47]).integers(0, 3, (4, 6))
    assert asked[0].tolist() == reals([10], [20], [30])[words].tolist()
    states = found.states.reshape(4, 7).tolist()
    hidden = found.hidden.reshape(4, 7, 2).tolist()
    for row in range(4):
        state = 0
        assert (states[row][0], hidden[row][0]) == (0, [7.0, 8.0])
        for t, item in enumerate(words[row].tolist()):
            state = int(steps.next[state, item])
            value = 10.0 * (item + 1)
            assert (states[row][t + 1], hidden[row][t + 1]) == (state, [value, -value])


def test_slopes_are_those_at_the_mean_of_a_state():
    """relu(h + x - 1) and h + 4 x: the first is on where the mean and the item are over 1."""
    form = Builder(2)
    inner = form.elementwise("relu", form.affine([(0, reals([1, 1]))], reals(-1)))
    reading = Reading(form.build(form.affine([(inner, reals([2]))], reals(0))), 1)
    met = Seen(ints(0, 1, 1, 2, 2), reals([0.9], [-3], [1], [0], [1.2]))
    steps = Steps(ints([0, 1], [1, 2], [2, 2], [3, 3]), np.zeros(0))
    found = template._slopes(reading, steps, reals([0.25], [1.5]), met)
    assert found.shape == (4, 2, 1, 1)
    assert found[:, :, 0, 0].tolist() == [[2, 2], [0, 0], [0, 2], [0, 2]]


def test_slopes_are_those_of_hidden_numbers_not_of_sums_that_are_read():
    form = Builder(3)
    inner = form.affine([(0, reals([1, 2, 5], [3, 4, 6]))], reals(0, 0))
    reading = Reading(form.build(form.affine([(inner, reals(X, Y, SUM))], np.zeros(3))), 2)
    met = Seen(ints(0), reals([1, 1]))
    found = template._slopes(reading, Steps(ints([0]), np.zeros(0)), reals([1]), met)
    assert found.tolist() == [[[[1, 2], [3, 4]]]]


def test_rows_are_measured_in_units_of_the_spread():
    rows, spread = reals([1, 1], [0, 0], [1e-13, 0], [np.inf, 1], [0, 2]), reals(3, 4)
    assert template._unit(rows, spread).tolist() == [[0.2, 0.2], [0, 0.25]]
    assert template._unit(reals([1e-12, 0], [2e-12, 0]), reals(1, 1)).tolist() == [[1, 0]]


def test_rows_like_others_are_left_out():
    spread, known = reals(2, 1), reals([0.5, 0])
    near, far = 0.9991, 0.9989
    rows = reals(*([c / 2, np.sqrt(1 - c * c)] for c in (near, -near, far, 0.0, 0.01)), [3, 0])
    found = template._new(rows, known, spread, 9)
    assert found == pytest.approx(reals(rows[2], rows[3]))
    assert template._new(rows, known, spread, 3) == pytest.approx(rows[2:4])
    assert template._new(rows, known, spread, 2) == pytest.approx(rows[2:3])
    assert template._new(rows, known, spread, 1).shape == (0, 2)
    assert template._new(rows[:2], known, spread, 9).shape == (0, 2)


def test_rows_at_the_edge_of_alike_are_left_out(monkeypatch):
    monkeypatch.setattr(template, "_ALIKE", 0.6)
    known, spread = reals(X), reals(1, 1)
    assert template._new(reals([0.6, 0.8]), known, spread, 9).shape == (0, 2)
    monkeypatch.setattr(template, "_ALIKE", 0.6 + 1e-9)
    assert template._new(reals([0.6, 0.8]), known, spread, 9).tolist() == [[0.6, 0.8]]


def directed(monkeypatch, slopes, after, levels=1, most=9, spread=(1, 1), rows=(X, Y)) -> Any:
    reading: Any = SimpleNamespace(rows=reals(*rows), hidden=2)
    met = Seen(ints(0, 0), reals([0, 0], spread))
    steps = Steps(ints(*after), np.zeros(0))

    def given(*how):
        assert how[0] is reading and how[1] is steps and how[2] == "items" and how[3] is met
        return reals(*slopes)

    monkeypatch.setattr(template, "_slopes", given)
    items: Any = "items"
    return directions(reading, steps, items, met, levels, most)


HALF = np.sqrt(0.5)


def test_a_state_looks_along_what_leads_to_the_hidden_numbers_behind_it(monkeypatch):
    slopes = [[[[1, 1], [0, 0]]], [[[1, -1], [0, 1]]]]
    found = directed(monkeypatch, slopes, [[1], [0]])
    assert found == pytest.approx(
        reals([X, Y, [HALF, HALF]], [X, Y, [HALF, -HALF]])
    )  # fmt: skip
    steps = [[[[0, 1], [0, 0]]], [[[1, 2], [0, 0]]], [[[1, 0], [0, 0]]]]
    found = directed(monkeypatch, steps, [[1], [2], [2]], levels=3)
    assert found[1] == pytest.approx(reals(X, Y, [0.2**0.5, 2 * 0.2**0.5]))
    assert found[0].tolist() == found[2].tolist() == [X, Y, X]


def test_directions_are_looked_for_several_items_ahead(monkeypatch):
    """Of shears by 1 the first leads to (1, 1), the next to (1, 2), then to (1, 3)."""
    shear = [[[[1, 1], [0, 1]]]]
    for levels in (0, 1, 2, 3):
        found = directed(monkeypatch, shear, [[0]], levels)
        sums = [np.array([1, k]) / np.hypot(1, k) for k in range(1, levels + 1)]
        assert found[0] == pytest.approx(reals(X, Y, *sums))
    assert directed(monkeypatch, shear, [[0]], 3, most=2).shape == (1, 4, 2)
    assert directed(monkeypatch, shear, [[0]], 3, most=1).shape == (1, 3, 2)


def test_every_item_has_its_slopes(monkeypatch):
    slopes = [[[[1, 1], [0, 0]], [[1, -1], [0, 0]]], [[[0, 0], [0, 0]]] * 2]
    found = directed(monkeypatch, slopes, [[0, 1], [1, 1]])
    assert found == pytest.approx(
        reals([X, Y, [HALF, HALF], [HALF, -HALF]], [X, Y, X, X])
    )  # fmt: skip


def test_own_directions_are_in_units_of_the_spread_and_shared_ones_as_they_are(monkeypatch):
    slopes = [[[[1, 1], [2, 2]]]]
    found = directed(monkeypatch, slopes, [[0]], spread=(3, 4), rows=(X, Y, LESS))
    assert found == pytest.approx(reals([X, Y, LESS, [0.2, 0.2]]))
    flat = directed(monkeypatch, slopes, [[0]], spread=(0, 4))
    assert flat[0, :2].tolist() == [X, Y]
    assert flat[0].tolist() == [X, Y]
    assert directed(monkeypatch, [[[[1e9, 1], [0, 0]]]], [[0]], spread=(0, 1)) == pytest.approx(
        reals([X, Y, [1e9 * HALF, HALF]])
    )
