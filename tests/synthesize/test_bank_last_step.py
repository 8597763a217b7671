"""Planted targets are found by lookup, with tolerance, don't-cares and errors; others aren't."""

import warnings

import numpy as np
import pytest
from bank_operations import OPERATIONS, bool_leaves, grown, number_leaves, run, some

from distill.errors import BadInput
from distill.synthesize.bank import bool_target, last_step, match_tree, number_target
from distill.synthesize.bank.packing import unpack

LEAVES = number_leaves(40)
NAMES = ("+", "-", "*", "/", "max", "min", "dist", "neg", "hypot", "<", "<=", "if")
BANK = grown(LEAVES, NAMES, 5)
BOOL_LEAVES = bool_leaves(5)
BOOL_NAMES = ("and", "or", "xor", "not", "choose")
BOOL_BANK = grown(BOOL_LEAVES, BOOL_NAMES, 4)

RANDOM = np.random.default_rng(3)


def expensive_rows(bank, type_, count):
    costs = bank.entries(type_).cost
    return RANDOM.choice(np.flatnonzero(costs >= costs.max() - 1), size=count).tolist()


def apply(name, bank, rows):
    operation = OPERATIONS[name]
    arguments = []
    for type_, row in zip(operation.arguments, rows, strict=True):
        values = bank.entries(type_).values[row]
        arguments.append(values if type_ == "number" else unpack(values[None], bank.examples)[0])
    with np.errstate(all="ignore"):
        return operation.array(np, *arguments)


def is_right(bank, match, target_values, tolerance, leaves):
    values = run(match_tree(bank, match), leaves)
    return np.abs(values - target_values).max() <= tolerance * (1 + 1e-6)


