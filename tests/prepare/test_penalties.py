"""Penalties: values on matrices worked out by hand, and which way they pull."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from distill.decompose import clusters
from distill.decompose.links import links_of
from distill.normal_form import Builder
from distill.preparation import (
    adjacency,
    cut_sides,
    l0,
    l1,
    minimum_cut,
    normalised_cut,
    penalties,
    quantised,
)
from distill.preparation.wiring import matrices_of, wiring_of

PAIRS = torch.tensor([[0, 3, 1, 0], [3, 0, 0, 0], [1, 0, 0, 2], [0, 0, 2, 0]], dtype=torch.float64)
"""0 and 1, 2 and 3 belong together; 1 crosses."""

HALVES = torch.tensor([0, 0, 1, 1])


def slope(penalty, weights: torch.Tensor) -> torch.Tensor:
    weights = weights.clone().requires_grad_()
    (found,) = torch.autograd.grad(penalty(weights), weights)
    return found


def test_l1_is_the_sum_of_sizes_and_pulls_to_zero() -> None:
    weights = torch.tensor([[1.0, -2.0], [0.0, 0.5]])
    assert float(l1(weights)) == 3.5
    assert slope(l1, weights).tolist() == [[1.0, -1.0], [0.0, 1.0]]


def test_l0_counts_large_weights_and_pulls_at_small_ones() -> None:
    weights = torch.tensor([0.0, 1.0, -100.0])
    assert float(l0(weights, 1.0)) == pytest.approx(0 + 0.5 + 1, abs=1e-3)
    pull = slope(lambda w: l0(w, 1.0), weights)
    assert pull[0] == 0
    assert pull[1] == pytest.approx(0.5)
    assert -1e-5 < float(pull[2]) < 0
    with pytest.raises(ValueError, match="width must be more than 0"):
        l0(weights, 0.0)


def test_quantised_is_zero_on_the_grid_and_pulls_to_the_nearest_step() -> None:
    assert float(quantised(torch.tensor([2.0, -1.0, 0.0]), 2)) == 0.0
    weights = torch.tensor([2.0, 0.25, 0.75])
    assert penalties.grid_step(weights, 2) == 1.0
    assert float(quantised(weights, 2)) == pytest.approx((0.25**2 + 0.25**2) / 3)
    pull = slope(lambda w: quantised(w, 2), weights)
    assert pull[1] > 0 > pull[2]
    assert float(quantised(torch.zeros(3), 2)) == 0.0
    with pytest.raises(ValueError, match="at least 1 level"):
        quantised(weights, 0)


def test_an_outlier_leaves_the_others_their_steps() -> None:
    weights = torch.ones(200)
    weights[0] = 1000.0
    assert penalties.grid_step(weights, 4) == 0.5
    assert penalties.grid_step(torch.tensor([1.0, 1000.0]), 4) == 256.0


def test_the_normalised_cut_is_as_defined_and_pulls_at_what_crosses() -> None:
    assert float(normalised_cut(PAIRS, HALVES)) == pytest.approx(1 / 7 + 1 / 5)
    numbers = PAIRS.numpy(), HALVES.numpy()
    assert float(normalised_cut(PAIRS, HALVES)) == pytest.approx(clusters.normalised_cut(*numbers))
    pull = slope(lambda w: normalised_cut(w, HALVES), PAIRS)
    assert pull[0, 2] > 0 > pull[0, 1]
    assert float(normalised_cut(PAIRS, torch.zeros(4))) == pytest.approx(0.0)
    assert float(normalised_cut(torch.zeros(4, 4), HALVES)) == 0.0
    with pytest.raises(ValueError, match="4 units and 3 labels"):
        normalised_cut(PAIRS, HALVES[:3])


def test_memberships_get_a_gradient_towards_the_halves() -> None:
    soft = torch.full((4, 2), 0.5, dtype=torch.float64)
    soft[0] = torch.tensor([0.6, 0.4])
    pull = slope(lambda m: normalised_cut(PAIRS, m), soft)
    assert pull[1, 0] < pull[1, 1]  # falls as 1 joins 0


def test_minimum_cuts_are_those_of_the_gomory_hu_tree() -> None:
    tree = nx.gomory_hu_tree(nx.from_numpy_array(PAIRS.numpy()), capacity="weight")
    values = [d["weight"] for _, _, d in tree.edges(data=True)]
    sides = cut_sides(PAIRS)
    each = sorted(float(minimum_cut(PAIRS, side[None])) for side in sides)
    assert each == pytest.approx(sorted(values))
    assert each == pytest.approx([1.0, 2.0, 3.0])
    assert float(minimum_cut(PAIRS, sides)) == pytest.approx(2.0)
    assert (slope(lambda w: minimum_cut(w, sides), PAIRS) >= 0).all()
    assert float(minimum_cut(PAIRS, sides[:0])) == 0.0
    with pytest.raises(ValueError, match="sides of 4"):
        minimum_cut(PAIRS[:3, :3], sides)


def test_pieces_that_arent_joined_are_cut_apart_from_each_other() -> None:
    sizes = torch.zeros(5, 5)
    sizes[0, 1] = sizes[1, 0] = 2.0
    sizes[2, 3] = sizes[3, 2] = 1.0
    found = cut_sides(sizes)
    assert len(found) == 2
    assert not found[:, 4].any()
    assert float(minimum_cut(sizes, found)) == 1.5


def test_large_networks_are_cut_by_their_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "TREE_AT_MOST", 3)
    first = cut_sides(PAIRS)[0].tolist()
    assert first in ([True, True, False, False], [False, False, True, True])


def test_adjacency_is_that_of_decompose_whatever_the_scale_of_relus() -> None:
    rng = np.random.default_rng(0)
    shapes = ((5, 3), (4, 5), (2, 4))
    layers = [torch.as_tensor(rng.standard_normal(s)) for s in shapes]
    builder, wire = Builder(3), 0
    for place, matrix in enumerate(layers):
        wire = builder.affine([(wire, matrix.numpy())], np.zeros(len(matrix)))
        wire = builder.elementwise("relu", wire) if place < 2 else wire
    form = builder.build(wire)
    wanted = clusters.adjacency(links_of(form))
    assert adjacency(layers).numpy() == pytest.approx(wanted)
    assert wiring_of(form).adjacency(matrices_of(form)).numpy() == pytest.approx(wanted)
    other = [layers[0] * 7, layers[1] / 7, layers[2]]
    assert adjacency(other).numpy() == pytest.approx(wanted)
    with pytest.raises(ValueError, match="5 units is read as 4"):
        adjacency([layers[0], layers[2]])


def test_in_a_loop_of_ones_own_penalties_take_a_network_apart() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    layers = [m.weight for m in model if isinstance(m, torch.nn.Linear)]
    labels = torch.tensor([0, 0, 1, 1, *[0] * 4, *[1] * 4, 0, 1])
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    before = float(normalised_cut(adjacency(layers), labels).detach())
    for _ in range(60):
        optimizer.zero_grad()
        normalised_cut(adjacency(layers), labels).backward()
        optimizer.step()
    assert float(normalised_cut(adjacency(layers), labels).detach()) < 0.3 * before
