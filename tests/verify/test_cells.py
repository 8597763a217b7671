"""Boxes and cells of hidden states that lead into each other: certificates, read as sets."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify import cells
from distill.verify.cells import Grown, cells_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.images import Work
from dsl.loop_text import parse_loop
from dsl.types import BOOL, INT, REAL

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
    return RecurrentNetwork(cell_of_layers(layers[0], layers[1]), np.array(initial, float))


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


def boxes_of(claim: Any, hidden):
    rows = unpacked_rows(claim.certificate["states"], 2 if claim.length_bound else 1)
    ends = unpacked_floats(claim.certificate["ends"], 2 * hidden)
    return rows, ends[:, :hidden], ends[:, hidden:]


def test_boxes_that_close_hold_just_what_is_reached():
    """The delay's two numbers are the last item and the one before it, 0 to 3."""
    found: Any = closed_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
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
        found: Any = closed_claim(parse_loop(text.replace("out before", "out x")), loop)
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
    found: Any = boxes_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
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
    found: Any = boxes_claim(parse_loop(PARITY), oracle(parity(0.02), "bool", "bool above 0.5"))
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
    found: Any = cells_claim(parse_loop(FADING), oracle(fading(0.25), "bool", "bool above 0.75"))
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
    found: Any = cells_claim(parse_loop(PARITY), oracle(parity(0.02), "bool", "bool above 0.5"))
    assert found is not None
    assert found.verdict == "proved_to_length"
    assert 10 <= found.length_bound <= 26
    assert found.certificate["kind"] == "layers"
    rows = unpacked_rows(found.certificate["cells"], 3)
    assert rows[:, 0].min() == 1
    assert rows[:, 0].max() == found.length_bound - 1
    assert found.count == len(rows) == len(np.unique(rows[:, 1:], axis=0))


def test_cells_cover_a_set_that_is_not_a_box():
    found: Any = cells_claim(parse_loop(SECOND), oracle(second(), "int(0,3)", "int"))
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


LOOP: Any = "loop"


class Walk:
    """A program's successors beside a step that scales hidden numbers and moves them by items."""

    wording = "states and items"

    def __init__(self, after, shifts, start=(0.0,), keep=1.0, limit=np.inf):
        self.steps = SimpleNamespace(next=np.array(after))
        self.shifts = np.array(shifts, dtype=float).reshape(-1, len(start))
        self.items, self.first = self.shifts, np.array([start], dtype=float)
        self.keep, self.limit = keep, limit
        self.asked: list[Any] = []
        self.costs: list[int] = []

    def start(self):
        return self.first, self.first

    def cost(self, boxes):
        self.costs.append(boxes)
        return boxes

    def reached(self, states, box):
        self.asked.append((states.tolist(), *(end.tolist() for end in box)))
        low, high = ((self.keep * end[:, None] + self.shifts).reshape(-1, end.shape[1])
                     for end in box)  # fmt: skip
        return None if (high > self.limit).any() else (self.steps.next[states].ravel(), low, high)

    def described(self, kind):
        return {"kind": kind}


def walk(*how, **more) -> Any:
    return Walk(*how, **more)


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def seen_by(states=1, widths=(1.0,)):
    return cells._Seen(walk([[0]] * states, [(0.0,) * len(widths)], [0.0] * len(widths)),
                       np.array(widths))  # fmt: skip


def added(seen, states, low, high):
    found = seen.add((ints(*states), np.array(low, float), np.array(high, float)))
    return None if found is None else sorted(zip(found[0].tolist(), found[1].tolist(), strict=True))


def test_a_box_touches_every_cell_that_it_meets_even_in_an_end():
    for low, high, places in (
        (0.25, 0.75, [0]), (1.0, 2.0, [0, 1, 2]), (-0.5, 0.0, [-1, 0]), (-3.0, -3.0, [-4, -3]),
        (0.5, 2.5, [0, 1, 2]),
    ):  # fmt: skip
        assert added(seen_by(), [0], [[low]], [[high]]) == [(0, [k]) for k in places]
    assert added(seen_by(1, [0.25]), [0], [[0.3]], [[0.6]]) == [(0, [1]), (0, [2])]
    rounded = 3 * 0.7
    assert rounded / 0.7 < 3
    assert added(seen_by(1, [0.7]), [0], [[rounded]], [[rounded]]) == [(0, [2]), (0, [3])]
    box = [[0.3, -2.5]], [[0.6, -2.2]]
    assert added(seen_by(1, [0.25, 2.0]), [0], *box) == [(0, [1, -2]), (0, [2, -2])]


