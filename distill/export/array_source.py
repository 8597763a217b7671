"""Straight-line code as Python over whole batches: a numpy module, or a torch.nn.Module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from distill.export.identifiers import PYTHON_WORDS, identifier, identifiers, quoted
from dsl.meanings.straight import (
    BOOLEAN,
    NUMBER,
    WHOLE,
    Scalar,
    Step,
    Straight,
    literals,
    scalar_kind,
)
from dsl.types import shape_of

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "less": "<", "less_equal": "<="}
_INFIX |= {"equal": "==", "both": "&", "either": "|"}
_CALLS: dict[tuple[str, str], str] = {
    ("neg", WHOLE): "-{}", ("neg", NUMBER): "-{}", ("negate", BOOLEAN): "~{}",
    ("choose", BOOLEAN): "{xp}.where({}, {}, {})",
    ("maximum", WHOLE): "{xp}.maximum({}, {})", ("maximum", NUMBER): "{xp}.maximum({}, {})",
    ("minimum", WHOLE): "{xp}.minimum({}, {})", ("minimum", NUMBER): "{xp}.minimum({}, {})",
    ("floordiv", WHOLE): "{0} // {xp}.where({1} == 0, 1, {1})",
    ("floordiv", NUMBER): "whole({xp}.floor_divide({}, {}))",
    ("mod", WHOLE): "{0} % {xp}.where({1} == 0, 1, {1})",
    ("mod", NUMBER): "{xp}.remainder({}, {})",
    ("floor", NUMBER): "whole({xp}.floor({}))", ("round", NUMBER): "whole({xp}.round({}))",
    ("real", WHOLE): "real({})",
    ("isqrt", WHOLE): "isqrt({})", ("sigmoid", NUMBER): "sigmoid({})",
    ("erf", NUMBER): "erf({})",
}  # fmt: skip
_DTYPES = {BOOLEAN: "bool", WHOLE: "int64", NUMBER: "float64"}

_SIGMOID = """def sigmoid(x):
    small = {xp}.exp(-{xp}.abs(x))
    return {xp}.where(x < 0, small, {one}) / (1.0 + small)"""
_ISQRT = """def isqrt(x):
    root = whole({xp}.floor({xp}.sqrt(real({xp}.where(x < 0, {none}, x)))))
    root = {xp}.where(root * root > x, root - 1, root)
    return {xp}.where((root + 1) * (root + 1) <= x, root + 1, root)"""
_HELPERS = {
    "np": {
        "real": "def real(x):\n    return np.asarray(x).astype(np.float64)",
        "whole": "def whole(x):\n    return np.asarray(x).astype(np.int64)",
        "erf": "erf = np.vectorize(math.erf, otypes=[np.float64])",
        "sigmoid": _SIGMOID.format(xp="np", one="1.0"),
        "isqrt": _ISQRT.format(xp="np", none="0"),
    },
    "torch": {
        "real": "def real(x):\n    return x.to(torch.float64)",
        "whole": "def whole(x):\n    return x.to(torch.int64)",
        "erf": "erf = torch.erf",
        "sigmoid": _SIGMOID.format(xp="torch", one="torch.ones_like(x)"),
        "isqrt": _ISQRT.format(xp="torch", none="torch.zeros_like(x)"),
    },
}

_COLUMN = {
    "np": """def column(values, dtype, axes):
    given = np.asarray(values)
    found = given.astype(dtype)
    if found.ndim != axes:
        raise ValueError(f"expected {axes} axes, the batch first; got {found.ndim}")
    if dtype != np.float64 and not np.array_equal(found, given):
        raise ValueError("outside the domain: a value isn't whole, or neither true nor false")
    return found""",
    "torch": """def column(values, dtype, axes):
    if values.dim() != axes:
        raise ValueError(f"expected {axes} axes, the batch first; got {values.dim()}")
    return values.to(dtype)""",
}


def numpy_source(
    code: Straight, head: Sequence[str] = (), lengths: tuple[int, int | None] = (1, None)
) -> str:
    """A module that needs numpy alone: its function takes a column per input, batches first.

    Columns are (n, ...), of a loop (n, T, ...). It raises ValueError where a row lies outside the
    domain or the program isn't defined for it. `head` are lines for the docstring.
    """
    name, inputs = _names(code)
    values = ", ".join(inputs)
    run = [
        f"def {name}({values}):",
        f'    """Values for columns {_columns(code)}; ValueError outside the domain."""',
        '    with np.errstate(all="ignore"):',
        f"        outputs, valid = evaluate({values})",
        "    if not valid.all():",
        '        raise ValueError(f"row {int(np.argmin(valid))} lies outside the domain")',
        "    return outputs",
    ]
    return _module(code, "np", ["import numpy as np"], head, lengths, run)


def torch_source(
    code: Straight, head: Sequence[str] = (), lengths: tuple[int, int | None] = (1, None)
) -> str:
    """A module that needs torch alone, with a torch.nn.Module; columns as of `numpy_source`.

    Its forward refuses no values, so that gradients flow and it can be exported; its method
    `valid` says for which rows they count. `head` are lines for the docstring.
    """
    _, inputs = _names(code)
    values = ", ".join(inputs)
    run = [
        "class Program(torch.nn.Module):",
        f'    """Values for columns {_columns(code)}, where `valid` is true."""',
        "",
        f"    def forward(self, {values}):",
        f"        return evaluate({values})[0]",
        "",
        f"    def valid(self, {values}):",
        '        """For which rows the inputs are of the domain and the values count."""',
        f"        return evaluate({values})[1]",
    ]
    return _module(code, "torch", ["import torch"], head, lengths, run)


def _columns(code: Straight) -> str:
    return "(n, T, ...)" if code.looped else "(n, ...)"


def _names(code: Straight) -> tuple[str, list[str]]:
    """The function's name and the inputs'."""
    reserved = PYTHON_WORDS | {"math", "evaluate", "column", "Program", *_HELPERS["np"]}
    reserved |= frozenset(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__)
    name = identifier(code.name, (), reserved)
    return name, identifiers([i.name for i in code.inputs], [name], reserved)


def _module(
    code: Straight,
    xp: str,
    imports: list[str],
    head: Sequence[str],
    lengths: tuple[int, int | None],
    run: list[str],
) -> str:
    name, inputs = _names(code)
    lines = _loop(code, xp, inputs, lengths) if code.looped else _program(code, xp, inputs)
    function = [f"def evaluate({', '.join(inputs)}):", *("    " + x for x in lines)]
    body = "\n".join(function)
    helpers = {n: text for n, text in _HELPERS[xp].items() if f"{n}(" in body}
    if "isqrt" in helpers:
        helpers = {n: _HELPERS[xp][n] for n in ("real", "whole")} | helpers
    if xp == "np" and "erf" in helpers:
        imports = ["import math", "", *imports]
    shown = zip([name, *inputs], [code.name, *(i.name for i in code.inputs)], strict=True)
    told = [*head, "", *(f"{new}: {quoted(old)}" for new, old in shown)]
    text = "\n".join(told).replace("\\", "\\\\").replace('"""', "'''")
    blocks = [*helpers.values(), _COLUMN[xp], body, "\n".join(run)]
    start = f'"""A program distilled from a neural network.\n\n{text}\n"""\n\n'
    return start + "\n".join(imports) + "\n\n\n" + "\n\n\n".join(blocks) + "\n"


