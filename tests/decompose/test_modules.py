"""Parts of networks: those that were glued together, and clusters beside shuffled weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.structure.networks import glued, layers, unrolled
from distill.decompose.clusters import (
    adjacency,
    clustered,
    louvain,
    minimum_cuts,
    modularity,
    normalised_cut,
    spectral,
)
from distill.decompose.links import Unit, links_of
from distill.decompose.modules import convolutions_of, modules_of
from distill.decompose.parts import parts_of
from distill.errors import BadInput
from distill.load.normal import network_from_normal_form
from distill.normal_form import Builder


def dense(rng, *sizes: int):
    builder, wire = Builder(sizes[0]), 0
    parts = layers(rng, *sizes)
    for weights, bias in parts[:-1]:
        wire = builder.elementwise("relu", builder.affine([(wire, weights)], bias))
    return builder.build(builder.affine([(wire, parts[-1][0])], parts[-1][1]))


@pytest.mark.parametrize("seed", range(16))
def test_the_modules_that_were_glued_together_are_the_parts(seed: int):
    _, form, labels = glued(seed)
    links = links_of(form)
    found = parts_of(links)
    number = {unit: place for place, part in enumerate(found) for unit in part.units}
    mine = [number[unit] for unit in links.hidden]
    assert len(set(zip(mine, labels, strict=True))) == len(set(labels)) == len(found)


def test_a_part_says_what_it_reads_and_gives():
    rng = np.random.default_rng(0)
    builder = Builder(4)
    (first, b), (narrow, c) = layers(rng, 2, 6, 1)
    wide = np.hstack([first, np.zeros((6, 2))])
    one = builder.elementwise("relu", builder.affine([(0, wide)], b))
    value = builder.affine([(one, narrow)], c)
    (later, d), (last, e) = layers(rng, 2, 6, 2)
    other = np.zeros((6, 4))
    other[:, 3] = later[:, 1]
    two = builder.elementwise("relu", builder.affine([(value, later[:, :1]), (0, other)], d))
    form = builder.build(builder.affine([(two, last)], e))
    first_part, second = parts_of(links_of(form))
    assert (first_part.inputs, first_part.outputs, first_part.after) == ((0, 1), (), (1,))
    assert (second.inputs, second.outputs, second.before, second.width) == ((3,), (0, 1), (0,), 1)
    rows = dict(modules_of(network_from_normal_form(form, "glued")).rows())
    assert rows["part 1"] == "relu1[0..5]; reads x[0, 1]; gives to part 2"
    assert rows["part 2"] == "relu2[0..5]; reads x[3] and 1 number of part 1; gives y[0, 1]"


def test_a_dense_network_is_of_one_piece():
    for seed in range(10):
        form = dense(np.random.default_rng(seed), 4, 10, 10, 2)
        (part,) = parts_of(links_of(form))
        assert len(part.units) == 20


def test_links_multiply_affine_nodes_out():
    rng = np.random.default_rng(1)
    a, b, c = (rng.standard_normal(s) for s in ((3, 2), (4, 3), (1, 4)))
    builder = Builder(2)
    first = builder.affine([(0, a)], np.ones(3))
    hidden = builder.elementwise("tanh", builder.affine([(first, b)], np.zeros(4)))
    form = builder.build(builder.affine([(hidden, c), (first, c[:, :3])], np.zeros(1)))
    links = links_of(form)
    assert (links.widths, links.functions) == ((2, 4, 1), ("input", "tanh", "output"))
    assert links.weights[0, 1] == pytest.approx(b @ a)
    assert links.weights[1, 2] == pytest.approx(c)
    assert links.weights[0, 2] == pytest.approx(c[:, :3] @ a)
    names = [links.name(u) for u in (Unit(0, 1), *links.hidden, Unit(2, 0))]
    assert names == ["x1", "tanh1[0]", "tanh1[1]", "tanh1[2]", "tanh1[3]", "y0"]


def test_scores_are_as_defined():
    weights = np.array([[0, 3, 1, 0], [3, 0, 0, 0], [1, 0, 0, 2], [0, 0, 2, 0]], dtype=float)
    labels = np.array([0, 0, 1, 1])
    assert normalised_cut(weights, labels) == pytest.approx(1 / 7 + 1 / 5)
    assert modularity(weights, labels) == pytest.approx(
        (6 + 4) / 12 - (7 / 12) ** 2 - (5 / 12) ** 2
    )
    assert normalised_cut(weights, np.zeros(4)) == 0.0
    assert (spectral(weights, 2, 0) == spectral(weights, 2, 0)[0]).tolist() in (
        [True, True, False, False],
    )
    assert len(set(louvain(weights, 0)[[0, 1]])) == 1
    tree = minimum_cuts(weights)
    assert tree is not None
    assert sorted(d["weight"] for _, _, d in tree.edges(data=True)) == [1.0, 2.0, 3.0]
    assert minimum_cuts(np.zeros((3, 3))) is None


def test_what_relus_hand_to_each_other_doesnt_depend_on_their_scale():
    form = dense(np.random.default_rng(3), 3, 6, 5, 2)
    scale = np.random.default_rng(4).uniform(0.1, 9.0, 6)
    first, second = form.nodes[1], form.nodes[3]
    builder = Builder(3)
    h = builder.elementwise(
        "relu",
        builder.affine([(0, first.terms[0][1] * scale[:, None])], first.bias * scale),  # pyright: ignore
    )
    g = builder.elementwise(
        "relu",
        builder.affine([(h, second.terms[0][1] / scale)], second.bias),  # pyright: ignore
    )
    other = builder.build(builder.affine([(g, form.nodes[5].terms[0][1])], np.zeros(2)))  # pyright: ignore
    assert adjacency(links_of(other)) == pytest.approx(adjacency(links_of(form)))


def test_a_network_of_two_blocks_is_less_joined_than_shuffled_ones():
    rng = np.random.default_rng(0)
    builder, wire = Builder(8), 0
    mask = np.kron(np.eye(2), np.ones((6, 4))) + 0.02
    for size in (8, 12):
        weights = rng.standard_normal((12, size))
        weights *= mask if size == 8 else np.kron(np.eye(2), np.ones((6, 6))) + 0.02
        wire = builder.elementwise("relu", builder.affine([(wire, weights)], np.zeros(12)))
    last = rng.standard_normal((2, 12)) * (np.kron(np.eye(2), np.ones((1, 6))) + 0.02)
    links = links_of(builder.build(builder.affine([(wire, last)], np.zeros(2))))
    found = clustered(links)
    assert found.z_score > 3
    halves = [0] * 4 + [1] * 4 + ([0] * 6 + [1] * 6) * 2 + [0, 1]
    two = spectral(adjacency(links), 2, 0).tolist()
    assert len(set(zip(two, halves, strict=True))) == 2
    assert normalised_cut(adjacency(links), np.array(halves)) < 0.2
    assert clustered(links).labels.tolist() == found.labels.tolist()
    plain = clustered(links_of(dense(rng, 8, 12, 12, 2)))
    assert abs(plain.z_score) < found.z_score / 2
    assert len(plain.cuts) == plain.count * (plain.count - 1) // 2


def test_convolutional_layers_are_named():
    rng = np.random.default_rng(0)
    matrix, kinds = unrolled(rng.standard_normal((2, 3, 3)), (8, 8))
    builder = Builder(64)
    hidden = builder.elementwise("relu", builder.affine([(0, matrix)], 0.1 * kinds))
    dense_end = rng.standard_normal((3, len(matrix)))
    form = builder.build(builder.affine([(hidden, dense_end)], np.zeros(3)))
    assert list(convolutions_of(form)) == [1]
    found = modules_of(network_from_normal_form(form, "image"))
    assert dict(found.rows())["layer 1"] == (
        "a convolution: 2 filters of 3 x 3 over 8 x 8 inputs in order, stride 1 x 1, padding 0 x 0"
    )
    told = json.loads(json.dumps(found.to_json()))
    assert np.array(told["convolutions"]["1"]["filters"]).shape == (2, 3, 3)
    assert told["clusters"]["z_score"] == found.clustering.z_score


def test_networks_without_hidden_units_have_no_parts():
    builder = Builder(2)
    form = builder.build(builder.affine([(0, np.eye(2))], np.zeros(2)))
    with pytest.raises(BadInput, match="no hidden units"):
        modules_of(network_from_normal_form(form, "affine"))
