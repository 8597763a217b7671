"""What our search is measured against: a straightforward enumerator, and pyoperon."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from search_operations import NUMERIC, leaves
from search_targets import EXAMPLES, Hidden, Predict, Tree, run

_PLAIN: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "max": max,
    "min": min,
    "absdiff": lambda a, b: abs(a - b),
    "neg": lambda a: -a,
    "abs": abs,
    "square": lambda a: a * a,
}

Vector = tuple[float, ...]


def plain_solver(target: Hidden, limit: float) -> Predict | None:
    """Bottom-up enumeration in plain Python: tuples of floats, one expression per behaviour."""
    deadline = time.perf_counter() + limit
    wanted = [(value, 1e-9 * (1.0 + abs(value))) for value in target.values.tolist()]
    for tree, values in _enumerate(deadline):
        pairs = zip(values, wanted, strict=True)
        if all(abs(value - goal) <= slack for value, (goal, slack) in pairs):
            return lambda x, tree=tree: run(tree, x)
    return None


def _enumerate(deadline: float) -> Any:
    """(tree, values) of every new behaviour in order of cost until the deadline."""
    levels: list[list[tuple[Tree, Vector]]] = [[]]
    known: set[Vector] = set()
    while True:
        level: list[tuple[Tree, Vector]] = []
        for tree, values in _candidates(levels):
            if time.perf_counter() > deadline:
                return
            key = tuple(round(value, 9) + 0.0 for value in values)
            if key not in known:
                known.add(key)
                level.append((tree, values))
                yield tree, values
        levels.append(level)


def _candidates(levels: list[list[tuple[Tree, Vector]]]) -> Any:
    cost = len(levels)
    if cost == 1:
        for leaf in leaves(EXAMPLES):
            yield leaf.name, tuple(leaf.values.tolist())
    for operation in NUMERIC:
        one = _PLAIN[operation.name]
        if len(operation.arguments) == 1:
            for tree, values in levels[cost - 1]:
                yield (operation.name, tree), tuple(map(one, values))
            continue
        for left in range(1, cost - 1):
            if operation.commutative and 2 * left > cost - 1:
                continue
            for a, a_values in levels[left]:
                for b, b_values in levels[cost - 1 - left]:
                    if operation.name != "/" or 0.0 not in b_values:
                        yield (operation.name, a, b), tuple(map(one, a_values, b_values))


def operon_solver() -> Callable[[Hidden, float], Predict | None] | None:
    """Genetic programming with the same operations, or None where pyoperon is missing."""
    try:
        from pyoperon.sklearn import SymbolicRegressor
    except ImportError:
        return None

    def solve(target: Hidden, limit: float) -> Predict:
        regressor = SymbolicRegressor(
            allowed_symbols="add,sub,mul,div,fmin,fmax,abs,square,constant,variable",
            max_length=15,
            generations=1_000_000,
            max_evaluations=2_000_000_000,
            max_time=max(1, round(limit)),
            epsilon=1e-10,
            optimizer_iterations=5,
            n_threads=1,
            random_state=1,
        )
        regressor.fit(target.inputs, target.values)
        return lambda x: np.asarray(regressor.predict(x), dtype=np.float64)

    return solve
