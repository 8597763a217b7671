"""Loops mean the same in all their meanings, and their written form is read back."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.cost import loop_bits
from dsl.domain import DomainError
from dsl.loop import Loop, Register
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop, trace_loop
from dsl.meanings.loop_exact import run_loop_exact
from dsl.meanings.loop_python import loop_python
from dsl.program import const, prim, var
from dsl.sequences import parse_sequences
from dsl.text import ParseError
from dsl.types import BOOL, INT, TypeMismatch

LOOPS = {
    "carry": """loop predict(x: int, y: int) -> seq(int)
  start carry: int = 0
  let total = x + y + carry
  out total % 7
  next carry = total // 7
""",
    "swap": """loop predict(x: int) -> seq(int)
  start a: int = 0
  start b: int = 1
  out a
  next a = b
  next b = a + b + x
""",
    "renamed": """loop predict(x: int) -> seq(int)
  start total: int = 0
  let new = total + x
  out new * 2
  next total = new
""",
    "kept": """loop predict(x: int) -> seq(int)
  start largest: int = -5
  let new = max(x, largest)
  out new - largest
  next largest = new
""",
    "list": """loop predict(x: bool) -> seq(int)
  start recent: bool[3] = [false, true, false]
  out as_int(x) + count(recent)
  next recent = concat(recent[1:3], [x])
""",
    "names": """loop predict(outputs: int, items: bool) -> seq(bool)
  start list: int = 0
  out items xor list % 2 == 0
  next list = list + outputs
""",
    "last": """loop predict(x: int) -> int
  start total: int = 0
  let new = total + x
  let other = new * x
  out new % 3
  next total = new
""",
    "last item": """loop predict(x: int) -> int
  start total: int = 0
  out total - x
  next total = total + x
""",
    "counts": """loop predict(x: int) -> seq(int)
  start counts: int[4] = [0, 0, 0, 0]
  let new = put(counts, x, counts[x] + 1)
  out index(argmax(new))
  next counts = new
""",
    "shown counts": """loop predict(x: int) -> seq(int[4])
  start counts: int[4] = [0, 0, 0, 0]
  let new = put(counts, x, counts[x] + 1)
  out new
  next counts = new
""",
    "kept counts": """loop predict(x: int) -> seq(int)
  start counts: int[4] = [0, 0, 0, 0]
  start older: int[4] = [0, 0, 0, 0]
  let new = put(counts, x, 2 * counts[x] + 1)
  out new[x] - older[x]
  next counts = new
  next older = counts
""",
    "if it changes": """loop predict(x: bool) -> seq(int)
  start balance: int = 0
  start twice: int = 1
  let new = if balance == 1 then balance else balance + (if x then 1 else -1)
  out new - twice
  next balance = new
  next twice = if x then 3 * twice - 1 else twice
""",
    "members": """loop predict(x: int) -> seq(bool)
  start before: bool = false
  out [false, true, false, true][x] and (x == 2 or [true, false, false, true][x]) == before
  next before = x > 1
""",
    "steps": """loop predict(x: int, y: bool) -> seq(int)
  start total: int = 0
  start change: int = 2
  start odd: bool = false
  let new_change = change - x - 1
  let new_total = new_change + total - as_int(y)
  out if odd and (y xor x > 1) then new_total else -new_total
  next total = new_total
  next change = new_change
  next odd = odd xor y
