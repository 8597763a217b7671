"""Random hidden expressions, what counts as finding them, and our way to do it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from search_operations import CONSTANTS, INPUTS, NUMERIC, leaves

from distill.synthesize.bank import (
    grow,
    head,
    last_step,
    match_tree,
    number_target,
    start,
    two_steps,
)

Tree = tuple[Any, ...] | str
Predict = Callable[[np.ndarray], np.ndarray]
"""Values (n,) for inputs (n, 3)."""

EXAMPLES = 64
SEED = 7


@dataclass(frozen=True, eq=False)
class Hidden:
    """A target: 64 examples for the solver, 1,000 others for the judge."""

    nodes: int
    inputs: np.ndarray
    values: np.ndarray
    fresh_inputs: np.ndarray
    fresh_values: np.ndarray


def hidden_targets(count: int, seed: int = SEED) -> list[Hidden]:
    """Targets of 7 to 11 nodes that no expression of cost 5 computes, all finite and below 1e4."""
    random = np.random.default_rng(seed)
    bank = grow(start(leaves(EXAMPLES)), NUMERIC, 5)
    found: list[Hidden] = []
    while len(found) < count:
        nodes = int(random.integers(7, 12))
        target = _hidden(_random_tree(nodes, random), nodes)
        values = np.concatenate([target.values, target.fresh_values])
        if not np.isfinite(values).all() or np.abs(values).max() > 1e4 or values.std() < 1e-3:
            continue
        if not number_target(target.values, 1e-6).accepts(bank.number.values).any():
            found.append(target)
    return found


def _hidden(tree: Tree, nodes: int) -> Hidden:
    inputs = np.stack([leaf.values for leaf in leaves(EXAMPLES)[:3]], axis=1)
    fresh = np.random.default_rng(99).normal(size=(1000, 3)) * 2
    return Hidden(nodes, inputs, run(tree, inputs), fresh, run(tree, fresh))


def _random_tree(nodes: int, random: np.random.Generator) -> Tree:
    if nodes == 1:
        return str(random.choice([*INPUTS, *INPUTS, *CONSTANTS]))
    fitting = [one for one in NUMERIC if len(one.arguments) == 1 or nodes > 2]
    operation = fitting[random.integers(len(fitting))]
    if len(operation.arguments) == 1:
        return (operation.name, _random_tree(nodes - 1, random))
    left = int(random.integers(1, nodes - 1))
    return (operation.name, _random_tree(left, random), _random_tree(nodes - 1 - left, random))


def run(tree: Tree, inputs: np.ndarray) -> np.ndarray:
    """Values (n,) of an expression on inputs (n, 3)."""
    if isinstance(tree, str):
        known = dict(zip(INPUTS, inputs.T, strict=True))
        return known[tree] if tree in known else np.full(len(inputs), CONSTANTS[tree])
    name, *parts = tree
    if name == "affine":
        terms = [run(part, inputs) for part in parts if isinstance(part, tuple | str)]
        weights = [part for part in parts if isinstance(part, float)]
        return (
            sum((w * t for w, t in zip(weights, terms, strict=False)), np.zeros(len(inputs)))
            + (weights[-1])
        )
    operation = next(one for one in NUMERIC if one.name == name)
    with np.errstate(all="ignore"):
        return operation.array(np, *(run(part, inputs) for part in parts))


def is_solution(predict: Predict, target: Hidden) -> bool:
    """Whether fresh points are met within 1e-4 of the target's standard deviation."""
    error = np.abs(predict(target.fresh_inputs) - target.fresh_values)
    return bool(error.max() <= 1e-4 * target.fresh_values.std())


def our_solver(target: Hidden, limit: float) -> Predict | None:
    """Grow by cost; after each level look up the last operation, from cost 4 on the last two."""
    deadline = time.perf_counter() + limit
    box = number_target(target.values, 1e-9 * (1.0 + np.abs(target.values)))
    bank = start(leaves(EXAMPLES))

    def late() -> bool:
        return time.perf_counter() > deadline

    for cost in range(1, 8):
        bank = grow(bank, NUMERIC, cost, should_stop=late)
        for tree in [match_tree(bank, match) for match in last_step(bank, NUMERIC, box, limit=1)]:
            return lambda x, tree=tree: run(tree, x)
        if cost >= 4:
            some = {4: 110, 5: 20, 6: 20}.get(cost, 5)
            plans = two_steps(head(bank, cost), NUMERIC, box, partners=some, should_stop=late)
            for plan in plans:
                return lambda x, tree=plan.tree: run(tree, x)
        if late():
            break
    return None
