"""Vectors: building, taking apart, sums, extremes, order."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any

from dsl.algebra import choose, leaves
from dsl.primitive import Example, Primitive, declare
from dsl.primitives.arrays import as_number, as_real, flat, stack
from dsl.primitives.signatures import (
    Statics,
    numeric_vector,
    plain_vector,
    require,
    static_int,
    vector_argument,
)
from dsl.types import BOOL, INT, REAL, Category, Function, Type, Vector, accepts, is_numeric, join


def _vector_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) >= 1, "takes at least one item")
    item = join(*types)
    require(not isinstance(item, Function), "takes values, not functions")
    if isinstance(item, Vector):
        return Vector(item.item, (len(types), *item.shape))
    return Vector(item, (len(types),))


VECTOR = declare(
    Primitive(
        name="vector",
        infer=_vector_type,
        array=lambda xp, *xs: stack(xp, list(xs)),
        scalar=lambda ops, *xs: tuple(xs),
        python=lambda *texts: f"[{', '.join(texts)}]",
        english="the list of {0}",
        doc="The vector of its arguments.",
        examples=(Example((1, 2, 3), (1, 2, 3)),),
    )
)


def _item_type(types: tuple[Type, ...], statics: Statics) -> Type:
    found = vector_argument(types, 2)
    require(types[1] == INT or isinstance(types[1], Category), "takes an int index")
    if statics[1] is not None:
        static_int(statics, 1, 0, found.shape[0] - 1)
    rest = found.shape[1:]
    return Vector(found.item, rest) if rest else found.item


def _item_array(xp: Any, x: Any, index: Any) -> Any:
    index = xp.clip(index, 0, x.shape[1] - 1)  # rows outside the precondition mustn't fail
    if index.shape[0] == 1:
        return x[:, int(index[0])]
    rows = xp.arange(index.shape[0])
    return x[rows, index] if x.shape[0] > 1 else x[0][index]


def _item_scalar(ops: Any, x: Any, index: Any) -> Any:
    if isinstance(index, int) and 0 <= index < len(x):
        return x[index]
    found = x[-1]
    for position in reversed(range(len(x) - 1)):
        found = choose(ops, ops.equal(index, ops.const(position)), x[position], found)
    return found


def _in_range(ops: Any, x: Any, index: Any) -> Any:
    inside = ops.less_equal(ops.const(0), index)
    return ops.both(inside, ops.less(index, ops.const(len(x))))


ITEM = declare(
    Primitive(
        name="item",
        infer=_item_type,
        array=_item_array,
        scalar=_item_scalar,
        python="{0}[{1}]",
        english="item {1} of {0}",
        doc="The item at an index, counted from 0: `x[i]`; a constant vector is a lookup table.",
        examples=(Example(((5, 6, 7), 1), 6),),
        precondition=_in_range,
        parameters=("x", "index"),
    )
)


def _put_type(types: tuple[Type, ...], statics: Statics) -> Type:
    found = vector_argument(types, 3)
    require(len(found.shape) == 1, "takes a plain vector")
    require(types[1] == INT or isinstance(types[1], Category), "takes an int index")
    require(accepts(found.item, types[2]), "takes a value of the vector's type")
    if statics[1] is not None:
        static_int(statics, 1, 0, found.shape[0] - 1)
    return found


def _put_array(xp: Any, x: Any, index: Any, value: Any) -> Any:
    places = xp.arange(x.shape[1])
    return xp.where(places[None, :] == index[:, None], value[:, None], x)


def _put_scalar(ops: Any, x: Any, index: Any, value: Any) -> Any:
    return tuple(
        choose(ops, ops.equal(index, ops.const(place)), value, old) for place, old in enumerate(x)
    )


PUT = declare(
    Primitive(
        name="put",
        infer=_put_type,
        array=_put_array,
        scalar=_put_scalar,
        python="put({0}, {1}, {2})",
        helper="""def put(items: list, index: int, value: object) -> list:
    return [*items[:index], value, *items[index + 1 :]]
