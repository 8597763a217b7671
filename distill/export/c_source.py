"""Straight-line code as C99: one function that needs the standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from distill.export.identifiers import C_WORDS, identifier, identifiers, quoted
from dsl.meanings.straight import BOOLEAN, NUMBER, WHOLE, Scalar, Step, Straight, scalar_kind
from dsl.types import Vector

TYPES = {BOOLEAN: "bool", WHOLE: "int64_t", NUMBER: "double"}

_HELPERS = {
    "to_whole": """static int64_t to_whole(double x) { /* 0 where int64_t has no such number */
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : 0;
}""",
    "add_whole": """static int64_t add_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}""",
    "sub_whole": """static int64_t sub_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}""",
    "mul_whole": """static int64_t mul_whole(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}""",
    "mod_whole": """static int64_t mod_whole(int64_t a, int64_t b) { /* with the sign of b */
    int64_t rest = b == 0 || b == -1 ? 0 : a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}""",
    "floordiv_whole": """static int64_t floordiv_whole(int64_t a, int64_t b) { /* rounded down */
    if (b == 0 || b == -1) return b == 0 ? 0 : (int64_t)(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}""",
    "mod_real": """static double mod_real(double a, double b) { /* with the sign of b */
    double rest = fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}""",
    "sigmoid": """static double sigmoid(double x) {
    double small = exp(-fabs(x));
    return (x < 0 ? small : 1.0) / (1.0 + small);
}""",
    "gcd": """static int64_t gcd(int64_t a, int64_t b) {
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    uint64_t y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    while (y != 0) {
        uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    return (int64_t)x;
}""",
    "isqrt": """static int64_t isqrt(int64_t x) {
    int64_t root = x <= 0 ? 0 : (int64_t)sqrt((double)x);
    while (root > 0 && root > x / root) root--;
    while (x > 0 && root + 1 <= x / (root + 1)) root++;
    return root;
}""",
}
_RESERVED = C_WORDS | _HELPERS.keys()

_INFIX: dict[tuple[str, str], str] = {
    ("add", NUMBER): "+", ("sub", NUMBER): "-", ("mul", NUMBER): "*", ("div", NUMBER): "/",
    ("both", BOOLEAN): "&&", ("either", BOOLEAN): "||",
    **{("less", k): "<" for k in (WHOLE, NUMBER)},
    **{("less_equal", k): "<=" for k in (WHOLE, NUMBER)},
    **{("equal", k): "==" for k in (BOOLEAN, WHOLE, NUMBER)},
}  # fmt: skip
_CALLS: dict[tuple[str, str], str] = {
    ("add", WHOLE): "add_whole({}, {})",
    ("sub", WHOLE): "sub_whole({}, {})",
    ("mul", WHOLE): "mul_whole({}, {})",
    ("neg", WHOLE): "sub_whole(0, {})",
    ("neg", NUMBER): "-{}",
    ("abs", WHOLE): "{0} < 0 ? sub_whole(0, {0}) : {0}",
    ("abs", NUMBER): "fabs({})",
    ("maximum", WHOLE): "{0} >= {1} ? {0} : {1}",
    ("maximum", NUMBER): "{0} >= {1} ? {0} : {1}",
    ("minimum", WHOLE): "{0} <= {1} ? {0} : {1}",
    ("minimum", NUMBER): "{0} <= {1} ? {0} : {1}",
    ("floordiv", WHOLE): "floordiv_whole({}, {})",
    ("floordiv", NUMBER): "to_whole(rint(({0} - mod_real({0}, {1})) / {1}))",
    ("mod", WHOLE): "mod_whole({}, {})",
    ("mod", NUMBER): "mod_real({}, {})",
    ("floor", NUMBER): "to_whole(floor({}))",
    ("round", NUMBER): "to_whole(rint({}))",
    ("real", WHOLE): "(double){}",
    ("negate", BOOLEAN): "!{}",
    ("gcd", WHOLE): "gcd({}, {})",
    ("isqrt", WHOLE): "isqrt({})",
    ("choose", BOOLEAN): "{} ? {} : {}",
}


def c_source(
    code: Straight, head: Sequence[str] = (), lengths: tuple[int, int | None] = (1, None)
) -> str:
    """A C99 file with one function.

    Of a program it takes scalars and flat arrays, last axis fastest, and writes to `out`; of a loop
    it takes the number of items `n` and all items. It returns 0, or 1 outside the domain, or 2
    where the program isn't defined; then what `out` holds isn't to be used.

    Arguments:
        head: lines for the comment at the top, taken as they are.
        lengths: how many items a sequence of a loop may have.
    """
    name = identifier(code.name, (), _RESERVED)
    inputs = identifiers([i.name for i in code.inputs], [name], _RESERVED)
    lines = _loop_body(code, inputs, lengths) if code.looped else _program_body(code, inputs)
    body = [f"int {name}({_parameters(code, inputs)}) {{", *("    " + x for x in lines), "}"]
    helpers = _helpers_of("\n".join(body))
    comment = ["/*", *(f" * {line}" for line in [*head, *_told(code, name, inputs)]), " */"]
    includes = [f"#include <{x}.h>" for x in ("math", "stdbool", "stddef", "stdint")]
    return "\n".join([*comment, "", *includes, "", *_spaced(helpers), *body]) + "\n"


def _spaced(helpers: Sequence[str]) -> Iterator[str]:
    for helper in helpers:
        yield from (helper, "")


def _helpers_of(body: str) -> list[str]:
    text, found = body, set[str]()
    while True:
        more = {n for n in _HELPERS if n not in found and re.search(rf"\b{n}\(", text)}
        if not more:
            return [text for name, text in _HELPERS.items() if name in found]
        found |= more
        text = "\n".join(_HELPERS[n] for n in more)


def _told(code: Straight, name: str, inputs: Sequence[str]) -> Iterator[str]:
    """What names stand for, and what the function returns."""
    for shown, given in zip(
        [name, *inputs], [code.name, *(i.name for i in code.inputs)], strict=True
    ):
        yield f"{shown}: {quoted(given)}"
    yield "Returns 0, or 1 outside the domain, or 2 where the program isn't defined (say, it"
    yield "divides by zero); then out isn't to be used. Whole numbers are those of 64 bits."


def _parameters(code: Straight, names: Sequence[str]) -> str:
    found = ["size_t n"] if code.looped else []
    for name, item in zip(names, code.inputs, strict=True):
        kind = TYPES[scalar_kind(item.type)]
        single = not code.looped and not isinstance(item.type, Vector)
        found.append(f"{kind} {name}" if single else f"const {kind} *{name}")
    return ", ".join([*found, f"{TYPES[scalar_kind(code.output.type)]} *out"])


def _program_body(code: Straight, names: Sequence[str]) -> list[str]:
    texts: dict[int, str] = {}
    for name, item in zip(names, code.inputs, strict=True):
        single = not isinstance(item.type, Vector)
        for place, scalar in enumerate(item.scalars):
            texts[scalar.number] = name if single else f"{name}[{place}]"
    lines = list(_steps(code.steps, texts))
    lines += _returns(code, texts)
    lines += [f"out[{i}] = {_text(s, texts)};" for i, s in enumerate(code.output.scalars)]
    return [*_unused(names, lines), *lines, "return 0;"]


def _unused(names: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    """Mentions of the inputs that nothing reads, for compilers that warn of those."""
    text = "\n".join(lines)
    yield from (f"(void){name};" for name in names if not re.search(rf"\b{name}\b", text))


def _loop_body(code: Straight, names: Sequence[str], lengths: tuple[int, int | None]) -> list[str]:
    shortest, longest = lengths
    texts: dict[int, str] = {}
    lines = [] if longest is None else [f"if (n > {longest}) return 1;"]
    lines.insert(0, f"if (n < {shortest}) return 1;")
    registers = [s for state in code.states for s in state.before]
    for state in code.states:
        for start, before in zip(state.start, state.before, strict=True):
            texts[before.number] = f"r{before.number}"
            held = f"{TYPES[before.kind]} r{before.number} = {_text(start, texts)};"
            lines.append(f"{held} /* {quoted(state.name)} */")
    for name, item in zip(names, code.inputs, strict=True):
        for place, scalar in enumerate(item.scalars):
            width = len(item.scalars)
            texts[scalar.number] = f"{name}[i]" if width == 1 else f"{name}[i * {width} + {place}]"
    inner = [*_steps(code.steps, texts), *_returns(code, texts)]
    width = len(code.output.scalars)
    start = "" if code.at_end else f"i * {width} + "
    inner += [f"out[{start}{k}] = {_text(s, texts)};" for k, s in enumerate(code.output.scalars)]
    after = [s for state in code.states for s in state.after]
    later = [f"n{r.number}" for r in registers]
    inner += [
        f"{TYPES[r.kind]} {n} = {_text(a, texts)};"
        for r, n, a in zip(registers, later, after, strict=True)
    ]
    inner += [f"r{r.number} = {n};" for r, n in zip(registers, later, strict=True)]
    inner = [*_unused(names, inner), *inner]
    lines += ["for (size_t i = 0; i < n; i++) {", *("    " + x for x in inner), "}"]
    return [*lines, "return 0;"]


def _returns(code: Straight, texts: dict[int, str]) -> Iterator[str]:
    for truth, answer in ((code.inside, 1), (code.defined, 2)):
        if truth.literal is not True:
            yield f"if (!{_text(truth, texts)}) return {answer};"


def _steps(steps: Sequence[Step], texts: dict[int, str]) -> Iterator[str]:
    for step in steps:
        name = f"t{step.result.number}"
        shown = _operation(step, [_text(o, texts) for o in step.operands])
        yield f"const {TYPES[step.result.kind]} {name} = {shown};"
        texts[step.result.number] = name


def _operation(step: Step, operands: list[str]) -> str:
    key = (step.operation, step.operands[0].kind)
    if key in _INFIX:
        return f" {_INFIX[key]} ".join(operands)
    return _CALLS.get(key, f"{step.operation}({{}})").format(*operands)


def _text(scalar: Scalar, texts: dict[int, str]) -> str:
    return texts[scalar.number] if scalar.literal is None else _literal(scalar.literal)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if value >= 0 else f"({value!r})"
    if value == -(1 << 63):
        return "INT64_MIN"
    return f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"
