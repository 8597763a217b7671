"""Polytopes that lead into each other: images by hand, growth until nothing is new, the claim."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.normal_form import Builder
from distill.recurrent import cell_of_layers
from distill.target import parse_output
from distill.verify import polytopes as polytopes_
from distill.verify.exchange import Polytopes, coordinates
from distill.verify.images import Work
from distill.verify.polytopes import Closed, System, polytopes_claim
from distill.verify.rounding import down
from distill.verify.template import Reading, Seen
from dsl.types import BOOL, INT, REAL

LOOP: Any = "loop"
X, Y, SUM, LESS = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def reals(*values) -> Any:
    return np.array(values, dtype=float)


class Plan:
    """Systems that close or don't, and what is spent on them."""

    def __init__(self, monkeypatch, rounds, spent=1):
        self.asked, self.rounds, self.spent = [], rounds, spent
        monkeypatch.setattr(polytopes_, "_systems", self.systems)
        monkeypatch.setattr(polytopes_, "_closed", self.closed)
        monkeypatch.setattr(polytopes_, "_claim", lambda *how: how)

    def systems(self, *how):
        self.how = how
        return ((f"met {m}", iter([(m, 0), (m, 1)])) for m in range(len(self.rounds)))

    def closed(self, system, met, work):
        assert met == f"met {system[0]}"
        self.asked.append((*system, work.left))
        work.left -= self.spent
        found = self.rounds[system[0]][system[1]]
        return (found, 0) if isinstance(found, str) else (None, found)


def test_larger_templates_are_tried_where_small_ones_grow_for_a_while(monkeypatch):
    for rounds, tried in (
        ([(1, "no"), (0, "no"), (2, "closed")], [(0, 0), (1, 0), (2, 0), (2, 1)]),
        ([(3, 3), ("closed", 3)], [(0, 0), (0, 1), (1, 0)]),
    ):
        plan = Plan(monkeypatch, rounds, 0)
        oracle: Any = "oracle"
        found: Any = polytopes_claim(LOOP, oracle, 3)
        assert found[:2] == (tried[-1], "closed")
        assert found[2] > 0
        assert plan.how == (LOOP, "oracle", 3)
        assert plan.asked == [(*pair, 10_000_000) for pair in tried]
        polytopes_claim(LOOP, oracle)
        assert plan.how == (LOOP, "oracle", 0)


def test_programs_are_tried_while_there_is_work_left(monkeypatch):
    for most, tried in ((1, 1), (2, 2), (3, 3), (9, 3)):
        plan = Plan(monkeypatch, [(0, 0)] * 3)
        oracle: Any = "oracle"
        assert polytopes_claim(LOOP, oracle, 0, most) is None
        assert len(plan.asked) == tried


def cell():
    """h0' = h0 / 2 + x, h1' = h0 + h1 / 2, y = h0' + 2 h1', where none of them is negative."""
    step = [(np.eye(3), np.zeros(3)), (reals([0.5, 0.0, 1.0], [1.0, 0.5, 0.0]), np.zeros(2))]
    return cell_of_layers(step, [(reals([1.0, 2.0]), np.zeros(1))])


def bending():
    form = Builder(3)
    inner = form.elementwise("relu", form.affine([(0, np.eye(3))], np.zeros(3)))
    return SimpleNamespace(normal_form=lambda: form.build(form.elementwise("relu", inner)))


def bent():
    form = Builder(3)
    return SimpleNamespace(normal_form=lambda: form.build(form.elementwise("relu", 0)))