""",
        english="{0} with {2} as item {1}",
        doc="The vector with another value at an index, counted from 0.",
        examples=(Example(((5, 6, 7), 1, 9), (5, 9, 7)),),
        precondition=lambda ops, x, index, value: _in_range(ops, x, index),
        parameters=("x", "index", "value"),
    )
)


def _slice_type(types: tuple[Type, ...], statics: Statics) -> Type:
    found = vector_argument(types, 3)
    start = static_int(statics, 1, 0, found.shape[0] - 1)
    stop = static_int(statics, 2, start + 1, found.shape[0])
    return Vector(found.item, (stop - start, *found.shape[1:]))


SLICE = declare(
    Primitive(
        name="slice",
        infer=_slice_type,
        array=lambda xp, x, start, stop: x[:, int(start[0]) : int(stop[0])],
        scalar=lambda ops, x, start, stop: x[start:stop],
        python="{0}[{1}:{2}]",
        english="items {1} to before {2} of {0}",
        doc="The items from a constant start to before a constant stop: `x[a:b]`.",
        examples=(Example(((5, 6, 7), 1, 3), (6, 7)),),
        parameters=("x", "start", "stop"),
    )
)


def _concat_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) >= 2, "takes at least 2 arguments")
    require(all(isinstance(t, Vector) and len(t.shape) == 1 for t in types), "takes plain vectors")
    vectors = [t for t in types if isinstance(t, Vector)]
    return Vector(join(*(v.item for v in vectors)), (sum(v.shape[0] for v in vectors),))


def _concat_array(xp: Any, *xs: Any) -> Any:
    rows = max(x.shape[0] for x in xs)
    full = [xp.broadcast_to(x, (rows, x.shape[1])) for x in xs]
    if any(x.dtype != full[0].dtype for x in full):
        full = [as_real(xp, x) for x in full]
    return xp.concatenate(full, 1)


CONCAT = declare(
    Primitive(
        name="concat",
        infer=_concat_type,
        array=_concat_array,
        scalar=lambda ops, *xs: tuple(v for x in xs for v in x),
        python=lambda *texts: " + ".join(texts),
        english="{0} followed by {1}",
        doc="The items of all arguments in one vector.",
        examples=(Example(((1, 2), (3,)), (1, 2, 3)),),
        precedence=6,
        laws=frozenset({"associative"}),
    )
)
REVERSE = declare(
    Primitive(
        name="reverse",
        infer=lambda types, _: vector_argument(types, 1),
        array=lambda xp, x: xp.flip(x, (1,)),
        scalar=lambda ops, x: x[::-1],
        python="{0}[::-1]",
        english="{0} backwards",
        doc="The items from last to first.",
        examples=(Example(((1, 2, 3),), (3, 2, 1)),),
        laws=frozenset({"involution"}),
    )
)


def _same_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 2 and isinstance(types[0], Vector), "takes two vectors")
    require(isinstance(join(*types), Vector), "takes two vectors")
    return BOOL


SAME = declare(
    Primitive(
        name="same",
        infer=_same_type,
        array=lambda xp, a, b: (flat(a) == flat(b)).all(-1),
        scalar=lambda ops, a, b: reduce(
            ops.both, [ops.equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True)]
        ),
        precedence=5,
        python="{0} == {1}",
        english="{0} is the same as {1}",
        doc="True when two vectors agree item by item.",
        examples=(Example(((1, 2), (1, 2)), True), Example(((1, 2), (2, 1)), False)),
        laws=frozenset({"commutative"}),
    )
)


def _sum_type(types: tuple[Type, ...], _: Statics) -> Type:
    return numeric_vector(types).item


SUM = declare(
    Primitive(
        name="sum",
        infer=_sum_type,
        array=lambda xp, x: flat(x).sum(-1),
        scalar=lambda ops, x: reduce(ops.add, x),
        python="sum({0})",
        english="the sum of {0}",
        doc="The sum of the items.",
        examples=(Example(((1, 2, 3),), 6),),
    )
)
PRODUCT = declare(
    Primitive(
        name="product",
        infer=_sum_type,
        array=lambda xp, x: xp.prod(flat(x), -1),
        scalar=lambda ops, x: reduce(ops.mul, x),
        python="math.prod({0})",
        english="the product of {0}",
        doc="The product of the items.",
        examples=(Example(((1, 2, 3),), 6),),
    )
)


def _real_of_vector(types: tuple[Type, ...], _: Statics) -> Type:
    numeric_vector(types)
    return REAL


MEAN = declare(
    Primitive(
        name="mean",
        infer=_real_of_vector,
        array=lambda xp, x: as_real(xp, flat(x)).sum(-1) / flat(x).shape[1],
        scalar=lambda ops, x: ops.div(reduce(ops.add, x), ops.const(len(x))),
        precedence=7,
        python="sum({0}) / len({0})",
        english="the mean of {0}",
        doc="The mean of the items.",
        examples=(Example(((1, 2),), Fraction(3, 2)),),
    )
)


def _count_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(plain_vector(types).item == BOOL, "takes bool")
    return INT


COUNT = declare(
    Primitive(
        name="count",
        infer=_count_type,
        array=lambda xp, x: as_number(xp, flat(x)).sum(-1),
        scalar=lambda ops, x: reduce(
            ops.add, [ops.choose(v, ops.const(1), ops.const(0)) for v in x]
        ),
        python="sum({0})",
        english="how many of {0} are true",
        doc="How many items are true.",
        examples=(Example(((True, False, True),), 2),),
    )
)


def _extreme(name: str, fold: str, better: str, python: str, word: str) -> None:
    declare(
        Primitive(
            name=name,
            infer=lambda types, _: numeric_vector(types).item,
            array=lambda xp, x: getattr(xp, "a" + fold)(x, -1),
            scalar=lambda ops, x: reduce(getattr(ops, better), x),
            python=python + "({0})",
            english=f"the {word} of {{0}}",
            doc=f"The {word} item.",
            examples=(Example(((2, 5, 3),), 5 if fold == "max" else 2),),
        )
    )


_extreme("largest", "max", "maximum", "max", "largest")
_extreme("smallest", "min", "minimum", "min", "smallest")


def _index_type(types: tuple[Type, ...], _: Statics) -> Type:
    return Category(numeric_vector(types).shape[0])


def _index_scalar(better: Any) -> Any:
    def meaning(ops: Any, x: Any) -> Any:
        best, found = x[0], ops.const(0)
        for position, value in enumerate(x[1:], 1):
            wins = better(ops, value, best)
            found = ops.choose(wins, ops.const(position), found)
            best = ops.choose(wins, value, best)
        return found

    return meaning


ARGMAX = declare(
    Primitive(
        name="argmax",
        infer=_index_type,
        array=lambda xp, x: xp.argmax(x, -1),
        scalar=_index_scalar(lambda ops, v, best: ops.less(best, v)),
        python="argmax({0})",
        helper="""def argmax(items: list) -> int:
    return max(range(len(items)), key=items.__getitem__)
