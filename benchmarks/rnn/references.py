"""The 62 tasks as a person would write them, to compare the bits of found loops with.

Written before any found loop was measured against them; the synthesizer never sees them.
"""

from __future__ import annotations

from textwrap import dedent

from dsl.loop import Loop
from dsl.loop_text import parse_loop

INT = "x: int"
BOOL = "x: bool"
BOOLS = "x0: bool, x1: bool"
INTS = "x0: int, x1: int"


def _loop(inputs: str, result: str, body: str) -> Loop:
    lines = "\n".join("  " + line for line in dedent(body).strip().splitlines())
    return parse_loop(f"loop predict({inputs}) -> seq({result})\n{lines}\n")


def _memoryless(inputs: str, result: str, output: str) -> Loop:
    return _loop(inputs, result, f"out {output}")


def _shifted(depth: int, output: str) -> Loop:
    """A list of the last `depth` items."""
    zeros = ", ".join("0" * depth)
    start = f"start recent: int[{depth}] = [{zeros}]"
    shift = f"next recent = concat(recent[1:{depth}], [x])"
    return _loop(INT, "int", f"{start}\nout {output}\n{shift}")


def _accumulated(inputs: str, result: str, start: str, new: str, output: str = "new") -> Loop:
    """One register whose new value the output reads."""
    held = {"int": "int", "bool": "bool"}[start.partition(" ")[0]]
    value = start.partition(" ")[2]
    return _loop(
        inputs,
        result,
        f"start state: {held} = {value}\nlet new = {new}\nout {output}\nnext state = new",
    )


def _window_of_bits(depth: int, output: str) -> Loop:
    names = ["previous", "before", "earlier"][: depth - 1]
    starts = "\n".join(f"start {n}: bool = false" for n in names)
    values = ["x", *names[:-1]]
    nexts = "\n".join(f"next {n} = {v}" for n, v in zip(names, values, strict=True))
    return _loop(BOOL, "bool", f"{starts}\nout {output}\n{nexts}")


def _lagged(inputs: str, result: str, output: str) -> Loop:
    item = inputs.partition(": ")[2]
    zero = "false" if item == "bool" else "0"
    return _loop(
        inputs, result, f"start previous: {item} = {zero}\nout {output}\nnext previous = x"
    )


def _moved(change: str) -> Loop:
    """Speed and place of a particle."""
    return _loop(
        INT,
        "int",
        f"""
        start place: int = 0
        start speed: int = 0
        let new_speed = {change}
        let new_place = place + new_speed
        out new_place
        next place = new_place
        next speed = new_speed
        """,
    )


def _added(base: int) -> Loop:
    return _loop(
        INTS,
        "int",
        f"""
        start carry: int = 0
        let total = x0 + x1 + carry
        out total % {base}
        next carry = total // {base}
        """,
    )


def _divided(by: int) -> Loop:
    return _loop(
        BOOL,
        "bool",
        f"""
        start rest: int = 0
        let total = 2 * rest + as_int(x)
        out total >= {by}
        next rest = total % {by}
        """,
    )


def _majority(size: int) -> Loop:
    zeros = ", ".join("0" * size)
    return _loop(
        INT,
        "int",
        f"""
        start counts: int[{size}] = [{zeros}]
        let new = put(counts, x, counts[x] + 1)
        out index(argmax(new))
        next counts = new
        """,
    )


_MAGNETIC = """
start p0: int = 0
start p1: int = 0
start v0: int = 0
start v1: int = 0
let w0 = v0 + x0 - v1
let w1 = v1 + x1 + v0
out [p0 + w0, p1 + w1]
next p0 = p0 + w0
next p1 = p1 + w1
next v0 = w0
next v1 = w1
"""

_PARENTHESES = """
start depth: int = 0
let new = if depth < 0 then depth else depth + (if x then -1 else 1)
out new == 0
next depth = new
"""

_ADDED_BITS = """
start carry: bool = false
out x0 xor x1 xor carry
next carry = as_int(x0) + as_int(x1) + as_int(carry) > 1
"""

_DITHERED = """
start error: int = 0
let total = error + x
out total >= 15
next error = total % 15
"""

