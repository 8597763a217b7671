"""Registers and lets of loops in recurrent networks whose states are known."""

from __future__ import annotations

import numpy as np
from scipy.stats import ortho_group

from distill.recurrent import RecurrentNetwork, cell_of_layers
from tests.align.networks import aligned_loop
from tests.loops.networks import PARITY, cell

COUNT_LOOP = """loop predict(x: bool) -> seq(int)
  start n: int = 0
  out n
  next n = n + as_int(x)
"""
PARITY_LOOP = """loop predict(x: bool) -> seq(bool)
  start odd: bool = false
  let now = x xor odd
  out now
  next odd = now
"""
CARRY_LOOP = """loop predict(a: bool, b: bool) -> seq(bool)
  start carry: bool = false
  let total = as_int(a) + as_int(b) + as_int(carry)
  out total % 2 == 1
  next carry = total > 1
"""
COUNTER = cell([([[1, 0, 1], [1, 0, 0]], [0, 0])], [([[0, 1]], [0])], 2)
"""The state is (count, count before): the output is the latter."""
CARRY = cell(
    [([[0, 1, 1, 1]] * 3, [0, -1, -2]), ([[1, -2, 2], [0, 1, -1]], [0, 0])], [([[1, 0]], [0])], 2
)
"""The state is (sum bit, carry bit) of two binary numbers."""


def by_name(report):
    return {v.name: v for v in report.variables}


def test_a_counter_lives_in_one_neuron() -> None:
    found = by_name(aligned_loop(COUNTER, "seq(x: bool)", "seq(int)", COUNT_LOOP))["n"]
    assert found.kind == "register"
    assert found.located
    assert str(found.place) == "the state, neuron 0"
    assert found.interchange.where_it_matters.value >= 0.99
    assert max(found.interchange.random.value, found.interchange.shuffled.value) < 0.75


def test_a_carry_and_the_total_are_found() -> None:
    found = by_name(aligned_loop(CARRY, "seq(a: bool * b: bool)", "seq(bool)", CARRY_LOOP))
    assert found["carry"].located
    assert str(found["carry"].place) == "the state, neuron 1"
    assert found["total"].located
    assert found["total"].interchange.where_it_matters.low > 0.99
    assert found["carry"].interchange.shuffled.value < 0.75


def test_a_state_that_is_all_register_has_no_random_control() -> None:
    found = by_name(aligned_loop(PARITY, "seq(x: bool)", "seq(bool)", PARITY_LOOP))["odd"]
    assert found.located
    assert found.place.whole
    assert found.interchange.random is None


def test_a_rotated_state_still_holds_the_carry() -> None:
    turn = ortho_group.rvs(3, random_state=1)
    step = [
        (np.column_stack([np.outer([1, 1, 1], turn[:, 1]), np.ones((3, 2))]), [0, -1, -2]),
        (turn @ [[1, -2, 2], [0, 1, -1], [1, 0, 0]], np.zeros(3)),
    ]
    rotated = RecurrentNetwork(cell_of_layers(step, [(turn[:, :1].T, np.zeros(1))]), np.zeros(3))
    found = by_name(aligned_loop(rotated, "seq(a: bool * b: bool)", "seq(bool)", CARRY_LOOP))
    assert found["carry"].located
    assert found["carry"].place.dimension == 1
    assert not found["carry"].place.neurons


def test_another_register_of_the_same_outputs_is_not_located() -> None:
    """Parity by a count of ones: the network's state is the parity and forgets the count."""
    counting = """loop predict(x: bool) -> seq(bool)
  start ones: int = 0
  out (ones + as_int(x)) % 2 == 1
  next ones = ones + as_int(x)
"""
    found = by_name(aligned_loop(PARITY, "seq(x: bool)", "seq(bool)", counting))["ones"]
    assert not found.located
    assert found.reason == "no wire of the network tells it"


def test_a_list_is_looked_for_number_by_number() -> None:
    shift = cell([([[0, 0, 1], [1, 0, 0]], [0, 0])], [([[1, 2]], [0])], 2)
    loop = """loop predict(x: int) -> seq(int)
  start recent: int[2] = [0, 0]
  out x + 2 * recent[0]
  next recent = [x, recent[0]]
"""
    report = aligned_loop(shift, "seq(x: int(0,9))", "seq(int)", loop)
    first, second = report.variables
    assert (first.name, first.located) == ("recent[0]", True)
    assert (second.name, second.located) == ("recent[1]", False)
    assert second.reason == "no change of it changes the output"


def test_a_register_that_follows_the_step_is_taken_from_another_step() -> None:
    turns = cell([([[-1, 0]], [1])], [([[1]], [0])], 1)
    loop = """loop predict(x: bool) -> seq(int)
  start turn: int = 0
  out 1 - turn
  next turn = 1 - turn
"""
    found = by_name(aligned_loop(turns, "seq(x: bool)", "seq(int)", loop))["turn"]
    assert found.located


def test_an_output_at_the_end_counts_alone() -> None:
    loop = PARITY_LOOP.replace("seq(bool)", "bool")
    report = aligned_loop(PARITY, "seq(x: bool, 1..6)", "bool", loop, length=6)
    assert by_name(report)["odd"].located


def test_registers_of_real_numbers_are_told_apart_in_slanted_directions() -> None:
    """The state is (fast + slow, slow): two leaky sums, of which the second overlaps the first."""
    leaky = cell([([[0.5, 0.4, 2], [0, 0.9, 1]], [0, 0])], [([[1, -1]], [0]), ([[1]], [0])], 2)
    loop = """loop predict(x: real) -> seq(real)
  start fast: real = 0.0
  start slow: real = 0.0
  out 0.5 * fast + x
  next fast = 0.5 * fast + x
  next slow = 0.9 * slow + x
"""
    found = by_name(aligned_loop(leaky, "seq(x: real(0,1))", "seq(real)", loop))
    assert found["fast"].located
    assert found["fast"].place.dimension == 1
    assert found["fast"].interchange.where_it_matters.value >= 0.99
    assert found["fast"].interchange.explained > 0.99
    assert found["slow"].reason == "no change of it changes the output"


def test_another_register_may_have_values_that_few_rows_show() -> None:
    """A sum beside a count of a rare item; the state is (sum, count)."""
    both = cell(
        [([[1, 0, 1], [0, 1, 0], [0, 0, 1]], [0, 0, -8]), ([[1, 0, 0], [0, 1, 1]], [0, 0])],
        [([[1, 1]], [0])], 2,
    )  # fmt: skip
    loop = """loop predict(x: int) -> seq(int)
  start total: int = 0
  start rare: int = 0
  let new = rare + (if x == 9 then 1 else 0)
  out x + total + new
  next total = x + total
  next rare = new
"""
    found = by_name(aligned_loop(both, "seq(x: int(0,9))", "seq(int)", loop, length=16))
    assert found["total"].located
    assert found["rare"].located
