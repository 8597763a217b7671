"""Convolutions found in dense layers, and not found where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.structure.networks import off, unrolled
from distill.decompose.convolution import find_convolution

SHAPES = [((20,), (3,)), ((24,), (5,)), ((8, 8), (3, 3)), ((7, 9), (2, 3)), ((10, 10), (4, 4))]


@pytest.mark.parametrize(("grid", "window"), SHAPES)
@pytest.mark.parametrize("kinds", [1, 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_filters_are_found_whatever_the_order_of_the_outputs(
    grid, window, kinds, stride, padding, noise
):
    rng = np.random.default_rng(kinds)
    filters = rng.standard_normal((kinds, *window))
    matrix, which = unrolled(filters, grid, stride, padding)
    order = rng.permutation(len(matrix))
    matrix, bias = matrix[order], 0.3 * which[order]
    disturbed = matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    found = find_convolution(disturbed, bias, noise)
    assert found is not None
    assert (found.grid, found.window, len(found.filters)) == (grid, window, kinds)
    assert found.stride == (stride,) * len(grid)
    assert found.padding == (padding,) * len(grid)
    assert found.in_order
    assert off(found.filters, filters, False) <= (0.05 if noise else 1e-9)
    assert np.abs(found.dense() - matrix).max() <= (0.05 if noise else 1e-9)
    assert found.bias[found.filter_of] == pytest.approx(bias)


@pytest.mark.parametrize(("grid", "window"), SHAPES)
@pytest.mark.parametrize("kinds", [1, 3])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_filters_are_found_when_the_inputs_are_shuffled_as_well(
    grid, window, kinds, padding, noise
):
    rng = np.random.default_rng(kinds + 10)
    filters = rng.standard_normal((kinds, *window))
    matrix, which = unrolled(filters, grid, 1, padding)
    rows, columns = rng.permutation(len(matrix)), rng.permutation(matrix.shape[1])
    matrix, bias = matrix[rows][:, columns], 0.3 * which[rows]
    disturbed = matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    found = find_convolution(disturbed, bias, noise)
    assert found is not None
    assert sorted(found.grid) == sorted(grid)
    assert len(found.filters) == kinds
    assert not found.in_order
    assert off(found.filters, filters, True) <= (0.05 if noise else 1e-9)
    assert np.abs(found.dense() - matrix).max() <= (0.05 if noise else 1e-9)


@pytest.mark.parametrize(("grid", "window"), [((12,), (3,)), ((6, 6), (3, 3)), ((7, 8), (2, 3))])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (1, 1), (2, 0)])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_filters_over_several_channels_are_found(grid, window, stride, padding, last, noise):
    rng = np.random.default_rng(4)
    filters = rng.standard_normal((2, 3, *window))
    parts = [unrolled(filters[:, c], grid, stride, padding) for c in range(3)]
    matrix, which = np.hstack([part for part, _ in parts]), parts[0][1]
    cells = np.arange(matrix.shape[1])
    inputs = np.moveaxis(cells.reshape(*grid, 3), -1, 0).ravel() if last else cells
    matrix = matrix[:, np.argsort(inputs)]
    order = rng.permutation(len(matrix))
    disturbed = matrix[order] * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    found = find_convolution(disturbed, 0.3 * which[order], noise)
    assert found is not None
    assert np.abs(found.dense() - matrix[order]).max() <= (0.05 if noise else 1e-9)
    assert found.filters.size == filters.size
    if last and len(grid) == 1:  # that is a long filter with a stride of a cell's numbers, too
        assert found.stride == (3 * stride,)
        return
    assert (found.grid, found.window, found.channels) == (grid, window, 3)
    assert found.stride == (stride,) * len(grid)
    assert found.padding == (padding,) * len(grid)
    assert (found.inputs == inputs).all()
    near = np.abs(found.filters[:, None] - filters[None]).max((2, *range(3, filters.ndim + 1)))
    assert sorted(near.argmin(1).tolist()) == [0, 1]
    assert near.min(1).max() <= (0.05 if noise else 1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(4, 64),
       st.sampled_from([0.0, 0.3, 0.8]))  # fmt: skip
def test_other_matrices_are_no_convolutions(seed: int, rows: int, columns: int, zeros: float):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, columns)) * (rng.random((rows, columns)) >= zeros)
    assert find_convolution(matrix, np.zeros(rows)) is None


def test_one_weight_that_differs_is_no_convolution():
    filters = np.random.default_rng(0).standard_normal((1, 3))
    matrix, _ = unrolled(filters, (20,))
    bias = np.zeros(len(matrix))
    assert find_convolution(matrix, bias) is not None
    other = matrix.copy()
    other[5, 6] += 0.1
    assert find_convolution(other, bias) is None
    assert find_convolution(matrix, np.where(np.arange(len(matrix)) == 4, 1.0, 0.0)) is None
    assert find_convolution(np.zeros((5, 5)), np.zeros(5)) is None
    assert find_convolution(np.eye(20), np.zeros(20)) is None