class Programs:
    """Systems with more and more memory of as many states as asked."""

    def __init__(self, monkeypatch, states=(1, 2, 3, 4), base: Any = "base"):
        self.states, self.asked, self.templates = list(states), [], []
        monkeypatch.setattr(polytopes_, "steps_of", lambda *how: self.base(how, base))
        monkeypatch.setattr(polytopes_, "remembering", self.remembering)
        monkeypatch.setattr(polytopes_, "seen", lambda *how: ("met", *how))
        monkeypatch.setattr(
            polytopes_, "Stepper", lambda *how: SimpleNamespace(how=how, items="items")
        )
        monkeypatch.setattr(polytopes_, "Reading", lambda *how: ("reading", *how))
        monkeypatch.setattr(polytopes_, "_templates", self.listed)

    def base(self, how, base):
        self.how = how
        return base

    def remembering(self, base, memory):
        assert base == "base"
        count = self.states[len(self.asked)]
        self.asked.append(memory)
        return count if count is None else SimpleNamespace(next=range(count))

    def listed(self, *how):
        self.templates.append(how)
        return ["rows a", "rows b"]


def an_oracle(scalar: Any = INT, hidden=2, of: Any = None, fits=True) -> Any:
    return SimpleNamespace(
        output=SimpleNamespace(scalar=scalar),
        network=SimpleNamespace(cell=of or cell(), hidden=hidden),
        representable=lambda items: items == "items" and fits,
    )  # fmt: skip


def test_programs_get_more_and_more_memory(monkeypatch):
    programs, oracle = Programs(monkeypatch), an_oracle()
    found: Any = [(met, list(systems)) for met, systems in polytopes_._systems(LOOP, oracle, 7)]
    assert programs.asked == [0, 2, 4, 6]
    assert programs.how == (LOOP, oracle)
    for memory, (met, systems) in zip((0, 2, 4, 6), found, strict=True):
        assert [system.rows for system in systems] == ["rows a", "rows b"]
        same_oracle, steps, frame, held = systems[0].stepper.how
        assert (same_oracle, held) == (oracle, memory)
        assert frame.matrix.tolist() == np.eye(2).tolist()
        assert met == ("met", oracle, steps, "items", 7, 1024, 60)
        name, form, hidden = systems[0].reading
        assert (name, form.input_width, hidden) == ("reading", 3, 2)
    assert programs.templates[1] == (systems[0].reading, found[1][1][0].stepper, found[1][0])


def count_of(oracle) -> int:
    return len(list(polytopes_._systems(LOOP, oracle, 0)))


def test_programs_of_too_many_states_and_unknown_ones_are_left(monkeypatch):
    for states, many in (((600,) * 4, 4), ((600, 601, 1, 1), 1), ((1, 2, None, 1), 2)):
        Programs(monkeypatch, states)
        assert count_of(an_oracle()) == many
    Programs(monkeypatch, base=None)
    assert count_of(an_oracle()) == 0


def test_only_some_networks_have_polytopes(monkeypatch):
    for how, many in (
        ({"scalar": BOOL}, 4), ({"scalar": REAL}, 0), ({"hidden": 1}, 0), ({"hidden": 64}, 4),
        ({"hidden": 65}, 0), ({"fits": False}, 0), ({"of": bending()}, 4), ({"of": bent()}, 0),
    ):  # fmt: skip
        Programs(monkeypatch)
        asked: Any = how
        assert count_of(an_oracle(**asked)) == many, how


def test_templates_look_two_and_six_items_ahead(monkeypatch):
    monkeypatch.setattr(polytopes_, "directions", lambda *how: how)
    stepper: Any = SimpleNamespace(steps="steps", items="items")
    made: Any = ("reading", stepper, "met")
    assert list(polytopes_._templates(*made)) == [
        ("reading", "steps", "items", "met", 2, 24), ("reading", "steps", "items", "met", 6, 40),
    ]  # fmt: skip


def a_system(
    after=((0, 1), (1, 0)), items=((3.0,), (1.0,)), outputs=None, rows=None, of: Any = None, width=1
) -> System:
    """States with the sum, or the difference, of two hidden numbers as direction of their own."""
    of = of or cell()
    network = SimpleNamespace(cell=of, hidden=2, output_width=width, initial=reals(0.5, 0.75))
    wanted = np.zeros((len(after), len(items))) if outputs is None else reals(*outputs)
    stepper: Any = SimpleNamespace(
        oracle=SimpleNamespace(network=network, output=parse_output("int")), wording="states",
        items=reals(*items), steps=SimpleNamespace(next=ints(*after), outputs=wanted),
        described=lambda kind: {"kind": kind},
    )  # fmt: skip
    listed = reals([X, Y, SUM], [X, Y, LESS]) if rows is None else rows
    return System(stepper, Reading(of.normal_form(), 2), listed)


