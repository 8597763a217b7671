"""The check of polytopes: what is read of a certificate, images by hand, what is refused."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker import polytopes as polytopes_
from distill.checker.polytopes import Polytopes, Reading, _least, _solved, polytopes_finding
from distill.checker.quick import Below
from distill.checker.smooth import NoBound
from distill.checker.tree import Refused
from distill.normal_form import Affine, Builder
from distill.recurrent import cell_of_layers
from distill.target import parse_output
from distill.verify.packed import packed_floats, packed_rows

pytestmark = pytest.mark.filterwarnings("error")
X, Y, SUM, LESS = (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, -1.0)


def ints(*values) -> Any:
    return np.array(values, dtype=np.int64)


def reals(*values) -> Any:
    return np.array(values, dtype=float)


def polytopes(states, rows, lower, upper, bases=None) -> Polytopes:
    return Polytopes(
        ints(*states), reals(*rows), reals(*lower), reals(*upper), ints(*(bases or []))
    )


def certificate(**changes) -> dict[str, Any]:
    """Of one hidden number for states 0 and 3, under two items, with one output."""
    plain = {
        "directions": 2,
        "states": packed_rows(ints([0], [3])),
        "rows": packed_floats(reals([1.0], [2.0], [1.0], [-3.0])),
        "ends": packed_floats(reals([-1.0, -2.0, 1.0, 2.0], [-3.0, -4.0, 3.0, 9.0])),
        "bases": packed_rows(ints(*([k % 2] for k in range(24)))),
    }
    return plain | changes


def test_polytopes_are_read_with_their_directions_ends_and_bases():
    found = polytopes_._listed(certificate(), 1, 1, 2)
    assert found.states.tolist() == [0, 3]
    assert found.rows.tolist() == [[[1.0], [2.0]], [[1.0], [-3.0]]]
    assert found.lower.tolist() == [[-1.0, -2.0], [-3.0, -4.0]]
    assert found.upper.tolist() == [[1.0, 2.0], [3.0, 9.0]]
    assert found.bases.shape == (2, 2, 6, 1)
    assert found.bases[1, 1].ravel().tolist() == [0, 1] * 3


def test_polytopes_that_are_not_listed_in_full_are_refused():
    for change, why in (
        ({"directions": 0}, "1 to 512"), ({"directions": 513}, "1 to 512"),
        ({"directions": True}, "1 to 512"), ({"directions": 2.0}, "1 to 512"),
        ({"directions": None}, "1 to 512"), ({"directions": 1}, "without all"),
        ({"states": packed_rows(ints([0]))}, "without all"),
        ({"rows": packed_floats(reals([1.0], [2.0], [1.0]))}, "without all"),
        ({"ends": packed_floats(np.zeros((3, 4)))}, "without all"),
        ({"bases": packed_rows(ints(*([0] for _ in range(25))))}, "without all"),
        ({"bases": packed_rows(ints(*([k // 12] for k in range(24))) * 2)}, "names a direction"),
        ({"bases": packed_rows(ints(*([-(k // 23)] for k in range(24))))}, "names a direction"),
        ({"rows": packed_floats(reals([1.0], [2.0], [2.0], [1.0]))}, "first directions"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            polytopes_._listed(certificate(**change), 1, 1, 2)


def test_as_many_directions_as_hidden_numbers_are_enough_and_five_hundred_and_twelve_not_too_many():
    for many in (1, 512):
        rows = np.ones((many, 1))
        found = polytopes_._listed({
            "directions": many, "states": packed_rows(ints([0])), "rows": packed_floats(rows),
            "ends": packed_floats(np.zeros((1, 2 * many))),
            "bases": packed_rows(np.zeros((2 * (many + 1), 1), dtype=np.int64)),
        }, 1, 1, 1)  # fmt: skip
        assert found.rows.shape == (1, many, 1)


def machine(after, outputs=None) -> Any:
    return SimpleNamespace(next=ints(*after), outputs=outputs)


def test_polytopes_are_for_all_states_that_are_reached_in_order():
    steps = machine([[0, 2], [1, 1], [2, 0]])
    for states, why in (([0, 2], ""), ([0, 1, 2], ""), ([], "order"), ([0, 0, 2], "order"),
                        ([2, 0], "order"), ([1], "order"), ([0, 2, 3], "hasn't"),
                        ([0], "no polytope"), ([0, 1], "no polytope")):  # fmt: skip
        listed = polytopes(states, [], [], [])
        if not why:
            polytopes_._check_states(listed, steps)
            continue
        with pytest.raises(Refused, match=why):
            polytopes_._check_states(listed, steps)


def test_the_first_hidden_state_lies_in_its_polytope_exactly():
    exact = Fraction(0.1) * Fraction(0.3)
    near = 0.1 * 0.3
    low, high = (near, np.nextafter(near, 1)) if near <= exact else (np.nextafter(near, 0), near)
    assert low < exact < high

    def inside(lower, upper):
        rows = [[[1.0], [0.1]], [[1.0], [50.0]]]
        listed = polytopes([0, 1], rows, [lower, [5.0] * 2], [upper, [5.0] * 2])
        polytopes_._check_first(listed, reals(0.3))

    inside([0.3, low], [0.3, high])
    for lower, upper in (
        ([0.3, high], [0.3, 9]), ([0.3, -9], [0.3, low]), ([0.4, low], [0.5, high]),
        ([0.1, low], [0.2, high]),
    ):  # fmt: skip
        with pytest.raises(Refused, match="first hidden state"):
            inside(lower, upper)


def test_directions_are_shared_as_far_as_all_polytopes_begin_alike():
    rows = reals([X, Y, SUM, LESS], [X, Y, SUM, SUM], [X, Y, SUM, SUM])
    assert polytopes_._alike(rows).tolist() == [list(X), list(Y), list(SUM)]
    assert polytopes_._alike(rows[1:]).tolist() == rows[1].tolist()
    rows[1, 2, 0] = 7.0
    assert polytopes_._alike(rows).tolist() == [list(X), list(Y)]


def sized(count, many, hidden, lines) -> Any:
    return SimpleNamespace(
        rows=SimpleNamespace(shape=(count, many, hidden)),
        bases=SimpleNamespace(shape=(count, 2, lines, hidden)),
    )


def test_steps_are_bounded_in_parts_that_fit_into_memory():
    for many, hidden, size in ((512, 22, 2), (512, 32, 1), (2000, 32, 1), (128, 8, 8), (256, 2, 4),
                               (4000, 2, 1)):  # fmt: skip
        parts = list(polytopes_._pairs(sized(3, many, hidden, 2048), 2))
        assert [len(state) for state, _ in parts] == (6 // size) * [size] + [6 % size] * (
            6 % size > 0
        )
        states, items = (np.concatenate(column) for column in zip(*parts, strict=True))
        assert states.tolist() == [0, 0, 1, 1, 2, 2]
        assert items.tolist() == [0, 1] * 3


def cell():
    """h0' = h0 / 2 + x, h1' = h0 + h1 / 2, y = h0' + 2 h1'."""
    step = [(reals([0.5, 0.0, 1.0], [1.0, 0.5, 0.0]), np.zeros(2))]
    return cell_of_layers(step, [(reals([1.0, 2.0]), np.zeros(1))]).normal_form()


def test_a_cell_reads_its_sums_off_shared_directions():
    form = Builder(4)
    form.affine([(0, reals([1, 1, 5, 6], [2, 2, 0, 0], [0, 0, 1, 0]))], reals(7, 8, 9))
    form.elementwise("relu", 1)
    last = form.affine([(0, reals([1, 0, 0, 3])), (2, reals([1, 2, 3]))], reals(0))
    bent = form.build(last)
    rows = reals(X, Y, SUM, SUM)
    reading = Reading(bent, rows)
    assert reading.form.input_width == 6
    assert reading.form.output == last
    first, relu, end = reading.form.nodes[1:]
    assert relu == bent.nodes[2]
    assert isinstance(first, Affine) and isinstance(end, Affine)
    assert first.terms[0][1].tolist() == [
        [0, 0, 1, 0, 5, 6], [2, 2, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0],
    ]  # fmt: skip
    assert first.bias.tolist() == [7, 8, 9]
    assert end.terms[0][0] == 0
    assert end.terms[0][1].tolist() == [[1, 0, 0, 0, 0, 3]]
    assert end.terms[1][0] == 2
    assert end.terms[1][1].tolist() == [[1, 2, 3]]
    point, item = reals(3, -2), reals(4, 5)
    assert reading.form.run(np.concatenate([rows @ point, item])[None]).tolist() == bent.run(
        np.concatenate([point, item])[None]
    ).tolist()  # fmt: skip
    zero = Reading(bent, reals(X, Y, (0.0, 0.0)))
    assert zero._columns(reals([0, 0, 1, 2])).tolist() == [[0, 0, 0, 1, 2]]


def test_cells_that_bend_hidden_numbers_are_refused():
    form = Builder(3)
    form.elementwise("relu", 0)
    bent = form.build(form.affine([(1, np.eye(3))], np.zeros(3)))
    with pytest.raises(Refused, match="first form sums"):
        Reading(bent, reals(X, Y))


def two_polytopes() -> Polytopes:
    """0 to 2 on both axes and a sum from 1 to 3, or a difference from -1 to 1."""
    places = {"xy": [0, 1], "sx": [2, 0], "sy": [2, 1]}
    some, others = ([places[name] for name in ("xy", "sx", third, "sx")] for third in ("sy", "sx"))
    return polytopes(
        [0, 1], [[X, Y, SUM], [X, Y, LESS]], [[0, 0, 1], [0, 0, -1]], [[2, 2, 3], [2, 2, 1]],
        [[2 * some, 2 * others]] * 2,
    )  # fmt: skip


def images(items=((3.0,), (-5.0,)), state=(0, 0), item=(0, 1), goal=(1, 0), reading=None):
    listed = two_polytopes()
    return polytopes_._images(
        reading or Reading(cell(), polytopes_._alike(listed.rows)), listed, ints(*state),
        ints(*item), reals(*items), ints(*goal),
    )  # fmt: skip


LOW = [[3.0, 0.5, 1.5, 4.0], [-5.0, 0.5, -4.5, -4.0]]
HIGH = [[4.0, 2.5, 2.5, 9.0], [-4.0, 2.5, -1.5, 1.0]]
"""Of the next hidden numbers, of their difference or sum, and of the output."""


def test_images_are_bounded_along_the_next_directions_and_outputs():
    low, high = images()
    assert low == pytest.approx(reals(*LOW), abs=1e-4)
    assert high == pytest.approx(reals(*HIGH), abs=1e-4)
    assert (low < reals(*LOW)).all()
    assert (high > reals(*HIGH)).all()
    alone, _ = images(state=(0,), item=(1,), goal=(0,))
    assert alone[0] == pytest.approx(low[1], abs=1e-12)


def test_rounding_errors_of_the_cell_are_added_along_directions(monkeypatch):
    asked = []

    def errors(form, own, nodes):
        asked.append((form, own, nodes))
        return {form.output: reals([1000.0, 2000.0, 4000.0], [1.0, 2.0, 4.0])}

    monkeypatch.setattr(polytopes_, "errors_within", errors)
    low, high = images()
    error = reals([1000, 2000, 3000, 4000], [1, 2, 3, 4]) * (1 + 1e-9)
    assert low == pytest.approx(reals(*LOW) - error, abs=1e-10)
    assert high == pytest.approx(reals(*HIGH) + error, abs=1e-10)
    ((form, own, nodes),) = asked
    assert nodes == len(form.nodes) == len(cell().nodes)
    assert [end.tolist() for end in own[0]] == [
        [[0, 0, 3], [0, 0, -5]], [[2, 2, 3], [2, 2, -5]],
    ]  # fmt: skip
    assert own[form.output][0][0] == pytest.approx([3.0, 0.0, 3.0], abs=1e-9)


def test_images_are_rounded_outward(monkeypatch):
    def least(*how):
        return reals([1.0, 2.0, 3.0, 4.0, -5.0, -6.0, -7.0, -8.0])

    monkeypatch.setattr(polytopes_, "_least", least)
    monkeypatch.setattr(
        polytopes_, "errors_within", lambda form, *how: {form.output: np.zeros((1, 3))}
    )
    low, high = images(state=(0,), item=(0,), goal=(1,))
    assert low.tolist() == [[np.nextafter(v, -np.inf) for v in (1.0, 2.0, 3.0, 4.0)]]
    assert high.tolist() == [[np.nextafter(v, np.inf) for v in (5.0, 6.0, 7.0, 8.0)]]


def test_steps_that_are_not_bounded_are_refused(monkeypatch):
    with pytest.raises(Refused, match="isn't bounded"):
        images(items=((3.0,), (1e120,)))

    def walked(*how):
        raise NoBound("no way")

    monkeypatch.setattr(polytopes_, "walked", walked)
    with pytest.raises(Refused, match="a step isn't bounded: no way"):
        images()


def test_directions_and_outputs_are_wanted():
    assert polytopes_._wanted(reals([X, Y, SUM], [X, Y, LESS]), 4).tolist() == [
        [[1, 0, 0, 0], [0, 1, 0, 0], [1, part, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        for part in (1, -1)
    ]


def by_loops(line, room, shared, item, lower, upper, used, ends, weights) -> float:
    """What one line has at least on one polytope, number by number."""
    up, count, hidden = 1 + 1e-9, len(shared), len(shared[0])
    f, fixed = line.factor[0, 0][:count], line.factor[0, 0][count:]
    products = [a * (lo if a > 0 else hi) for a, lo, hi in zip(f, lower, upper, strict=False)]
    plain = sum(products) - room * sum(map(abs, products))
    lost = 0.0
    for axis in range(hidden):
        form = sum(a * row[axis] for a, row in zip(f, shared, strict=True))
        lacks = abs(form - sum(w * row[axis] for w, row in zip(weights, used, strict=True)))
        about = sum(abs(a * row[axis]) for a, row in zip(f, shared, strict=True))
        about += sum(abs(w * row[axis]) for w, row in zip(weights, used, strict=True))
        lost += (lacks + room * about) * up * max(abs(lower[axis]), abs(upper[axis]))
    held = [w * (lo if w > 0 else hi) for w, (lo, hi) in zip(weights, ends, strict=True)]
    best = max(plain, sum(held) - lost - room * sum(map(abs, held)))
    items = [a * x for a, x in zip(fixed, item, strict=True)]
    size = line.size[0, 0] + abs(line.constant[0, 0]) + sum(map(abs, items))
    return line.constant[0, 0] + sum(items) + best - room * (size + abs(best)) * up


@pytest.mark.parametrize("room", [0.0, 2.0**-10, 2.0**-4])
@pytest.mark.parametrize("seed", range(8))
def test_least_values_are_lowered_by_what_rounding_may_do(seed, room, monkeypatch):
    """Where the multipliers are better than the box, and where they lack something of the form."""
    rng = np.random.default_rng(seed)
    shared = reals(X, Y, SUM)
    used, weights = reals(SUM, LESS), rng.uniform(-2, 2, 2)
    form = weights @ used
    factor = np.concatenate([form, [0.0], rng.uniform(-2, 2, 2)])
    if seed % 2:
        factor[:3] += [-0.5, -0.5, 0.5]
    if seed >= 6:
        factor[0] += 0.125
    line = Below(factor[None, None], reals([rng.uniform(-1, 1)]), reals([rng.uniform(1, 2)]))
    lower, upper = reals(-2.0, -3.0, -0.25, -0.125), reals(3.0, 1.0, 0.25, 0.5)
    item = rng.uniform(-2, 2, 2)
    ends = lower[2:], upper[2:]
    monkeypatch.setattr(polytopes_, "_solved", lambda used, form: weights[None, None])
    found = _least(line, room, shared, item[None], (lower[None], upper[None]), used[None, None],
                   (ends[0][None, None], ends[1][None, None]))  # fmt: skip
    expected = by_loops(line, room, shared, item, lower, upper, used,
                        list(zip(*ends, strict=True)), weights)  # fmt: skip
    assert found[0, 0] == pytest.approx(expected, abs=1e-12)


def test_every_line_and_polytope_counts_by_itself():
    rng = np.random.default_rng(0)
    shared, used = reals(X, Y), np.broadcast_to(reals(SUM, LESS), (2, 3, 2, 2))
    line = Below(rng.uniform(-1, 1, (2, 3, 3)), rng.uniform(-1, 1, (2, 3)), np.ones((2, 3)))
    lower = rng.uniform(-2, -1, (2, 4))
    upper, items = lower + 1.5, rng.uniform(-1, 1, (2, 1))
    ends = tuple(np.broadcast_to(end[:, None, 2:], (2, 3, 2)) for end in (lower, upper))
    found = _least(line, 0.01, shared, items, (lower, upper), used, (ends[0], ends[1]))
    for e in range(2):
        for r in range(3):
            own = Below(line.factor[e:e + 1, r:r + 1], line.constant[e:e + 1, r:r + 1],
                        line.size[e:e + 1, r:r + 1])  # fmt: skip
            a, b = line.factor[e, r, :2]
            weights = [(a + b) / 2, (a - b) / 2]
            expected = by_loops(own, 0.01, shared, items[e], lower[e], upper[e], used[e, r],
                                list(zip(lower[e, 2:], upper[e, 2:], strict=True)),
                                weights)  # fmt: skip
            assert found[e, r] == pytest.approx(expected, abs=1e-12)


def test_nothing_is_rounded_down_as_well():
    line = Below(np.zeros((1, 1, 1)), np.zeros((1, 1)), np.zeros((1, 1)))
    ends = np.full((1, 1, 1), 2.0)
    found = _least(line, 1e-13, np.eye(1), np.zeros((1, 0)), (ends[0], ends[0]),
                   np.ones((1, 1, 1, 1)), (ends, ends))  # fmt: skip
    assert found.tolist() == [[-1e-200]]


def test_weights_add_up_to_a_form():
    used = reals([[[1, 1], [0, 1]], [[2, 0], [1, 1]]])
    assert _solved(used, reals([[1, 3], [3, 1]])) == pytest.approx(reals([[1, 2], [1, 1]]))
    for diagonal, flat in (((1, 1, 1e-12), True), ((1, 1, 1.1e-12), False), ((1, 1e-13, 1), True),
                           ((1e3, 1, 1e-10), True), ((1e3, 1e-10, 1e-8), True),
                           ((1e-13, 1e-13, 1e-13), False), ((1, 0.5, 0.5), False),
                           ((0, 0, 0), True)):  # fmt: skip
        found = _solved(np.diag(reals(*diagonal))[None, None], reals([[2, 3, 4]]))
        assert (found == 0).all() == flat, diagonal
        if not flat:
            assert found[0, 0] == pytest.approx(reals(2, 3, 4) / diagonal)
    both = reals([[[1, 1], [1, 1]], [[2, 0], [0, 2]]])
    assert _solved(both, reals([[1, 3], [3, 1]])).tolist() == [[[0, 0], [1.5, 0.5]]]


class Step:
    """Images that are as good as they may be, with what is asked of them."""

    def __init__(self, monkeypatch, worse=0.0, output=0.0, axis=0):
        self.asked: list[Any] = []
        self.worse, self.output, self.axis = worse, output, axis
        monkeypatch.setattr(polytopes_, "_images", self.images)
        monkeypatch.setattr(polytopes_, "_NUMBERS", 12 * 3)
        outputs = np.arange(8.0).reshape(4, 2, 1)
        self.machine = machine([[0, 3], [9, 9], [9, 9], [3, 0]], outputs)
        layers = [(reals([0.5, 1.0]), np.zeros(1))], [(reals([1.0]), np.zeros(1))]
        network = SimpleNamespace(
            hidden=1, output_width=1, initial=reals(0.5), cell=cell_of_layers(*layers)
        )
        self.oracle: Any = SimpleNamespace(network=network, output=parse_output("int"))

    def images(self, reading, listed, state, item, items, goal):
        self.asked.append((state.tolist(), item.tolist(), goal.tolist(), items.tolist()))
        assert reading.rows.tolist() == [[1.0]]
        assert reading.cell.input_width == 2
        wanted = self.machine.outputs[listed.states[state], item]
        low, high = listed.lower[goal].copy(), listed.upper[goal].copy()
        if self.worse < 0:
            low[-1, self.axis] += self.worse
        else:
            high[-1, self.axis] += self.worse
        wrong = np.zeros_like(wanted)
        wrong[-1] = self.output
        return np.concatenate([low, wanted - 0.25 + wrong], 1), np.concatenate(
            [high, wanted + 0.25 + wrong], 1
        )

    def finding(self, first=0.5, **changes):
        self.oracle.network.initial = reals(first)
        return polytopes_finding(self.oracle, self.machine, reals([7], [8]), certificate(**changes))


def test_polytopes_that_lead_into_each_other_with_right_outputs_are_confirmed(monkeypatch):
    step = Step(monkeypatch)
    found = step.finding()
    assert found.state == "holds"
    assert found.text == (
        "2 polytopes for 4 states of the program lead into each other with right outputs under all "
        "2 items (24 lines bounded, float32 rounding added)"
    )
    assert step.asked == [
        ([0, 0, 1], [0, 1, 0], [0, 1, 1], [[7], [8]]), ([1], [1], [0], [[7], [8]]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [{"worse": -1e-9}, {"worse": 1e-9}, {"worse": 1e-9, "axis": 1}, {"worse": -1e-9, "axis": 1},
     {"output": 0.3}, {"output": -0.3}, {"worse": 1.0, "output": 1.0}],
)  # fmt: skip
def test_polytopes_that_lead_elsewhere_or_to_wrong_outputs_are_refused(monkeypatch, how):
    with pytest.raises(Refused, match="doesn't lead"):
        Step(monkeypatch, **how).finding()


def test_other_certificates_are_refused(monkeypatch):
    step = Step(monkeypatch)
    with pytest.raises(Refused, match="first hidden state"):
        step.finding(1.5)
    with pytest.raises(Refused, match="order"):
        step.finding(states=packed_rows(ints([3], [0])))


def test_steps_to_bound_are_limited(monkeypatch):
    listed = SimpleNamespace(states=range(3))
    monkeypatch.setattr(polytopes_, "_listed", lambda *how: listed)
    step = Step(monkeypatch)
    for count, why in ((26_667, "more than 80,000"), (26_666, "order")):
        monkeypatch.setattr(polytopes_, "_check_states", lambda *how: refuse("order"))
        items: Any = range(count)
        with pytest.raises(Refused, match=why):
            polytopes_finding(step.oracle, step.machine, items, {})

    listed.states = range(1)
    for count, why in ((80_001, "more than 80,000"), (80_000, "order")):
        items = range(count)
        with pytest.raises(Refused, match=why):
            polytopes_finding(step.oracle, step.machine, items, {})


def refuse(why):
    raise Refused(why)
