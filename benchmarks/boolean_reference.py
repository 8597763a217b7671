"""Reference forms of Boolean functions: the shortest sum of products, for up to ten inputs.

Quine (1952) and McCluskey (1956) on the array of all 3^n ternary cubes, then the cover
by integer programming (scipy's HiGHS), smallest number of literals and terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_matrix

MAX_INPUTS = 10

Cube = tuple[bool | None, ...]
"""Per input: must be set, must not be set, or None where it does not matter."""


@dataclass(frozen=True)
class SumOfProducts:
    """An OR of ANDs of literals; `optimal` when the solver proved that none is cheaper."""

    inputs: int
    cubes: tuple[Cube, ...]
    optimal: bool

    @property
    def literals(self) -> int:
        """Number of literals over all terms."""
        return sum(sign is not None for cube in self.cubes for sign in cube)

    def __call__(self, x: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Values (n,) on inputs (n, inputs)."""
        hit = np.zeros(len(x), dtype=bool)
        for cube in self.cubes:
            chosen = [i for i, sign in enumerate(cube) if sign is not None]
            hit |= (x[:, chosen] == np.array([cube[i] for i in chosen], dtype=bool)).all(axis=1)
        return hit

    def written(self, name: str = "x") -> str:
        """A Python expression over `name[i]`."""
        terms = [_term(cube, name) for cube in self.cubes]
        return " or ".join(terms) if terms else "False"


def _term(cube: Cube, name: str) -> str:
    signs = [(i, sign) for i, sign in enumerate(cube) if sign is not None]
    text = " and ".join(f"{name}[{i}]" if sign else f"not {name}[{i}]" for i, sign in signs)
    return f"({text})" if text else "True"


def minimise(table: NDArray[np.bool_], seconds: float = 20.0) -> SumOfProducts:
    """The cheapest sum of products of a truth table (2^n values, first input slowest).

    Cost: literals plus terms. After `seconds` the best cover found so far is returned.

    Raises:
        ValueError: the table is not of 2^n values with n <= 10.
    """
    table = np.asarray(table, dtype=bool)
    inputs = len(table).bit_length() - 1
    if len(table) != 1 << inputs or inputs > MAX_INPUTS:
        raise ValueError(f"a truth table needs 2^n values, n <= {MAX_INPUTS}; got {len(table)}")
    primes = prime_implicants(table, inputs)
    if not table.any():
        return SumOfProducts(inputs, (), True)
    chosen, optimal = _cover(_incidence(primes, table, inputs), _costs(primes), seconds)
    return SumOfProducts(inputs, tuple(_cube(primes[i]) for i in chosen), optimal)


def prime_implicants(table: NDArray[np.bool_], inputs: int) -> NDArray[np.int8]:
    """All prime implicants as (count, inputs) digits: 0, 1, or 2 for a free input."""
    implicant = _implicants(table, inputs)
    prime = implicant.copy()
    for axis in range(inputs):
        wider = np.take(implicant, [2], axis=axis)
        fixed = _slices(inputs, axis, slice(0, 2))
        prime[fixed] &= ~wider
    return np.argwhere(prime).astype(np.int8)


def _implicants(table: NDArray[np.bool_], inputs: int) -> NDArray[np.bool_]:
    """(3,) * inputs: whether the function holds on the whole cube."""
    holds = table.reshape((2,) * inputs)
    for axis in range(inputs):
        holds = np.concatenate([holds, holds.all(axis=axis, keepdims=True)], axis=axis)
    return holds


def _slices(inputs: int, axis: int, chosen: slice) -> tuple[slice, ...]:
    return tuple(chosen if i == axis else slice(None) for i in range(inputs))


def _costs(primes: NDArray[np.int8]) -> NDArray[np.float64]:
    return (primes < 2).sum(axis=1) + 1.0


def _cube(digits: NDArray[np.int8]) -> Cube:
    return tuple(None if d == 2 else bool(d) for d in digits)


def _incidence(primes: NDArray[np.int8], table: NDArray[np.bool_], inputs: int) -> csc_matrix:
    """(true rows of the table, primes): which prime covers which row."""
    row_of = np.cumsum(table) - 1
    weights = 1 << np.arange(inputs - 1, -1, -1)
    rows, columns = [], []
    for column, digits in enumerate(primes):
        covered = _members(digits, weights)
        rows.append(row_of[covered])
        columns.append(np.full(len(covered), column))
    index = (np.concatenate(rows), np.concatenate(columns))
    return csc_matrix((np.ones(len(index[0])), index), shape=(int(table.sum()), len(primes)))


def _members(digits: NDArray[np.int8], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    free = weights[digits == 2]
    base = int(weights[digits == 1].sum())
    return np.array([base + sum(chosen) for chosen in product(*((0, int(w)) for w in free))])


def _cover(incidence: csc_matrix, costs: NDArray, seconds: float) -> tuple[list[int], bool]:
    """Columns of a cheapest cover of all rows, and whether it is proved cheapest."""
    result = milp(
        costs,
        integrality=np.ones(len(costs)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(incidence, lb=1),
        options={"time_limit": seconds},
    )
    greedy = _greedy(incidence, costs)
    if result.x is None:
        return greedy, False
    solved = [int(i) for i in np.flatnonzero(result.x > 0.5)]
    best = min((solved, greedy), key=lambda chosen: costs[chosen].sum())
    return best, result.status == 0


def _greedy(incidence: csc_matrix, costs: NDArray) -> list[int]:
    """Most uncovered rows per cost first: an answer when the solver has none in time."""
    uncovered, chosen = np.asarray(incidence.sum(axis=1)).ravel() > 0, []
    while uncovered.any():
        best = int(np.argmax((incidence.T @ uncovered) / costs))
        chosen.append(best)
        uncovered[incidence[:, [best]].indices] = False
    return chosen