def _converted(code: Straight, xp: str, names: Sequence[str]) -> Iterator[str]:
    for name, item in zip(names, code.inputs, strict=True):
        axes = 1 + code.looped + len(shape_of(item.type))
        yield f"{name} = column({name}, {xp}.{_DTYPES[scalar_kind(item.type)]}, {axes})"


def _constants(code: Straight, xp: str, texts: dict[Any, str]) -> Iterator[str]:
    for place, scalar in enumerate(literals(code)):
        name, dtype = f"c{place}", _DTYPES[scalar.kind]
        if xp == "np":
            yield f"{name} = np.{'bool_' if dtype == 'bool' else dtype}({scalar.literal!r})"
        else:
            yield f"{name} = torch.tensor({scalar.literal!r}, dtype=torch.{dtype})"
        texts[scalar] = name


def _program(code: Straight, xp: str, names: Sequence[str]) -> list[str]:
    texts: dict[Any, str] = {}
    lines = [*_converted(code, xp, names), *_constants(code, xp, texts)]
    _unpacked(code, names, texts, "")
    lines += [f"n = {names[0]}.shape[0]"]
    lines += [*_steps(code.steps, xp, texts), *_stacked(code, xp, texts)]
    return [*lines, f"valid = {_text(code.inside, texts)} & {_text(code.defined, texts)}",
            f"return found, {xp}.broadcast_to(valid, (n,))"]  # fmt: skip


