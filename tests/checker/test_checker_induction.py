"""The check of an induction: what is read of a certificate, what is bounded, what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker import induction
from distill.checker.finding import Finding
from distill.checker.images import Boxes
from distill.checker.induction import induction_finding
from distill.checker.machine import TooMany
from distill.checker.regions import Cells, Hulls
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.verify.packed import packed_floats, packed_rows
from dsl.algebra import Undefined, Unsupported
from dsl.domain import DomainError
from dsl.types import BOOL, INT, REAL

LOOP: Any = "loop"


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def reals(*values) -> Any:
    return np.array(values, dtype=float)


class Walk:
    """Successors beside a step that scales boxes and moves them by items, looked at two by two.

    A box is right where none of its numbers is over the limit and no side is longer than `longest`.
    """

    def __init__(self, after, shifts, keep=1.0, limit=np.inf, longest=np.inf, start=(0.0,)):
        self.machine = SimpleNamespace(next=ints(*after))
        self.items = reals(*shifts).reshape(len(shifts), -1)
        self.keep, self.limit, self.longest = keep, limit, longest
        self.asked: list[Boxes] = []
        self.frame = SimpleNamespace(seen=lambda point: (point[None] - 0.125, point[None] + 0.125))

    def images(self, boxes):
        self.asked.append(boxes)
        for begin in range(0, len(boxes), 2):
            part = boxes.at(slice(begin, begin + 2))
            low, high = (
                self.keep * end + self.items[part.items] for end in (part.lower, part.upper)
            )
            short = ((part.upper - part.lower) <= self.longest).all(1)
            yield slice(begin, begin + 2), (high <= self.limit).all(1) & short, low, high


def walk(*how, **more) -> Any:
    return Walk(*how, **more)


def boxes(low, high, states=None, items=None) -> Boxes:
    zeros = [0] * len(low)
    return Boxes(ints(*(states or zeros)), ints(*(items or zeros)), reals(*low), reals(*high))


class Room:
    """All that the check of a certificate asks others, and what it is told."""

    def __init__(self, monkeypatch, bits=100.0, scalar: Any = INT, opaque=False, fits=True):
        self.calls: dict[str, tuple] = {}
        for name, answer in (
            ("items_of", ["a", "b", "c"]), ("machine_of", "plain"), ("loop_bits", bits),
            ("with_memory", "machine"), ("polytopes_finding", "by polytopes"),
            ("frame_of", "frame"), ("Stepper", "stepper"), ("_cells", "cells"), ("_hulls", "hulls"),
            ("_layers", "layers"), ("_boxes", "boxes"), ("_everywhere", "everywhere"),
            ("_up_to", "up to"),
        ):  # fmt: skip
            monkeypatch.setattr(induction, name, self.saying(name, answer))
        item = SimpleNamespace(encode=lambda v: ("seen", *v), points=lambda a, b: (a, b))
        cell = SimpleNamespace(opaque=opaque, normal_form=lambda: "form")
        self.oracle: Any = SimpleNamespace(
            output=SimpleNamespace(scalar=scalar),
            network=SimpleNamespace(cell=cell, hidden=2, initial="initial"),
            domain=SimpleNamespace(item=item),
            representable=lambda seen: fits and seen == ("seen", 0, 3),
        )

    def saying(self, name, answer):
        def say(*how):
            self.calls[name] = how
            return answer

        return say

    def shown(self, certificate: Any, length=None) -> Any:
        claim = Claim("proved", "induction", "", certificate=certificate, length_bound=length)
        return induction._shown(self.oracle, LOOP, claim)


def test_cells_and_boxes_for_every_length_are_looked_at_with_all_states(monkeypatch):
    for kind in ("cells", "hulls"):
        room, certificate = Room(monkeypatch), {"kind": kind}
        assert room.shown(certificate) == "everywhere"
        calls = room.calls
        assert calls["items_of"] == (room.oracle.domain.item, 80_000)
        assert calls["machine_of"] == (LOOP, ["a", "b", "c"], None, 80_000)
        assert calls["loop_bits"] == (LOOP,)
        assert calls["with_memory"] == ("plain", 0)
        matrix, hidden = calls["frame_of"]
        assert (matrix.tolist(), hidden) == ([[1.0, 0.0], [0.0, 1.0]], 2)
        seen = ("seen", 0, 3)
        assert calls["Stepper"] == ("form", "frame", seen, "machine", room.oracle.output)
        assert calls["_" + kind] == (certificate, 2)
        assert calls["_everywhere"] == ("stepper", kind, "initial")
        assert not {"_layers", "_boxes", "_up_to", "polytopes_finding"} & set(calls)


def test_layers_and_boxes_up_to_a_length_are_looked_at_item_by_item(monkeypatch):
    for kind in ("layers", "boxes"):
        room = Room(monkeypatch, bits=1e4, scalar=BOOL)
        certificate = {"kind": kind, "memory": 3, "matrix": "M"}
        assert room.shown(certificate, 7) == "up to"
        assert room.calls["machine_of"] == (LOOP, ["a", "b", "c"], 7, 2_000)
        assert room.calls["with_memory"] == ("plain", 3)
        assert room.calls["frame_of"] == ("M", 2)
        assert room.calls["_" + kind] == (certificate, 2)
        assert room.calls["_up_to"] == ("stepper", kind, 7, "initial")


def test_longer_programs_are_followed_over_fewer_states(monkeypatch):
    for bits, most in ((250.0, 80_000), (1000.0, 20_000), (1000.00002, 19_999)):
        room = Room(monkeypatch, bits)
        room.shown({"kind": "cells"})
        assert room.calls["machine_of"][3] == most


def test_polytopes_are_looked_at_elsewhere(monkeypatch):
    room, certificate = Room(monkeypatch), {"kind": "polytopes"}
    assert room.shown(certificate) == "by polytopes"
    seen = ("seen", 0, 3)
    assert room.calls["polytopes_finding"] == (room.oracle, "machine", seen, certificate)


@pytest.mark.parametrize(
    ("kind", "length"),
    [("polytopes", 5), ("cells", 5), ("hulls", 5), ("layers", None), ("boxes", None), ("a", None),
     ("a", 5), (None, None)],
)  # fmt: skip
def test_certificates_of_other_kinds_than_the_claim_are_refused(monkeypatch, kind, length):
    with pytest.raises(Refused, match="another kind"):
        Room(monkeypatch).shown({"kind": kind}, length)


def test_other_outputs_cells_and_items_are_refused(monkeypatch):
    cases: Any = (
        ({"scalar": REAL}, "whole numbers and truth"), ({"opaque": True}, "known cells"),
        ({"scalar": REAL, "opaque": True}, "known cells"), ({"fits": False}, "float32"),
    )  # fmt: skip
    for how, why in cases:
        with pytest.raises(Refused, match=why):
            Room(monkeypatch, **how).shown({"kind": "cells"})
    for nothing in (None, [], "cells"):
        with pytest.raises(Refused, match="no certificate"):
            Room(monkeypatch).shown(nothing)


@pytest.mark.parametrize(
    "kind", [Refused, TooMany, Undefined, Unsupported, DomainError, KeyError, TypeError, ValueError,
             IndexError, AttributeError, OverflowError, MemoryError]
)  # fmt: skip
def test_whatever_goes_wrong_nothing_is_confirmed(monkeypatch, kind):
    def shown(*how):
        assert how == ("oracle", LOOP, "claim")
        raise kind("word " * 100)

    monkeypatch.setattr(induction, "_shown", shown)
    oracle: Any = "oracle"
    claim: Any = "claim"
    found = induction_finding(oracle, LOOP, claim)
    assert found.state == "unknown"
    if issubclass(kind, (KeyError, TypeError, ValueError, IndexError, AttributeError,
                         OverflowError, MemoryError)) and kind is not DomainError:  # fmt: skip
        assert found.text == f"the certificate of the induction is malformed ({kind.__name__})"
    else:
        assert found.text == "the induction isn't confirmed: " + "word " * 40


def test_what_is_shown_is_handed_on(monkeypatch):
    monkeypatch.setattr(induction, "_shown", lambda *how: how)
    oracle: Any = "oracle"
    claim: Any = "claim"
    found: Any = induction_finding(oracle, LOOP, claim)
    assert found == ("oracle", LOOP, "claim")


def test_a_memory_is_of_up_to_four_items():
    assert [induction._memory(value) for value in range(5)] == [0, 1, 2, 3, 4]
    for value in (-1, 5, True, 1.0, "1", None):
        with pytest.raises(Refused, match="0 to 4"):
            induction._memory(value)


def test_cells_are_read_by_states_and_places():
    rows = packed_rows(ints([0, 3, -4], [2, 5, 6]))
    found = induction._cells({"cells": rows, "widths": [0.5, 2.0]}, 2)
    assert found.states.tolist() == [0, 2]
    assert found.places.tolist() == [[3, -4], [5, 6]]
    assert found.widths.tolist() == [0.5, 2.0]


def ends_of(count, hidden=2) -> Any:
    return np.arange(count * 2.0 * hidden).reshape(count, 2 * hidden)


def test_boxes_for_every_length_are_read_one_for_a_state():
    ends = packed_floats(ends_of(2))
    found = induction._hulls({"states": packed_rows(ints([3], [1])), "ends": ends}, 2)
    assert found.states.tolist() == [3, 1]
    assert found.lower.tolist() == [[0, 1], [4, 5]]
    assert found.upper.tolist() == [[2, 3], [6, 7]]
    for states in ([[3]], [[3], [1], [0]], [[3], [3]]):
        with pytest.raises(Refused, match="twice"):
            induction._hulls({"states": packed_rows(ints(*states)), "ends": ends}, 2)


def test_layers_are_read_with_all_cells_before_them():
    rows = packed_rows(ints([2, 7, 1, 1], [1, 0, 3, -4], [1, 2, 5, 6]))
    found = induction._layers({"cells": rows, "widths": [0.5, 2.0]}, 2)
    assert len(found) == 2
    assert [[part.states.tolist() for part in step] for step in found] == [
        [[0, 2], [0, 2]], [[7, 0, 2], [7]],
    ]  # fmt: skip
    read: Any = found
    assert read[1][0].places.tolist() == [[1, 1], [3, -4], [5, 6]]
    assert read[1][1].places.tolist() == [[1, 1]]
    assert read[1][1].widths.tolist() == [0.5, 2.0]


def test_boxes_item_by_item_are_read_one_for_a_state():
    ends = packed_floats(ends_of(3))
    states = packed_rows(ints([1, 4], [2, 4], [1, 5]))
    found: Any = induction._boxes({"states": states, "ends": ends}, 2)
    assert len(found) == 2
    for step, rows, low, high in (
        (0, [4, 5], [[0, 1], [8, 9]], [[2, 3], [10, 11]]), (1, [4], [[4, 5]], [[6, 7]]),
    ):  # fmt: skip
        for part in found[step]:
            assert part.states.tolist() == rows
            assert part.lower.tolist() == low
            assert part.upper.tolist() == high
    for listed in ([[1, 4], [2, 4]], [[1, 4], [2, 4], [1, 5], [2, 5]], [[1, 4], [2, 4], [1, 4]]):
        with pytest.raises(Refused, match="twice"):
            induction._boxes({"states": packed_rows(ints(*listed)), "ends": ends}, 2)


def test_sets_are_listed_for_steps_from_one_to_a_thousand():
    assert induction._steps_in(ints([1, 5], [3, 9], [2, 9])) == 3
    assert induction._steps_in(ints([1000, 2000])) == 1000
    assert induction._steps_in(np.zeros((0, 2), dtype=np.int64)) == 0
    for step in (0, -1, 1001):
        with pytest.raises(Refused, match="other steps"):
            induction._steps_in(ints([1, 1], [step, 1]))


def test_the_first_state_is_bounded_under_every_item():
    found = induction._start(walk([[0]], [0.0, 1.0, 2.0]), reals(3.0, -1.0))
    assert found.states.tolist() == [0, 0, 0]
    assert found.items.tolist() == [0, 1, 2]
    assert found.lower.tolist() == [[2.875, -1.125]] * 3
    assert found.upper.tolist() == [[3.125, -0.875]] * 3


def hulls(states, low, high) -> Hulls:
    return Hulls(ints(*states), reals(*low), reals(*high))


def test_sets_are_for_states_that_are_followed():
    step = walk([[1], [2], [-1]], [0.0])
    induction._check_states(step, hulls([0, 1], [[0.0]] * 2, [[0.0]] * 2))
    for states, why in (([0, -1], "hasn't"), ([3, 0], "hasn't"), ([0, 2], "too late")):
        with pytest.raises(Refused, match=why):
            induction._check_states(step, hulls(states, [[0.0]] * 2, [[0.0]] * 2))
    both = walk([[0, 0], [0, -1]], [0.0, 0.0])
    with pytest.raises(Refused, match="too late"):
        induction._check_states(both, hulls([1], [[0.0]], [[0.0]]))


def test_steps_to_bound_are_limited():
    step = walk([[0]], [0.0])
    pair = hulls([0, 0], [[0.0]] * 2, [[0.0]] * 2)
    step.items = range(1 << 22)
    induction._check_states(step, pair)
    step.items = range((1 << 22) + 1)
    with pytest.raises(Refused, match="8,388,608"):
        induction._check_states(step, pair)


def test_every_set_is_taken_with_every_item(monkeypatch):
    step = walk([[0, 0]] * 3, [0.0, 0.0])
    region = hulls([2, 0, 1], [[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]])
    for at_once, sizes in ((6, [6]), (5, [4, 2]), (4, [4, 2]), (2, [2, 2, 2]), (1, [2, 2, 2])):
        monkeypatch.setattr(induction, "_AT_ONCE", at_once)
        parts = list(induction._with_items(step, region))
        assert [len(part) for part in parts] == sizes
        assert np.concatenate([p.states for p in parts]).tolist() == [2, 2, 0, 0, 1, 1]
        assert np.concatenate([p.items for p in parts]).tolist() == [0, 1] * 3
        assert np.concatenate([p.lower for p in parts]).ravel().tolist() == [1, 1, 2, 2, 3, 3]
        assert np.concatenate([p.upper for p in parts]).ravel().tolist() == [4, 4, 5, 5, 6, 6]


def test_so_many_boxes_are_held_at_once():
    step = walk([[0]], [0.0])
    step.items = range(1 << 15)
    parts = induction._with_items(step, hulls([0, 0, 0], [[0.0]] * 3, [[1.0]] * 3))
    assert [len(part) for part in parts] == [1 << 16, 1 << 15]


def test_boxes_lead_into_the_set_of_the_next_state_with_right_outputs():
    step = walk([[1, 2], [0, 0], [0, 0]], [1.0, 5.0], limit=6.0)
    goal = hulls([1, 2], [[1.0], [5.0]], [[2.0], [6.0]])
    inside = boxes([[0.0], [0.5], [0.0]], [[1.0], [1.0], [1.0]], [0, 0, 0], [0, 0, 1])
    assert len(induction._unshown(step, inside, goal)) == 0
    mixed = boxes([[0.0], [-0.5], [0.0], [0.5]], [[1.0], [1.0], [1.5], [1.5]], [0] * 4,
                  [1, 0, 1, 0])  # fmt: skip
    left = induction._unshown(step, mixed, goal)
    assert left.lower.ravel().tolist() == [-0.5, 0.0, 0.5]
    assert left.items.tolist() == [0, 1, 0]
    outputs = induction._unshown(step, mixed, None)
    assert outputs.lower.ravel().tolist() == [0.0]
    assert outputs.items.tolist() == [1]
    elsewhere = boxes([[0.0]], [[1.0]], [1], [0])
    assert len(induction._unshown(step, elsewhere, goal)) == 1


def lead(step, *parts, goal=None):
    return induction._lead(step, parts, goal)


def test_boxes_that_are_too_wide_are_halved():
    one = boxes([[0.0]], [[1.0]])
    assert lead(walk([[0]], [0.0]), one) == 1
    assert lead(walk([[0]], [0.0], longest=0.5), one) == 3
    step = walk([[0]], [0.0], longest=0.25)
    assert lead(step, one) == 7
    assert [len(part) for part in step.asked] == [1, 2, 4]
    assert lead(step, one, one, boxes([[0.0], [3.0]], [[0.25], [4.0]])) == 22
    assert lead(step) == 0
    assert lead(walk([[0]], [0.0], longest=0.5e-7), boxes([[0.0]], [[1e-7]])) == 3
    assert lead(step, boxes([[0.0]] * 300, [[1.0]] * 300)) == 7 * 300


def test_the_axis_that_is_long_for_its_numbers_is_halved():
    """Of 2 by 8 and 0.5 by 6 each axis counts by its longest side: the first is halved 4 times."""
    for at, narrow in ((1000.0, 1e-9), (-1000.0, 1e-9), (0.0, 0.0)):
        step = walk([[0]], [[0.0, 0.0]], longest=0.25)
        assert lead(step, boxes([[at, 0.0]], [[at + narrow, 1.0]])) == 7
        step = walk([[0]], [[0.0, 0.0]], longest=0.25)
        assert lead(step, boxes([[0.0, at - narrow]], [[1.0, at]])) == 7
    step = walk([[0]], [[0.0, 0.0]])
    step.images = lambda b: iter(
        [(slice(0, len(b)), (b.upper - b.lower)[:, 1] <= 5e-5, b.lower, b.upper)]
    )
    assert lead(step, boxes([[1000.0, 0.0]], [[1000.0002, 1e-4]])) == 3
    step = walk([[0]], [[0.0, 0.0]], longest=3.0)
    assert lead(step, boxes([[0.0, 0.0], [9.0, 0.0]], [[2.0, 8.0], [9.5, 6.0]])) == 2 + 30 + 2


def test_a_point_that_leads_elsewhere_is_refused():
    step = walk([[0]], [0.0], limit=0.7)
    with pytest.raises(Refused, match="a set doesn't lead"):
        lead(step, boxes([[0.0]], [[4.0]]))
    widths = [float((part.upper - part.lower).max()) for part in step.asked]
    assert widths == [4 * 2.0**-k for k in range(21)]
    with pytest.raises(Refused, match="a set doesn't lead"):
        lead(walk([[0]], [0.0], limit=0.7), boxes([[0.75]], [[0.75]]))
    with pytest.raises(Refused, match="a set doesn't lead"):
        lead(walk([[0]], [[0.0, 0.0]], limit=0.7), boxes([[0.75, 0.0]], [[0.75, 0.0]]))


def test_a_box_of_a_millionth_of_the_widest_is_not_halved():
    step = walk([[0]], [0.0], limit=5.0, longest=1.0)
    pair = boxes([[-1.0], [5.0]], [[0.0], [5.0 + 1e-6]])
    step.images = lambda b: iter([(slice(0, len(b)), b.lower[:, 0] < 0, b.lower, b.upper)])
    pair = boxes([[-1.0], [0.0]], [[0.0], [1e-6]])
    with pytest.raises(Refused, match="a set doesn't lead"):
        lead(step, pair)
    step = walk([[0]], [0.0])
    step.images = lambda b: iter([
        (slice(0, len(b)), (b.lower[:, 0] < 0) | (b.upper - b.lower < 1e-6)[:, 0], b.lower, b.upper)
    ])  # fmt: skip
    with pytest.raises(Refused, match="a set doesn't lead"):
        lead(step, pair)
    assert lead(step, boxes([[-1.0], [0.0]], [[0.0], [1.5e-6]])) == 4


def test_halving_is_limited(monkeypatch):
    step = walk([[0]], [0.0], longest=0.25)
    monkeypatch.setattr(induction, "_EXTRA", 6)
    assert lead(step, boxes([[0.0]], [[1.0]])) == 7
    monkeypatch.setattr(induction, "_EXTRA", 5)
    with pytest.raises(Refused, match="not all sets"):
        lead(step, boxes([[0.0]], [[1.0]]))


def test_newest_halves_are_looked_at_first_not_too_many_together():
    step = walk([[0]], [0.0])
    step.images = lambda b: (
        step.asked.append(b)
        or iter([(slice(0, len(b)), (b.upper - b.lower <= 0.5)[:, 0], b.lower, b.upper)])
    )
    count = 100_000
    low = np.arange(float(count))[:, None]
    zeros = np.zeros(count, dtype=np.int64)
    assert lead(step, Boxes(zeros, zeros, low, low + 1)) == 3 * count
    sizes = [len(part) for part in step.asked]
    assert sizes[:3] == [count, 2 * count % 256, 256]
    assert set(sizes[2:]) == {256}
    one = np.zeros(count + 1, dtype=np.int64)
    with pytest.raises(Refused, match="not all sets"):
        lead(step, Boxes(one, one, np.zeros((count + 1, 1)), np.ones((count + 1, 1))))


def test_sets_for_every_length_lead_into_each_other_from_the_first_state():
    step = walk([[1, 1], [0, 0]], [0.0, 0.25], keep=0.5)
    region = hulls([0, 1], [[-1.0]] * 2, [[1.0]] * 2)
    found = induction._everywhere(step, region, reals(0.0))
    assert found == Finding(
        "holds", "2 boxes for 2 states of the program lead into each other with right outputs "
        "under all 2 items (6 boxes bounded, float32 rounding added)",
    )  # fmt: skip
    cells = Cells(ints(0, 0, 1, 1), ints([-1], [0], [-1], [0]), reals(1.5))
    found = induction._everywhere(step, cells, reals(0.0))
    assert found.text.startswith("4 cells for 2 states")
    assert "(10 boxes bounded" in found.text


@pytest.mark.parametrize(
    ("region", "first"),
    [
        (hulls([0, 1], [[-1.0]] * 2, [[1.0]] * 2), 4.0),
        (hulls([0, 1], [[-1.0]] * 2, [[0.2]] * 2), 0.0),
        (hulls([0], [[-1.0]], [[1.0]]), 0.0),
        (hulls([0, 1], [[-1.0], [-0.1]], [[1.0], [0.4]]), 0.0),
    ],
)
def test_sets_that_lead_elsewhere_are_refused(region, first):
    step = walk([[1, 1], [0, 0]], [0.0, 0.25], keep=0.5)
    with pytest.raises(Refused, match="doesn't lead"):
        induction._everywhere(step, region, reals(first))


def test_sets_of_unknown_states_are_refused():
    step = walk([[1, 1], [0, 0]], [0.0, 0.25], keep=0.5)
    with pytest.raises(Refused, match="hasn't"):
        induction._everywhere(step, hulls([0, 2], [[-1.0]] * 2, [[1.0]] * 2), reals(0.0))


def steps_of(*highs) -> Any:
    """Boxes up to these ends after 1, 2, ... items."""
    each = [hulls([0], [[-1.0]], [[high]]) for high in highs]
    return [(one, one) for one in each]


def test_sets_up_to_a_length_lead_into_each_other_item_by_item():
    step = walk([[0, 0]], [0.0, 1.0], limit=4.5)
    found = induction._up_to(step, steps_of(1.5, 2.5, 3.5), 4, reals(0.0))
    assert found == Finding(
        "holds", "sets for the program's states lead into each other with right outputs up to item "
        "4 (8 boxes bounded, float32 rounding added)",
    )  # fmt: skip
    found = induction._up_to(step, steps_of(1.5, 2.5, 0.0, 0.0), 3, reals(0.0))
    assert "up to item 3 (6 boxes" in found.text
    assert "item 1 (2 boxes" in induction._up_to(step, [], 1, reals(0.0)).text
    for highs, length in (((1.5, 2.5, 3.6), 4), ((1.5, 2.4, 3.5), 4), ((1.0, 2.5), 3)):
        with pytest.raises(Refused, match="doesn't lead"):
            induction._up_to(step, steps_of(*highs), length, reals(0.0))
    with pytest.raises(Refused, match="doesn't lead"):
        induction._up_to(step, [], 1, reals(4.0))
    for length in (5, 0, -1):
        with pytest.raises(Refused, match="steps are listed"):
            induction._up_to(step, steps_of(1.5, 2.5, 3.5), length, reals(0.0))


def test_only_new_sets_are_followed_and_all_of_them():
    step = walk([[0, 0]], [0.0, 1.0])
    all_, new = hulls([0], [[-9.0]], [[9.0]]), hulls([0], [[2.0]], [[3.0]])
    induction._up_to(step, [(all_, new)], 2, reals(0.0))
    assert step.asked[-1].lower.tolist() == [[2.0], [2.0]]
    all_ones = hulls([1], [[-9.0]], [[9.0]])
    late = walk([[1, 1], [-1, -1]], [0.0, 1.0])
    with pytest.raises(Refused, match="too late"):
        induction._up_to(late, [(all_ones, all_ones)], 2, reals(0.0))