""",
        english="the position of the largest of {0}",
        doc="The index of the largest item, the first of equals.",
        examples=(Example(((2, 5, 5),), 1),),
    )
)
ARGMIN = declare(
    Primitive(
        name="argmin",
        infer=_index_type,
        array=lambda xp, x: xp.argmin(x, -1),
        scalar=_index_scalar(lambda ops, v, best: ops.less(v, best)),
        python="argmin({0})",
        helper="""def argmin(items: list) -> int:
    return min(range(len(items)), key=items.__getitem__)
""",
        english="the position of the smallest of {0}",
        doc="The index of the smallest item, the first of equals.",
        examples=(Example(((2, 2, 5),), 0),),
    )
)


def sorted_scalars(ops: Any, x: Any) -> tuple[Any, ...]:
    """Items in ascending order by a network of minima and maxima."""
    items = list(x)
    for top in range(len(items) - 1, 0, -1):
        for i in range(top):
            low, high = items[i], items[i + 1]
            items[i], items[i + 1] = ops.minimum(low, high), ops.maximum(low, high)
    return tuple(items)


def sorted_array(xp: Any, x: Any) -> Any:
    """Items of (n, k) in ascending order, for numpy and torch."""
    found = xp.sort(x, -1)
    return found if hasattr(found, "dtype") else found.values


SORT = declare(
    Primitive(
        name="sort",
        infer=lambda types, _: numeric_vector(types),
        array=sorted_array,
        scalar=sorted_scalars,
        python="sorted({0})",
        english="{0} in ascending order",
        doc="The items in ascending order.",
        examples=(Example(((3, 1, 2),), (1, 2, 3)),),
        laws=frozenset({"idempotent"}),
    )
)


def _rank_array(xp: Any, x: Any) -> Any:
    size = x.shape[-1]
    row, column = x[:, :, None], x[:, None, :]
    earlier = xp.arange(size)[None, None, :] < xp.arange(size)[None, :, None]
    return as_number(xp, (column < row) | ((column == row) & earlier)).sum(-1)


def _rank_scalar(ops: Any, x: Any) -> Any:
    def before(j: int, i: int) -> Any:
        return ops.less_equal(x[j], x[i]) if j < i else ops.less(x[j], x[i])

    ones = [
        [ops.choose(before(j, i), ops.const(1), ops.const(0)) for j in range(len(x)) if j != i]
        for i in range(len(x))
    ]
    return tuple(reduce(ops.add, row, ops.const(0)) for row in ones)


RANK = declare(
    Primitive(
        name="rank",
        infer=lambda types, _: Vector(INT, numeric_vector(types).shape),
        array=_rank_array,
        scalar=_rank_scalar,
        python="rank({0})",
        helper="""def rank(items: list) -> list:
    order = sorted(range(len(items)), key=items.__getitem__)
    return [order.index(i) for i in range(len(items))]
