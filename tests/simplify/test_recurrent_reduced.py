"""A recurrent network keeps its outputs without the numbers that they don't need."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.simplify.minimal import AffineCell, affine_cell, minimal
from distill.simplify.reach import reachable
from distill.simplify.recurrent import reduced

UNIT = (np.array([-1.0]), np.array([1.0]))


def dyadic(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Numbers of which sums of a few are exact in float64."""
    return rng.integers(-64, 65, shape) / 64.0


def plain(rng: np.random.Generator, hidden: int) -> list[np.ndarray]:
    """A, B, b, C, d and h of h' = relu(A h + B x + b), y = C h' + d."""
    shapes = ((hidden, hidden), (hidden, 1), (hidden,), (1, hidden), (1,), (hidden,))
    return [dyadic(rng, *shape) for shape in shapes]


def network(parts: list[np.ndarray]) -> RecurrentNetwork:
    a, b, bias, c, d, start = parts
    wide = len(start)
    step = [(np.concatenate([a, b], 1), bias), (np.eye(wide), np.zeros(wide))]
    return RecurrentNetwork(cell_of_layers(step, [(c, d)]), start)


def widened(parts: list[np.ndarray], row: np.ndarray, start: float, read: float) -> list:
    """With another state number: row (h, itself, x, 1), first value, weight in the output."""
    a, b, bias, c, d, first = parts
    wide = len(first)
    more = np.zeros((wide + 1, wide + 1))
    more[:wide, :wide], more[wide] = a, row[: wide + 1]
    return [
        more, np.append(b, row[wide + 1 : wide + 2, None], 0), np.append(bias, row[-1]),
        np.append(c, [[read]], 1), d, np.append(first, start),
    ]  # fmt: skip


def outputs(model: RecurrentNetwork, count: int = 40) -> np.ndarray:
    """Outputs of the normal form in float64, on items in [-1, 1]."""
    items = np.random.default_rng(3).uniform(-1, 1, (count, 7, 1))
    form = model.cell.normal_form()
    state = np.broadcast_to(model.initial, (count, model.hidden))
    found = []
    for t in range(7):
        both = form.run(np.concatenate([state, items[:, t]], 1))
        state = both[:, : model.hidden]
        found.append(both[:, model.hidden :])
    return np.stack(found, 1)


def same(first: RecurrentNetwork, second: RecurrentNetwork) -> bool:
    ours, theirs = outputs(first), outputs(second)
    return np.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


PLANTED = ["unread", "constant", "twin", "off"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.lists(st.sampled_from(PLANTED), max_size=4))
def test_planted_numbers_go_and_outputs_stay(seed: int, hidden: int, planted: list[str]):
    rng = np.random.default_rng(seed)
    parts = plain(rng, hidden)
    alone = reduced(network(parts), UNIT)
    assert same(network(parts), alone.network)
    twins: list[int] = []
    for kind in planted:
        wide = len(parts[-1])
        row = dyadic(rng, wide + 3)
        start, read = float(dyadic(rng)), float(dyadic(rng))
        if kind == "unread":  # reads all, and nothing reads it
            read = 0.0
        elif kind == "constant":
            row, start = np.append(np.zeros(wide + 2), 0.75), 0.75
        elif kind == "off":  # below 0 for all items, and 0 from the start
            row, start = np.append(np.zeros(wide + 1), [0.5, -1.0]), 0.0
        else:
            row = np.concatenate([parts[0][0], [0.0], parts[1][0], parts[2][:1]])
            start = float(parts[-1][0])
        parts = widened(parts, row, start, read)
        if kind != "unread":  # the others read it, too
            parts[0][:hidden, wide] = dyadic(rng, hidden)
        twins += [wide] * (kind == "twin")
        parts[0][twins] = parts[0][0]
    found = reduced(network(parts), UNIT)
    assert same(network(parts), found.network)
    assert found.used <= found.network.hidden <= hidden
    assert found.network.cell.normal_form().run(np.zeros((1, found.network.hidden + 1))).shape


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_nothing_that_matters_goes(seed: int, hidden: int):
    """All weights differ from 0 and each other: all numbers are used where units can be on."""
    rng = np.random.default_rng(seed)
    parts = [p + 1.5 for p in plain(rng, hidden)]
    parts = [p * rng.uniform(1, 1.1, p.shape) for p in parts]
    found = reduced(network(parts), UNIT)
    assert found.network.hidden == hidden
    assert found.used == hidden
    assert same(network(parts), found.network)


