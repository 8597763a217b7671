"""Loops are put in the words of a person, and keep their outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.synthesize.loops.readable import readable
from distill.synthesize.loops.same import Sight, alike
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop
from dsl.program import Expression, const, prim, var
from dsl.sequences import parse_sequences
from dsl.types import BOOL, INT


def sight(inputs: str, length: int = 12) -> Sight:
    """What loops over a domain are compared on."""
    domain = parse_sequences(inputs)
    return Sight(domain.item, domain.sample(np.random.default_rng(0), 300, length))


def body(loop: Loop) -> list[str]:
    """The lines of a loop without its head."""
    return [line.strip() for line in str(loop).splitlines()[1:]]


REWRITTEN = {
    "a truth in a number": (
        "seq(x: bool)",
        ["start r: int = 1", "out r < 1", "next r = 1 - r"],
        ["start odd: bool = false", "out odd", "next odd = not odd"],
    ),
    "a carry in a number": (
        "seq(x: bool * y: bool)",
        ["start r: int = 0", "out (as_int(y) == r) == x",
         "next r = (as_int(x) + as_int(y) + r) // 2"],
        ["start carry: bool = false", "out x xor y xor carry", None],
    ),
    "what is only read modulo 15": (
        "seq(x: int(0,9))",
        ["start r: int = 0", "out (x + r) % 15 < x", "next r = x + r"],
        ["start remainder: int = 0", "let new_remainder = (remainder + x) % 15",
         "out new_remainder < x", "next remainder = new_remainder"],
    ),
    "a change": (
        "seq(x: int(-3,3))",
        ["start last: int = 0", "start before_last: int = 0",
         "let now = x + 2 * last - before_last - 1",
         "out now", "next last = now", "next before_last = last"],
        ["start total: int = 0", "start change: int = 0", "let new_change = change + x - 1",
         "let new_total = total + new_change", "out new_total", "next total = new_total",
         "next change = new_change"],
    ),
    "a saturating counter": (
        "seq(x: bool)",
        ["start last: int = 0", "let now = min(as_int(x) + last, 5) - min(last, as_int(not x))",
         "out now", "next last = now"],
        ["start count: int = 0", "let new_count = clip(count + (if x then 1 else -1), 0, 5)",
         "out new_count", "next count = new_count"],
    ),
    "a choice": (
        "seq(x: bool)",
        ["start r: int = 0", "let v = as_int(x) * (r + 1)", "out v", "next r = v"],
        ["start run: int = 0", "let new_run = if x then run + 1 else 0", "out new_run",
         "next run = new_run"],
    ),
    "a literal on the left": (
        "seq(x: bool)",
        ["start r: int = 0", "let v = if 1 == r then r else (if x then 1 else -1) + r",
         "out v == 0", "next r = v"],
        ["start balance: int = 0",
         "let new_balance = if balance == 1 then balance else balance + (if x then 1 else -1)",
         "out new_balance == 0", "next balance = new_balance"],
    ),
    "a table that is a formula": (
        "seq(x: int(0,9))",
        ["out [true, true, false, false, true, false, false, false, false, true][x]"],
        ["out square(isqrt(x)) == x"],
    ),
    "a chain of comparisons": (
        "seq(x: bool)",
        ["start previous: bool = false", "start before: bool = false", "start third: bool = false",
         "out (if x then before else previous) and not (if third then before else previous)",
         "next previous = x", "next before = previous", "next third = before"],
        [None, None, None, "out (x xor previous) and (previous xor before) and (before xor third)",
         None, None, None],
    ),
    "what is pushed up to an end": (
        "seq(x: bool)",
        ["start r: int = 0", "start run: int = 0", "let v = if x then run + 1 else 0",
         "let w = clip(r, v, 5)", "out w", "next r = w", "next run = v"],
        ["start largest: int = 0", "start run: int = 0", "let new_run = if x then run + 1 else 0",
         "let new_largest = clip(largest, new_run, 5)", "out new_largest",
         "next largest = new_largest", "next run = new_run"],
    ),
    "what is kept while two agree": (
        "seq(x0: bool * x1: bool)",
        ["start kept: bool = false", "out x0 xor x1 xor kept",
         "next kept = if x0 xor x1 then kept else x0"],
        ["start carry: bool = false", "out x0 xor x1 xor carry", None],
    ),
    "a step that is shown": (
        "seq(x: int(0,9))",
        ["start r: int = 0", "out max(x, r)", "next r = max(x, r)"],
        ["start largest: int = 0", "let new_largest = max(largest, x)", "out new_largest",
         "next largest = new_largest"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("inputs", "before", "after"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_loop_is_put_as_a_person_would(inputs: str, before: list[str], after: list[str | None]):
    shown = sight(inputs)
    kind = {BOOL: "bool", INT: "int"}
    fields = ", ".join(f"{f.name}: {kind[f.type]}" for f in shown.item.fields)
    lines = "\n  ".join(before)
    for result in ("int", "bool"):
        try:
            loop = parse_loop(f"loop predict({fields}) -> seq({result})\n  {lines}\n")
        except ValueError:
            continue
        made = readable(loop, shown)
        assert len(body(made)) == len(after)
        for found, wanted in zip(body(made), after, strict=True):
            assert wanted in (None, found)
        assert alike(loop, made, shown)
        return
    pytest.fail("the loop isn't read")


NUMBERS = st.sampled_from([var("r", INT), var("s", INT), var("x", INT), const(1), const(2)])
TRUTHS = st.sampled_from([var("p", BOOL), const(True)])


def _wider(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    numbers = st.tuples(st.sampled_from(["add", "sub", "max", "min"]), inner, inner)
    return st.one_of(
        numbers.map(lambda t: prim(t[0], t[1], t[2])),
        st.tuples(inner, inner, inner, inner).map(
            lambda t: prim("if_", prim("less", t[0], t[1]), t[2], t[3])
        ),
        inner.map(lambda e: prim("mod", e, const(3))),
        st.tuples(TRUTHS, inner).map(lambda t: prim("mul", prim("as_int", t[0]), t[1])),
    )


STEPS = st.recursive(NUMBERS, _wider, max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(STEPS, STEPS, STEPS)
def test_outputs_stay_those_of_the_loop(output: Expression, first: Expression, second: Expression):
    shown = sight("seq(x: int(-1,1) * p: bool)", 6)
    inputs = (("x", INT), ("p", BOOL))
    registers = (Register("r", const(0), first), Register("s", const(1), second))
    loop = Loop(inputs, registers, (), output)
    made = readable(loop, shown)
    other = parse_sequences("seq(x: int(-1,1) * p: bool)").sample(np.random.default_rng(1), 300, 6)
    assert (run_loop(made, other) == run_loop(loop, other)).all()
    assert loop_bits(made) < 2 * loop_bits(loop) + 20