""",
        english="the place of each item of {0} in ascending order",
        doc="The place each item takes in ascending order, from 0; equals keep their order.",
        examples=(Example(((30, 10, 20),), (2, 0, 1)),),
    )
)


def _median_scalar(ops: Any, x: Any) -> Any:
    items, half = sorted_scalars(ops, x), len(x) // 2
    if len(x) % 2:
        return items[half]
    return ops.div(ops.add(items[half - 1], items[half]), ops.const(2))


def _median_array(xp: Any, x: Any) -> Any:
    items, half = sorted_array(xp, x), x.shape[-1] // 2
    if x.shape[-1] % 2:
        return as_real(xp, items[:, half])
    return as_real(xp, items[:, half - 1] + items[:, half]) / 2


MEDIAN = declare(
    Primitive(
        name="median",
        infer=_real_of_vector,
        array=_median_array,
        scalar=_median_scalar,
        python="statistics.median({0})",
        english="the median of {0}",
        doc="The middle item in ascending order, or the mean of the two middle ones.",
        examples=(Example(((3, 1, 2),), 2), Example(((1, 2),), Fraction(3, 2))),
    )
)


def _kth_type(types: tuple[Type, ...], statics: Statics) -> Type:
    found = numeric_vector(types, 2)
    static_int(statics, 1, 0, found.shape[0] - 1)
    return found.item


KTH = declare(
    Primitive(
        name="kth",
        infer=_kth_type,
        array=lambda xp, x, k: sorted_array(xp, x)[:, int(k[0])],
        scalar=lambda ops, x, k: sorted_scalars(ops, x)[k],
        python="sorted({0})[{1}]",
        english="item {1} of {0} in ascending order",
        doc="The item with a constant place in ascending order, from 0.",
        examples=(Example(((30, 10, 20), 1), 20),),
        parameters=("x", "k"),
    )
)


def _dot_type(types: tuple[Type, ...], _: Statics) -> Type:
    left, right = vector_argument(types, 2), vector_argument(types, 2, 1)
    require(left.shape == right.shape and len(left.shape) == 1, "takes vectors of one length")
    require(is_numeric(left.item) and is_numeric(right.item), "takes numbers")
    return join(left.item, right.item)


DOT = declare(
    Primitive(
        name="dot",
        infer=_dot_type,
        array=lambda xp, a, b: (a * b).sum(-1),
        scalar=lambda ops, a, b: reduce(
            ops.add, [ops.mul(x, y) for x, y in zip(a, b, strict=True)]
        ),
        python="dot({0}, {1})",
        helper="""def dot(weights: list, items: list) -> float:
    return sum(w * v for w, v in zip(weights, items))