def test_images_have_their_price(monkeypatch):
    system = a_system()
    assert (system.outputs, system.bounded) == (1, 8)
    monkeypatch.setattr(polytopes_, "box_price", lambda form: 1000 + len(form.nodes))
    assert system.price(3) == 3 * (8 + 1000 + len(system.reading.form.nodes))
    wide = a_system(rows=np.zeros((2, 7, 2)))
    assert wide.price(1) == 16 * 7 * 2 // 6 + 1000 + len(system.reading.form.nodes)


def test_what_is_met_is_bounded_along_each_states_directions():
    system = a_system(rows=reals([X, Y, SUM], [X, Y, LESS], [X, Y, SUM]))
    met = Seen(ints(0, 1, 1, 0), reals([1, 2], [5, 3], [4, -1], [0, 4]))
    lower, upper = polytopes_._met(system, met)
    assert lower[0, 1:].tolist() == [pytest.approx(0.75, abs=1e-12), pytest.approx(1.25, abs=1e-12)]
    assert lower[0, 0] == 0
    assert lower[0, 1] < 0.75 and lower[0, 2] < 1.25
    assert upper[0].tolist() == [1, 4, 4]
    assert (lower[1].tolist(), upper[1].tolist()) == ([4, -1, 2], [5, 3, 5])
    assert (lower[2] == np.inf).all() and (upper[2] == -np.inf).all()
    lower, upper = polytopes_._met(system, Seen(ints(0), reals([0.5, 0.5])))
    assert lower[0] == pytest.approx([0.5, 0.5, 1.0], abs=1e-12)
    assert upper[0] == pytest.approx([0.5, 0.75, 1.25], abs=1e-12)
    assert (upper[0] > [0.5, 0.75, 1.25]).all() and lower[0, 0] < 0.5


def test_nothing_is_known_of_images_to_begin_with():
    found = polytopes_._none(a_system(((0, 1, 0), (1, 0, 0)), ((3.0,), (1.0,), (2.0,))))
    assert found.lower.tolist() == [[[np.inf] * 3] * 3] * 2
    assert found.upper.tolist() == [[[-np.inf] * 3] * 3] * 2
    assert found.right.dtype == np.bool_
    assert found.right.tolist() == [[False] * 3] * 2
    assert found.bases.tolist() == [[[[0, 1]] * 8] * 3] * 2


LOW = [[3.0, 0.5, 3.5, 4.0], [1.0, 0.5, -0.5, 2.0]]
HIGH = [[4.0, 2.5, 6.5, 9.0], [2.0, 2.5, 0.5, 7.0]]
"""Of the next hidden numbers, of their sum or difference, and of the output."""


def two_polytopes() -> Polytopes:
    return Polytopes(reals([X, Y, SUM], [X, Y, SUM]), reals([0, 0, 1], [0, 0, 1]),
                     reals([2, 2, 3], [2, 2, 3]))  # fmt: skip


def image(bases=None):
    begin = np.broadcast_to(np.arange(2), (2, 8, 2)).copy() if bases is None else bases
    return polytopes_._image(a_system(), two_polytopes(), ints(0, 0), ints(0, 1), begin)


def test_images_are_bounded_along_the_next_directions_and_outputs(monkeypatch):
    low, high, bases = image()
    width = reals(*HIGH) - reals(*LOW)
    assert low == pytest.approx(reals(*LOW) - 1.25e-3 * width, abs=1e-5)
    assert high == pytest.approx(reals(*HIGH) + 1.25e-3 * width, abs=1e-5)
    assert bases[0, 1].tolist() == [0, 2]
    again = image(bases)
    assert (again[2] == bases).all()
    rounds = []
    monkeypatch.setattr(
        polytopes_, "improved", lambda p, forms, bases, most: rounds.append(most) or bases
    )
    box = image()
    assert rounds == [10]
    assert box[0][0, 1] == pytest.approx(-3.75e-3, abs=1e-5)


