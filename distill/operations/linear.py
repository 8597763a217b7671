"""Linear layers: Gemm, MatMul, and the normalisations that inference turns into affine maps."""

from __future__ import annotations

import numpy as np

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.elementwise import keep_type
from distill.operations.kind import (
    Attributes,
    Operand,
    Shape,
    Tensor,
    broadcast_shape,
    declare,
    refuse_huge,
)
from distill.operations.lowering import basis_matrix, fixed_value, scale, select, wire_of, zeros

Operands = tuple[Operand | None, ...]


def _run_matmul(attributes: Attributes, a: Tensor, b: Tensor) -> Tensor:
    """numpy's matmul of every example; with a fixed matrix, all rows in one product."""
    shape = matmul_shape(a.shape[1:], b.shape[1:])
    if b.shape[0] == 1 and b.ndim == 3 and a.ndim >= 2:
        flat = a.reshape(-1, a.shape[-1]) @ b[0]
        return flat.reshape(*a.shape[:-1], b.shape[-1])
    left = a[:, None, :] if a.ndim == 2 else a
    right = b[..., None] if b.ndim == 2 else b
    rank = max(left.ndim, right.ndim)
    left, right = (
        x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:]) for x in (left, right)
    )
    return (left @ right).reshape(-1, *shape)


def matmul_shape(a: Shape, b: Shape) -> Shape:
    """Shape of a product. Raises BadInput when the inner sizes disagree."""
    inner = b[-2] if len(b) > 1 else (b[0] if b else 0)
    if not a or not b or a[-1] != inner:
        raise BadInput(
            f"Shapes disagree: a matrix product of {list(a)} and {list(b)} needs "
            "the last size of the first to equal the rows of the second."
        )
    batch = broadcast_shape(a[:-2], b[:-2])
    return refuse_huge(batch + a[-2:-1] + b[-1:] if len(b) > 1 else batch + a[-2:-1])