REFERENCES: dict[str, Loop] = {
    "rnn_identity_numerical": _memoryless(INT, "int", "x"),
    "rnn_prev1_numerical": _lagged(INT, "int", "previous"),
    **{f"rnn_prev{k}_numerical": _shifted(k, "recent[0]") for k in range(2, 6)},
    "rnn_sum_last2_numerical": _lagged(INT, "int", "previous + x"),
    **{f"rnn_sum_last{k}_numerical": _shifted(k - 1, "sum(recent) + x") for k in range(3, 8)},
    "rnn_sum_numerical": _accumulated(INT, "int", "int 0", "state + x"),
    "rnn_diff_last2_numerical": _lagged(INT, "int", "x - previous"),
    "rnn_bit_shift_right_numerical": _lagged(BOOL, "bool", "previous"),
    "rnn_bitwise_not": _memoryless(BOOL, "bool", "not x"),
    "rnn_newton_freebody_numerical": _moved("speed + x"),
    "rnn_newton_gravity_numerical": _moved("speed + x - 1"),
    "rnn_newton_spring_numerical": _moved("speed + x - place"),
    "rnn_newton_magnetic_numerical": _loop(INTS, "int[2]", _MAGNETIC),
    "rnn_parity_of_index_numerical": _loop(
        BOOL, "bool", "start odd: bool = false\nout odd\nnext odd = not odd"
    ),
    "rnn_abs_value_numerical": _memoryless(INT, "int", "abs(x)"),
    "rnn_abs_value_of_diff_numerical": _lagged(INT, "int", "abs(x - previous)"),
    "rnn_diff_of_abs_value_numerical": _lagged(INT, "int", "abs(x) - abs(previous)"),
    "rnn_bitwise_and": _memoryless(BOOLS, "bool", "x0 and x1"),
    "rnn_bitwise_or": _memoryless(BOOLS, "bool", "x0 or x1"),
    "rnn_bitwise_xor": _memoryless(BOOLS, "bool", "x0 xor x1"),
    "rnn_parity_last2_numerical": _window_of_bits(2, "x xor previous"),
    "rnn_parity_last3_numerical": _window_of_bits(3, "x xor previous xor before"),
    "rnn_parity_last4_numerical": _window_of_bits(4, "x xor previous xor before xor earlier"),
    "rnn_alternating_last3_numerical": _window_of_bits(
        3, "(x xor previous) and (previous xor before)"
    ),
    "rnn_alternating_last4_numerical": _window_of_bits(
        4, "(x xor previous) and (previous xor before) and (before xor earlier)"
    ),
    "rnn_unique2_numerical": _lagged(INT, "bool", "x == previous"),
    "rnn_evens_detector_numerical": _memoryless(INT, "bool", "x % 2 == 0"),
    "rnn_perfect_square_detector_numerical": _memoryless(INT, "bool", "square(isqrt(x)) == x"),
    "rnn_parity_numerical": _accumulated(BOOL, "bool", "bool false", "state xor x"),
    "rnn_parity_of_zeros_numerical": _accumulated(BOOL, "bool", "bool false", "state == x"),
    "rnn_bit_dot_prod_mod2_numerical": _accumulated(
        BOOLS, "bool", "bool false", "state xor (x0 and x1)"
    ),
    **{
        f"rnn_add_mod_{k}_numerical": _accumulated(INT, "int", "int 0", f"(state + x) % {k}")
        for k in range(3, 9)
    },
    "bit_addition": _loop(BOOLS, "bool", _ADDED_BITS),
    **{f"rnn_base_{k}_addition": _added(k) for k in range(3, 8)},
    **{f"rnn_div_{k}_numerical": _divided(k) for k in (3, 5, 7)},
    "rnn_dithering_numerical": _loop(INT, "bool", _DITHERED),
    "rnn_balanced_parenthesis_numerical": _loop(BOOL, "bool", _PARENTHESES),
    "rnn_max_numerical": _accumulated(INT, "int", "int 0", "max(state, x)"),
    "rnn_min_numerical": _accumulated(INT, "int", "int 9", "min(state, x)"),
    "rnn_evens_counter_numerical": _accumulated(INT, "int", "int 0", "state + as_int(x % 2 == 0)"),
    "rnn_majority0_1_numerical": _accumulated(
        BOOL, "bool", "int 0", "state + (if x then 1 else -1)", "new > 0"
    ),
    "rnn_majority0_2_numerical": _majority(3),
    "rnn_majority0_3_numerical": _majority(4),
}
"""All but bit_palindromes, which needs a list that grows."""
