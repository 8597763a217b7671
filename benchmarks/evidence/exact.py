"""Networks and programs at one point by code of its own: the campaign's ground truth.

Rationals where they suffice, 60 digits where a tanh or sigmoid is met; float32 in several orders
of summation and float64 as a machine would run them. Nothing of `distill.verify` or
`distill.checker` is used, and nothing of the language's meanings.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from distill.normal_form import Affine, Input, NormalForm

DIGITS = 60
_MP = mpmath.mp.clone()
_MP.dps = DIGITS
Term = tuple[Any, ...]
"""("const", Fraction), ("var", name, place or None) or (operation, term, ...)."""
ORDERS = ("forward", "backward", "bias first")


def _number(value: Any) -> Any:
    """A rational as a number of 60 digits; what is one already stays."""
    return _MP.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _smooth(name: str, value: Any) -> Any:
    x = _number(value)
    return _MP.tanh(x) if name == "tanh" else 1 / (1 + _MP.exp(-x))


def _mixed(a: Any, b: Any) -> tuple[Any, Any]:
    same = isinstance(a, Fraction) and isinstance(b, Fraction)
    return (a, b) if same else (_number(a), _number(b))


def _add(a: Any, b: Any) -> Any:
    left, right = _mixed(a, b)
    return left + right


def _mul(a: Any, b: Any) -> Any:
    left, right = _mixed(a, b)
    return left * right


def below(a: Any, b: Any) -> bool:
    """a < b, exactly or with 60 digits."""
    left, right = _mixed(a, b)
    return bool(left < right)


def apart(a: Any, b: Any) -> Any:
    """|a - b|."""
    left, right = _mixed(a, b)
    return abs(left - right)


def largest(values: Sequence[Any]) -> Any:
    """The largest of some numbers of both kinds."""
    best = values[0]
    for value in values[1:]:
        best = value if below(best, value) else best
    return best


def function(name: str, *values: Any) -> Any:
    """One of the functions that networks and programs of the campaign are made of."""
    if name in ("tanh", "sigmoid"):
        return _smooth(name, values[0])
    first = values[0]
    if name == "relu":
        return first if below(Fraction(0), first) else Fraction(0)
    if name == "abs":
        return first if below(Fraction(0), first) else -first
    return values[1] if below(first, values[1]) == (name == "max") else first


def network_exactly(form: NormalForm, point: Sequence[Fraction]) -> list[Any]:
    """Outputs of a normal form at a point."""
    wires: list[list[Any]] = []
    for node in form.nodes:
        if isinstance(node, Input):
            wires.append(list(point))
        elif isinstance(node, Affine):
            wires.append([_row(node, row, wires) for row in range(len(node.bias))])
        else:
            columns = zip(*(wires[s] for s in node.sources), strict=True)
            wires.append([function(node.function, *column) for column in columns])
    return wires[form.output]


def _row(node: Affine, row: int, wires: list[list[Any]]) -> Any:
    total: Any = Fraction(float(node.bias[row]))
    for source, matrix in node.terms:
        for weight, value in zip(matrix[row].tolist(), wires[source], strict=True):
            if weight:
                total = _add(total, _mul(Fraction(weight), value))
    return total


_FLOATS = {
    "relu": lambda x: max(x, np.float32(0)),
    "abs": abs,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.float32(1) / (np.float32(1) + np.exp(-x)),
    "max": max,
    "min": min,
}


def network_in_float32(form: NormalForm, point: Sequence[float], order: str) -> list[float]:
    """Outputs as float32 gives them, product by product, in one order of summation."""
    wires: list[list[Any]] = []
    with np.errstate(all="ignore"):
        for node in form.nodes:
            if isinstance(node, Input):
                wires.append([np.float32(x) for x in point])
            elif isinstance(node, Affine):
                wires.append([_float_row(node, row, wires, order) for row in range(len(node.bias))])
            else:
                columns = zip(*(wires[s] for s in node.sources), strict=True)
                wires.append([np.float32(_FLOATS[node.function](*column)) for column in columns])
    return [float(value) for value in wires[form.output]]


def _float_row(node: Affine, row: int, wires: list[list[Any]], order: str) -> Any:
    parts = [
        np.float32(weight) * value
        for source, matrix in node.terms
        for weight, value in zip(matrix[row].tolist(), wires[source], strict=True)
        if weight
    ]
    parts = parts[::-1] if order == "backward" else parts
    bias = np.float32(node.bias[row])
    parts = [bias, *parts] if order == "bias first" else [*parts, bias]
    total = np.float32(0)
    for part in parts:
        total = np.float32(total + part)
    return total


class Exact:
    """The numbers of exact evaluation."""

    const = staticmethod(lambda value: value)
    add = staticmethod(_add)
    mul = staticmethod(_mul)
    less = staticmethod(below)
    call = staticmethod(function)


class Doubles:
    """Python's floats, one rounding an operation."""

    const = staticmethod(float)
    add = staticmethod(lambda a, b: a + b)
    mul = staticmethod(lambda a, b: a * b)
    less = staticmethod(lambda a, b: a < b)

    @staticmethod
    def call(name: str, *values: Any) -> Any:
        """A function of floats."""
        if name in ("tanh", "sigmoid"):
            return float(_smooth(name, Fraction(values[0])))
        return {"relu": lambda x: max(x, 0.0), "abs": abs, "max": max, "min": min}[name](*values)


def program_at(term: Term, point: dict[str, Any], ops: Any = Exact) -> Any:
    """A program's value; `point` holds a value, or a list of them, for every field."""
    known: dict[int, Any] = {}

    def value(t: Term) -> Any:
        if id(t) not in known:
            known[id(t)] = _value(t, point, ops, value)
        return known[id(t)]

    return value(term)


def _value(term: Term, point: dict[str, Any], ops: Any, value: Any) -> Any:
    name = term[0]
    if name == "const":
        return ops.const(term[1])
    if name == "var":
        found = point[term[1]] if term[2] is None else point[term[1]][term[2]]
        return ops.const(Fraction(found))
    parts = [value(t) for t in term[1:]]
    if name == "sum":
        return _folded(ops.add, parts)
    if name in ("mul", "less"):
        return getattr(ops, name)(*parts)
    if name == "both":
        return parts[0] and parts[1]
    if name == "choose":
        return parts[1] if parts[0] else parts[2]
    if name == "number":
        return parts[0]
    if name == "vector":
        return parts
    if name == "first":
        best = 0
        for place, part in enumerate(parts):
            best = place if ops.less(parts[best], part) else best
        return best
    return ops.call(name, *parts)


def _folded(add: Any, parts: list[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = add(total, part)
    return total