@pytest.mark.parametrize("tolerance", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("name", ["+", "-", "*", "/", "max", "min", "dist", "neg"])
def test_finds_planted_numbers(name, tolerance):
    for _ in range(3):
        operation = OPERATIONS[name]
        rows = expensive_rows(BANK, "number", len(operation.arguments))
        values = apply(name, BANK, rows)
        if not np.isfinite(values).all() or np.abs(values).max() > 1e6:
            continue
        noise = RANDOM.uniform(-0.9, 0.9, size=len(values)) * tolerance
        found = last_step(BANK, [operation], number_target(values + noise, tolerance + 1e-12))
        roots = [match for match in found if match.operation in (name, "entry")]
        assert roots
        for match in roots:
            assert is_right(BANK, match, values + noise, tolerance + 1e-12, LEAVES)


def test_finds_operations_without_a_lookup_among_cheap_entries():
    values = apply("hypot", BANK, (3, 5))
    found = last_step(BANK, some("hypot"), number_target(values, 1e-9), fits=False)
    assert found
    assert is_right(BANK, found[0], values, 1e-9, LEAVES)


def test_finds_a_planted_choice_of_numbers():
    condition = expensive_rows(BANK, "bool", 1)
    values = apply("if", BANK, (*condition, *expensive_rows(BANK, "number", 2)))
    found = last_step(BANK, some("if"), number_target(values, 1e-9))
    assert any(match.operation == "if" for match in found)
    assert all(is_right(BANK, match, values, 1e-6, LEAVES) for match in found[:1])


def test_examples_outside_care_are_free():
    values = LEAVES[0].values + LEAVES[1].values
    care = np.arange(len(values)) % 3 > 0
    spoiled = np.where(care, values, 99.0)
    found = last_step(BANK, some("+"), number_target(spoiled, 1e-9, care))
    assert any(match_tree(BANK, match) in {("+", "x", "y"), ("+", "y", "x")} for match in found)
    assert not last_step(BANK, some("+"), number_target(spoiled, 1e-9), fits=False)


def test_fits_constants_to_one_entry_and_to_two():
    x, y = LEAVES[0].values, LEAVES[1].values
    one = last_step(BANK, [], number_target(2.5 * x * y - 7.25, 1e-9))[0]
    assert one.operation == "affine"
    np.testing.assert_allclose(one.constants, [2.5, -7.25], atol=1e-6)
    two = last_step(BANK, [], number_target(2.5 * x - 1.5 * y + 0.125, 1e-6))
    values = two[0].constants @ np.array(
        [*(BANK.number.values[row] for _, row in two[0].children), np.ones(len(x))]
    )
    np.testing.assert_allclose(values, 2.5 * x - 1.5 * y + 0.125, atol=1e-6)
    assert len(two[0].children) == 2


def test_fits_where_only_the_least_largest_error_stays_inside():
    x = LEAVES[0].values
    order = np.argsort(x)
    noise = np.full(len(x), 0.1)
    noise[order[-1]] = -0.1
    noise[order[0]] = -0.1
    found = last_step(BANK, [], number_target(3 * x + noise, 0.1001), limit=4)
    assert any(match.children == (("number", 0),) for match in found)


def test_matches_come_cheapest_first_and_unreachable_targets_give_none():
    found = last_step(BANK, some(*NAMES), number_target(LEAVES[0].values * 2, 1e-9))
    assert [match.cost for match in found] == sorted(match.cost for match in found)
    nonsense = number_target(RANDOM.normal(size=40), 1e-3)
    assert last_step(BANK, some(*NAMES), nonsense) == []


def test_is_the_same_every_time():
    target = number_target(LEAVES[0].values * 2, 0.3)
    assert last_step(BANK, some(*NAMES), target) == last_step(BANK, some(*NAMES), target)


@pytest.mark.parametrize("name", ["and", "or", "xor", "not", "choose"])
def test_finds_planted_bools_also_with_dont_cares(name):
    operation = OPERATIONS[name]
    for share in (1.0, 0.6):
        truth = apply(name, BOOL_BANK, expensive_rows(BOOL_BANK, "bool", len(operation.arguments)))
        care = RANDOM.random(len(truth)) < share
        spoiled = np.where(care, truth, RANDOM.random(len(truth)) < 0.5)
        found = last_step(BOOL_BANK, [operation], bool_target(spoiled, care))
        assert any(match.operation in (name, "entry") for match in found)
        for match in found:
            values = run(match_tree(BOOL_BANK, match), BOOL_LEAVES)
            assert ((values == truth) | ~care).all()


def test_finds_a_planted_comparison():
    truth = apply("<", BANK, (20, 11))
    found = last_step(BANK, some("<"), bool_target(truth), fits=False)
    assert found
    assert (run(match_tree(BANK, found[0]), LEAVES) == truth).all()


def test_finds_a_threshold_and_its_interval():
    values = LEAVES[0].values * LEAVES[1].values
    found = last_step(BANK, [], bool_target(values > 0.7), limit=64)
    inside = np.array([values[values <= 0.7].max(), values[values > 0.7].min()])
    intervals = [match.interval for match in found if match.operation == "above"]
    assert any(np.allclose(interval, inside) for interval in intervals)
    below = last_step(BANK, [], bool_target(values < 0.7))
    assert below[0].interval[0] < below[0].constants[0] < below[0].interval[1]


def test_a_threshold_makes_errors_only_if_allowed():
    x = LEAVES[0].values
    truth = x > 0.1
    truth[np.argmax(x)] = False
    truth[np.argmin(x)] = True
    weights = np.ones(len(x))
    exact = last_step(BANK, [], bool_target(truth))
    lenient = last_step(BANK, [], bool_target(truth, weights=weights, allowed_errors=2.0))
    assert not any(match.children == (("number", 0),) for match in exact)
    match = next(m for m in lenient if m.children == (("number", 0),) and m.operation == "above")
    assert match.error == 2.0
    assert ((x > match.constants[0]) != truth).sum() == 2


def test_a_bank_of_one_entry_is_asked_without_warnings():
    alone = grown(LEAVES[:1], NAMES, 1)
    target = number_target(alone.number.values[0] * 2.0, 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = last_step(alone, some("+", "*", "max"), target, fits=False)
    assert match_tree(alone, found[0]) == ("+", LEAVES[0].name, LEAVES[0].name)


def test_refuses_a_target_of_another_size():
    with pytest.raises(BadInput, match="examples"):
        last_step(BANK, [], number_target(np.zeros(3), 0.1))
    with pytest.raises(BadInput, match="tolerance"):
        number_target(np.zeros(3), -1.0)
