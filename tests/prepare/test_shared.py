"""Networks of filters trained on: filters stay filters, weights become few small whole numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import distill
from distill.load import load, network_from_normal_form
from distill.network import Network
from distill.normal_form import Affine
from distill.preparation.report import Preparation
from distill.preparation.shared import shared_of

SIZE = 5
RNG = np.random.default_rng(1)


def small(bend: type[torch.nn.Module] = torch.nn.ReLU, *more: torch.nn.Module) -> Network:
    """Is there more of a vertical edge or of a horizontal one?"""
    torch.manual_seed(0)
    filters, last = torch.nn.Conv2d(1, 4, 3, bias=False), torch.nn.Linear(4, 2)
    model = torch.nn.Sequential(
        filters, bend(), torch.nn.AvgPool2d(3), torch.nn.Flatten(), last, *more
    )
    edge = torch.tensor([[-1.0, 0, 1]] * 3)
    taps = torch.stack([edge, -edge, edge.T, -edge.T])[:, None]
    with torch.no_grad():
        filters.weight.copy_(0.37 * taps + 0.02 * torch.randn(4, 1, 3, 3))
        last.weight.copy_(torch.tensor([[0.9, 0.9, -0.9, -0.9], [-0.9, -0.9, 0.9, 0.9]]))
        last.bias.zero_()
    return load(torch.export.export(model.eval(), (torch.zeros(1, 1, SIZE, SIZE),)))


def images(count: int) -> np.ndarray:
    """Ramps across or down with some noise, (count, 25)."""
    ramp = np.arange(SIZE) - 2.0
    across = RNG.random(count) < 0.5
    pictures = (
        np.where(across[:, None, None], ramp, ramp[:, None])
        * RNG.choice([-1, 1], count)[:, None, None]
    )
    return (pictures + 0.3 * RNG.standard_normal(pictures.shape)).reshape(count, -1)


X = images(300)


@pytest.fixture(scope="module")
def prepared() -> Preparation:
    return distill.prepare(small(), X, "category(2)", loss_allowed=0.02, epochs=8)


def test_a_filter_stays_a_filter_and_becomes_whole_numbers(
    prepared: Preparation,
) -> None:
    kinds = [op.kind for op in prepared.network.operations]
    assert "Conv" in kinds
    shared = shared_of(prepared.network)
    assert shared is not None
    assert np.array_equal(shared.values, np.rint(shared.values))
    taps = shared.values[shared.slice_of(shared.names[0][0])].reshape(4, 3, 3)
    assert np.abs(taps).max() <= 7
    assert prepared.after.bits < 0.5 * prepared.before.bits


def test_it_decides_as_the_network_did_on_rows_it_never_saw(
    prepared: Preparation,
) -> None:
    assert prepared.changed
    fresh = images(400)
    ours = prepared.network.run(fresh).argmax(1)
    assert (ours == small().run(fresh).argmax(1)).mean() > 0.97


def test_network_and_form_are_the_same_function(
    prepared: Preparation,
) -> None:
    assert np.allclose(prepared.network.run(X), prepared.form.run(X), atol=1e-3)


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = (
        distill.prepare(small(), X, "category(2)", loss_allowed=0.02, epochs=2, seed=5)
        for _ in range(2)
    )
    assert first.network.sha256() == second.network.sha256()


def test_real_outputs_keep_their_scale() -> None:
    found = distill.prepare(small(), X, "real[2]", loss_allowed=0.02, epochs=8)
    assert found.changed
    assert found.after.agreement > 0.98


def test_where_scales_do_not_pass_grids_are_of_powers_of_two() -> None:
    found = distill.prepare(small(torch.nn.Tanh), X, "category(2)", loss_allowed=0.02, epochs=6)
    assert found.changed
    shared = shared_of(found.network)
    assert shared is not None and not shared.whole
    part = shared.values[shared.slice_of(shared.names[0][0])]
    fine = 2.0**8
    assert np.array_equal(part * fine, np.rint(part * fine))
    assert len(np.unique(np.abs(part))) < len(part) // 2


def test_a_softmax_at_the_end_stays() -> None:
    network = small(torch.nn.ReLU, torch.nn.Softmax(1))
    found = distill.prepare(network, X, "category(2)", loss_allowed=0.02, epochs=2)
    assert [op.kind for op in found.network.operations][-1] == "Softmax"
    assert np.allclose(found.network.run(X).sum(1), 1, atol=1e-5)


def test_where_weights_stand_is_where_the_network_has_them() -> None:
    network = small()
    shared = shared_of(network)
    assert shared is not None
    changed = shared.values.copy()
    changed[0] += 1.0
    form = shared.with_values(changed).normal_form()
    (before, *_), (after, *_) = (
        [n.terms[0][1] for n in f.nodes if isinstance(n, Affine)] for f in (shared.form, form)
    )
    moved = np.argwhere(before != after)
    assert len(moved) == 9
    assert {int(shared.matrices[0][tuple(at)]) for at in moved} == {0}


def test_networks_without_filters_are_left_to_the_other_way() -> None:
    flat = network_from_normal_form(small().normal_form(), "x", "y")
    assert shared_of(flat) is None
    branched = small()
    twice = replace(
        branched.operations[-1], inputs=(branched.input, *branched.operations[-1].inputs[1:])
    )
    assert shared_of(replace(branched, operations=(*branched.operations[:-1], twice))) is None
