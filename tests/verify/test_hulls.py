"""Boxes of hidden states that lead into each other: how they grow, and what is claimed of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.verify import hulls
from distill.verify.frames import plain_frame
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.images import Stepper, Work
from dsl.types import BOOL, INT, REAL

LOOP: Any = "loop"


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def reals(*values) -> Any:
    return np.array(values, dtype=float)


class Walk:
    """A program's successors beside a step that scales hidden numbers and moves them by items."""

    wording = "states and items"

    def __init__(self, after, shifts, keep=1.0, limit=np.inf, start=0.0):
        self.steps = SimpleNamespace(next=ints(*after))
        self.shifts, self.keep, self.limit = reals(*shifts)[:, None], keep, limit
        self.first = reals([start])
        self.asked: list[Any] = []

    def start(self):
        return self.first - 0.125, self.first + 0.125

    def cost(self, boxes):
        return boxes

    def described(self, kind):
        return {"kind": kind}

    def reached(self, states, box):
        self.asked.append((states.tolist(), *(end.ravel().tolist() for end in box)))
        low, high = ((self.keep * end[:, None] + self.shifts).reshape(-1, 1) for end in box)
        return None if (high > self.limit).any() else (self.steps.next[states].ravel(), low, high)


def walk(*how, **more) -> Any:
    return Walk(*how, **more)


def test_a_hull_holds_all_boxes_of_its_state():
    states, (low, high) = hulls._hulls(
        (ints(5, 2, 5), reals([1, -4], [7, 7], [0, 3]), reals([2, -3], [8, 9], [1, 4]))
    )
    assert states.tolist() == [2, 5]
    assert low.tolist() == [[7, 7], [0, -4]]
    assert high.tolist() == [[8, 9], [2, 4]]


def test_boxes_close_where_images_are_inside():
    step, work = walk([[1], [0]], [1.0], keep=0.0), Work(10)
    found, rounds = hulls._closed(step, work)
    assert step.asked == [
        ([0], [-0.125], [0.125]), ([1], [1.0], [1.0]), ([0, 1], [1.0, 1.0], [1.0, 1.0]),
    ]  # fmt: skip
    assert found is not None
    assert rounds == 2
    assert [found[0].tolist(), *(end.tolist() for end in found[1])] == [
        [0, 1], [[1.0], [1.0]], [[1.0], [1.0]],
    ]  # fmt: skip
    assert work.left == 10 - 1 - 2


def test_ends_that_move_are_moved_on():
    """By a twentieth of the box; once a state is new, nothing is moved on yet."""
    step = walk([[0]], [0.5], limit=2.0)
    assert hulls._closed(step, Work(99)) == (None, 3)
    assert [low[0] for _, low, _ in step.asked] == pytest.approx([-0.125, 0.375, 0.375, 0.375])
    highs = [high[0] for _, _, high in step.asked]
    assert highs == pytest.approx([0.125, 0.625, 1.125 + 0.75 / 20, 1.6625 + 1.2875 / 20])
    down = walk([[0]], [-0.5], limit=9.0)
    hulls._closed(down, Work(2))
    assert [low[0] for _, low, _ in down.asked] == pytest.approx([-0.125, -0.625, -1.1625])
    assert [high[0] for _, _, high in down.asked] == pytest.approx([0.125, -0.375, -0.375])


def test_boxes_that_shrink_towards_their_middle_close_as_they_are():
    step = walk([[0]], [0.0], keep=0.5)
    found, rounds = hulls._closed(step, Work(9))
    assert found is not None
    assert (rounds, found[1][0].tolist(), found[1][1].tolist()) == (1, [[-0.0625]], [[0.0625]])


def test_growth_ends_at_wrong_outputs_and_limits():
    assert hulls._closed(walk([[0]], [0.0], limit=0.0), Work(9)) == (None, 0)
    assert hulls._closed(walk([[0]], [0.5], limit=0.625), Work(9)) == (None, 1)
    assert hulls._closed(walk([[0]], [0.5]), Work(0)) == (None, 1)
    assert hulls._closed(walk([[0]], [0.5]), Work(1)) == (None, 2)
    drift = walk([[0]], [0.5])
    assert hulls._closed(drift, Work(10_000)) == (None, 60)
    assert len(drift.asked) == 60


