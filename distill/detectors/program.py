"""A network of convolutions as a program whose detectors are functions with bodies.

Every filter is `conv2d` of whole numbers where its weights are multiples of some; filters that are
multiples of each other call one function. What stands between layers (pooling, activations, dense
layers) is written as the language has it, so the program is the network's own arithmetic.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Any

import numpy as np

from distill.detectors.families import classify, named
from distill.literal import decoded
from distill.network import Network, Operation
from distill.operations import KINDS
from distill.operations.convolution import windows_of
from distill.target import Target
from dsl.domain import Domain
from dsl.program import (
    Call,
    Const,
    Definition,
    Expression,
    Program,
    call,
    const,
    let,
    prim,
    var,
)
from dsl.types import INT, REAL, Type, TypeMismatch, Vector

_ACTIVATIONS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Abs": "abs"}
_LARGEST = 2**20
"""Whole weights above it are no shorter than the rationals that they came from."""

_MAIN = "predict"


class _Unwritten(Exception):
    """What the language has no words for."""


def detector_program(target: Target) -> Program | None:
    """The target's network with its filters as functions; None where it has no convolutions, or
    something that isn't written this way (padding, dilations, branches, encoded inputs)."""
    network = target.core
    if not any(op.kind == "Conv" for op in network.operations):
        return None
    writer = _Writer(network)
    try:
        value = writer.image(target.domain)
        wire = network.input
        for operation in network.operations:
            if operation.inputs[0] != wire or len(operation.outputs) != 1:
                return None
            value, wire = writer.after(operation, value), operation.outputs[0]
        flat = value if len(_shape(value)) == 1 else prim("flatten", value)
        if flat.type.shape == (1,):  # pyright: ignore[reportAttributeAccessIssue]
            flat = prim("item", flat, const(0))
        body = decoded(flat, network.output_width, target.output)
    except (_Unwritten, TypeMismatch):
        return None
    for name, bound in reversed(writer.bound):
        body = let(name, bound, body)
    main = Definition(_MAIN, target.domain.parameters, body, target.output.type)
    return Program((*writer.definitions, main))


class _Writer:
    """Operations written one after the other: names given so far, and functions."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.definitions: list[Definition] = []
        self.known: dict[tuple[Any, Type, int], str] = {}
        self.bound: list[tuple[str, Expression]] = []
        self.taken = {_MAIN}

    def image(self, domain: Domain) -> Expression:
        """The network's input, as it takes it: (channels, rows, columns)."""
        (field,) = domain.fields if len(domain.fields) == 1 else (None,)
        if field is None or field.encoding.kind != "plain" or field.item not in (INT, REAL):
            raise _Unwritten
        self.taken.add(field.name)
        value = var(field.name, field.type)
        wanted = self.network.input_shape
        if field.shape == wanted:
            return value
        if len(wanted) == 3 and wanted == (1, *field.shape):
            return prim("vector", value)
        raise _Unwritten

    def after(self, operation: Operation, value: Expression) -> Expression:
        """The value behind an operation. Raises _Unwritten."""
        kind = operation.kind
        if kind == "Conv":
            return self.filtered(operation, self.named(value))
        if kind in _ACTIVATIONS:
            return prim(_ACTIVATIONS[kind], value)
        if kind in ("MaxPool", "AveragePool"):
            return self.pooled(operation, value)
        if kind in ("Gemm", "MatMul"):
            return self.dense(operation, value)
        if kind == "Add":
            shift = self.constant(operation.inputs[1], np.float64)
            if len(_shape(value)) == 1 and shift.size == _shape(value)[0]:
                return prim("add", value, _numbers(shift.ravel()))
        if KINDS[kind].shape_only or kind == "Cast":
            return value if len(_shape(value)) == 1 else self.reshaped(operation, value)
        raise _Unwritten

    def reshaped(self, operation: Operation, value: Expression) -> Expression:
        """Flattened where the operation leaves one axis, apart from that of batches."""
        shape = self.network.wires_by_name[operation.outputs[0]].shape
        if sum(s != 1 for s in shape) > 1 or operation.kind == "Transpose":
            raise _Unwritten
        return prim("flatten", value)

    def named(self, value: Expression) -> Expression:
        """The value under a name, unless it is one or short."""
        if not value.children or all(not c.children for c in value.children):
            return value
        number = len(self.bound) + 1
        name = f"h{number}"
        while name in self.taken:
            number += 1
            name = f"h{number}"
        self.taken.add(name)
        self.bound.append((name, value))
        return var(name, value.type)

    def constant(self, name: str, dtype: Any) -> Any:
        """The value of a wire that doesn't depend on the input. Raises _Unwritten."""
        if name not in self.network.constants:
            raise _Unwritten
        return self.network.constants[name].astype(dtype)

    def filtered(self, operation: Operation, image: Expression) -> Expression:
        """A convolution: planes that detectors give, with their biases, one above the other."""
        shape = _shape(image)
        taps = self.constant(operation.inputs[1], np.float64)
        if len(shape) != 3 or taps.ndim != 4 or operation.attributes.get("group", 1) != 1:
            raise _Unwritten
        window = windows_of(operation.attributes, shape[1:], taps.shape[2:])
        steps = set(window.strides)
        if any(map(any, window.pads)) or set(window.dilations) != {1} or len(steps) != 1:
            raise _Unwritten
        bias = np.zeros(len(taps))
        if len(operation.inputs) > 2 and operation.inputs[2]:
            bias = self.constant(operation.inputs[2], np.float64).ravel()
        found = self.detectors(taps, image, steps.pop())
        planes = [_moved(plane, b) for plane, b in zip(found, bias, strict=True)]
        return prim("vector", *planes)

    def detectors(self, taps: np.ndarray, image: Expression, stride: int) -> list[Expression]:
        """A call of a function for each filter, times what the filter is of the function's."""
        parts = [_whole(filter_) for filter_ in taps]
        keys = [(table, image.type, stride) for table, _ in parts]
        new = {k: t for k, t in zip(keys, taps, strict=True) if k not in self.known}
        kinds = [classify(t) for t in new.values()]
        for key, name in zip(new, named(kinds, tuple(self.taken)), strict=True):
            self.known[key] = name
            self.taken.add(name)
            self.definitions.append(_function(name, key[0], image.type, stride))
        return [
            _times(scale, self._called(self.known[key], image))
            for key, (_, scale) in zip(keys, parts, strict=True)
        ]

    def _called(self, name: str, image: Expression) -> Call:
        result = next(d.result for d in self.definitions if d.name == name)
        return call(name, (image,), result)

    def pooled(self, operation: Operation, value: Expression) -> Expression:
        """The largest or the mean of square windows that lie in the image."""
        shape = _shape(value)
        if len(shape) != 3:
            raise _Unwritten
        kernel = tuple(operation.attributes.get("kernel_shape", ()))
        window = windows_of(operation.attributes, shape[1:], kernel)
        odd = len(set(window.kernel)) > 1 or len(set(window.strides)) > 1
        if odd or any(map(any, window.pads)) or set(window.dilations) != {1}:
            raise _Unwritten
        name = "max_pool" if operation.kind == "MaxPool" else "mean_pool"
        return prim(name, value, const(window.kernel[0]), const(window.strides[0]))

    def dense(self, operation: Operation, value: Expression) -> Expression:
        """A dense layer of a plain vector."""
        given = operation.attributes
        scaled = given.get("alpha", 1.0) != 1 or given.get("beta", 1.0) != 1
        if len(_shape(value)) != 1 or given.get("transA", 0) or scaled:
            raise _Unwritten
        matrix = self.constant(operation.inputs[1], np.float64)
        if matrix.ndim != 2:
            raise _Unwritten
        rows = matrix if given.get("transB", 0) else matrix.T
        bias = np.zeros(len(rows))
        if len(operation.inputs) > 2 and operation.inputs[2]:
            bias = self.constant(operation.inputs[2], np.float64)
        return prim("affine", _numbers(rows), value, _numbers(np.resize(bias, len(rows))))