def test_rounding_errors_of_the_cell_are_added_along_directions(monkeypatch):
    asked = []

    def errors(form, own):
        asked.append((form, own))
        return reals([1000.0, 2000.0, 4000.0], [1.0, 2.0, 4.0])

    monkeypatch.setattr(polytopes_, "error_within", errors)
    monkeypatch.setattr(
        polytopes_, "with_room", lambda low, high, error: (low - error, high + error)
    )
    low, high, _ = image()
    width = 1e-3 * (reals(*HIGH) - reals(*LOW))
    error = reals([1000, 2000, 3000, 4000], [1, 2, 3, 4]) * (1 + 1e-6) + width
    assert low == pytest.approx(reals(*LOW) - error, abs=1e-9)
    assert high == pytest.approx(reals(*HIGH) + error, abs=1e-9)
    ((form, own),) = asked
    assert len(form.nodes) == len(cell().normal_form().nodes)
    assert [end.tolist() for end in own[0]] == [
        [[0, 0, 3], [0, 0, 1]], [[2, 2, 3], [2, 2, 1]],
    ]  # fmt: skip
    monkeypatch.setattr(polytopes_, "with_room", lambda low, high, error: (low, high))
    low, high, _ = image()
    assert (low < reals(*LOW)).all() and (low > reals(*LOW) - 1e-12).all()
    assert (high > reals(*HIGH)).all() and (high < reals(*HIGH) + 1e-12).all()


def test_lines_lose_what_they_and_their_items_may_be_wrong_by(monkeypatch):
    plain = polytopes_.lines_below

    def wrong(form, found, rows):
        lines = plain(form, found, rows)
        lines.error[:] = 0.125
        lines.constant[:] = 8.0
        return lines

    monkeypatch.setattr(polytopes_, "lines_below", wrong)
    monkeypatch.setattr(polytopes_, "with_room", lambda low, high, error: (low, high))
    monkeypatch.setattr(polytopes_, "gamma", lambda terms: terms / 1024)
    monkeypatch.setattr(polytopes_, "least", lambda p, forms, doubt, bases: -9.0 * doubt.sum(2))
    monkeypatch.setattr(polytopes_, "_on_box", lambda slopes, low, high: np.full((2, 8), -5.0))
    low, _, _ = image()
    doubt = 9 * 0.5 * 4 / 1024
    size = 8.0 + 3.0 + doubt
    expected = 8.0 + 3.0 - doubt - (0.125 + 5 / 1024 * size) * (1 + 1e-6)
    assert low[0, 0] == pytest.approx(expected, abs=1e-9)
    monkeypatch.setattr(polytopes_, "least", lambda *how: np.full((2, 8), np.nan))
    assert (image()[0] == -np.inf).all()


def test_ends_of_lines_are_lowered_by_two_units(monkeypatch):
    def flat(form, found, rows, constant):
        shape = rows.shape[:2]
        return SimpleNamespace(
            slopes=np.zeros((*shape, 3)), constant=np.full(shape, constant), error=np.zeros(shape)
        )

    monkeypatch.setattr(polytopes_, "with_room", lambda low, high, error: (low, high))
    monkeypatch.setattr(polytopes_, "gamma", lambda terms: 0.0)
    monkeypatch.setattr(polytopes_, "least", lambda *how: np.zeros((2, 8)))
    monkeypatch.setattr(polytopes_, "_on_box", lambda *how: np.zeros((2, 8)))
    for constant in (1.0, 0.0):
        monkeypatch.setattr(polytopes_, "lines_below", partial(flat, constant=constant))
        low = image()[0]
        assert (low == down(reals(constant) - 1e-300, 2)).all()
        assert (low < constant).all()


