r"""A program as LaTeX: its formula where there is a short one, else a line per step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dsl.algebra import Unsupported
from dsl.meanings.straight import NUMBER, Scalar, Step, Straight, straight_program
from dsl.meanings.sympy_ import formula
from dsl.program import Program
from dsl.types import shape_of

_MOST_STEPS = 60
"""Steps up to which sympy is asked for a formula; its choices grow fast."""

_INFIX = {
    "add": "+", "sub": "-", "mul": r"\cdot", "less": "<", "less_equal": r"\le", "equal": "=",
    "both": r"\land", "either": r"\lor", "mod": r"\bmod",
}  # fmt: skip
_SHOWN = {
    "div": r"\frac{{{}}}{{{}}}", "neg": "-{}", "negate": r"\lnot {}",
    "abs": r"\left|{}\right|", "floor": r"\left\lfloor {} \right\rfloor",
    "maximum": r"\max({}, {})", "minimum": r"\min({}, {})", "sqrt": r"\sqrt{{{}}}",
    "floordiv": r"\left\lfloor {} / {} \right\rfloor", "real": "{}", "exp": "e^{{{}}}",
    "choose": r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
}  # fmt: skip


def latex_file(program: Program, head: Sequence[str] = ()) -> str:
    """LaTeX for math mode, with amsmath: `f(x) = ...`, or aligned steps.

    `head` are lines for the comment at the top.

    Raises:
        Unsupported: a number in the program leaves 64 bits and it has no formula.
    """
    main = program.main
    names = ", ".join(latex_name(n) for n, _ in main.parameters)
    left = rf"\operatorname{{{_escaped(main.name)}}}({names})"
    comment = "".join(f"% {line}\n" for line in head)
    return f"{comment}{_body(program, left)}\n"


def latex_name(name: str) -> str:
    """One letter as it is, longer names upright, everything else than ASCII words escaped."""
    if re.fullmatch("[A-Za-z]", name):
        return name
    found = re.fullmatch("([A-Za-z])_?([0-9]+)", name)
    return f"{found[1]}_{{{found[2]}}}" if found else rf"\mathrm{{{_escaped(name)}}}"


def _escaped(name: str) -> str:
    """Letters and digits of ASCII; `_` escaped, others by their number."""
    short = name if len(name) <= 40 else f"{name[:40]}..."
    found = [
        c
        if re.fullmatch(r"[A-Za-z0-9.]", c)
        else r"\_"
        if c == "_"
        else rf"\langle {ord(c):x} \rangle "
        for c in short
    ]
    return "".join(found)


def _body(program: Program, left: str) -> str:
    code = straight_program(program)
    if len(code.steps) <= _MOST_STEPS and len(shape_of(program.main.result)) <= 2:
        try:
            return f"{left} = {_formula(program)}"
        except Unsupported:
            pass
    lines = " \\\\\n".join(_lines(code, left))
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"


def _formula(program: Program) -> str:
    """The formula over symbols whose names are LaTeX already."""
    import sympy

    from dsl.meanings.sympy_ import symbols

    found = formula(program, symbols(program.main.parameters, latex_name))
    if not isinstance(found, tuple):
        return sympy.latex(found)
    rows = [row if isinstance(row, tuple) else (row,) for row in found]
    body = r" \\ ".join(" & ".join(map(sympy.latex, row)) for row in rows)
    return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"


def _lines(code: Straight, left: str) -> Iterator[str]:
    texts: dict[int, str] = {}
    for item in code.inputs:
        name = latex_name(item.name)
        for place, scalar in enumerate(item.scalars):
            index = f"[{place}]" if shape_of(item.type) else ""
            texts[scalar.number] = f"{name}{index}"
    for step in code.steps:
        shown = _operation(step, [_text(o, texts) for o in step.operands])
        texts[step.result.number] = f"t_{{{step.result.number}}}"
        yield f"{texts[step.result.number]} &= {shown}"
    parts = [_text(s, texts) for s in code.output.scalars]
    whole = parts[0] if not shape_of(code.output.type) else rf"\left({', '.join(parts)}\right)"
    yield f"{left} &= {whole}"


def _operation(step: Step, operands: list[str]) -> str:
    if step.operation in _INFIX:
        return f" {_INFIX[step.operation]} ".join(operands)
    if step.operation not in _SHOWN:
        return rf"\operatorname{{{step.operation}}}({', '.join(operands)})"
    return _SHOWN[step.operation].format(*operands)


def _text(scalar: Scalar, texts: dict[int, str]) -> str:
    if scalar.literal is None:
        return texts[scalar.number]
    if isinstance(scalar.literal, bool):
        return rf"\mathrm{{{str(scalar.literal).lower()}}}"
    found = repr(scalar.literal)
    if scalar.kind == NUMBER and "e" in found:
        base, _, power = found.partition("e")
        found = rf"{base} \cdot 10^{{{int(power)}}}"
    return f"({found})" if found.startswith("-") else found
