"""Undoing an operation never loses a solution; two planted operations are found by lookup."""

import numpy as np
import pytest
from bank_operations import OPERATIONS, grown, number_leaves, run, some

from distill.synthesize.bank import Operation, head, number_target, rebuild, two_steps
from distill.synthesize.bank.inverse import UNDO, subgoals

LEAVES = number_leaves(30)
NAMES = ("+", "-", "*", "/", "max", "min")
BANK = grown(LEAVES, NAMES, 5)
RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tolerance", [1e-9, 0.1])
def test_the_true_argument_lies_in_the_box(name, tolerance):
    operation = OPERATIONS[name]
    for _ in range(20):
        known, found = RANDOM.choice(len(BANK.number), size=2)
        for place in range(len(UNDO[operation.kind])):
            pair = [BANK.number.values[known], BANK.number.values[found]]
            with np.errstate(all="ignore"):
                values = operation.array(np, *(pair[::-1] if place == 0 else pair))
            if np.isfinite(values).all() and np.abs(values).max() < 1e3:
                low, high = UNDO[operation.kind][place](
                    values - tolerance, values + tolerance, pair[0]
                )
                slack = 1e-9 * (1 + np.abs(pair[1]))
                assert (low - slack <= pair[1]).all()
                assert (pair[1] <= high + slack).all()


def test_a_factor_of_zero_is_free_or_impossible():
    low, high = UNDO["mul"][0](np.array([-1.0, 1.0]), np.array([1.0, 2.0]), np.zeros(2))
    assert (low[0], high[0]) == (-np.inf, np.inf)
    assert low[1] > high[1]


def test_undoes_a_distance_whose_sign_is_the_same_everywhere():
    big = 50.0 + LEAVES[0].values * LEAVES[1].values
    target = number_target(np.abs(LEAVES[0].values - big), 1e-9)
    goals = subgoals(BANK, some("dist"), target, 2)
    assert any(goal.target.accepts(big) for goal in goals)


@pytest.mark.parametrize("name", NAMES)
def test_finds_two_planted_operations(name):
    row = int(np.flatnonzero(BANK.number.cost == 5)[7])
    inner = BANK.number.values[row] - BANK.number.values[row - 3] * 0.5
    values = OPERATIONS[name].array(np, LEAVES[0].values, inner)
    target = number_target(values, 1e-9 * (1 + np.abs(values)))
    bank = grown([*LEAVES, number_leaf("half", 0.5)], NAMES, 5)
    plans = two_steps(bank, some(*NAMES), target)
    assert plans
    for plan in plans:
        found = run(plan.tree, [*LEAVES, number_leaf("half", 0.5)])
        assert target.accepts(np.asarray(found))


def number_leaf(name, value):
    leaf = LEAVES[0]
    return type(leaf)(name, "number", np.full(len(leaf.values), value))


def test_undoes_a_unary_operation_with_an_inverse():
    cube = Operation(
        "cube", ("number",), "number", lambda xp, a: a**3,
        inverse=lambda xp, low, high: (xp.cbrt(low), xp.cbrt(high)),
    )  # fmt: skip
    x, y = LEAVES[0].values, LEAVES[1].values
    target = number_target((x * y - x) ** 3, 1e-6)
    found = [goal for goal in subgoals(BANK, [cube], target, 4) if goal.target.accepts(x * y - x)]
    assert found
    plans = two_steps(BANK, [cube, *some(*NAMES)], target)
    assert plans[0].tree[0] == "cube"


def test_head_is_the_bank_as_it_was():
    smaller = head(BANK, 3)
    assert smaller.number.cost.max() == 3
    assert rebuild(smaller, "number", 4) == rebuild(BANK, "number", 4)


def test_gives_nothing_for_an_unreachable_target():
    assert two_steps(head(BANK, 3), some(*NAMES), number_target(RANDOM.normal(size=30), 1e-6)) == []
