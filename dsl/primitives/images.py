"""Signals and images: convolution, pooling and what goes with them, on channel-first tensors."""

from __future__ import annotations

from functools import reduce
from itertools import product
from typing import Any

from dsl.primitive import Example, Primitive, declare
from dsl.primitives.arrays import as_real
from dsl.primitives.signatures import Statics, plain_vector, require, static_int
from dsl.types import INT, REAL, Type, Vector, is_numeric, join


def _conv1d_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 2, "takes a filter and a signal")
    kernel, x = types
    require(isinstance(kernel, Vector) and isinstance(x, Vector), "takes two vectors")
    assert isinstance(kernel, Vector) and isinstance(x, Vector)
    require(len(kernel.shape) == len(x.shape) == 1, "takes two plain vectors")
    require(kernel.shape[0] <= x.shape[0], "takes a filter no longer than the signal")
    require(is_numeric(kernel.item) and is_numeric(x.item), "takes numbers")
    return Vector(REAL, (x.shape[0] - kernel.shape[0] + 1,))


def _conv1d_array(xp: Any, kernel: Any, x: Any) -> Any:
    size = x.shape[1] - kernel.shape[1] + 1
    taps = range(kernel.shape[1])
    return reduce(
        lambda a, b: a + b, [as_real(xp, kernel[:, k : k + 1] * x[:, k : k + size]) for k in taps]
    )


def _conv1d_scalar(ops: Any, kernel: Any, x: Any) -> Any:
    return tuple(
        reduce(ops.add, [ops.mul(w, x[i + k]) for k, w in enumerate(kernel)])
        for i in range(len(x) - len(kernel) + 1)
    )


CONV1D = declare(
    Primitive(
        name="conv1d",
        infer=_conv1d_type,
        array=_conv1d_array,
        scalar=_conv1d_scalar,
        python="conv1d({0}, {1})",
        helper="""def conv1d(taps: list, items: list) -> list:
    places = range(len(items) - len(taps) + 1)
    return [sum(w * v for w, v in zip(taps, items[i:])) for i in places]
""",
        english="{1} filtered by {0}",
        doc="The filter's weighted sum at every place of the signal (no padding, no flip).",
        examples=(Example(((1, -1), (5, 3, 4)), (2, -1)),),
        parameters=("filter", "x"),
    )
)


def _image(item: Type, axes: int) -> Vector:
    require(isinstance(item, Vector) and len(item.shape) == axes, f"takes a tensor of {axes} axes")
    assert isinstance(item, Vector)
    require(is_numeric(item.item), "takes numbers")
    return item


