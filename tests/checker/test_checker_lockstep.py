"""Relus that do nearly the same: which are paired, and the same function told by their changes."""

from fractions import Fraction

import numpy as np
import pytest

from distill.checker import lockstep
from distill.checker.lockstep import _before, _layers, _pairs, _told, lockstep_form
from distill.checker.relus import Layer, Relus, Sum, relus_of
from distill.normal_form import Affine, Builder, Elementwise, NormalForm
from distill.verify.exact import run_exact
from dsl.algebra import Unsupported

HALF = Fraction(1, 2)
JUST_ABOVE = float(np.nextafter(0.3, 1))


def row(*values) -> np.ndarray:
    return np.array(values, dtype=float)


def of_one_input(*sums: tuple[float, float]) -> Relus:
    """The relus of `a x + b` for pairs (a, b), all of depth 1."""
    relus = Relus(1)
    made = [relus.relu(Sum({0: Fraction(a)}, Fraction(b))) for a, b in sums]
    relus.outputs = [sum_of(*made)]
    return relus


def sum_of(*parts: Sum) -> Sum:
    total = Sum({})
    for part in parts:
        total = total.plus(part)
    return total


def paired(*sums: tuple[float, float], ends: tuple[float, float] = (-1.0, 1.0)) -> dict[int, int]:
    return _pairs(of_one_input(*sums), row(ends[0]), row(ends[1]))


def plain(sums: list[Sum]) -> list[tuple]:
    return [(z.weights, z.constant) for z in sums]


def layer(found: Layer) -> tuple:
    return found.function, found.units, [plain(sums) for sums in found.sources]


def functions(form: NormalForm) -> list[str]:
    return [node.function for node in form.nodes if isinstance(node, Elementwise)]


def copies(shift: float = 0.125) -> NormalForm:
    """Two layers of two inputs, and the same moved a little: what differs between their sums."""
    builder = Builder(2)
    first = np.array([[2.0, 1.0], [-1.0, 3.0]])
    inner = builder.affine(
        [(0, np.concatenate([first, first]))], row(0.5, -0.25, 0.5 + shift, -0.25 - shift)
    )
    bent = builder.elementwise("relu", inner)
    second = np.array([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]])
    outer = builder.elementwise("relu", builder.affine([(bent, second)], row(-1.0, -1.0)))
    return builder.build(builder.affine([(outer, np.array([[3.0, -3.0]]))], row(0.75)))


def test_sums_are_computed_unit_after_unit():
    relus = Relus(2)
    inner = relus.relu(Sum({0: Fraction(2), 1: Fraction(-1)}, HALF))
    relus.relu(Sum({1: Fraction(3)}, Fraction(-1)))
    relus.relu(inner.plus(Sum({1: Fraction(1)}, Fraction(-4))))
    found = _before(relus, np.array([[1.0, 2.0], [-3.0, 1.0], [4.0, 0.25]]))
    assert found.tolist() == [[0.5, 5.0, -1.5], [-6.5, 2.0, -3.0], [8.25, -0.25, 4.5]]


def test_the_nearer_two_of_three_are_paired():
    assert paired((1, 0), (1, 0.5), (1, 0.25 + 0.125)) == {2: 1}
    assert paired((1, 0), (1, 0.125), (1, 0.5)) == {1: 0}
    assert paired((1, 0), (1, 0.5), (1, -0.125)) == {2: 0}


def test_every_relu_is_in_one_pair_at_most():
    near = [(1, 0), (1, 1 / 64), (1, 0.25), (1, 0.25 + 1 / 32), (1, -0.125)]
    assert paired(*near) == {1: 0, 3: 2}
    assert paired((1, 0), (1, 1 / 64), (1, 1 / 32), (1, 3 / 64)) == {1: 0, 3: 2}


def test_pairs_of_one_distance_are_taken_in_order():
    """At the point 0 every third sum is the same, and the others are next to nothing apart."""
    sums = [(k + 1, k % 3 * 2.0**-1000) for k in range(24)]
    firsts = [k for k in range(24) if k % 6 < 3]
    assert paired(*sums, ends=(0.0, 0.0)) == {k + 3: k for k in firsts}


def test_sums_that_do_not_vary_are_pairs_where_they_are_equal():
    assert paired((1, 0), (2, -1), ends=(1.0, 1.0)) == {1: 0}
    assert paired((1, 0), (2, -0.9), ends=(1.0, 1.0)) == {}


def test_what_is_near_is_a_share_of_how_far_the_first_varies():
    assert paired((1, 0), (1, 0.5)) == {1: 0}
    assert paired((1, 0), (1, 0.75)) == {}
    small = 2.0**-40
    assert paired((small, 0), (small, small / 2)) == {1: 0}
    assert paired((small, 0), (small, small)) == {}
    assert paired((4, 0), (1, 0)) == {}
    assert paired((1, 0), (4, 0)) == {}
    assert paired((1, 0), (-1, 0.125)) == {}


@pytest.mark.parametrize(("apart", "found"), [(0.3, {3: 2}), (JUST_ABOVE, {})])
def test_a_share_of_three_tenths_is_near_and_more_is_not(apart, found):
    """u = relu(2 x) - relu(2 x - 1) is 0 and 1 on large parts of the box, so it varies by 1."""
    relus = Relus(1)
    u = relus.relu(Sum({0: Fraction(2)})).plus(
        relus.relu(Sum({0: Fraction(2)}, Fraction(-1))), Fraction(-1)
    )
    moved = Sum({}, Fraction(apart)).plus(u, 1 - Fraction(apart))
    relus.outputs = [sum_of(relus.relu(u), relus.relu(moved))]
    assert _pairs(relus, row(-0.1), row(1.0)) == found