def _lower_matmul(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    a, b = operands
    assert a is not None
    assert b is not None
    if b.constant is not None and a.wire is not None:
        fixed = b.constant[None]
        matrix = basis_matrix(lambda units: _run_matmul({}, units, fixed), a.shape)
        return builder.affine([(a.wire, matrix)], np.zeros(len(matrix)))
    if a.constant is not None and b.wire is not None:
        fixed = a.constant[None]
        matrix = basis_matrix(lambda units: _run_matmul({}, fixed, units), b.shape)
        return builder.affine([(b.wire, matrix)], np.zeros(len(matrix)))
    return _product_of_wires(builder, a, b)


def _product_of_wires(builder: Builder, a: Operand, b: Operand) -> int:
    """All products of an entry of a row with one of a column, then their sums."""
    left = np.arange(a.width).reshape(a.shape if len(a.shape) > 1 else (1, *a.shape))
    right = np.arange(b.width).reshape(b.shape if len(b.shape) > 1 else (*b.shape, 1))
    rows, columns = left[..., :, None, :], np.swapaxes(right, -1, -2)[..., None, :, :]
    shape = broadcast_shape(rows.shape, columns.shape)
    refuse_huge(shape)
    first = select(builder, wire_of(builder, a, a.shape), np.broadcast_to(rows, shape))
    second = select(builder, wire_of(builder, b, b.shape), np.broadcast_to(columns, shape))
    products = builder.elementwise("mul", first, second)
    total, inner = int(np.prod(shape)), shape[-1]
    matrix = zeros(total // inner, total)
    matrix[np.repeat(np.arange(total // inner), inner), np.arange(total)] = 1.0
    return builder.affine([(products, matrix)], np.zeros(len(matrix)))


def _turned(x: Tensor, flag: object) -> Tensor:
    return np.swapaxes(x, -1, -2) if flag else x


def _run_gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """`alpha * a' @ b' + beta * c` with optional transposition, ONNX Gemm."""
    if a.ndim != 3 or b.ndim != 3:
        raise BadInput("Shapes disagree: Gemm multiplies two matrices; use MatMul for other ranks.")
    left, right = _turned(a, attributes.get("transA")), _turned(b, attributes.get("transB"))
    product = _run_matmul({}, left, right)
    if attributes.get("alpha", 1.0) != 1.0:
        product = keep_type(product * attributes["alpha"], product)
    if c is None:
        return product
    shift = c.reshape(c.shape[:1] + (1,) * (3 - c.ndim) + c.shape[1:])
    if broadcast_shape(product.shape[1:], shift.shape[1:]) != product.shape[1:]:
        raise BadInput(
            f"Shapes disagree: Gemm adds {list(c.shape[1:])} to {list(product.shape[1:])}."
        )
    beta = attributes.get("beta", 1.0)
    return product + (shift if beta == 1.0 else keep_type(shift * beta, shift))


def _lower_gemm(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    a, b = operands[0], operands[1]
    assert a is not None
    assert b is not None
    if a.wire is None or b.constant is None:
        raise BadInput("Gemm with a weight that depends on the input is not supported.")
    fixed = b.constant[None]
    matrix = basis_matrix(lambda units: _run_gemm(attributes, units, fixed), a.shape)
    shift = operands[2] if len(operands) > 2 else None
    if shift is None:
        return builder.affine([(a.wire, matrix)], np.zeros(len(matrix)))
    beta = float(attributes.get("beta", 1.0))
    if shift.constant is not None:
        bias = beta * np.broadcast_to(shift.constant, shapes[0]).ravel()
        return builder.affine([(a.wire, matrix)], bias)
    added = scale(builder, wire_of(builder, shift, shapes[0]), beta)
    terms = [(a.wire, matrix), (added, np.eye(len(matrix)))]
    return builder.affine(terms, np.zeros(len(matrix)))


def _per_channel(values: Tensor, rank: int) -> Tensor:
    """Channel values (1, c) shaped to meet arrays (n, batch, c, ...) of that rank."""
    return values.reshape((1, 1, -1) + (1,) * (rank - 3))


def _run_batch_norm(
    attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor
) -> Tensor:
    """Ioffe and Szegedy 2015, with the stored statistics."""
    if x.ndim < 3 or x.shape[2] != weight.size:
        raise BadInput(
            f"Shapes disagree: BatchNormalization of {weight.size} channels "
            f"got {list(x.shape[1:])}."
        )
    weight, bias, mean, var = (_per_channel(v, x.ndim) for v in (weight, bias, mean, var))
    spread = np.sqrt(var + var.dtype.type(attributes.get("epsilon", 1e-5)))
    return keep_type((x - mean) / spread * weight + bias, x)


def _lower_batch_norm(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    x = operands[0]
    assert x is not None
    weight, bias, mean, var = (fixed_value(o) for o in operands[1:5] if o is not None)
    factor = weight / np.sqrt(var + float(attributes.get("epsilon", 1e-5)))
    shift = bias - mean * factor
    full = [
        np.broadcast_to(_per_channel(v, len(x.shape) + 1)[0], x.shape).ravel()
        for v in (factor, shift)
    ]
    return scale(builder, wire_of(builder, x, x.shape), full[0], full[1])


def _layer_axes(attributes: Attributes, rank: int) -> tuple[int, ...]:
    axis = int(attributes.get("axis", -1))
    return tuple(range(axis - rank if axis >= 0 else axis, 0))


def _run_layer_norm(
    attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Ba, Kiros and Hinton 2016: each example's own mean and variance over the last axes."""
    axes = _layer_axes(attributes, x.ndim - 1)
    centred = x - x.mean(axis=axes, keepdims=True)
    var = (centred * centred).mean(axis=axes, keepdims=True)
    normal = centred / np.sqrt(var + x.dtype.type(attributes.get("epsilon", 1e-5)))
    scaled = normal * weight.reshape((1,) * (x.ndim - weight.ndim + 1) + weight.shape[1:])
    if bias is None:
        return scaled
    return scaled + bias.reshape((1,) * (x.ndim - bias.ndim + 1) + bias.shape[1:])


def _lower_layer_norm(
    builder: Builder, attributes: Attributes, operands: Operands, shapes: tuple[Shape, ...]
) -> int:
    x, shape = operands[0], shapes[0]
    assert x is not None
    axes = _layer_axes(attributes, len(shape))
    places = np.arange(x.width).reshape(shape)
    group = np.broadcast_to(places.min(axis=axes, keepdims=True), shape).ravel()
    same = (group[:, None] == group[None, :]).astype(np.float64)
    mean = same / same.sum(axis=1, keepdims=True)
    wire, none = wire_of(builder, x, shape), np.zeros(x.width)
    centred = builder.affine([(wire, np.eye(x.width) - mean)], none)
    epsilon = np.full(x.width, float(attributes.get("epsilon", 1e-5)))
    var = builder.affine([(builder.elementwise("square", centred), mean)], epsilon)
    inverse = builder.elementwise("reciprocal", builder.elementwise("sqrt", var))
    normal = builder.elementwise("mul", centred, inverse)
    factor, *rest = (fixed_value(o) for o in operands[1:] if o is not None)
    shift = np.broadcast_to(rest[0], shape).ravel() if rest else 0.0
    return scale(builder, normal, np.broadcast_to(factor, shape).ravel(), shift)


declare("MatMul", _run_matmul, _lower_matmul)
declare("Gemm", _run_gemm, _lower_gemm)
declare("BatchNormalization", _run_batch_norm, _lower_batch_norm)
declare("LayerNormalization", _run_layer_norm, _lower_layer_norm)
