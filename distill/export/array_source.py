"""A program as Python source over whole batches, on numpy or on torch.

numpy: `predict(a, x)` takes an array (n,) or (n, *shape) per parameter and returns (n,) or
(n, *shape); it raises ValueError where a row lies outside the domain or the program is undefined.
torch: `Program()` is a module that does the same on tensors; ValueError likewise.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from dataclasses import dataclass

from distill.export.identifiers import comment, identifiers
from dsl.algebra import Unsupported
from dsl.meanings.steps import Kind, Parameter, Step, Steps, written

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "less": "<", "less_equal": "<=",
          "equal": "==", "both": "&", "either": "|"}  # fmt: skip


@dataclass(frozen=True)
class Library:
    """How a library writes what operators don't: names of functions and of element types."""

    module: str
    types: dict[Kind, str]
    functions: dict[str, str]
    integers: dict[str, str]
    cast: str
    divided: str
    remainder: str
    constant: str


_SHARED = "sqrt exp log sin cos tan tanh sinh cosh"
NUMPY = Library(
    "np",
    {"truth": "np.bool_", "whole": "np.int64", "real": "np.float64"},
    {name: f"np.{name}({{0}})" for name in _SHARED.split()}
    | {f"a{name}": f"np.arc{name}({{0}})" for name in ("sin", "cos", "tan")}
    | {
        "erf": "np.vectorize(math.erf, otypes=[float])({0})",
        "sigmoid": "np.where({0} >= 0, 1, np.exp(-abs({0}))) / (1 + np.exp(-abs({0})))",
    },
    {
        "gcd": "np.gcd({0}, {1})",
        "isqrt": "np.vectorize(lambda v: math.isqrt(max(v, 0)), otypes=[np.int64])({0})",
    },
    "np.asarray({0}).astype({1})",
    "{0} // {1}",
    "{0} % {1}",
    "{0}",
)
TORCH = Library(
    "torch",
    {"truth": "torch.bool", "whole": "torch.int64", "real": "torch.float64"},
    {name: f"torch.{name}({{0}})" for name in
     [*_SHARED.split(), "asin", "acos", "atan", "erf", "sigmoid"]},
    {"gcd": "torch.gcd({0}, {1})", "isqrt": "_isqrt({0})"},
    "{0}.to({1})",
    "torch.div({0}, {1}, rounding_mode='floor')",
    "torch.remainder({0}, {1})",
    "torch.tensor({0}, dtype={1})",
)  # fmt: skip


def numpy_source(steps: Steps, told: Iterable[str]) -> str:
    """The file, which imports numpy alone. Raises: Unsupported."""
    names, body = _body(steps, NUMPY)
    given = ", ".join(names.values())
    checks = [
        _given(p, names[p.name], "np.asarray({0}, dtype={1})", NUMPY) for p in steps.parameters
    ]
    lines = [*checks, f"rows = len({_first(steps, names)})", *body]
    inner = "\n".join(f"        {line}" for line in lines)
    return (
        f"{_head(told, names)}\nimport math\n\nimport numpy as np\n\n\n"
        f'def predict({given}):\n    """Values for a batch: arrays with the batch first."""\n'
        f"    with np.errstate(all='ignore'):\n{inner}\n"
    )


def torch_source(steps: Steps, told: Iterable[str]) -> str:
    """The file, which imports torch alone. Raises: Unsupported."""
    names, body = _body(steps, TORCH)
    given = ", ".join(["self", *names.values()])
    checks = [
        _given(p, names[p.name], "torch.as_tensor({0}).to({1})", TORCH) for p in steps.parameters
    ]
    lines = [*checks, f"rows = len({_first(steps, names)})", *body]
    inner = "\n".join(f"        {line}" for line in lines)
    root = (
        "def _isqrt(a):\n    root = torch.sqrt(a.clamp(min=0).to(torch.float64)).to(torch.int64)\n"
        "    root = torch.where(root * root > a, root - 1, root).clamp(min=0)\n"
        "    return torch.where((root + 1) * (root + 1) <= a, root + 1, root)\n\n\n"
    )
    return (
        f"{_head(told, names)}\nimport torch\n\n\n{root if '_isqrt(' in inner else ''}"
        f'class Program(torch.nn.Module):\n    """Values for a batch: tensors with the batch '
        f'first."""\n\n    def forward({given}):\n{inner}\n'
    )


def _reserved(name: str) -> bool:
    taken = ("np", "torch", "math", "rows", "self", "predict", "Program", "inside", "defined")
    return keyword.iskeyword(name) or hasattr(builtins, name) or name in taken