def test_only_relus_of_one_depth_are_paired():
    relus = Relus(1)
    first = relus.relu(Sum({0: Fraction(1)}))
    second = relus.relu(first.plus(Sum({}, Fraction(-1, 64))))
    third = relus.relu(first.plus(Sum({}, Fraction(-1, 32))))
    relus.outputs = [sum_of(second, third)]
    assert _pairs(relus, row(0.5), row(1.0)) == {2: 1}
    relus.outputs = [second]
    assert _pairs(relus, row(0.5), row(1.0)) == {}


def test_pairs_are_looked_for_all_over_the_box_and_the_same_each_time(monkeypatch):
    seen = []

    def before(relus, points):
        seen.append(points)
        return _before_unchanged(relus, points)

    _before_unchanged = _before
    monkeypatch.setattr(lockstep, "_before", before)
    relus = relus_of(copies())
    low, high = row(-1.0, 2.0), row(3.0, 2.5)
    _pairs(relus, low, high)
    _pairs(relus, low, high)
    assert seen[0].shape == (128, 2)
    assert (seen[0] == seen[1]).all()
    assert ((low <= seen[0]) & (seen[0] <= high)).all()
    assert (seen[0].min(axis=0) < low + 0.1 * (high - low)).all()
    assert (seen[0].max(axis=0) > high - 0.1 * (high - low)).all()


def test_a_told_relu_is_its_leader_and_the_change():
    z = Sum({0: Fraction(7), 2: Fraction(5), 3: Fraction(2), 4: Fraction(-3), 5: HALF}, HALF)
    found = _told(z, 2, {2: 0, 3: 1})
    assert found.weights == {0: 7, 2: 2, 3: Fraction(5, 2), 4: -3, 5: HALF}
    assert found.constant == HALF
    both = _told(z, 2, {1: 0, 2: 0})
    assert both.weights == {0: 7, 2: 4, 3: 2, 4: -3, 5: HALF}
    assert plain([_told(z, 2, {})]) == plain([z])


def test_a_depth_is_its_leaders_and_then_their_changes():
    relus = relus_of(copies())
    first, second = (
        Sum({0: Fraction(2), 1: Fraction(1)}, HALF),
        Sum({0: Fraction(-1), 1: Fraction(3)}, Fraction(-1, 4)),
    )
    eighth = Fraction(1, 8)
    leads = {2: 0, 3: 1, 5: 4}
    assert [layer(found) for found in _layers(relus, [0, 1, 2, 3], leads)] == [
        ("relu", [2, 3], [plain([first, second])]),
        ("relu_change", [4, 5], [plain([first, second]), [({}, eighth), ({}, -eighth)]]),
    ]
    assert [layer(found) for found in _layers(relus, [0, 1], leads)] == [
        ("relu", [2, 3], [plain([first, second])])
    ]
    leader = Sum({2: Fraction(1), 3: Fraction(2)}, Fraction(-1))
    assert [layer(found) for found in _layers(relus, [4, 5], leads)] == [
        ("relu", [6], [plain([leader])]),
        ("relu_change", [7], [plain([leader]), [({4: 1, 5: 2}, 0)]]),
    ]


def test_what_is_told_by_changes_is_the_same_function():
    form = copies()
    found = lockstep_form(form, row(-1.0, -1.0), row(1.0, 1.0))
    assert functions(found) == ["relu", "relu_change", "relu", "relu_change"]
    for point in [(0.0, 0.0), (1.0, 1.0), (-1.0, 0.75), (0.5, -1.0), (-0.25, -0.0625), (1.0, -0.5)]:
        assert run_exact(found, row(*point)) == run_exact(form, row(*point))
    last = found.nodes[found.output]
    assert isinstance(last, Affine)
    ((source, weights),) = last.terms
    assert isinstance(found.nodes[source], Elementwise)
    assert (weights.tolist(), last.bias.tolist()) == ([[-3.0]], [0.75])


def test_a_relu_without_a_pair_stays_as_it_is():
    builder = Builder(1)
    inner = builder.affine([(0, np.array([[1.0], [4.0], [1.0]]))], row(0.0, 2.0, 0.25))
    bent = builder.elementwise("relu", inner)
    form = builder.build(builder.affine([(bent, np.array([[1.0, 2.0, -5.0]]))], row(0.0)))
    found = lockstep_form(form, row(-1.0), row(1.0))
    assert functions(found) == ["relu", "relu_change"]
    assert found.widths() == (1, 2, 2, 1, 1, 1, 1)
    for x in (-1.0, -0.375, -0.125, 0.0, 0.5):
        assert run_exact(found, row(x)) == run_exact(form, row(x))


def test_without_pairs_there_is_nothing_to_tell():
    with pytest.raises(Unsupported, match="no two relus do nearly the same"):
        lockstep_form(copies(shift=8.0), row(-1.0, -1.0), row(1.0, 1.0))
    builder = Builder(1)
    curved = builder.build(builder.elementwise("tanh", 0))
    with pytest.raises(Unsupported, match="tanh"):
        lockstep_form(curved, row(-1.0), row(1.0))