def test_errors_are_those_of_hidden_numbers_within_the_polytope(monkeypatch):
    """The cell's own input, though lines begin at the sum that it reads."""
    step = [(reals([1, 1, 0], [0, 0, 1]), np.zeros(2)), (np.eye(2), np.zeros(2))]
    system = a_system(of=cell_of_layers(step, [(reals([1.0, 1.0]), np.zeros(1))]))
    assert system.reading.rows.tolist() == [X, Y, SUM]
    asked = []
    monkeypatch.setattr(
        polytopes_, "error_within", lambda form, own: asked.append(own) or np.zeros((1, 3))
    )
    polytopes_._image(system, two_polytopes().at(ints(0)), ints(0), ints(1), coordinates(1, 8, 2))
    assert [end.tolist() for end in asked[0][0]] == [[[0, 0, 1]], [[2, 2, 1]]]


def test_directions_and_outputs_are_wanted():
    assert polytopes_._wanted(a_system(), ints(1, 0, 1)).tolist() == [
        [[1, 0, 0], [0, 1, 0], [1, part, 0], [0, 0, 1]] for part in (-1, 1, -1)
    ]


def test_least_values_on_boxes_are_lowered(monkeypatch):
    monkeypatch.setattr(polytopes_, "gamma", lambda terms: terms / 1024)
    slopes = reals([[1, -2, 0], [0, 0, 0], [3, 1, -1]])
    found = polytopes_._on_box(slopes, reals([2, 1, -4]), reals([3, 4, 5]))
    expected = reals(-6, 0, 2) - reals(10, 0, 12) * 5 / 1024 * (1 + 1e-6)
    assert found[0] == pytest.approx(expected, abs=1e-12)
    assert -1e-290 < found[0, 1] < 0
    assert polytopes_._on_box(reals([[0, 1]]), reals([1, 1]), reals([np.inf, 2]))[0, 0] > 0.9
    with np.errstate(all="raise"):
        wide = polytopes_._on_box(reals([[1, 0]]), reals([-np.inf, -np.inf]), reals([1, np.inf]))
    assert not np.isfinite(wide).any()
    monkeypatch.setattr(polytopes_, "gamma", lambda terms: 0.0)
    found = polytopes_._on_box(reals([[1.0, 1.0]]), reals([1, 2]), reals([1, 2]))
    assert found == down(reals([3.0]), 2)


def test_images_of_some_states_are_brought_up_to_date(monkeypatch):
    asked = []

    def image_of(system, polytopes, state, item, bases):
        asked.append((state.tolist(), item.tolist(), polytopes.lower[:, 0].tolist()))
        assert system is own
        assert bases.shape == (len(state), 8, 2)
        value = 10.0 * state + item
        low = np.repeat(value[:, None], 4, 1)
        return low, low + 0.25, bases + 1

    monkeypatch.setattr(polytopes_, "_image", image_of)
    outputs = [[0, 1], [10, 12], [20, 21]]
    own = system = a_system(((0, 1), (1, 0), (2, 2)), outputs=outputs, rows=np.zeros((3, 3, 2)))
    polytopes = Polytopes(system.rows, reals([5] * 3, [6] * 3, [7] * 3), np.full((3, 3), 9.0))
    for numbers, parts in ((56 * 3, [([0, 0, 2], [0, 1, 0], [5, 5, 7]), ([2], [1], [7])]),
                           (1, [([0], [0], [5]), ([0], [1], [5]),
                                ([2], [0], [7]), ([2], [1], [7])]),
                           (56 * 4, [([0, 0, 2, 2], [0, 1, 0, 1], [5, 5, 7, 7])])):  # fmt: skip
        monkeypatch.setattr(polytopes_, "_NUMBERS", numbers)
        images = polytopes_._none(system)
        asked.clear()
        polytopes_._follow(system, polytopes, images, ints(0, 2))
        assert asked == parts
        assert images.lower[:, :, 1].tolist() == [[0, 1], [np.inf] * 2, [20, 21]]
        assert images.upper[:, :, 2].tolist() == [[0.25, 1.25], [-np.inf] * 2, [20.25, 21.25]]
        assert images.right.tolist() == [[True, True], [False, False], [True, True]]
        assert images.bases[:, :, 0, 0].tolist() == [[1, 1], [0, 0], [1, 1]]
        images.right[1] = True
        polytopes_._follow(system, polytopes, images, ints(1))
        assert images.right[1].tolist() == [True, False]