def _head(told: Iterable[str], names: dict[str, str]) -> str:
    renamed = [f"{new} is {old[:200]}" for old, new in names.items() if old != new]
    return "\n".join(f"# {comment(line)}" for line in [*told, *renamed])


def _first(steps: Steps, names: dict[str, str]) -> str:
    return names[steps.parameters[0].name]


def _given(parameter: Parameter, name: str, made: str, library: Library) -> str:
    whole = made.format(name, library.types[parameter.kind])
    shape = ", ".join(["-1", *map(str, parameter.shape)])
    return f"{name} = {whole}.reshape({shape})"


def _body(steps: Steps, library: Library) -> tuple[dict[str, str], list[str]]:
    """Names of parameters, and lines from the parameters to the returned value."""
    names = identifiers((p.name for p in steps.parameters), _reserved)
    spelled: dict[Step, str] = {}
    for step in steps.order:
        if step.op == "input":
            place, index = step.detail
            at = ", ".join([":", *map(str, index)])
            name = names[steps.parameters[place].name]
            spelled[step] = f"{name}[{at}]" if index else name
        elif step.op == "const":
            spelled[step] = _constant(step, library)
    wanted = [*steps.results, steps.inside, steps.defined]
    lines = written(
        steps.needed(wanted), wanted, spelled, lambda step, given: _expression(step, given, library)
    )
    known = {**spelled, **{step: name for step, name, _ in lines}}
    found = [f"{name} = {text}" for _, name, text in lines]
    for step, text in ((steps.inside, "outside the domain"), (steps.defined, "undefined there")):
        if step.op != "const" or step.detail is not True:
            check = f"{library.module}.all({_array(known[step], step, library)})"
            found += [f"if not {check}:", f'    raise ValueError("{text}")']
    parts = ", ".join(_array(known[step], step, library) for step in steps.results)
    if not steps.shape:
        found.append(f"return {parts}")
    else:
        axis = "axis" if library is NUMPY else "dim"
        shape = ", ".join(["rows", *map(str, steps.shape)])
        found.append(f"return {library.module}.stack([{parts}], {axis}=1).reshape({shape})")
    return names, found


def _array(text: str, step: Step, library: Library) -> str:
    """A value as an array (rows,), constants too."""
    if step.op == "const":
        return f"{library.module}.full((rows,), {text})"
    return text


def _constant(step: Step, library: Library) -> str:
    if step.kind == "truth":
        return f"{library.module}.{'asarray' if library is NUMPY else 'tensor'}({step.detail})"
    if step.kind == "whole":
        if not -(2**63) < step.detail < 2**63:
            raise Unsupported("a whole number has more than 64 bits")
        return f"({step.detail})" if step.detail < 0 else str(step.detail)
    text = repr(float(step.detail))
    return f"({text})" if text.startswith("-") else text


def _expression(step: Step, given: list[str], library: Library) -> str:
    op, module = step.op, library.module
    if op in _SIGNS:
        return f" {_SIGNS[op]} ".join(given)
    if op in ("maximum", "minimum"):
        a, b = given
        return f"{module}.where({a} {'>=' if op == 'maximum' else '<='} {b}, {a}, {b})"
    if op == "choose":
        return f"{module}.where({', '.join([given[0], *_held(step, given, library)[1:]])})"
    if op in ("neg", "negate"):
        return f"{'-' if op == 'neg' else '~'}{given[0]}"
    if op == "as":
        return library.cast.format(given[0], library.types[step.kind])
    if op == "floor":
        return library.cast.format(f"{module}.floor({given[0]})", library.types["whole"])
    if op in ("floordiv", "mod"):
        return _divided(step, given, library)
    spelled = (library.functions if op == "function" else library.integers).get(step.detail)
    if spelled is None:
        raise Unsupported(f"{module} has no {step.detail}")
    return spelled.format(*_held(step, given, library))


def _held(step: Step, given: list[str], library: Library) -> list[str]:
    """Plain numbers as the library's own: alone, torch takes them for float32."""
    return [
        library.constant.format(text, library.types[one.kind])
        if one.op == "const" and one.kind != "truth"
        else text
        for one, text in zip(step.operands, given, strict=True)
    ]


def _divided(step: Step, given: list[str], library: Library) -> str:
    """By a divisor that isn't 0: where it is, any number will do."""
    divisor = given[1]
    if step.operands[1].op != "const":
        divisor = f"{library.module}.where({divisor} == 0, 1, {divisor})"
    elif step.operands[1].detail == 0:
        divisor = "1"
    top = _held(step, given, library)[0]
    return (library.divided if step.op == "floordiv" else library.remainder).format(top, divisor)