def test_boxes_are_followed_item_by_item():
    step, work = walk([[0, 1], [1, 1]], [0.0, 1.0], limit=3.5), Work(99)
    found = hulls._followed(step, work)
    assert len(found) == 3
    assert [states.tolist() for states, _ in found] == [[0, 1]] * 3
    assert [box[0].ravel().tolist() for _, box in found] == [[-0.125, 0.875], [-0.125, 0.875],
                                                             [-0.125, 0.875]]  # fmt: skip
    assert [box[1].ravel().tolist() for _, box in found] == [[0.125, 1.125], [0.125, 2.125],
                                                             [0.125, 3.125]]  # fmt: skip
    assert step.asked[0][0] == [0]
    assert work.left == 99 - 1 - 2 - 2 - 2
    for most, length in ((0, 0), (1, 1), (2, 1), (3, 2)):
        assert len(hulls._followed(walk([[0, 1], [1, 1]], [0.0, 1.0]), Work(most))) == length
    assert len(hulls._followed(walk([[0]], [0.0]), Work(99))) == 60
    assert len(hulls._followed(walk([[1], [2], [-1]], [0.0]), Work(99))) == 2


class Plan:
    """Steppers by memory, each with what is found of it."""

    def __init__(self, monkeypatch, found, spent=0):
        self.found, self.spent = found, spent
        self.asked, self.memories, self.work = [], [], []
        monkeypatch.setattr(hulls, "_steppers", self.steppers)
        monkeypatch.setattr(hulls, "_closed", self.of)
        monkeypatch.setattr(hulls, "_followed", self.of)
        monkeypatch.setattr(hulls, "_closed_claim", lambda *how: how)
        monkeypatch.setattr(hulls, "_boxes_claim", lambda *how: how)

    def steppers(self, loop, oracle, memory, depth, seed):
        self.memories.append((loop, oracle, memory, depth, seed))
        return ((memory, place) for place in range(len(self.found[memory])))

    def of(self, stepper, work):
        self.asked.append(stepper)
        self.work.append(work.left)
        return self.found[stepper[0]][stepper[1]]


ORACLE: Any = SimpleNamespace(length=10)


def test_the_first_boxes_that_close_are_claimed(monkeypatch):
    plan = Plan(monkeypatch, [[(None, 9), (None, 3)], [(None, 0), ("hulls", 1), ("no", 1)], []])
    found: Any = closed_claim(LOOP, ORACLE, 4)
    assert found[:2] == ((1, 1), "hulls")
    assert found[2] > 0
    assert plan.asked == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert plan.memories == [(LOOP, ORACLE, memory, None, 4) for memory in (0, 1)]
    assert plan.work == [2_000_000] * 4
    plan = Plan(monkeypatch, [[], [], []])
    assert closed_claim(LOOP, ORACLE, steps_at_most=7) is None
    assert plan.memories == [(LOOP, ORACLE, memory, None, 0) for memory in (0, 1, 2)]


@pytest.mark.parametrize(
    ("lengths", "memories", "own"),
    [((9, 9), 3, 10), ((10, 0), 1, 10), ((0, 10), 1, 10), ((0, 0), 2, 1), ((1, 0), 1, 1)],
)
def test_networks_that_drift_are_not_told_apart_by_items(monkeypatch, lengths, memories, own):
    plan = Plan(monkeypatch, [[(None, length) for length in lengths], [(None, 9)], [(None, 9)]])
    oracle: Any = SimpleNamespace(length=own)
    assert closed_claim(LOOP, oracle, 0, 5) is None
    assert len(plan.memories) == memories
    assert set(plan.work) == {5}


def boxes(count) -> Any:
    return ["box"] * count


@pytest.mark.parametrize(
    ("lengths", "best", "tried"),
    [
        ([[9, 10, 12, 12, 11], [60], []], (0, 2, 12), 5), ([[9], [9], [9]], None, 3),
        ([[9], [10], [60]], (1, 0, 10), 2), ([[11, 60, 60], [], []], (0, 1, 60), 2),
        ([[59, 59], [], []], (0, 0, 59), 2), ([[10, 11], [], []], (0, 1, 11), 2),
    ],
)  # fmt: skip
def test_the_longest_length_is_claimed(monkeypatch, lengths, best, tried):
    plan = Plan(monkeypatch, [[boxes(length) for length in some] for some in lengths])
    found: Any = boxes_claim(LOOP, ORACLE, 3)
    assert (found and (*found[0], len(found[1]))) == best
    if found:
        assert found[2] > 0
    assert len(plan.asked) == tried
    assert set(plan.work) == {2_500_000}
    assert plan.memories[0] == (LOOP, ORACLE, 0, 60, 3)


