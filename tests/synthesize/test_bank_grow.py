"""The bank against plain enumeration: no behaviour lost, none kept twice, all rebuilt."""

import itertools

import numpy as np
import pytest
from bank_operations import (
    OPERATIONS,
    bool_leaves,
    grown,
    number_leaves,
    run,
    some,
    tree_cost,
)

from distill.errors import BadInput
from distill.synthesize.bank import Leaf, Operation, grow, rebuild, start
from distill.synthesize.bank.packing import unpack


def behaviour(type_, values):
    values = values * 1.0
    return (type_, *np.where(np.abs(values) < 1e-9, 0.0, np.round(values, 7)).tolist())


def enumerate_plainly(leaves, names, max_cost):
    """Every behaviour with its least cost, by combining all representatives."""
    known, levels = {}, {cost: [] for cost in range(1, max_cost + 1)}

    def offer(type_, values, cost):
        key = behaviour(type_, values)
        if key not in known and np.isfinite(values).all() and np.abs(values).max() <= 1e12:
            known[key] = cost
            levels[cost].append((type_, values))

    for cost in range(1, max_cost + 1):
        for leaf in leaves:
            if leaf.cost == cost:
                offer(leaf.type, leaf.values, cost)
        for operation in some(*names):
            for costs in itertools.product(range(1, cost), repeat=len(operation.arguments)):
                if sum(costs) + operation.cost == cost:
                    pools = [
                        [values for kind, values in levels[part] if kind == type_]
                        for part, type_ in zip(costs, operation.arguments, strict=True)
                    ]
                    for arguments in itertools.product(*pools):
                        apply(operation, arguments, cost, offer)
    return known


def apply(operation, arguments, cost, offer):
    allowed = operation.precondition
    if allowed is None or np.all(allowed(np, *arguments)):
        with np.errstate(all="ignore"):
            offer(operation.result, operation.array(np, *arguments), cost)


def behaviours(bank):
    found = [
        (behaviour("number", values), int(cost))
        for values, cost in zip(bank.number.values, bank.number.cost, strict=True)
    ]
    bools = unpack(bank.bool.values, bank.examples)
    found += [
        (behaviour("bool", values), int(cost))
        for values, cost in zip(bools, bank.bool.cost, strict=True)
    ]
    return found


CASES = [
    (number_leaves(12), ("+", "-", "*", "/"), 5),
    (number_leaves(7), ("max", "min", "dist", "neg"), 5),
    (number_leaves(70), ("+", "hypot", "sqrt", "<", "<="), 5),
    (number_leaves(5), ("<", "-", "if"), 6),
    (bool_leaves(3), ("and", "or", "xor", "not"), 5),
    (bool_leaves(7), ("and", "choose", "not"), 4),
    (bool_leaves(2) + number_leaves(4), ("and", "<", "count", "if", "*"), 5),
]


@pytest.mark.parametrize(("leaves", "names", "cost"), CASES)
def test_finds_each_behaviour_once_at_its_least_cost(leaves, names, cost):
    found = behaviours(grown(leaves, names, cost))
    assert dict(found) == enumerate_plainly(leaves, names, cost)
    assert len(dict(found)) == len(found)


@pytest.mark.parametrize(("leaves", "names", "cost"), CASES)
def test_rebuilt_expressions_compute_the_stored_values_at_the_stored_cost(leaves, names, cost):
    bank = grown(leaves, names, cost)
    for type_ in ("number", "bool"):
        entries = bank.entries(type_)
        plain = entries.values if type_ == "number" else unpack(entries.values, bank.examples)
        for row in range(0, len(entries), 1 + len(entries) // 200):
            tree = rebuild(bank, type_, row)
            np.testing.assert_allclose(run(tree, leaves), plain[row], rtol=1e-12, atol=1e-12)
            assert tree_cost(tree) == entries.cost[row]


def test_division_by_zero_on_one_example_is_no_behaviour():
    leaves = [Leaf("x", "number", np.array([1.0, 0.0, 2.0])), Leaf("1", "number", np.ones(3))]
    bank = grown(leaves, ("/",), 3)
    assert {rebuild(bank, "number", row) for row in range(len(bank.number))} == {"x", "1"}


def test_rounding_noise_counts_as_zero():
    leaves = [
        Leaf("a", "number", np.array([0.1, 0.7])),
        Leaf("b", "number", np.array([0.2, 0.1])),
        Leaf("c", "number", np.array([0.1 + 0.2, 0.7 + 0.1])),
    ]
    bank = grown(leaves, ("+", "-"), 5)
    assert (np.abs(bank.number.values).max(axis=1) < 1e-12).sum() == 1


def test_growing_in_steps_gives_the_same_bank_as_at_once():
    names = ("+", "*", "<", "if", "neg")
    at_once = grown(number_leaves(), names, 5)
    bank = start(number_leaves())
    for cost in range(1, 6):
        bank = grow(bank, some(*names), cost, materialise_last=cost % 2 == 0)
    bank = grow(bank, some(*names), 5)
    assert bank.steps == at_once.steps
    for type_ in ("number", "bool"):
        ours, theirs = bank.entries(type_), at_once.entries(type_)
        for field in ("keys", "cost", "operation", "children", "values"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


def test_a_step_limit_stops_on_a_block_and_repeats():
    names = ("+", "-", "*", "max")
    whole = grown(number_leaves(), names, 9)
    first = grown(number_leaves(), names, 9, step_limit=5_000)
    again = grown(number_leaves(), names, 9, step_limit=5_000)
    assert first.steps <= 5_000 < whole.steps
    assert first.level < 9
    np.testing.assert_array_equal(first.number.values, again.number.values)
    np.testing.assert_array_equal(
        grow(first, some(*names), 9).number.cost, np.sort(whole.number.cost)
    )


def test_stops_when_asked_and_at_the_entry_limit():
    stopped = grown(number_leaves(), ("+", "*"), 9, should_stop=lambda: True)
    assert stopped.level == 0
    limited = grown(number_leaves(), ("+", "*"), 9, entry_limit=500)
    assert 500 <= len(limited.number) < 500 + (1 << 16)


def test_growing_leaves_the_old_bank_as_it_was():
    names = ("+", "*", "-")
    old = grown(number_leaves(), names, 3, materialise_last=False)
    before = [getattr(old.number, field).copy() for field in ("values", "keys", "children")]
    grow(old, some(*names), 5)
    after = [getattr(old.number, field) for field in ("values", "keys", "children")]
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "bad",
    [
        Operation("+", ("number", "number"), "number", max, 0),
        Operation("+", ("number", "number"), "bool", max, kind="add"),
        Operation("+", ("number", "number"), "number", max, kind="sum"),
        Operation("+", ("number", "text"), "number", max),
        Operation("if", ("bool", "number", "bool"), "number", max, kind="if"),
    ],
)
def test_refuses_bad_operations(bad):
    with pytest.raises(BadInput, match="operation"):
        grow(start(number_leaves()), [bad], 3)


@pytest.mark.parametrize(
    "leaves",
    [
        [],
        [Leaf("x", "number", np.ones(3)), Leaf("y", "number", np.ones(4))],
        [Leaf("x", "number", np.array([1.0, np.nan]))],
        [Leaf("x", "text", np.ones(3))],
    ],
)
def test_refuses_bad_leaves(leaves):
    with pytest.raises(BadInput, match=r"leaf"):
        start(leaves)


def test_refuses_other_operations_than_before():
    bank = grown(number_leaves(), ("+",), 3)
    with pytest.raises(BadInput, match="grown with"):
        grow(bank, [OPERATIONS["-"]], 5)
