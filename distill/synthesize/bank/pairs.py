"""Binary operations with a short cut: whole tiles of candidates from their arguments' keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from distill.synthesize.bank.compared import compared
from distill.synthesize.bank.linear import extremes, products, sums
from distill.synthesize.bank.operation import COMMUTATIVE, Operation
from distill.synthesize.bank.shelf import level_rows
from distill.synthesize.bank.tiles import Offer, Tile, take, tiles
from distill.synthesize.bank.worded import worded
from distill.synthesize.bank.work import Work, may_count

Named = dict[str, list[int]]
"""The numbers of the wanted operations by kind."""

Family = Callable[[Work, Tile, Named], Iterator[Offer]]

FAMILIES: tuple[tuple[frozenset[str], Family], ...] = (
    (frozenset({"add", "sub"}), sums),
    (frozenset({"mul", "div"}), products),
    (frozenset({"max", "min", "abs_diff"}), extremes),
    (frozenset({"less", "less_equal"}), compared),
    (frozenset({"and", "or", "xor"}), worded),
)
"""Kinds that share the work on a tile."""

PAIRED = frozenset().union(*(kinds for kinds, _ in FAMILIES))


def pair_groups(operations: tuple[Operation, ...]) -> list[list[int]]:
    """Numbers of the operations that this file handles, by cost and argument type."""
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, operation in enumerate(operations):
        if operation.fast_kind in PAIRED:
            groups[operation.cost, operation.arguments[0]].append(number)
    return list(groups.values())


def grow_pairs(work: Work, group: list[int], cost: int) -> bool:
    """Enumerate a group's operations at this cost; False when a limit stopped it."""
    first = work.operations[group[0]]
    shelf = work.shelf(first.arguments[0])
    total = cost - first.cost
    for left in range(1, total // 2 + 1):
        right = total - left
        levels = level_rows(shelf, left), level_rows(shelf, right)
        for tile in tiles(*levels, same=left == right):
            if not may_count(work, _count(work, tile, group)):
                return False
            _walk(work, tile, group, cost)
    return True


def _count(work: Work, tile: Tile, group: list[int]) -> int:
    kinds = [work.operations[number].kind for number in group]
    both = sum(kind in COMMUTATIVE for kind in kinds)
    return both * tile.candidates(True) + (len(kinds) - both) * tile.candidates(False)


def _walk(work: Work, tile: Tile, group: list[int], cost: int) -> None:
    for kinds, family in FAMILIES:
        named: Named = defaultdict(list)
        for number in group:
            if work.operations[number].kind in kinds:
                named[str(work.operations[number].kind)].append(number)
        if named:
            for offer in family(work, tile, named):
                take(work, tile, cost, offer)