def test_boxes_are_followed_within_the_work_that_is_given(monkeypatch):
    plan = Plan(monkeypatch, [[boxes(10)], [], []])
    assert boxes_claim(LOOP, ORACLE, steps_at_most=7) is not None
    assert plan.work == [7]
    assert plan.memories == [(LOOP, ORACLE, 0, 60, 0)]


class Programs:
    """What steppers are made of."""

    def __init__(self, monkeypatch, base: Any = "base", steps: Any = "steps"):
        self.calls: list[Any] = []
        monkeypatch.setattr(hulls, "steps_of", lambda *how: self.calls.append(how) or base)
        monkeypatch.setattr(hulls, "remembering", lambda *how: self.calls.append(how) or steps)
        monkeypatch.setattr(hulls, "frames_of", self.frames)
        monkeypatch.setattr(Stepper, "items", "items")

    def frames(self, *how):
        self.calls.append(how)
        return ["frame a", "frame b"]


def steppers(scalar: Any = INT, hidden=2, fits=True) -> Any:
    oracle: Any = SimpleNamespace(
        output=SimpleNamespace(scalar=scalar), network=SimpleNamespace(hidden=hidden),
        representable=lambda items: items == "items" and fits,
    )  # fmt: skip
    return oracle, list(hulls._steppers(LOOP, oracle, 2, 60, 7))


def test_hidden_numbers_themselves_are_tried_first_then_frames(monkeypatch):
    programs = Programs(monkeypatch)
    oracle, found = steppers()
    assert [(s.oracle, s.steps, s.memory) for s in found] == [(oracle, "steps", 2)] * 3
    assert found[0].frame.matrix.tolist() == plain_frame(2).matrix.tolist()
    assert [s.frame for s in found[1:]] == ["frame a", "frame b"]
    assert programs.calls == [(LOOP, oracle, 60), ("base", 2), (LOOP, oracle, 2, 7)]
    assert len(steppers(BOOL)[1]) == 3
    assert len(steppers(hidden=1)[1]) == 1


def test_other_outputs_items_and_programs_have_no_boxes(monkeypatch):
    Programs(monkeypatch)
    assert steppers(REAL)[1] == steppers(fits=False)[1] == []
    for base, steps in ((None, "steps"), ("base", None)):
        Programs(monkeypatch, base, steps)
        assert steppers()[1] == []


def test_boxes_of_a_claim_are_listed_by_states():
    box = reals([1, 2], [3, 4]), reals([5, 6], [7, 8])
    found = hulls._closed_claim(walk([[0]] * 3, [0.0]), (ints(0, 2), box), 0.0)
    assert (found.verdict, found.count, found.length_bound) == ("proved", 2, None)
    assert found.seconds > 0
    assert found.statement.startswith(
        "equal on sequences of every length: boxes of the hidden space for 2 states and items"
    )
    listed: Any = found.certificate
    assert listed["kind"] == "hulls"
    assert unpacked_rows(listed["states"], 1).tolist() == [[0], [2]]
    assert unpacked_floats(listed["ends"], 4).tolist() == [[1, 2, 5, 6], [3, 4, 7, 8]]


def test_boxes_of_a_claim_up_to_a_length_are_listed_but_for_the_last():
    steps: Any = [
        (ints(2), (reals([1.0]), reals([2.0]))),
        (ints(0, 2), (reals([3.0], [4.0]), reals([5.0], [6.0]))),
        (ints(1), (reals([7.0]), reals([8.0]))),
    ]
    found = hulls._boxes_claim(walk([[0]] * 3, [0.0]), steps, 0.0)
    assert (found.verdict, found.count, found.length_bound) == ("proved_to_length", 3, 3)
    assert found.seconds > 0
    assert "up to length 3: boxes of the hidden space for 3 states" in found.statement
    listed: Any = found.certificate
    assert listed["kind"] == "boxes"
    assert unpacked_rows(listed["states"], 2).tolist() == [[1, 2], [2, 0], [2, 2]]
    assert unpacked_floats(listed["ends"], 2).tolist() == [[1, 2], [3, 5], [4, 6]]