def test_outputs_of_several_numbers_are_compared_one_by_one(monkeypatch):
    wanted = [[[5, 6], [5, 7]]]
    system = a_system(((0, 0),), outputs=wanted, rows=np.zeros((1, 3, 2)), width=2)
    low = np.broadcast_to([0.0, 0.0, 0.0, 5.0, 6.0], (2, 5))
    monkeypatch.setattr(polytopes_, "_image", lambda *how: (low, low, how[4]))
    images = polytopes_._none(system)
    polytopes_._follow(system, Polytopes(system.rows, *np.zeros((2, 1, 3))), images, ints(0))
    assert images.right.tolist() == [[True, False]]


def test_images_are_bounded_in_parts_that_fit_into_memory(monkeypatch):
    """122 lines of 60 directions and 900 numbers of a basis fit 35 times."""
    sizes = []

    def image_of(system, polytopes, state, item, bases):
        sizes.append(len(state))
        return np.zeros((len(state), 61)), np.zeros((len(state), 61)), bases

    monkeypatch.setattr(polytopes_, "_image", image_of)
    plain, reading = a_system(((0, 0),) * 18), SimpleNamespace(hidden=30)
    made: Any = plain.stepper, reading, np.zeros((18, 60, 1))
    system = System(*made)
    polytopes = Polytopes(system.rows, *np.zeros((2, 18, 60)))
    polytopes_._follow(system, polytopes, polytopes_._none(system), np.arange(18))
    assert sizes == [35, 1]


class Growth:
    """Images that are some function of a polytope's ends, right up to a limit."""

    def __init__(self, monkeypatch, step, limit=1e9, after=((1,), (1,), (0,)), begin=(0.0, 1.0)):
        self.step, self.limit, self.asked = step, limit, []
        self.after, self.begin = ints(*after), begin
        monkeypatch.setattr(polytopes_, "_met", self.met)
        monkeypatch.setattr(polytopes_, "_none", self.none)
        monkeypatch.setattr(polytopes_, "_follow", self.follow)
        rows = np.arange(len(after) * 1.0).reshape(-1, 1, 1)
        self.system: Any = SimpleNamespace(
            rows=rows, price=lambda edges: self.edges.append(edges) or edges,
            stepper=SimpleNamespace(items=range(self.after.shape[1]),
                                    steps=SimpleNamespace(next=self.after)),
        )  # fmt: skip
        self.edges: list[int] = []

    def met(self, system, met):
        assert met == "met"
        lower = np.full((len(self.after), 1), np.inf)
        upper = -lower
        lower[0], upper[0] = self.begin
        return lower, upper

    def none(self, system):
        assert system is self.system
        shape = self.after.shape
        return polytopes_.Images(np.full((*shape, 1), np.inf), np.full((*shape, 1), -np.inf),
                                 np.zeros(shape, bool), np.arange(len(self.after)))  # fmt: skip

    def follow(self, system, polytopes, images, states):
        assert system is self.system
        self.asked.append((states.tolist(), polytopes.lower[:, 0].tolist(),
                           polytopes.upper[:, 0].tolist()))  # fmt: skip
        assert polytopes.rows is self.system.rows
        for state in states:
            low, high = self.step(polytopes.lower[state, 0], polytopes.upper[state, 0])
            images.lower[state], images.upper[state] = low, high
            images.right[state] = high <= self.limit

    def closed(self, work=10_000) -> Any:
        met: Any = "met"
        return polytopes_._closed(self.system, met, Work(work))


INF = np.inf


