"""The last two operations by lookup: undo one, look up the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from distill.synthesize.bank.data import Bank, Entries, Tree, rebuild
from distill.synthesize.bank.inverse import Subgoal, subgoals
from distill.synthesize.bank.keys import Floats
from distill.synthesize.bank.last_step import last_step
from distill.synthesize.bank.matches import Match, match_tree
from distill.synthesize.bank.operation import NUMBER, Operation
from distill.synthesize.bank.packing import unpack
from distill.synthesize.bank.target import NumberTarget


@dataclass(frozen=True)
class Plan:
    """A program for a target as nested tuples, with its cost."""

    cost: int
    tree: Tree


def two_steps(
    bank: Bank,
    operations: Sequence[Operation],
    target: NumberTarget,
    *,
    partners: int = 16,
    enough: int = 1,
    should_stop: Callable[[], bool] | None = None,
) -> list[Plan]:
    """Programs op(known, op'(a, b)) for the target, `known` one of the cheapest entries.

    The search ends after `enough` programs were found or when asked to stop; every program is
    computed and checked. Cheapest first.
    """
    plans: list[Plan] = []
    for subgoal in subgoals(bank, operations, target, partners):
        if len(plans) >= enough or (should_stop is not None and should_stop()):
            break
        plans.extend(_plans(bank, operations, subgoal, target))
    return sorted(plans, key=lambda plan: (plan.cost, str(plan.tree)))


def _plans(
    bank: Bank, operations: Sequence[Operation], subgoal: Subgoal, target: NumberTarget
) -> Iterator[Plan]:
    for match in last_step(bank, operations, subgoal.target, fits=False, limit=1):
        values = _result(bank, subgoal, _match_values(bank, operations, match))
        if target.accepts(values):
            yield _plan(bank, subgoal, match)


def _result(bank: Bank, subgoal: Subgoal, found: Floats) -> Floats:
    with np.errstate(all="ignore"):
        if subgoal.known is None:
            return subgoal.operation.array(np, found)
        pair = [bank.number.values[subgoal.known], found]
        return subgoal.operation.array(np, *(pair[::-1] if subgoal.place == 0 else pair))


def _match_values(bank: Bank, operations: Sequence[Operation], match: Match) -> Floats:
    arguments = [
        bank.number.values[row]
        if type_ == NUMBER
        else unpack(bank.bool.values[row : row + 1], bank.examples)[0]
        for type_, row in match.children
    ]
    if match.operation == "entry":
        return arguments[0]
    (operation,) = [one for one in operations if one.name == match.operation]
    return operation.array(np, *arguments)


def _plan(bank: Bank, subgoal: Subgoal, match: Match) -> Plan:
    found, cost = match_tree(bank, match), match.cost + subgoal.operation.cost
    if subgoal.known is None:
        return Plan(cost, (subgoal.operation.name, found))
    pair = [rebuild(bank, NUMBER, subgoal.known), found]
    cost += int(bank.number.cost[subgoal.known])
    return Plan(cost, (subgoal.operation.name, *(pair[::-1] if subgoal.place == 0 else pair)))


def head(bank: Bank, max_cost: int) -> Bank:
    """The bank's entries up to a cost, for lookups that need not be deep; nothing is copied."""
    return replace(
        bank, number=_head(bank.number, max_cost), bool=_head(bank.bool, max_cost), level=max_cost
    )


def _head(entries: Entries, max_cost: int) -> Entries:
    count = int(np.searchsorted(entries.cost, max_cost, side="right"))
    return Entries(
        entries.values[:count],
        entries.keys[:count],
        entries.cost[:count],
        entries.operation[:count],
        entries.children[:count],
    )
