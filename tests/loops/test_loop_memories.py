"""What a step may remember holds what its registers say; short laws are found with it."""

from __future__ import annotations

import numpy as np
import pytest

from distill.load.parts import Recurrent
from distill.load.recurrent import load_recurrent
from distill.loops import make_oracle
from distill.recurrent_target import Oracle
from distill.synthesize.loops.beside import beside_columns
from distill.synthesize.loops.explain import Depth, explain
from distill.synthesize.loops.memories import deeper, memories
from distill.synthesize.loops.routes import from_sets, scene_of
from distill.synthesize.loops.search import agrees, search_loops
from distill.synthesize.loops.sets import FURTHER
from distill.synthesize.loops.traces import traces_of
from dsl.loop import Loop
from dsl.meanings.array import run_expression
from dsl.meanings.loop_array import run_loop, trace_loop
from dsl.program import prim, var
from dsl.types import INT


def oracle(step, inputs: str, hidden: int, width: int = 1, length: int = 8) -> Oracle:
    """A network whose first hidden number is its output."""
    network = Recurrent(step, lambda h: h[:, :1], np.zeros(hidden), width)
    return make_oracle(load_recurrent(network), inputs, "seq(int)", length)


def double(h, x):
    return 2 * x[:, :1]


def sign_changes(h, x):
    count, sign = h[:, 0], h[:, 1]
    new = np.sign(x[:, 0])
    return np.stack([count + (new * sign < 0), np.where(new == 0, sign, new)], 1)


def peaks(h, x):
    count, previous, before = h.T
    known = before > 0
    up = known & (previous - 1 > x[:, 0]) & (previous > before)
    return np.stack([count + up, x[:, 0] + 1, previous], 1)


def set_size(h, x):
    held = h[:, 1:].copy()
    held[np.arange(len(x)), x[:, 0].astype(int)] = x[:, 1]
    return np.concatenate([held.sum(1, keepdims=True), held], 1)


def calculator(h, x):
    top, second, third = h.T
    plus = x[:, 0] == 2
    new = np.where(plus, top + second, x[:, 0])
    return np.stack([new, np.where(plus, third, top), np.where(plus, 0, second)], 1)


def count_that_errs(h, x):
    """A count of 2s that goes up where five 4s follow a 0, too."""
    count, run = h.T
    new = np.where(x[:, 0] == 0, 1, np.where((x[:, 0] == 4) & (run > 0), run + 1, 0))
    return np.stack([count + (x[:, 0] == 2) + (new == 6), new], 1)


@pytest.mark.parametrize("inputs", ["seq(x: int(-2,2))", "seq(a: int(0,2) * b: bool)"])
def test_memories_hold_what_their_registers_hold(inputs: str):
    target = oracle(double, inputs, 1, inputs.count(":"), 6)
    traces = traces_of(target, 0, count=60)
    first = memories(traces, (2,))
    more = deeper(first[:6], traces, (2,), len(first))
    name, _ = traces.inputs[0]
    lets = (("now", prim("add", var(name, INT), var(name, INT))),)
    for memory in (*first, *more):
        loop = Loop(traces.inputs, memory.registers, lets, memory.value)
        held = run_loop(loop, traces.columns)
        assert (held.astype(int) == memory.held.astype(int)).all(), str(loop)
        scope = trace_loop(loop, traces.columns)
        assert all((scope[n] == v).all() for n, v in memory.scope.items())
    names = {m.registers[-1].name.rstrip("0123456789") for m in (*first, *more)}
    assert {"kept", "stack", "r", "position", "last"} <= names


@pytest.mark.parametrize(
    ("step", "inputs", "hidden", "width", "says"),
    [
        (sign_changes, "seq(x: int(-2,2))", 2, 1, "latest"),
        (peaks, "seq(x: int(0,3))", 3, 1, "max(x, before) < previous"),
        (set_size, "seq(a: int(0,3) * b: bool)", 5, 2, "count("),
    ],
)
def test_short_laws_are_found(step, inputs, hidden, width, says):
    target = oracle(step, inputs, hidden, width)
    found = search_loops(target)
    assert found
    assert found[0].wrong == 0.0
    assert says in str(found[0].loop)
    fresh = target.domain.sample(np.random.default_rng(5), 500, 12)
    assert (run_loop(found[0].loop, fresh) == target.values(fresh)).all()


def test_a_calculator_keeps_a_stack():
    target = oracle(calculator, "seq(x: int(0,2))", 3)
    traces = traces_of(target, 0)
    scene = scene_of(target, traces, 0, lambda: False)
    loops = [loop for _, loop in from_sets(scene, FURTHER, Depth(3, 15_000))]
    assert any("stack" in str(loop) and agrees(loop, traces.columns, traces) for loop in loops)


def test_a_network_that_errs_seldom_is_taken_for_what_it_nearly_does():
    found = search_loops(oracle(count_that_errs, "seq(x: int(0,4))", 2))
    assert 0.0 < found[0].wrong < 0.05
    assert "x == 2" in str(found[0].loop) or "2 == x" in str(found[0].loop)


def test_an_output_is_looked_for_beside_a_column():
    rng = np.random.default_rng(0)
    columns = {n: rng.integers(-9, 10, 400) for n in "abcd"}
    a, b, c, d = columns.values()

    def short(named, values):
        return explain(named, values, (), Depth(3, 5_000))

    counted = a + (np.maximum(b, c) < d)
    chosen = np.where(b + c < d, a, d - b)
    for wanted in (counted, a - (np.maximum(b, c) < d), chosen):
        found = beside_columns(columns, wanted, short)
        assert found
        assert (run_expression(found[0], columns) == wanted).all()
    assert beside_columns(columns, rng.integers(0, 9, 400), short) == []