@pytest.mark.filterwarnings("error")
def test_polytopes_close_where_images_are_inside(monkeypatch):
    growth = Growth(monkeypatch, lambda low, high: (low / 2, high / 2))
    found, rounds = growth.closed()
    assert rounds == 1
    assert growth.asked == [
        ([0], [0.0, INF, INF], [1.0, -INF, -INF]), ([1], [0.0, 0.0, INF], [1.0, 0.5, -INF]),
    ]  # fmt: skip
    assert growth.edges == [1, 1]
    assert found.states.tolist() == found.bases.tolist() == [0, 1]
    assert found.polytopes.rows.ravel().tolist() == [0, 1]
    assert found.polytopes.lower.ravel().tolist() == [0, 0]
    assert found.polytopes.upper.ravel().tolist() == [1, 0.5]


def test_ends_that_move_are_moved_on(monkeypatch):
    growth = Growth(monkeypatch, lambda low, high: (low - 1, high + 2), 90.0, ((0,),))
    found, rounds = growth.closed()
    assert found is None
    lows = [low[0] for _, low, _ in growth.asked]
    highs = [high[0] for _, _, high in growth.asked]
    moves = [1.3] * 5 + [1.6] * 5 + [2.2] * 5 + [3.4] * 5 + [5.8] * 5
    assert -np.diff(lows) == pytest.approx(moves[:rounds])
    assert np.diff(highs) == pytest.approx(2 * np.array(moves[:rounds]))
    assert highs[-1] + 2 > 90 >= highs[-2] + 2
    one = Growth(monkeypatch, lambda low, high: (low - 1, high), 90.0, ((0,),))
    one.closed()
    assert {high[0] for _, _, high in one.asked} == {1.0}
    other = Growth(monkeypatch, lambda low, high: (low, high + 1), 9.0, ((0,),))
    other.closed()
    assert {low[0] for _, low, _ in other.asked} == {0.0}
    assert [high[0] for _, _, high in other.asked][:3] == pytest.approx([1.0, 2.3, 3.6])


def test_growth_ends_at_wrong_outputs_at_its_rounds_and_where_work_ends(monkeypatch):
    drift = Growth(monkeypatch, lambda low, high: (low, high + 1), 1.5, ((0,),))
    assert drift.closed() == (None, 0)
    drift = Growth(monkeypatch, lambda low, high: (low, high + 1), after=((0,),), limit=np.inf)
    assert drift.closed() == (None, 60)
    assert len(drift.asked) == 60
    for work, rounds in ((0, 0), (1, 1), (3, 3)):
        drift = Growth(monkeypatch, lambda low, high: (low, high + 1), after=((0,),))
        assert drift.closed(work) == (None, rounds)
        assert len(drift.asked) == rounds
    many = Growth(monkeypatch, lambda low, high: (low, high), after=((0, 1), (1, 1)))
    many.closed()
    assert many.edges == [2, 2]


def test_claims_list_directions_ends_and_bases():
    system = a_system()
    bases = np.arange(64).reshape(2, 2, 8, 2)
    ends = reals([1, 2, 3], [4, 5, 6]), reals([7, 8, 9], [10, 11, 12])
    found = Closed(ints(0, 3), Polytopes(reals([X, Y, SUM], [X, Y, LESS]), *ends), bases)
    claim = polytopes_._claim(system, found, 0.0)
    assert (claim.verdict, claim.method, claim.length_bound) == ("proved", "induction", None)
    assert claim.count == 2
    assert claim.seconds > 0
    assert claim.statement == (
        "equal on sequences of every length: polytopes of the hidden space for 2 states lead into "
        "each other with equal outputs"
    )
    listed: Any = claim.certificate
    assert (listed["kind"], listed["directions"]) == ("polytopes", 3)
    assert unpacked_rows(listed["states"], 1).tolist() == [[0], [3]]
    assert unpacked_floats(listed["rows"], 2).tolist() == [X, Y, SUM, X, Y, LESS]
    assert unpacked_floats(listed["ends"], 6).tolist() == [
        [1, 2, 3, 7, 8, 9], [4, 5, 6, 10, 11, 12],
    ]  # fmt: skip
    assert unpacked_rows(listed["bases"], 2).tolist() == bases.reshape(-1, 2).tolist()