def _loop(
    code: Straight, xp: str, names: Sequence[str], lengths: tuple[int, int | None]
) -> list[str]:
    texts: dict[Any, str] = {}
    lines = [*_converted(code, xp, names), *_constants(code, xp, texts)]
    lines.append(f"n, length = {names[0]}.shape[:2]")
    shortest, longest = lengths
    most = "" if longest is None else f" <= {longest}"
    lines += [
        f"if not {shortest} <= length{most}:",
        '    raise ValueError("outside the domain: the sequences are too short or too long")',
    ]
    for state in code.states:
        lines.append(f"# {quoted(state.name)}")
        for start, before in zip(state.start, state.before, strict=True):
            texts[before.number] = f"r{before.number}"
            lines.append(f"r{before.number} = {_text(start, texts)}")
    lines += ["outputs, valid = [], True", "for t in range(length):"]
    _unpacked(code, names, texts, ", t")
    inner = [*_steps(code.steps, xp, texts)]
    inner += _stacked(code, xp, texts)
    both = f"{_text(code.inside, texts)} & {_text(code.defined, texts)}"
    inner += ["outputs.append(found)", f"valid = {both} & valid"]
    before = [s for state in code.states for s in state.before]
    after = [s for state in code.states for s in state.after]
    if before:
        left = ", ".join(texts[b.number] for b in before)
        inner.append(f"{left} = {', '.join(_text(a, texts) for a in after)}")
    lines += ["    " + line for line in inner]
    found = "outputs[-1]" if code.at_end else f"{xp}.stack(outputs, 1)"
    return [*lines, f"return {found}, {xp}.broadcast_to(valid, (n,))"]


def _unpacked(code: Straight, names: Sequence[str], texts: dict[Any, str], at: str) -> None:
    """Put texts for the scalars of inputs, each (n,), into `texts`; `at` is the place in time."""
    for name, item in zip(names, code.inputs, strict=True):
        shape = shape_of(item.type)
        for place, scalar in enumerate(item.scalars):
            index = at
            for position in _position(place, shape):
                index += f", {position}"
            texts[scalar.number] = f"{name}[:{index}]" if index else name


def _position(place: int, shape: tuple[int, ...]) -> list[int]:
    found: list[int] = []
    for size in reversed(shape):
        place, rest = divmod(place, size)
        found.insert(0, rest)
    return found


def _stacked(code: Straight, xp: str, texts: dict[Any, str]) -> Iterator[str]:
    """`found`: the output as an array (n, ...)."""
    parts = [f"{xp}.broadcast_to({_text(s, texts)}, (n,))" for s in code.output.scalars]
    shape = shape_of(code.output.type)
    if not shape:
        yield f"found = {parts[0]}"
        return
    yield "found = ["
    yield from (f"    {part}," for part in parts)
    sizes = ", ".join(map(str, shape))
    yield "]"
    yield f"found = {xp}.stack(found, 1).reshape(n, {sizes})"


def _steps(steps: Sequence[Step], xp: str, texts: dict[Any, str]) -> Iterator[str]:
    for step in steps:
        name = f"t{step.result.number}"
        yield f"{name} = {_operation(step, xp, [_text(o, texts) for o in step.operands])}"
        texts[step.result.number] = name


def _operation(step: Step, xp: str, operands: list[str]) -> str:
    if step.operation in _INFIX:
        return f" {_INFIX[step.operation]} ".join(operands)
    call = _CALLS.get((step.operation, step.operands[0].kind))
    if call is None:
        call = f"{{xp}}.{step.operation}({', '.join('{}' for _ in operands)})"
    return call.format(*operands, xp=xp)


def _text(scalar: Scalar, texts: dict[Any, str]) -> str:
    return texts[scalar.number] if scalar.literal is None else texts[scalar]