def _conv2d_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 3, "takes filters, an image and a stride")
    kernel, x = _image(types[0], 4), _image(types[1], 3)
    stride = static_int(statics, 2, 1, 64)
    require(kernel.shape[1] == x.shape[0], "takes filters with the image's channels")
    height, width = x.shape[1] - kernel.shape[2], x.shape[2] - kernel.shape[3]
    require(height >= 0 and width >= 0, "takes filters no larger than the image")
    return Vector(REAL, (kernel.shape[0], height // stride + 1, width // stride + 1))


def _windows(size: int, kernel: int, stride: int) -> range:
    return range(0, size - kernel + 1, stride)


def _conv2d_array(xp: Any, kernel: Any, x: Any, stride: Any) -> Any:
    step, (rows, columns) = int(stride[0]), kernel.shape[3:]
    height = (x.shape[2] - rows) // step + 1
    width = (x.shape[3] - columns) // step + 1
    total = 0
    for r, c in product(range(rows), range(columns)):
        patch = x[:, :, r : r + height * step : step, c : c + width * step : step]
        weights = kernel[:, :, :, r, c]
        total = total + xp.einsum("noi,nihw->nohw", *_same_batch(xp, weights, patch))
    return total


def _same_batch(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    rows = max(a.shape[0], b.shape[0])
    a, b = as_real(xp, a), as_real(xp, b)
    return xp.broadcast_to(a, (rows, *a.shape[1:])), xp.broadcast_to(b, (rows, *b.shape[1:]))


def _conv2d_scalar(ops: Any, kernels: Any, x: Any, stride: int) -> Any:
    def at(kernel: Any, top: int, left: int) -> Any:
        terms = [
            ops.mul(weight, x[channel][top + r][left + c])
            for channel, plane in enumerate(kernel)
            for r, row in enumerate(plane)
            for c, weight in enumerate(row)
        ]
        return reduce(ops.add, terms)

    rows, columns = len(kernels[0][0]), len(kernels[0][0][0])
    tops = _windows(len(x[0]), rows, stride)
    lefts = _windows(len(x[0][0]), columns, stride)
    return tuple(tuple(tuple(at(k, t, s) for s in lefts) for t in tops) for k in kernels)


CONV2D = declare(
    Primitive(
        name="conv2d",
        infer=_conv2d_type,
        array=_conv2d_array,
        scalar=_conv2d_scalar,
        python="conv2d({0}, {1}, {2})",
        helper="""def conv2d(filters: list, image: list, stride: int) -> list:
    height, width = len(filters[0][0]), len(filters[0][0][0])

    def at(weights: list, top: int, left: int) -> float:
        return sum(
            w * image[c][top + r][left + s]
            for c, plane in enumerate(weights)
            for r, row in enumerate(plane)
            for s, w in enumerate(row)
        )

    tops = range(0, len(image[0]) - height + 1, stride)
    lefts = range(0, len(image[0][0]) - width + 1, stride)
    return [[[at(f, top, left) for left in lefts] for top in tops] for f in filters]
""",
        english="the image {1} filtered by {0}, every {2} pixels",
        doc="Filters (out, in, rows, columns) at every place of an image, with a constant stride.",
        examples=(Example((((((1, 1), (1, 1)),),), (((1, 2, 3), (4, 5, 6)),), 1), (((12, 16),),)),),
        parameters=("filters", "image", "stride"),
    )
)


def _pool_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 3, "takes an image, a window and a stride")
    x = _image(types[0], 3)
    window = static_int(statics, 1, 1, min(x.shape[1:]))
    stride = static_int(statics, 2, 1, 64)
    sizes = [len(_windows(s, window, stride)) for s in x.shape[1:]]
    return Vector(REAL, (x.shape[0], *sizes))


def _pool_array(combine: Any) -> Any:
    def meaning(xp: Any, x: Any, window: Any, stride: Any) -> Any:
        size, step = int(window[0]), int(stride[0])
        height, width = ((s - size) // step + 1 for s in x.shape[2:])
        shifted = [
            x[:, :, r : r + height * step : step, c : c + width * step : step]
            for r, c in product(range(size), range(size))
        ]
        return as_real(xp, combine(xp, shifted))

    return meaning


def _pool_scalar(combine: Any) -> Any:
    def meaning(ops: Any, x: Any, window: int, stride: int) -> Any:
        def at(plane: Any, top: int, left: int) -> Any:
            cells = [plane[top + r][left + c] for r, c in product(range(window), range(window))]
            return combine(ops, cells)

        return tuple(
            tuple(
                tuple(at(p, t, s) for s in _windows(len(p[0]), window, stride))
                for t in _windows(len(p), window, stride)
            )
            for p in x
        )

    return meaning


def _pool_helper(name: str, combine: str) -> str:
    return f"""def {name}(image: list, window: int, stride: int) -> list:
    def at(plane: list, top: int, left: int) -> float:
        cells = [plane[top + r][left + s] for r in range(window) for s in range(window)]
        return {combine}

    tops = range(0, len(image[0]) - window + 1, stride)
    lefts = range(0, len(image[0][0]) - window + 1, stride)
    return [[[at(plane, top, left) for left in lefts] for top in tops] for plane in image]
"""


_IMAGE = (((1, 2), (3, 4)),)

MAX_POOL = declare(
    Primitive(
        name="max_pool",
        infer=_pool_type,
        array=_pool_array(lambda xp, cells: reduce(xp.maximum, cells)),
        scalar=_pool_scalar(lambda ops, cells: reduce(ops.maximum, cells)),
        python="max_pool({0}, {1}, {2})",
        helper=_pool_helper("max_pool", "max(cells)"),
        english="the largest in each {1}-wide window of {0}",
        doc="The largest value in square windows of an image.",
        examples=(Example((_IMAGE, 2, 2), (((4,),),)),),
        parameters=("image", "window", "stride"),
    )
)
MEAN_POOL = declare(
    Primitive(
        name="mean_pool",
        infer=_pool_type,
        array=_pool_array(lambda xp, cells: reduce(lambda a, b: a + b, cells) / len(cells)),
        scalar=_pool_scalar(
            lambda ops, cells: ops.div(reduce(ops.add, cells), ops.const(len(cells)))
        ),
        python="mean_pool({0}, {1}, {2})",
        helper=_pool_helper("mean_pool", "sum(cells) / len(cells)"),
        english="the mean in each {1}-wide window of {0}",
        doc="The mean value in square windows of an image.",
        examples=(Example((_IMAGE, 2, 2), (((2.5,),),)),),
        parameters=("image", "window", "stride"),
    )
)


def _as_image_type(types: tuple[Type, ...], statics: Statics) -> Type:
    x = plain_vector(types, 3)
    rows, columns = (static_int(statics, i, 1, 1 << 20) for i in (1, 2))
    channels, rest = divmod(x.shape[0], rows * columns)
    require(channels > 0 and rest == 0, "takes a vector of whole channels")
    return Vector(x.item, (channels, rows, columns))


def _as_image_scalar(_: Any, x: Any, rows: int, columns: int) -> Any:
    lines = [x[i : i + columns] for i in range(0, len(x), columns)]
    return tuple(tuple(lines[i : i + rows]) for i in range(0, len(lines), rows))


AS_IMAGE = declare(
    Primitive(
        name="as_image",
        infer=_as_image_type,
        array=lambda xp, x, rows, columns: x.reshape(x.shape[0], -1, int(rows[0]), int(columns[0])),
        scalar=_as_image_scalar,
        python="as_image({0}, {1}, {2})",
        helper="""def as_image(items: list, rows: int, columns: int) -> list:
    lines = [items[i : i + columns] for i in range(0, len(items), columns)]
    return [lines[i : i + rows] for i in range(0, len(lines), rows)]
""",
        english="{0} as an image of {1} by {2}",
        doc="A vector as channels of so many rows and columns, last axis fastest.",
        examples=(Example(((1, 2, 3, 4), 1, 2), (((1, 2),), ((3, 4),))),),
        parameters=("x", "rows", "columns"),
    )
)


def _pad_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 3, "takes an image and two widths")
    x = _image(types[0], 3)
    rows, columns = (static_int(statics, i, 0, 64) for i in (1, 2))
    return Vector(x.item, (x.shape[0], x.shape[1] + 2 * rows, x.shape[2] + 2 * columns))


def _pad_array(xp: Any, x: Any, rows: Any, columns: Any) -> Any:
    for axis, width in ((2, int(rows[0])), (3, int(columns[0]))):
        zeros = [xp.zeros_like(x[:, :, :1] if axis == 2 else x[:, :, :, :1])] * width
        x = xp.concatenate([*zeros, x, *zeros], axis)
    return x


def _pad_scalar(ops: Any, x: Any, rows: int, columns: int) -> Any:
    zero = ops.const(0)
    side = (zero,) * columns
    line = (zero,) * (len(x[0][0]) + 2 * columns)
    return tuple(
        (*(line,) * rows, *((*side, *row, *side) for row in plane), *(line,) * rows) for plane in x
    )


PAD = declare(
    Primitive(
        name="pad",
        infer=_pad_type,
        array=_pad_array,
        scalar=_pad_scalar,
        python="pad({0}, {1}, {2})",
        helper="""def pad(image: list, rows: int, columns: int) -> list:
    side = [0] * columns
    line = [0] * (len(image[0][0]) + 2 * columns)
    return [
        [line] * rows + [side + row + side for row in plane] + [line] * rows for plane in image
    ]
""",
        english="{0} with {1} rows and {2} columns of zeros on every side",
        doc="An image with rows of zeros above and below, and columns left and right.",
        examples=(Example(((((1, 2),),), 0, 1), (((0, 1, 2, 0),),)),),
        parameters=("image", "rows", "columns"),
    )
)


def _add_bias_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 2, "takes an image and a number for each channel")
    x, amounts = _image(types[0], 3), _image(types[1], 1)
    require(x.shape[0] == amounts.shape[0], "takes as many numbers as the image has channels")
    return Vector(join(x.item, amounts.item), x.shape)


ADD_BIAS = declare(
    Primitive(
        name="add_bias",
        infer=_add_bias_type,
        array=lambda xp, x, amounts: x + amounts[:, :, None, None],
        scalar=lambda ops, x, amounts: tuple(
            tuple(tuple(ops.add(v, amount) for v in row) for row in plane)
            for plane, amount in zip(x, amounts, strict=True)
        ),
        python="add_bias({0}, {1})",
        helper="""def add_bias(image: list, amounts: list) -> list:
    pairs = zip(image, amounts)
    return [[[v + amount for v in row] for row in plane] for plane, amount in pairs]
""",
        english="{0} with {1} added to its channels",
        doc="An image with a number of its own added to every channel.",
        examples=(Example(((((1, 2),), ((3, 4),)), (5, 6)), (((6, 7),), ((9, 10),))),),
        parameters=("image", "amounts"),
    )
)


def _gather_type(types: tuple[Type, ...], statics: Statics) -> Type:
    x = plain_vector(types, 2)
    places, listed = statics[1], types[1]
    require(isinstance(listed, Vector) and len(listed.shape) == 1, "takes a list of places")
    assert isinstance(listed, Vector)
    require(listed.item == INT and isinstance(places, tuple), "needs constant places here")
    require(all(0 <= p < x.shape[0] for p in places), f"needs places below {x.shape[0]} here")
    return Vector(x.item, listed.shape)


GATHER = declare(
    Primitive(
        name="gather",
        infer=_gather_type,
        array=lambda xp, x, places: x[:, places[0]],
        scalar=lambda ops, x, places: tuple(x[place] for place in places),
        python="gather({0}, {1})",
        helper="""def gather(items: list, places: list) -> list:
    return [items[place] for place in places]
""",
        english="the items of {0} at {1}",
        doc="The items at constant places, counted from 0, in the order of the places.",
        examples=(Example(((5, 6, 7), (2, 0)), (7, 5)),),
        parameters=("x", "places"),
    )
)