""",
        english="the weighted sum of {1} with weights {0}",
        doc="The sum of products of two vectors.",
        examples=(Example(((1, 2), (3, 4)), 11),),
        laws=frozenset({"commutative"}),
    )
)


def _affine_type(types: tuple[Type, ...], _: Statics) -> Type:
    require(len(types) == 3, "takes a matrix, a vector and a bias")
    matrix, x, bias = types
    vectors = isinstance(matrix, Vector) and isinstance(x, Vector) and isinstance(bias, Vector)
    require(vectors, "takes a matrix, a vector and a bias")
    assert isinstance(matrix, Vector) and isinstance(x, Vector) and isinstance(bias, Vector)
    plain = len(bias.shape) == len(x.shape) == 1
    require(plain and matrix.shape == bias.shape + x.shape, "takes a matrix of (bias, x) sizes")
    require(all(is_numeric(v.item) for v in (matrix, x, bias)), "takes numbers")
    return Vector(join(matrix.item, x.item, bias.item), bias.shape)


def _affine_scalar(ops: Any, matrix: Any, x: Any, bias: Any) -> Any:
    rows = []
    for weights, start in zip(matrix, bias, strict=True):
        terms = [ops.mul(w, v) for w, v in zip(weights, x, strict=True)]
        rows.append(reduce(ops.add, terms, start))
    return tuple(rows)


AFFINE = declare(
    Primitive(
        name="affine",
        infer=_affine_type,
        array=lambda xp, matrix, x, bias: (
            (matrix * x[:, None, :]).sum(-1) + bias
            if matrix.shape[0] > 1
            else as_real(xp, x) @ as_real(xp, matrix[0]).T + bias
        ),
        scalar=_affine_scalar,
        python="affine({0}, {1}, {2})",
        helper="""def affine(matrix: list, items: list, bias: list) -> list:
    return [sum(map(operator.mul, row, items), b) for row, b in zip(matrix, bias)]
""",
        english="the matrix {0} times {1} plus {2}",
        doc="A matrix times a vector plus a bias.",
        examples=(Example((((1, 2), (3, 4)), (1, 1), (0, 1)), (3, 8)),),
        parameters=("matrix", "x", "bias"),
    )
)


def _cumsum_scalar(ops: Any, x: Any) -> Any:
    totals = [x[0]]
    for value in x[1:]:
        totals.append(ops.add(totals[-1], value))
    return tuple(totals)


CUMSUM = declare(
    Primitive(
        name="cumsum",
        infer=lambda types, _: numeric_vector(types),
        array=lambda xp, x: xp.cumsum(x, -1),
        scalar=_cumsum_scalar,
        python="list(itertools.accumulate({0}))",
        english="the running sums of {0}",
        doc="The sums of the first item, the first two, and so on.",
        examples=(Example(((1, 2, 3),), (1, 3, 6)),),
    )
)
CATEGORY = declare(
    Primitive(
        name="category",
        infer=lambda types, statics: _category_type(types, statics),
        array=lambda xp, x, size: x,
        scalar=lambda ops, x, size: x,
        python="{0}",
        english="alternative {0}",
        doc="An index as one of a constant number of alternatives.",
        examples=(Example((1, 3), 1),),
        precondition=lambda ops, x, size: ops.both(
            ops.less_equal(ops.const(0), x), ops.less(x, ops.const(size))
        ),
        parameters=("index", "size"),
    )
)


def _category_type(types: tuple[Type, ...], statics: Statics) -> Type:
    require(len(types) == 2 and types[0] == INT, "takes an int and a size")
    return Category(static_int(statics, 1, 1, 1 << 20))


INDEX = declare(
    Primitive(
        name="index",
        infer=lambda types, _: _index_of_category(types),
        array=lambda xp, x: x,
        scalar=lambda ops, x: x,
        python="{0}",
        english="the index of {0}",
        doc="A category as the int that it is held as.",
        examples=(),
    )
)


def _index_of_category(types: tuple[Type, ...]) -> Type:
    require(len(types) == 1 and isinstance(types[0], Category), "takes a category")
    return INT


FLATTEN = declare(
    Primitive(
        name="flatten",
        infer=lambda types, _: Vector(
            vector_argument(types, 1).item, (prod(vector_argument(types, 1).shape),)
        ),
        array=lambda xp, x: flat(x),
        scalar=lambda ops, x: tuple(leaves(x)),
        python="flatten({0})",
        helper="""def flatten(values: list) -> list:
    if not values or not isinstance(values[0], list):
        return values
    return [v for inner in values for v in flatten(inner)]
""",
        english="all items of {0} in one row",
        doc="The items of a tensor in one vector, last axis fastest.",
        examples=(Example((((1, 2), (3, 4)),), (1, 2, 3, 4)),),
        laws=frozenset({"idempotent"}),
    )
)