""",
}


def words(loop: Loop, count: int = 6, length: int = 7):
    rng = np.random.default_rng(0)
    made = [rng.integers(0, 2 if item == BOOL else 4, (count, length)) for _, item in loop.inputs]
    return tuple(
        c.astype(bool) if item == BOOL else c
        for c, (_, item) in zip(made, loop.inputs, strict=True)
    )


@pytest.mark.parametrize("text", LOOPS.values(), ids=LOOPS)
def test_all_meanings_agree_and_the_text_is_read_back(text: str):
    loop = parse_loop(text)
    assert str(loop) == text
    assert loop_bits(loop) > 10
    columns, scope = words(loop), {}
    exec(loop_python(loop), scope)
    outputs = run_loop(loop, columns)
    for row in range(len(columns[0])):
        items = [tuple(c[row, t].item() for c in columns) for t in range(columns[0].shape[1])]
        exact = run_loop_exact(loop, items)
        plain = items if len(loop.inputs) > 1 else [item[0] for item in items]
        listed = outputs[row].tolist()
        exact = np.asarray(exact).tolist()
        assert (listed[-1] if loop.at_end else listed) == exact == scope["predict"](plain)


def test_a_step_reads_as_a_person_writes_it():
    steps = loop_python(parse_loop(LOOPS["steps"]))
    assert "    change -= x + 1\n        total += change - y\n" in steps
    assert "odd and y != (x > 1)" in steps
    assert "odd ^= y" in steps
    members = loop_python(parse_loop(LOOPS["members"]))
    assert "x in (1, 3) and (x == 2 or x in (0, 3)) == before" in members
    assert "        counts[x] += 1\n" in loop_python(parse_loop(LOOPS["counts"]))
    assert "        if balance != 1:\n            balance +=" in loop_python(
        parse_loop(LOOPS["if it changes"])
    )


def test_traces_are_what_registers_hold_before_each_item():
    held = trace_loop(parse_loop(LOOPS["renamed"]), (np.array([[1, 2, 3]]),))
    assert held["total"].tolist() == [[0, 1, 3]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("next carry", "next other"),
        ("out total % 7", ""),
        ("let total = x", "let x = x"),
        ("start carry: int = 0", "start carry: int = x"),
        ("start carry: int = 0", "start carry: bool = 0"),
        ("-> seq(int)", "-> seq(bool)"),
        ("-> seq(int)", "-> bool"),
        ("total // 7", "total == 7"),
        ("out total", "give total"),
    ],
)
def test_what_is_no_loop_is_refused(before: str, after: str):
    with pytest.raises(ParseError):
        parse_loop(LOOPS["carry"].replace(before, after))


def test_a_name_that_is_not_there_is_refused():
    x = var("x", INT)
    with pytest.raises(TypeMismatch):
        Loop((("x", INT),), (), (), prim("add", x, var("y", INT)))
    with pytest.raises(TypeMismatch):
        Loop((("x", INT),), (Register("x", const(0), x),), (), x)


def test_sequences_list_and_draw_their_words():
    domain = parse_sequences("seq(a: int(0,2) * b: bool, 2..5)")
    assert (str(domain), domain.symbols) == ("seq(a: int(0,2) * b: bool, 2..5)", 6)
    a, b = domain.words(3, 0, 6**3)
    assert (
        len({tuple(zip(r, s, strict=True)) for r, s in zip(a.tolist(), b.tolist(), strict=True)})
        == 216
    )
    assert domain.encode(domain.sample(np.random.default_rng(0), 4, 5)).shape == (4, 5, 2)
    for wrong in ("int(0,2)", "seq(int(0,2), 5..2)", "seq()"):
        with pytest.raises(DomainError):
            parse_sequences(wrong)


def test_many_registers_that_start_alike_share_a_line_but_no_list():
    loop = parse_loop(
        "loop predict(x: int) -> seq(int)\n  start a: int = 0\n  start b: int = 0\n"
        "  start c: int[2] = [0, 0]\n  start d: int[2] = [0, 0]\n  out a + b + c[0] + d[1]\n"
        "  next a = x\n  next b = a\n  next c = put(c, 0, x)\n  next d = put(d, 1, b)\n"
    )
    source = loop_python(loop)
    assert "    a = b = 0\n" in source
    assert "    c = [0, 0]\n    d = [0, 0]\n" in source
    scope: dict = {}
    exec(source, scope)
    items = [3, 1, 4, 1, 5]
    expected = run_loop(loop, (np.array([items]),))[0].tolist()
    assert scope["predict"](items) == expected
