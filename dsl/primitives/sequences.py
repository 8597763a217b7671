"""Functions over items: map, zip_with, reduce."""

from __future__ import annotations

from functools import reduce

from dsl.primitive import Primitive, declare
from dsl.primitives.arrays import stack
from dsl.primitives.signatures import Statics, function_argument, require
from dsl.types import Type, Vector, accepts, shape_of


def _plain(item: Type) -> Vector:
    require(isinstance(item, Vector) and len(shape_of(item)) == 1, "takes a plain vector")
    assert isinstance(item, Vector)
    return item


def _collected(result: Type, length: int) -> Type:
    if isinstance(result, Vector):
        return Vector(result.item, (length, *result.shape))
    return Vector(result, (length,))


def _map_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 2, "takes a function and a vector")
    x = _plain(types[1])
    return _collected(function_argument(types[0], (x.item,)).result, x.shape[0])


MAP = declare(
    Primitive(
        name="map",
        infer=_map_type,
        array=lambda xp, f, x: stack(xp, [f(x[:, i]) for i in range(x.shape[1])]),
        scalar=lambda ops, f, x: tuple(f(v) for v in x),
        python="[{0} for {0.parameters} in {1}]",
        english="{0} for each item of {1}",
        doc="The function of every item.",
        parameters=("function", "x"),
    )
)


def _zip_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 3, "takes a function and two vectors")
    x, y = _plain(types[1]), _plain(types[2])
    require(x.shape == y.shape, "takes vectors of one length")
    return _collected(function_argument(types[0], (x.item, y.item)).result, x.shape[0])


MAP2 = declare(
    Primitive(
        name="zip_with",
        infer=_zip_type,
        array=lambda xp, f, x, y: stack(xp, [f(x[:, i], y[:, i]) for i in range(x.shape[1])]),
        scalar=lambda ops, f, x, y: tuple(f(a, b) for a, b in zip(x, y, strict=True)),
        python="[{0} for {0.parameters} in zip({1}, {2})]",
        english="{0} for each pair of {1} and {2}",
        doc="The function of items that stand at the same place.",
        parameters=("function", "x", "y"),
    )
)


def _reduce_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 3, "takes a function, a start and a vector")
    state, x = types[1], _plain(types[2])
    result = function_argument(types[0], (state, x.item)).result
    require(accepts(state, result), "needs a function that returns its state")
    return state


REDUCE = declare(
    Primitive(
        name="reduce",
        infer=_reduce_type,
        array=lambda xp, f, start, x: reduce(f, [x[:, i] for i in range(x.shape[1])], start),
        scalar=lambda ops, f, start, x: reduce(f, x, start),
        python="functools.reduce({0.function}, {2}, {1})",
        english="{2} taken together by {0}, starting with {1}",
        doc="The items taken together from left to right, starting with a value.",
        parameters=("function", "start", "x"),
    )
)
