"""Affine maps that move filters over a grid or only pick numbers, in the language.

What is written is the map itself, weight by weight: sums of the same products, in another order and
with zeros between them. A layer that is a convolution but for noise stays a matrix.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from distill.decompose.convolution import Convolution, Ints, find_convolution
from distill.normal_form import Array
from dsl.program import Const, Expression, Prim, const, prim
from dsl.types import INT, REAL, Vector

_ZEROS = 0.4
"""Part of a matrix's weights that are zeros, at least, before a convolution is looked for."""
_WEIGHTS_AT_MOST = 1 << 20
_PADDING_AT_MOST = 64
_STRIDE_AT_MOST = 64


def convolved(matrix: Array, bias: Array, wire: Expression) -> Expression | None:
    """`matrix` (m, n) times the vector `wire`, plus `bias` (m,), as filters moved over it; None
    where it isn't exactly that."""
    found = exact_convolution(matrix, bias)
    if found is None or not isinstance(wire.type, Vector):
        return None
    stride, padding = _steps(found)
    if max(padding) > _PADDING_AT_MOST:
        return None
    rows, columns = _spread(found.grid, 1)
    windows = _spread(found.window, 1)
    order, count = _order(found, stride, padding)
    if _is_signal(found, stride, padding):
        signal = wire if found.in_order else _gathered(wire, found.inputs)
        total = prim("conv1d", _table(found.filters[0]), signal)
        flat = prim("add", total, _number(found.bias[0])) if found.bias[0] else total
    else:
        kernel = found.filters.reshape(len(found.filters), found.channels, *windows)
        image = _image(wire, found, rows, columns)
        padded = prim("pad", image, *map(const, padding)) if any(padding) else image
        total = prim("conv2d", _table(kernel), padded, const(stride))
        flat = prim("flatten", _biased(total, found.bias))
    return flat if np.array_equal(order, np.arange(count)) else _gathered(flat, order)


def exact_convolution(matrix: Array, bias: Array) -> Convolution | None:
    """The convolution that a layer is, weight by weight without any rounding."""
    if matrix.size > _WEIGHTS_AT_MOST or len(matrix) < 3 or np.mean(matrix == 0) < _ZEROS:
        return None
    found = find_convolution(matrix, bias)
    if found is None or not np.array_equal(found.dense(), matrix):
        return None
    return found if np.array_equal(found.bias[found.filter_of], bias) else None


def picked(matrix: Array, bias: Array, wire: Expression) -> Expression | None:
    """The numbers of a wire that a matrix of ones and zeros picks; None for other matrices."""
    ones = (matrix == 1).sum(1) == 1
    if np.any(bias) or not isinstance(wire.type, Vector) or not ones.all():
        return None
    if np.count_nonzero(matrix) != len(matrix):
        return None
    return _gathered(wire, matrix.argmax(1))


def _spread(sizes: tuple[int, ...], first: int) -> tuple[int, int]:
    """A size along each axis of an image; a signal is an image of one row."""
    rows, columns = (first, *sizes)[-2:]
    return rows, columns


def _steps(found: Convolution) -> tuple[int, tuple[int, int]]:
    """A stride and paddings for which windows begin at all places that are seen."""
    places = found.place.reshape(len(found.place), -1)
    window, grid = np.array(found.window), np.array(found.grid)
    outside = np.maximum(np.maximum(-places.min(0), places.max(0) + window - grid), 0)
    stride = found.stride[-1]
    aligned = (outside + (-places[0] - outside) % stride).astype(np.int64)
    strides = set(found.stride)
    if len(strides) > 1 or stride > _STRIDE_AT_MOST or ((places + aligned) % stride).any():
        stride, aligned = 1, outside
    rows, columns = _spread(tuple(aligned.tolist()), 0)
    return stride, (rows, columns)


def _order(found: Convolution, stride: int, padding: tuple[int, int]) -> tuple[Ints, int]:
    """Where each row stands among all windows of all filters, and how many these are."""
    grid, window = np.array(_spread(found.grid, 1)), np.array(_spread(found.window, 1))
    counts = (grid + 2 * np.array(padding) - window) // stride + 1
    places = np.zeros((len(found.place), 2), dtype=np.int64)
    places[:, 2 - found.place.shape[1] :] = found.place
    begins = (places + np.array(padding)) // stride
    order = (found.filter_of * counts[0] + begins[:, 0]) * counts[1] + begins[:, 1]
    return order, int(len(found.filters) * counts.prod())


def _is_signal(found: Convolution, stride: int, padding: tuple[int, int]) -> bool:
    alone = found.channels == len(found.filters) == 1
    return alone and len(found.grid) == 1 and stride == 1 and not any(padding)


def _image(wire: Expression, found: Convolution, rows: int, columns: int) -> Expression:
    """A wire as channels of a grid; an image that was flattened, as it was before."""
    if not found.in_order:
        wire = _gathered(wire, found.inputs)
    if isinstance(wire, Prim) and wire.primitive.name == "flatten":
        whole = wire.children[0]
        if isinstance(whole.type, Vector) and whole.type.shape == (found.channels, rows, columns):
            return whole
    return prim("as_image", wire, const(rows), const(columns))


def _biased(image: Expression, bias: Array) -> Expression:
    if not np.any(bias):
        return image
    if len(bias) == 1:
        return prim("add", image, _number(bias[0]))
    return prim("add_bias", image, _table(bias))


def _gathered(wire: Expression, places: Ints) -> Expression:
    return prim("gather", wire, const(tuple(int(p) for p in places)))


def _number(value: float) -> Const:
    whole = float(value).is_integer() and abs(value) < 2**53
    return const(int(value), INT) if whole else const(Fraction(float(value)), REAL)


def _table(values: Array) -> Const:
    whole = bool(np.all(values == np.rint(values)))
    item = INT if whole else REAL

    def nested(part: Array) -> tuple:
        if part.ndim > 1:
            return tuple(nested(p) for p in part)
        return tuple(int(v) if whole else Fraction(float(v)) for v in part)

    return const(nested(values), Vector(item, values.shape))
