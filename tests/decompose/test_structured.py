"""Structure of dense layers: found in layers that have it, noise or not, and not in others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.decompose.modules import modules_of, structures_of
from distill.decompose.structured import find_structure
from distill.load.normal import network_from_normal_form
from distill.normal_form import Builder


def blocks(rng: np.random.Generator, size: int) -> np.ndarray:
    found = np.kron(np.eye(size), np.ones((2, 3))) * rng.uniform(0.5, 2, (2 * size, 3 * size))
    return found[rng.permutation(2 * size)][:, rng.permutation(3 * size)]


def moved(size: int, sign: int) -> np.ndarray:
    places = np.arange(size)
    return (places[None] - sign * places[:, None]) % size


def thin(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.standard_normal((3 * size, 2)) @ rng.standard_normal((2, 2 * size))


def deep_set(rng: np.random.Generator, size: int, apart: bool) -> np.ndarray:
    own, others = rng.standard_normal((2, 2, 3))
    pairs = [(own, np.eye(size)), (others, np.ones((size, size)))]
    return sum((np.kron(a, b) if apart else np.kron(b, a) for a, b in pairs), np.zeros(()))


KINDS = {
    "permutation": lambda rng, n: np.eye(n)[rng.permutation(n)],
    "signed permutation": lambda rng, n: np.diag(np.resize([-1.0, 1.0], n))[rng.permutation(n)],
    "scaled permutation": lambda rng, n: np.diag(1.0 + np.arange(n))[rng.permutation(n)],
    "sum over a set": lambda rng, n: rng.uniform(1, 2) * np.eye(n) - rng.uniform(0.1, 2),
    "circulant": lambda rng, n: rng.standard_normal(n)[moved(n, 1)],
    "anticirculant": lambda rng, n: rng.standard_normal(n)[moved(n, -1)],
    "Toeplitz": lambda rng, n: rng.standard_normal(2 * n)[n + np.arange(n) - np.arange(n)[:, None]],
    "Hankel": lambda rng, n: rng.standard_normal(2 * n)[np.arange(n) + np.arange(n)[:, None]],
    "block-diagonal": blocks,
    "low rank": thin,
}


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(5, 12))
def test_each_kind_is_told_by_its_narrowest_name(kind: str, noise: float, seed: int, size: int):
    rng = np.random.default_rng(seed)
    matrix = KINDS[kind](rng, size)
    disturbed = matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    found = find_structure(disturbed, noise)
    assert found is not None
    assert found.kind == kind
    largest = np.abs(disturbed).max()
    assert found.error == pytest.approx(np.abs(found.dense - disturbed).max() / largest)
    assert found.error <= (0.05 if noise else 1e-9)
    assert found.numbers < np.count_nonzero(matrix) or kind in ("block-diagonal",
                                                                 "scaled permutation")  # fmt: skip


@pytest.mark.parametrize("apart", [False, True])
def test_sums_over_a_set_may_have_several_numbers_an_element(apart: bool):
    found = find_structure(deep_set(np.random.default_rng(0), 5, apart))
    assert found is not None
    assert (found.kind, found.numbers) == ("sum over a set", 12)
    alike = find_structure(np.repeat([[1.0], [2.0], [-1.0]], 7, 1))
    assert alike is not None
    assert alike.told == "every output weighs all 7 inputs alike"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30), st.integers(3, 30),
       st.sampled_from([0.0, 0.3, 0.6]))  # fmt: skip
def test_other_matrices_have_no_structure(seed: int, rows: int, columns: int, zeros: float):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, columns)) * (rng.random((rows, columns)) >= zeros)
    found = find_structure(matrix, 0.01)
    assert found is None or np.count_nonzero(matrix) < 2 * max(rows, columns)


@pytest.mark.parametrize("kind", ["circulant", "sum over a set", "Toeplitz"])
def test_one_weight_that_differs_is_no_structure(kind: str):
    matrix = KINDS[kind](np.random.default_rng(0), 8)
    matrix[2, 5] += 0.3
    found = find_structure(matrix, 0.01)
    assert found is None or found.kind == "low rank"


def test_layers_are_named_and_listed():
    rng = np.random.default_rng(3)
    builder = Builder(8)
    hidden = builder.elementwise("relu", builder.affine([(0, KINDS["circulant"](rng, 8))],
                                                        np.ones(8)))  # fmt: skip
    noisy = (2 * np.eye(8) + 1) * (1 + 0.01 * rng.uniform(-1, 1, (8, 8)))
    again = builder.elementwise("relu", builder.affine([(hidden, noisy)], np.zeros(8)))
    form = builder.build(builder.affine([(again, rng.standard_normal((3, 8)))], np.zeros(3)))
    assert list(structures_of(form)) == [1, 2]
    assert list(structures_of(form, without=frozenset({1}))) == [2]
    found = modules_of(network_from_normal_form(form, "tied"))
    rows = dict(found.rows())
    assert rows["layer 1"] == "circulant: one row of 8 numbers, turned round"
    assert rows["layer 2"].startswith("sum over a set: 8 elements, 2")
    assert "off by up to" in rows["layer 2"]
    assert "layer 3" not in rows
    told = json.loads(json.dumps(found.to_json()))["structures"]
    assert [one["kind"] for one in told.values()] == ["circulant", "sum over a set"]
