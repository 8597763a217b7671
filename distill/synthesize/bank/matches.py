"""Answers of a last step: an operation on entries of the bank, with fitted constants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from distill.synthesize.bank.data import Bank, Tree, rebuild

Child = tuple[str, int]
"""Type and row of an entry."""

CONSTANT_COST = 2
"""What a fitted constant adds to a match's cost: itself and the operation that joins it."""


@dataclass(frozen=True)
class Match:
    """One program for the target.

    `operation` is an operation's name or "entry" (children: the entry itself), "affine" (children
    x1..xk, constants c1..ck, c0: sum of c_i * x_i plus c0), "above" and "below" (one number child
    and one constant: x > c, x < c; any c inside `interval` serves). `error` is the largest
    distance from the middle of a number target's box, the weight of wrong examples for bools.
    """

    cost: int
    operation: str
    children: tuple[Child, ...]
    constants: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None
    error: float = 0.0


def best(matches: Iterable[Match], limit: int) -> list[Match]:
    """The cheapest matches, each once, in a fixed order."""
    return sorted(set(matches), key=lambda m: (m.cost, m.error, m.operation, m.children))[:limit]


def match_tree(bank: Bank, match: Match) -> Tree:
    """A match as nested tuples: (operation, child, ..., constant, ...)."""
    children = [rebuild(bank, type_, row) for type_, row in match.children]
    if match.operation == "entry":
        return children[0]
    return (match.operation, *children, *match.constants)


def total_cost(bank: Bank, children: tuple[Child, ...]) -> int:
    """The sum of the children's costs."""
    return sum(int(bank.entries(type_).cost[row]) for type_, row in children)


def row_costs(bank: Bank, type_: str) -> np.ndarray:
    """Costs of the entries that have values."""
    entries = bank.entries(type_)
    return entries.cost[: len(entries.values)]
