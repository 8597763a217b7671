"""Values that a network is cut into, put together again, are the network."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.structure.networks import glued
from distill.decompose.cut import Value, cut
from distill.decompose.links import links_of
from distill.decompose.parts import parts_of
from distill.normal_form import Array, Builder, NormalForm


def together(values: tuple[Value, ...], x: Array) -> Array:
    """The outputs (n, m) that values give, one after the other."""
    numbers: list[Array] = []
    for value in values:
        assert all(t < len(numbers) for t in value.takes)
        given = [x[:, list(value.inputs)], *(numbers[t] for t in value.takes)]
        numbers.append(value.form.run(np.hstack(given)))
    return np.hstack([n for n, v in zip(numbers, values, strict=True) if v.outputs])


def out_and_back(seed: int) -> NormalForm:
    """A part whose first units give a number to another part, from which its last units take one,
    and then the same once more."""
    rng = np.random.default_rng([seed, 1])

    def drawn(*shape: int) -> Array:
        return rng.standard_normal(shape)

    builder = Builder(3)
    own = builder.elementwise("relu", builder.affine([(0, drawn(5, 3))], drawn(5)))
    other = None
    for _ in range(2):
        given = drawn(4, 1) @ drawn(1, 5)
        terms = [(own, given)] + ([] if other is None else [(other, drawn(4, 4))])
        other = builder.elementwise("relu", builder.affine(terms, drawn(4)))
        taken = drawn(5, 1) @ drawn(1, 4)
        own = builder.elementwise(
            "relu", builder.affine([(own, drawn(5, 5)), (other, taken)], drawn(5))
        )
    return builder.build(builder.affine([(own, drawn(2, 5))], drawn(2)))


@pytest.mark.parametrize("seed", range(8))
def test_parts_that_give_numbers_to_each_other_are_cut_where_they_do(seed: int):
    form = out_and_back(seed)
    links = links_of(form)
    assert len(parts_of(links)) == 2
    values = cut(links)
    assert len(values) == 4 + 2
    x = np.random.default_rng(0).uniform(-1, 1, (200, 3))
    assert np.allclose(together(values, x), form.run(x), atol=1e-8)


@pytest.mark.parametrize("seed", range(12))
def test_values_put_together_are_the_network(seed: int):
    _, form, _ = glued(seed)
    x = np.random.default_rng(0).uniform(-1, 1, (200, form.input_width))
    assert np.allclose(together(cut(links_of(form)), x), form.run(x), atol=1e-9)


def test_all_outputs_may_be_one_value():
    _, form, _ = glued(3)
    values = cut(links_of(form), together=True)
    assert [v.outputs for v in values if v.outputs] == [tuple(range(form.widths()[form.output]))]


def test_units_that_all_give_to_one_unit_alone_give_one_number():
    rng = np.random.default_rng(0)
    builder = Builder(3)
    first = builder.elementwise(
        "relu", builder.affine([(0, rng.standard_normal((3, 3)))], np.ones(3))
    )
    given = np.vstack([rng.standard_normal((1, 3)), np.zeros((2, 3))])
    other = np.zeros((3, 3))
    other[:, 2] = [1.0, 1.0, -1.0]
    later = builder.elementwise(
        "relu", builder.affine([(first, given), (0, other)], np.array([0.0, 0.1, 0.2]))
    )
    form = builder.build(builder.affine([(later, rng.standard_normal((1, 3)))], np.zeros(1)))
    before, after = parts_of(links_of(form))
    assert (len(before.units), len(after.units), after.width) == (3, 3, 1)
    also = builder.build(
        builder.affine(
            [(later, rng.standard_normal((1, 3))), (first, np.ones((1, 3)))], np.zeros(1)
        )
    )
    assert len(parts_of(links_of(also))) == 1


def test_a_number_to_which_independent_units_add_is_the_sum_of_values():
    builder = Builder(4)
    both = np.kron(np.eye(2), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    first = builder.elementwise("relu", builder.affine([(0, both)], np.zeros(4)))
    total = builder.affine([(first, np.ones((1, 4)))], np.zeros(1))
    second = builder.elementwise(
        "relu", builder.affine([(total, np.ones((3, 1)))], np.array([0.0, -0.5, -1.0]))
    )
    form = builder.build(builder.affine([(second, np.array([[1.0, -2.0, 0.5]]))], np.zeros(1)))
    values = cut(links_of(form))
    assert [v.inputs for v in values] == [(0, 1), (2, 3), (), ()]
    assert [v.takes for v in values] == [(), (), (0, 1), (2,)]
    x = np.random.default_rng(0).uniform(-1, 1, (200, 4))
    assert np.allclose(together(values, x), form.run(x), atol=1e-9)
