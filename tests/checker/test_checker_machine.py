"""Loops as machines: states in the order in which items lead to them, and where it is too many."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.checker import machine as module
from distill.checker.machine import (
    EDGES,
    STATES,
    Machine,
    TooMany,
    _key,
    items_of,
    machine_of,
    with_memory,
)
from dsl.domain_text import parse_domain
from dsl.loop import Loop
from dsl.loop_text import parse_loop

BITS = [(False,), (True,)]
ONE = [(False,)]


def loop_of(start: str, update: str, out: str = "n", kind: str = "int") -> Loop:
    return parse_loop(
        f"loop predict(x: bool) -> seq({kind})\n"
        f"  start n: {kind} = {start}\n  out {out}\n  next n = {update}\n"
    )


def counter(most: int) -> Loop:
    """Counts what is true, up to a number and back to 0."""
    return loop_of("0", f"(n + as_int(x)) % {most}", "10 * n + as_int(x)")


def rows(machine: Machine) -> tuple[list, list]:
    return machine.next.tolist(), machine.outputs.tolist()


def test_states_are_numbered_as_items_lead_to_them():
    following, outputs = rows(machine_of(counter(3), BITS))
    assert following == [[0, 1], [1, 2], [2, 0]]
    assert outputs == [[[0], [1]], [[10], [11]], [[20], [21]]]
    tree = loop_of("0", "if n > 2 then n else 2 * n + 1 + as_int(x)")
    assert machine_of(tree, BITS).next.tolist() == [
        [1, 2], [3, 4], [5, 6], [3, 3], [4, 4], [5, 5], [6, 6]
    ]  # fmt: skip


def test_states_that_are_too_far_are_not_followed():
    none, one, two, all_of_them = (machine_of(counter(3), BITS, depth) for depth in range(4))
    assert none.next.tolist() == [[-1, -1]]
    assert one.next.tolist() == [[0, 1], [-1, -1]]
    assert two.next.tolist() == [[0, 1], [1, 2], [-1, -1]]
    assert all_of_them.next.tolist() == [[0, 1], [1, 2], [2, 0]]
    assert [m.outputs.shape for m in (none, one, two)] == [(1, 2, 1), (2, 2, 1), (3, 2, 1)]
    assert np.isnan(none.outputs).all()
    assert np.isnan(two.outputs[2]).all()
    assert two.outputs[:2].tolist() == [[[0], [1]], [[10], [11]]]
    assert (none.next.dtype, two.next.dtype, two.outputs.dtype) == (np.int64, np.int64, np.float64)


def test_outputs_of_several_numbers_stand_side_by_side():
    text = "loop predict(x: bool) -> seq(int[2])\n  start n: int = 0\n  out [n, as_int(x)]\n"
    loop = parse_loop(text + "  next n = 1 - n\n")
    assert machine_of(loop, BITS).outputs.tolist() == [[[0, 0], [0, 1]], [[1, 0], [1, 1]]]
    assert machine_of(loop, BITS, 1).outputs.shape == (2, 2, 2)


def test_a_loop_of_too_many_edges_is_refused():
    assert len(machine_of(counter(3), BITS, None, 4).next) == 3
    with pytest.raises(TooMany):
        machine_of(counter(3), BITS, None, 3)


def test_a_loop_of_too_many_states_is_refused(monkeypatch):
    monkeypatch.setattr(module, "STATES", 3)
    assert len(machine_of(counter(3), BITS).next) == 3
    with pytest.raises(TooMany):
        machine_of(counter(4), BITS)


def test_limits_are_five_thousand_states_and_eighty_thousand_edges():
    assert (STATES, EDGES) == (5_000, 80_000)
    assert machine_of.__defaults__ == (None, EDGES)


GROWING = [
    # 2**a becomes 2**(2a + 1), up to 2**4095 in 12 steps
    ("1", "2 * n * n", "int", 12, True),
    ("1", "n * n / 2", "real", 12, True),
    ("-1", "-2 * n * n", "int", 12, True),
    # 2**a becomes 2**(2a), up to 2**4096
    ("2", "n * n", "int", 11, True),
    ("2", "n * n", "int", 12, False),
    ("0.5", "n * n", "real", 11, True),
    ("0.5", "n * n", "real", 12, False),
]


@pytest.mark.parametrize(("start", "update", "kind", "depth", "fits"), GROWING)
def test_numbers_that_grow_long_are_not_followed(start, update, kind, depth, fits):
    loop = loop_of(start, update, "0 * n", kind)
    if fits:
        assert len(machine_of(loop, ONE, depth).next) == depth + 1
    else:
        with pytest.raises(TooMany):
            machine_of(loop, ONE, depth)


def test_one_long_number_of_several_is_enough():
    text = "loop predict(x: bool) -> seq(int)\n  start v: int[2] = [1, 2]\n  out 0\n"
    loop = parse_loop(text + "  next v = [v[0], v[1] * v[1]]\n")
    assert len(machine_of(loop, ONE, 11).next) == 12
    with pytest.raises(TooMany):
        machine_of(loop, ONE, 12)


def test_states_are_the_same_where_their_values_are():
    assert _key({"a": 1, "b": (2, Fraction(1, 2))}) == _key({"a": 1, "b": (2, Fraction(1, 2))})
    assert _key({"a": True}) != _key({"a": 1})
    assert _key({"a": 1}) == _key({"a": Fraction(1)})
    assert _key({"a": (1, 2)}) != _key({"a": (2, 1)})
    assert _key({"a": (1, 2)}) != _key({"a": (1, 3)})


def made(following: list, outputs: list) -> Machine:
    return Machine(np.array(following, dtype=np.int64), np.array(outputs, dtype=float))


LAST = made([[0, 1], [0, 1]], [[[5], [6]], [[7], [8]]])
"""Its state is the last item."""


def test_no_memory_is_the_machine_itself():
    assert with_memory(LAST, 0) is LAST


def test_states_with_memory_are_pairs():
    one, two = with_memory(LAST, 1), with_memory(LAST, 2)
    assert one.next.tolist() == [[1, 2], [1, 2], [1, 2]]
    assert one.outputs.tolist() == [[[5], [6]], [[5], [6]], [[7], [8]]]
    assert two.next.tolist() == [[1, 2], [3, 4], [5, 6], [3, 4], [5, 6], [3, 4], [5, 6]]
    assert two.outputs[:, 0, 0].tolist() == [5, 5, 7, 5, 7, 5, 7]
    assert one.next.dtype == np.int64


def test_states_that_were_not_followed_lead_nowhere_with_memory():
    cut = made([[1, -1], [-1, 0]], [[[5], [6]], [[7], [8]]])
    found = with_memory(cut, 1)
    assert found.next.tolist() == [[1, -1], [-1, 2], [1, -1]]
    assert found.outputs[:, 0, 0].tolist() == [5, 7, 5]


@pytest.mark.parametrize(("limit", "least"), [("STATES", 3), ("EDGES", 6)], ids=["states", "edges"])
def test_a_machine_with_memory_may_have_too_many_states(limit, least, monkeypatch):
    monkeypatch.setattr(module, limit, least)
    assert len(with_memory(LAST, 1).next) == 3
    monkeypatch.setattr(module, limit, least - 1)
    with pytest.raises(TooMany):
        with_memory(LAST, 1)


def test_items_are_all_points_as_plain_values():
    assert items_of(parse_domain("x: bool * n: int(1,2)"), 4) == [
        (False, 1), (False, 2), (True, 1), (True, 2)
    ]  # fmt: skip
    assert items_of(parse_domain("n: int(3,3)"), 1) == [(3,)]


def test_too_many_items_or_none_are_refused():
    none: Any = SimpleNamespace(count=0)
    for domain, most in [
        (parse_domain("x: bool * n: int(1,2)"), 3),
        (parse_domain("x: real(0,1)"), 99),
        (none, 4),
    ]:
        with pytest.raises(TooMany):
            items_of(domain, most)