def _shape(value: Expression) -> tuple[int, ...]:
    return value.type.shape if isinstance(value.type, Vector) else ()


def _whole(taps: np.ndarray) -> tuple[Const, Fraction]:
    """The filter as whole numbers without a common divisor, times a number; positive as what it is
    most like is. As it is where the whole numbers are large."""
    exact = [Fraction(float(v)) for v in taps.ravel()]
    if not any(exact):
        return _numbers(taps), Fraction(1)
    below = reduce(lcm, [f.denominator for f in exact])
    unit = Fraction(reduce(gcd, [abs(int(f * below)) for f in exact]), below)
    unit *= classify(taps).sign
    whole = [f / unit for f in exact]
    if max(map(abs, whole)) > _LARGEST:
        return _numbers(taps), Fraction(1)
    return _numbers(np.array([int(v) for v in whole]).reshape(taps.shape)), unit


def _function(name: str, table: Const, image: Type, stride: int) -> Definition:
    """`def name(image) = conv2d([filter], image, stride)[0]`."""
    x = var("image", image)
    body = prim("item", prim("conv2d", prim("vector", table), x, const(stride)), const(0))
    return Definition(name, (("image", image),), body, body.type)


def _times(scale: Fraction, value: Expression) -> Expression:
    if scale in (1, -1):
        return value if scale == 1 else prim("neg", value)
    return prim("mul", _number(scale), value)


def _moved(value: Expression, bias: float) -> Expression:
    if bias == 0:
        return value
    size = _number(Fraction(abs(float(bias))))
    return prim("add" if bias > 0 else "sub", value, size)


def _number(value: Fraction) -> Const:
    return const(int(value), INT) if value.denominator == 1 else const(value, REAL)


def _numbers(values: np.ndarray) -> Const:
    """A table of whole numbers where all are, else of the exact rationals."""
    whole = bool(np.all(values == np.rint(values)))
    item: Type = Vector(INT if whole else REAL, values.shape)

    def nested(part: np.ndarray) -> Any:
        if part.ndim == 0:
            return int(part) if whole else Fraction(float(part))
        return tuple(nested(p) for p in part)

    return const(nested(values), item)