def test_boxes_of_different_sizes_touch_their_own_cells_each():
    low, high = [[0.5, 0.5], [5.5, 7.5]], [[2.5, 0.7], [5.7, 8.5]]
    assert added(seen_by(3, [1.0, 1.0]), [1, 2], low, high) == [
        (1, [0, 0]), (1, [1, 0]), (1, [2, 0]), (2, [5, 7]), (2, [5, 8]),
    ]  # fmt: skip


def test_cells_are_found_once():
    seen = seen_by(2)
    assert added(seen, [1], [[4.5]], [[4.5]]) == [(1, [4])]
    assert added(seen, [1], [[4.5]], [[5.5]]) == [(1, [5])]
    assert added(seen, [1, 0, 0], [[4.5], [4.2], [4.3]], [[5.5], [4.3], [4.4]]) == [(0, [4])]
    assert added(seen, [0, 1, 0], [[4.5], [5.5], [3.5]], [[4.5], [5.5], [5.5]]) == [
        (0, [3]), (0, [5]),
    ]  # fmt: skip
    assert seen.keys.tolist() == sorted(
        state * 2**20 + place + 2**19 for state, place in [(1, 4), (1, 5), (0, 3), (0, 4), (0, 5)]
    )
    assert added(seen, [0, 1], [[3.5], [4.5]], [[5.5], [5.5]]) == []
    assert len(seen.keys) == 5


def test_keys_differ_for_all_places_that_they_have_room_for():
    assert seen_by().room == 1 << 20
    assert seen_by(3, [1.0] * 4).room == int((2**61 / 3) ** 0.25)
    seen = seen_by(3, [1.0, 1.0])
    keys = seen._keys_of(ints(2, 0), ints([-7, 3], [1, 1]))
    room, half = 2**20, 2**19
    assert keys.tolist() == [
        (2 * room + half - 7) * room + half + 3, (half + 1) * room + half + 1,
    ]  # fmt: skip
    assert added(seen_by(2, [1.0] * 3), [1], [[5.5] * 3], [[5.5] * 3]) == [(1, [5] * 3)]
    seen = seen_by(2, [1.0] * 3)
    added(seen, [1], [[5.5] * 3], [[5.5] * 3])
    assert added(seen, [1], [[5.5, 5.5, 6.5]], [[5.5, 5.5, 6.5]]) == [(1, [5, 5, 6])]


