"""A program as C99: one function, nothing but <math.h> and <stdint.h>.

    int predict(double a, const double x[3], double *result);

It returns 0, or 1 where the input lies outside the domain and 2 where the program is undefined
there; then `result` is left alone. Whole numbers are int64_t: what leaves 64 bits isn't covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from distill.export.identifiers import comment, identifiers
from dsl.algebra import Unsupported
from dsl.meanings.steps import Kind, Parameter, Step, Steps, written

_TYPES: dict[Kind, str] = {"truth": "int", "whole": "int64_t", "real": "double"}
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "less": "<", "less_equal": "<=",
          "equal": "==", "both": "&", "either": "|"}  # fmt: skip
_MATH = "sqrt exp log sin cos tan asin acos atan sinh cosh tanh erf"
_FUNCTIONS = frozenset(_MATH.split())
_HELPERS = {
    "whole_of": """static int64_t whole_of(double x) {
    return x >= -9.2e18 && x <= 9.2e18 ? (int64_t)floor(x) : 0;
}""",
    "floordiv": """static int64_t floordiv(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return -a;
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}""",
    "mod": """static int64_t mod(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    return a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
}""",
    "isqrt": """static int64_t isqrt(int64_t a) {
    int64_t r = a > 0 ? (int64_t)sqrt((double)a) : 0;
    while (r > 0 && r > a / r) r--;
    while (r + 1 <= a / (r + 1)) r++;
    return r;
}""",
    "gcd": """static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) { int64_t c = a % b; a = b; b = c; }
    return a < 0 ? -a : a;
}""",
    "sigmoid": """static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}""",
}
_TAKEN = """auto break case char const continue default do double else enum extern float for goto if
inline int long register restrict return short signed sizeof static struct switch typedef union
unsigned void volatile while bool true false result predict main errno INFINITY NAN ceil floor fabs
fmod pow round trunc j0 j1 jn y0 y1 yn gamma signgam hypot cbrt log2 log10 exp2 expm1 log1p
remainder rint lrint scalbn logb ilogb asinh acosh atanh fmax fmin fma nan"""
_KEYWORDS = frozenset(_TAKEN.split())


def c_source(steps: Steps, told: Iterable[str]) -> str:
    """The file; `told` are lines for the comment on top.

    Raises:
        Unsupported: a function that C's <math.h> lacks.
    """
    names = identifiers((p.name for p in steps.parameters), _reserved)
    spelled = _names(steps, names)
    results, inside = steps.results, set(steps.needed([steps.inside]))
    ordered = [s for s in steps.order if s in inside]
    ordered += [s for s in steps.needed([*results, steps.defined]) if s not in inside]
    lines = written(ordered, {*results, steps.inside, steps.defined}, spelled, _expression)
    known = {**spelled, **{step: name for step, name, _ in lines}}
    first = sum(step in inside for step, _, _ in lines)
    declared = [f"    const {_TYPES[s.kind]} {name} = {text};" for s, name, text in lines]
    body = declared[:first]
    if steps.inside.op != "const":
        body.append(f"    if (!{known[steps.inside]}) return 1;")
    body += declared[first:]
    if not (steps.defined.op == "const" and steps.defined.detail is True):
        body.append(f"    if (!{known[steps.defined]}) return 2;")
    body += [f"    result[{k}] = {known[step]};" for k, step in enumerate(results)]
    unused = [n for n in names.values() if not re.search(rf"\b{n}\b", "\n".join(body))]
    text = "\n".join([*(f"    (void){name};" for name in unused), *body])
    used = [code for name, code in _HELPERS.items() if f"{name}(" in text]
    head = "\n".join(f" * {comment(line)}" for line in [*told, *_renamed(names)])
    given = ", ".join(_declared(p, names[p.name]) for p in steps.parameters)
    kind = _TYPES[results[0].kind]
    return "\n\n".join(
        [
            f"/*\n{head}\n */",
            "#include <math.h>\n#include <stdint.h>",
            *used,
            f"int predict({given}, {kind} *result) {{\n{text}\n    return 0;\n}}\n",
        ]
    )


def _reserved(name: str) -> bool:
    return name in _KEYWORDS or name in _FUNCTIONS or name in _HELPERS


def _renamed(names: dict[str, str]) -> list[str]:
    return [f"{new} is {old[:200]}" for old, new in names.items() if old != new]


def _declared(parameter: Parameter, name: str) -> str:
    kind = _TYPES[parameter.kind]
    if not parameter.shape:
        return f"{kind} {name}"
    return f"const {kind} {name}" + "".join(f"[{n}]" for n in parameter.shape)


def _names(steps: Steps, names: dict[str, str]) -> dict[Step, str]:
    """What inputs and constants are written as."""
    found: dict[Step, str] = {}
    for step in steps.order:
        if step.op == "input":
            place, index = step.detail
            found[step] = names[steps.parameters[place].name] + "".join(f"[{k}]" for k in index)
        elif step.op == "const":
            found[step] = _constant(step)
    return found


def _constant(step: Step) -> str:
    if step.kind == "real":
        text = repr(float(step.detail))
        if text in ("inf", "-inf", "nan"):
            raise Unsupported(f"{text} has no literal in C")
        return f"({text})" if text.startswith("-") else text
    number = int(step.detail)
    if step.kind == "whole" and not -(2**63) < number < 2**63:
        raise Unsupported("a whole number has more than 64 bits")
    text = str(number) + ("LL" if abs(number) >= 2**31 else "")
    return f"({text})" if number < 0 else text


def _expression(step: Step, given: list[str]) -> str:
    op = step.op
    if op in _SIGNS:
        return f" {_SIGNS[op]} ".join(given)
    if op in ("maximum", "minimum"):
        a, b = given
        return f"{a} {'>=' if op == 'maximum' else '<='} {b} ? {a} : {b}"
    if op == "choose":
        return "{} ? {} : {}".format(*given)
    if op in ("neg", "negate"):
        return f"{'-' if op == 'neg' else '!'}{given[0]}"
    if op == "as":
        return f"({_TYPES[step.kind]}){given[0]}"
    if op == "floor":
        return f"whole_of({given[0]})"
    name = step.detail if op in ("function", "integer") else op
    if op == "function" and name not in _FUNCTIONS and name not in _HELPERS:
        raise Unsupported(f"C has no {name}")
    return f"{name}({', '.join(given)})"
