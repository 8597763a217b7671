"""Programs as machines: every state, where it leads, what it puts out, and what it remembers."""

import numpy as np
import pytest

from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.verify.machine import Steps, remembering, steps_of
from dsl.loop_text import parse_loop

LAYERS = [(np.zeros((1, 2)), np.zeros(1))], [(np.zeros((1, 1)), np.zeros(1))]
NETWORK = RecurrentNetwork(cell_of_layers(*LAYERS), np.zeros(1))
MOD_3 = """loop predict(x: int) -> seq(int)
  start total: int = 1
  out total * 10 + x
  next total = (total + x) % 3
"""
COUNT = """loop predict(x: int) -> seq(int)
  start total: int = 0
  out total
  next total = total + x
"""


def oracle(items, length=4):
    return make_oracle(NETWORK, f"seq({items})", "seq(int)", length)


def test_states_are_numbered_as_they_are_reached():
    found = steps_of(parse_loop(MOD_3), oracle("int(0,2)"))
    assert found is not None
    assert found.next.tolist() == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    assert found.outputs.tolist() == [[10, 11, 12], [20, 21, 22], [0, 1, 2]]


def test_states_beyond_a_depth_lead_nowhere():
    found = steps_of(parse_loop(COUNT), oracle("int(0,1)"), 5)
    assert found is not None
    assert found.next.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [-1, -1]]
    assert found.outputs[:, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_too_many_states_are_none_or_fewer():
    assert steps_of(parse_loop(COUNT), oracle("int(0,1)")) is None
    assert steps_of(parse_loop(COUNT), oracle("int(0,60001)")) is None
    some = steps_of(parse_loop(COUNT), oracle("int(0,99)", 4), 9)
    assert some is not None
    depths = (some.next[:, 0] >= 0).sum()
    assert 100 * len(some.next) <= 60_000
    assert depths == 496
    assert steps_of(parse_loop(COUNT), oracle("int(0,99)", 20), 30) is None


def test_as_many_states_as_fit_are_listed():
    """1500 states, and 60,000 edges."""
    assert len(steps_of(parse_loop(COUNT), oracle("int(0,1)"), 1499).next) == 1500
    text = COUNT.replace("total + x", "(total + x) % 600")
    assert len(steps_of(parse_loop(text), oracle("int(0,99)")).next) == 600
    more = COUNT.replace("total + x", "(total + x) % 601")
    assert steps_of(parse_loop(more), oracle("int(0,99)")) is None
    many = COUNT.replace("total + x", "(total + x) % 1501")
    assert steps_of(parse_loop(many), oracle("int(0,1)")) is None
    most = COUNT.replace("total + x", "(total + x) % 1500")
    assert len(steps_of(parse_loop(most), oracle("int(0,1)")).next) == 1500


def test_registers_of_reals_are_not_listed():
    loop = parse_loop(
        "loop predict(x: int) -> seq(real)\n  start s: real = 0\n  out s\n  next s = s / 2\n"
    )
    assert steps_of(loop, oracle("int(0,1)"), 3) is None


def test_vectors_and_truths_are_states_too():
    loop = parse_loop(
        "loop predict(x: bool) -> seq(bool)\n  start a: bool = false\n  start b: bool = false\n"
        "  out b\n  next a = x\n  next b = a\n"
    )
    found = steps_of(loop, make_oracle(NETWORK, "seq(bool)", "seq(bool)", 4))
    assert found is not None
    assert found.next.tolist() == [[0, 1], [2, 3], [0, 1], [2, 3]]
    assert found.outputs.tolist() == [[False, False], [False, False], [True, True], [True, True]]


FLIP = Steps(np.array([[1, 0], [0, 1]]), np.array([["a", "b"], ["c", "d"]]))


def test_a_memory_of_nothing_is_the_program_itself():
    assert remembering(FLIP, 0) is FLIP


def test_a_memory_of_items_is_part_of_the_state():
    found = remembering(FLIP, 1)
    assert found is not None
    # (0,), (1, x=0), (0, x=1), (0, x=0), (1, x=1)
    assert found.next.tolist() == [[1, 2], [3, 4], [1, 2], [1, 2], [3, 4]]
    assert found.outputs.tolist() == [list("ab"), list("cd"), list("ab"), list("ab"), list("cd")]
    assert len(remembering(FLIP, 2).next) == 1 + 2 + 8


def test_where_the_program_leads_nowhere_so_does_its_memory():
    ends = Steps(np.array([[1, -1], [-1, -1]]), np.array([[0, 1], [2, 3]]))
    found = remembering(ends, 1)
    assert found is not None
    assert found.next.tolist() == [[1, -1], [-1, -1]]
    assert found.outputs.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("states", "items", "memory", "fits"), [(20, 8, 2, True), (20, 9, 2, False), (50, 30, 1, False)]
)
def test_memories_of_too_many_items_are_none(states, items, memory, fits):
    where = (np.arange(states)[:, None] + np.arange(items)) % states
    found = remembering(Steps(where, where), memory)
    assert (found is not None) == fits