def test_relus_that_are_always_on_are_no_longer_there():
    model = network([np.array([[0.5]]), np.ones((1, 1)), np.array([4.0]), np.ones((1, 1)),
                     np.zeros(1), np.array([8.0])])  # fmt: skip
    low, high = reachable(model.cell.normal_form(), model.initial, UNIT)
    assert 0 < low[0] <= 6.0 and 10.0 <= high[0] < 11.0
    found = reduced(model, UNIT)
    assert found.units == (1, 0)
    assert all(not hasattr(n, "function") for n in found.network.cell.normal_form().nodes)
    assert same(model, found.network)
    assert reduced(model).units == (1, 1)  # not so for all items


def test_a_product_with_what_stays_0_goes_with_its_state():
    """h' = (x, h0 * h1), y = x + h1: the second number stays 0, and the first isn't read."""
    builder = Builder(3)
    held = [builder.affine([(0, row[None])], np.zeros(1)) for row in np.eye(3)[:2]]
    product = builder.elementwise("mul", *held)
    rows = [(0, np.array([[0, 0, 1.0], [0, 0, 0], [0, 1.0, 1.0]])),
            (product, np.array([[0], [1.0], [0]]))]  # fmt: skip
    form = builder.build(builder.affine(rows, np.zeros(3)))
    model = RecurrentNetwork(network_from_normal_form(form, "cell"), np.zeros(2))
    found = reduced(model)
    assert (found.used, found.units) == (0, (1, 0))
    assert same(model, found.network)


def test_weights_whose_sum_is_no_float_are_left_apart():
    """Twins weighed 1 and 2**-60: one number can't stand for both."""
    twins = [np.zeros((2, 2)), np.ones((2, 1)), np.zeros(2), np.array([[1.0, 2.0**-60]]),
             np.zeros(1), np.zeros(2)]  # fmt: skip
    found = reduced(network(twins), UNIT)
    assert (found.used, found.units) == (0, (2, 2))  # h is never read: y depends on h' only
    assert same(network(twins), found.network)


def affine(parts: list[np.ndarray]) -> RecurrentNetwork:
    """h' = A h + B x + b, y = C h' + d."""
    a, b, bias, c, d, start = parts
    return RecurrentNetwork(cell_of_layers([(np.concatenate([a, b], 1), bias)], [(c, d)]), start)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2))
def test_affine_cells_lose_what_is_not_reached_or_seen(
    seed: int, hidden: int, unseen: int, unreached: int
):
    """In other axes, whole and of determinant 1, the superfluous directions are none of the
    state's own numbers."""
    rng = np.random.default_rng(seed)
    wide = hidden + unseen + unreached
    a, b, bias, c, d, start = (rng.integers(-2, 3, p.shape) / 1.0 for p in plain(rng, wide))
    seen, last = slice(hidden), slice(hidden + unseen, None)
    a[seen, hidden : hidden + unseen], c[0, hidden : hidden + unseen] = 0, 0
    a[last, : hidden + unseen], b[last], bias[last], start[last] = 0, 0, 0, 0
    axes, back = np.eye(wide), np.eye(wide)
    for _ in range(2 * wide):
        i, j = rng.integers(0, wide, 2)
        if i != j:
            shear = np.eye(wide)
            shear[i, j] = rng.integers(-1, 2)
            axes, back = shear @ axes, back @ (2 * np.eye(wide) - shear)
    model = affine([axes @ a @ back, axes @ b, axes @ bias, c @ back, d, axes @ start])
    found = reduced(model, UNIT)
    assert found.used <= hidden
    assert same(model, found.network)
    cell = affine_cell(model.cell.normal_form(), model.initial.tolist())
    assert cell is not None
    smaller = minimal(cell)
    assert smaller.hidden <= hidden
    items = rng.integers(-3, 4, 8).tolist()
    assert answers(smaller, items) == answers(cell, items)


def answers(cell: AffineCell, items: list[int]) -> list[Fraction]:
    """Outputs in fractions."""
    state, found = cell.start, []
    for item in items:
        both = [*state, Fraction(item)]
        after = [
            sum((m * v for m, v in zip(row, both, strict=True)), b)
            for row, b in zip(cell.maps, cell.bias, strict=True)
        ]
        state = after[: cell.hidden]
        found.append(after[-1])
    return found


def test_affine_cells_keep_what_is_reached_and_seen():
    shift = [np.eye(3, k=1), np.eye(3)[:, 2:], np.zeros(3), np.eye(3)[:1], np.zeros(1), np.zeros(3)]
    assert reduced(affine(shift), UNIT).used == 2  # y = h'0 = h1 is the item two back