@pytest.mark.filterwarnings("error")
def test_boxes_too_far_out_for_a_key_are_given_up():
    edge = 2.0**19 - 2
    assert added(seen_by(), [0], [[edge - 0.5]], [[edge - 0.5]]) == [(0, [2**19 - 3])]
    assert added(seen_by(), [0], [[0.5 - edge]], [[0.5 - edge]]) == [(0, [2 - 2**19])]
    for low, high in ((edge - 1, edge), (-edge, 1 - edge), (0.0, np.inf), (-np.inf, 0.0),
                      (np.nan, np.nan)):  # fmt: skip
        assert added(seen_by(), [0], [[low]], [[high]]) is None
    assert added(seen_by(1, [1e-5]), [0], [[0.0]], [[1e305]]) is None
    seen = seen_by(3, [1.0] * 4)
    assert seen.room % 2 == 1
    near = [[seen.room // 2 - 2.0, 0.5, 0.5, 0.5]]
    assert added(seen, [0], near, near) is None
    assert added(seen_by(1, [2.0]), [0], [[edge]], [[edge + 0.5]]) == [
        (0, [2**18 - 2]), (0, [2**18 - 1]),
    ]  # fmt: skip


def test_boxes_that_touch_too_many_cells_are_given_up(monkeypatch):
    assert added(seen_by(), [0], [[0.5]], [[45.9]]) == [(0, [k]) for k in range(46)]
    assert added(seen_by(), [0], [[0.5]], [[46.0]]) is None
    monkeypatch.setattr(cells, "_SPAN", 4)
    assert added(seen_by(1, [1.0] * 2), [0], [[0.5] * 2], [[1.5] * 2]) == [
        (0, [a, b]) for a in (0, 1) for b in (0, 1)
    ]
    assert added(seen_by(1, [1.0] * 3), [0], [[0.5] * 3], [[0.6] * 3]) is None


def test_a_cell_meets_a_box_in_any_of_its_ends():
    places = ints([0], [1], [2], [3])
    found = cells._meets(places, np.array([[1.0]] * 4), np.array([[2.0]] * 4), np.array([1.0]))
    assert found.tolist() == [True, True, True, False]
    both = cells._meets(ints([0, 5]), np.zeros((1, 2)), np.ones((1, 2)), np.array([1.0, 1.0]))
    assert both.tolist() == [False]


def layer(*pairs):
    return ints(*(s for s, _ in pairs)), ints(*([p] for _, p in pairs))


def test_the_next_layer_is_what_cells_lead_to_and_wasnt_seen(monkeypatch):
    step, work = walk([[0, 1], [1, 0]], [10.25, 20.25], keep=0.5), Work(100)
    seen = cells._Seen(step, np.array([2.0]))
    found = cells._next_layer(step, layer((0, 3), (1, -1)), seen, work)
    assert step.asked == [([0, 1], [[6.0], [-2.0]], [[8.0], [0.0]])]
    assert found is not None
    assert sorted(zip(found[0].tolist(), found[1].tolist(), strict=True)) == [
        (0, [6]), (0, [7]), (0, [9]), (0, [10]), (1, [4]), (1, [5]), (1, [11]), (1, [12]),
    ]  # fmt: skip
    assert (work.left, step.costs) == (98, [2])
    monkeypatch.setattr(cells, "_BATCH", 5)
    step = walk([[0, 1], [1, 0]], [0.25, 0.25], keep=0.0)
    seen = cells._Seen(step, np.array([1.0]))
    found = cells._next_layer(step, layer((0, 3), (1, -1), (1, 7)), seen, work)
    assert [states for states, _, _ in step.asked] == [[0, 1], [1]]
    assert [low for _, low, _ in step.asked] == [[[3.0], [-1.0]], [[7.0]]]
    assert found is not None
    assert [part.tolist() for part in found] == [[0, 1], [[0], [0]]]
    monkeypatch.setattr(cells, "_BATCH", 1)
    cells._next_layer(step, layer((0, 3), (1, -1)), seen, work)
    assert [states for states, _, _ in step.asked][2:] == [[0], [1]]


def test_cells_are_bounded_in_parts_that_fit_into_memory():
    step = walk([[0]], [0.25], keep=0.0)
    many = np.zeros(2**14 + 1, dtype=np.int64)
    cells._next_layer(step, (many, many[:, None]), cells._Seen(step, np.ones(1)), Work(1 << 20))
    assert step.costs == [2**14, 1]


def test_growth_ends_where_outputs_are_wrong_or_at_a_limit():
    def after(step, at, work=10, known=0):
        seen = cells._Seen(step, np.array([1.0]), np.arange(known))
        return cells._next_layer(step, at, seen, Work(work))

    unfollowed = [[1], [2], [-1]]
    assert after(walk(unfollowed, [0.25]), layer((0, 0), (1, 0))) is not None
    assert after(walk(unfollowed, [0.25]), layer((0, 0), (2, 0))) is None
    assert after(walk([[0]], [0.25], limit=5.0), layer((0, 4), (0, 1))) is None
    assert after(walk([[0]], [0.25], limit=5.25), layer((0, 4), (0, 1))) is not None
    assert after(walk([[0]], [0.25]), layer((0, 4), (0, 1)), work=1) is None
    assert after(walk([[0]], [0.25]), layer((0, 4), (0, 1)), work=2) is not None
    assert after(walk([[0]], [0.25]), layer((0, 2**19 - 3))) is None
    still = walk([[0]], [0.25], keep=0.0)
    assert after(still, layer((0, 0)), known=199_999) is not None
    assert after(still, layer((0, 0)), known=200_000) is None


def test_growth_starts_at_the_first_state_and_ends_where_nothing_is_new():
    step = walk([[1], [0]], [0.5], start=(3.0,), keep=0.0)
    work = Work(10)
    grown = cells._grown(step, np.array([1.0]), work)
    assert grown is not None
    assert step.asked == [([0], [[3.0]], [[3.0]]), ([1], [[0.0]], [[1.0]]), ([0], [[0.0]], [[1.0]])]
    assert [part[0].tolist() for part in grown.layers] == [[1], [0], []]
    assert (grown.count, grown.length, grown.widths.tolist()) == (2, None, [1.0])
    assert work.left == 8


@pytest.mark.parametrize(("limit", "length"), [(0.5, None), (2.0, None), (5.0, 2), (8.0, 3)])
def test_growth_shows_all_items_before_a_wrong_output(limit, length):
    step = walk([[0]], [2.0], start=(-0.5,), limit=limit)
    grown = cells._grown(step, np.array([1.0]), Work(100))
    assert (grown and grown.length) == length
    if grown and length:
        assert len(grown.layers) == length - 1
        assert grown.widths.tolist() == [1.0]


def test_growth_is_followed_up_to_the_longest_length():
    grown = cells._grown(walk([[0]], [2.0]), np.array([1.0]), Work(10_000))
    assert grown is not None
    assert (grown.length, len(grown.layers)) == (60, 59)
    assert cells._grown(walk([[0]], [2.0], start=(2.0**20,)), np.array([1.0]), Work(10)) is None


def an_oracle(hidden=2, scalar: Any = INT, length=10, representable=True) -> Any:
    return SimpleNamespace(
        output=SimpleNamespace(scalar=scalar),
        network=SimpleNamespace(hidden=hidden),
        length=length,
        representable=lambda items: items == "items" and representable,
    )


def a_grown(length, name) -> Any:
    return SimpleNamespace(length=length, name=name)


class Plan:
    """Grids that grow what they are told to, and what they are asked."""

    def __init__(self, monkeypatch, grown, machines=("all",), spent=0):
        self.grown, self.machines, self.spent = list(grown), list(machines), spent
        self.asked, self.depths, self.work, self.grids = [], [], [], []
        monkeypatch.setattr(cells, "steps_of", self.steps_of)
        monkeypatch.setattr(cells, "_grids", self.frames)
        monkeypatch.setattr(cells, "_grown", self.grow)
        monkeypatch.setattr(cells, "Stepper", lambda *how: SimpleNamespace(items="items", how=how))
        monkeypatch.setattr(cells, "_claim", lambda grown, stepper, begin: (grown, stepper, begin))

    def steps_of(self, *how):
        self.depths.append(how)
        return self.machines.pop(0)

    def frames(self, *how):
        self.grids.append(how)
        return ((f"frame {place}", f"widths {place}") for place in range(len(self.grown)))

    def grow(self, stepper, widths, work):
        self.asked.append((stepper.how, widths))
        self.work.append(work.left)
        work.left -= self.spent
        return self.grown[len(self.asked) - 1]


def test_the_first_grid_that_closes_is_claimed(monkeypatch):
    plan = Plan(monkeypatch, [None, a_grown(9, "short"), a_grown(None, "closed"), None])
    oracle: Any = an_oracle()
    found: Any = cells_claim(LOOP, oracle, 5)
    assert found[0].name == "closed"
    assert found[1].how == (oracle, "all", "frame 2", 0)
    assert found[2] > 0
    assert [how for how, _ in plan.asked] == [(oracle, "all", f"frame {k}", 0) for k in range(3)]
    assert [widths for _, widths in plan.asked] == ["widths 0", "widths 1", "widths 2"]
    assert plan.work == [1_200_000] * 3
    assert plan.grids == [(LOOP, oracle, 0, 5)]
    assert plan.depths == [(LOOP, oracle)]


@pytest.mark.parametrize(
    ("lengths", "best"),
    [([9], None), ([10], 0), ([10, 12, 12, 11], 1), ([12, None], 1), ([None, 12], 0), ([9, 10], 1)],
)
def test_otherwise_the_longest_length_is_claimed(monkeypatch, lengths, best):
    Plan(monkeypatch, [a_grown(length, place) for place, length in enumerate(lengths)])
    found: Any = cells_claim(LOOP, an_oracle())
    assert (found and found[0].name) == best


def test_grids_are_tried_while_there_is_work_left(monkeypatch):
    for most, tried in ((4, 2), (5, 3), (6, 3)):
        plan = Plan(monkeypatch, [None] * 9, spent=2)
        asked: Any = an_oracle(), 0, most
        assert cells_claim(LOOP, *asked) is None
        assert len(plan.work) == tried
    Plan(monkeypatch, [a_grown(10, "first"), a_grown(None, "later")], spent=2)
    found: Any = cells_claim(LOOP, an_oracle(), 0, 2)
    assert found[0].name == "first"
    plan = Plan(monkeypatch, [a_grown(10, "first")] * 2)
    assert cells_claim(LOOP, an_oracle()) is not None
    assert plan.grids[0][3] == 0


def test_programs_of_many_states_are_followed_up_to_the_longest_length(monkeypatch):
    oracle: Any = an_oracle()
    plan = Plan(monkeypatch, [a_grown(10, "some")], [None, "some states"])
    found: Any = cells_claim(LOOP, oracle)
    assert found[1].how[1] == "some states"
    assert plan.depths == [(LOOP, oracle), (LOOP, oracle, 60)]
    Plan(monkeypatch, [a_grown(10, "some")], [None, None])
    assert cells_claim(LOOP, oracle) is None


def test_only_some_outputs_and_hidden_spaces_are_followed(monkeypatch):
    for hidden, scalar, representable, followed in (
        (8, INT, True, True), (8, BOOL, True, True), (9, INT, True, False), (8, REAL, True, False),
        (9, REAL, True, False), (8, INT, False, False),
    ):  # fmt: skip
        plan = Plan(monkeypatch, [a_grown(None, "all")])
        oracle = an_oracle(hidden, scalar, representable=representable)
        found: Any = cells_claim(LOOP, oracle)
        assert (found is not None) == followed
        assert len(plan.asked) == int(followed)


def grids_of(monkeypatch, hidden, span):
    frames = []

    def frames_of(*how):
        frames.append(how)
        return iter(("frame a", "frame b"))

    monkeypatch.setattr(cells, "_span", lambda oracle, seed: np.array(span) * seed)
    monkeypatch.setattr(cells, "frames_of", frames_of)
    oracle: Any = an_oracle(hidden)
    found = list(cells._grids(LOOP, oracle, 3, 2))
    assert frames == [(LOOP, oracle, 3, 2)]
    return found


def test_grids_are_along_the_hidden_numbers_then_along_frames(monkeypatch):
    found = grids_of(monkeypatch, 2, [4.0, 0.001])
    plain: Any = [pair for pair in found if not isinstance(pair[0], str)]
    assert len(plain) == 8
    assert [len(frame.matrix) for frame, _ in plain] == [2] * 8
    parts = [8, 16, 32, 64, 128, 256, 512, 1024]
    assert [widths[0] for _, widths in plain] == [8.0 / k for k in parts]
    assert [widths[1] for _, widths in plain] == [max(0.002 / k, 8e-4) for k in parts]
    turned: Any = found[8:]
    assert [frame for frame, _ in turned] == ["frame a"] * 6 + ["frame b"] * 6
    assert [widths.tolist() for _, widths in turned] == 2 * [
        [2.0 / k] * 2 for k in (1, 2, 4, 8, 16, 32)
    ]


@pytest.mark.parametrize(("hidden", "plain"), [(1, 8), (3, 6), (4, 6), (5, 0)])
def test_finer_grids_are_for_fewer_hidden_numbers(monkeypatch, hidden, plain):
    found = grids_of(monkeypatch, hidden, [1.0] * hidden)
    assert len(found) == plain + 12
    assert len(found[-1][1]) == hidden


def test_the_span_is_the_range_of_every_hidden_number():
    asked = []

    def sample(rng, count, length):
        asked.append((rng.integers(1 << 40), count, length))
        return "drawn"

    states = np.array([[[1.0, 5.0], [2.0, 5.0]], [[-3.0, 5.0005], [0.0, 5.0]]])
    oracle: Any = SimpleNamespace(
        length=7,
        domain=SimpleNamespace(sample=sample, encode=lambda drawn: [drawn]),
        network=SimpleNamespace(hidden=2, run=lambda seen: (states, None)[: 2 * len(seen)]),
    )
    assert cells._span(oracle, 4).tolist() == [5.0, 1e-3]
    assert asked == [(np.random.default_rng([4, 41]).integers(1 << 40), 512, 7)]


def a_growth(length) -> Grown:
    layers = (ints(2, 0), ints([5, -1], [3, 2])), (ints(1), ints([0, 4]))
    return Grown(layers, np.array([0.5, 2.0]), length)


def test_cells_of_a_claim_are_listed_in_order():
    for length, verdict, kind, rows in (
        (None, "proved", "cells", [[0, 3, 2], [1, 0, 4], [2, 5, -1]]),
        (3, "proved_to_length", "layers", [[1, 0, 3, 2], [1, 2, 5, -1], [2, 1, 0, 4]]),
    ):
        found = cells._claim(a_growth(length), walk([[0], [1], [2]], [0.0]), 0.0)
        assert (found.verdict, found.count, found.length_bound) == (verdict, 3, length)
        assert found.seconds > 0
        certificate = found.certificate
        assert certificate is not None
        assert (certificate["kind"], certificate["widths"]) == (kind, [0.5, 2.0])
        assert unpacked_rows(certificate["cells"], len(rows[0])).tolist() == rows
        where = "up to length 3" if length else "of every length"
        assert found.statement.startswith(
            f"equal on sequences {where}: 3 cells of the hidden space, for 3 states and items"
        )
