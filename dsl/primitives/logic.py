"""Truth values: and, or, not, xor, if, all, any."""

from __future__ import annotations

from functools import reduce
from typing import Any

from dsl.algebra import choose
from dsl.primitive import Example, Primitive, declare
from dsl.primitives.arrays import flat, spread
from dsl.primitives.signatures import all_bool, fixed, plain_vector, require
from dsl.types import BOOL, Function, Type, join

_SYMMETRIC = frozenset({"commutative", "associative"})


def _joined(word: str) -> Any:
    return lambda *texts: f" {word} ".join(texts)


def _exclusive(ops: Any, a: Any, b: Any) -> Any:
    return ops.negate(ops.equal(a, b))


AND = declare(
    Primitive(
        name="and_",
        symbol="and",
        precedence=3,
        infer=all_bool(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(xp.logical_and, xs),
        scalar=lambda ops, *xs: reduce(ops.both, xs),
        python=_joined("and"),
        english="{0} and {1}",
        doc="True when every argument is.",
        examples=(Example((True, False), False), Example((True, True, True), True)),
        laws=_SYMMETRIC | {"idempotent"},
    )
)

OR = declare(
    Primitive(
        name="or_",
        symbol="or",
        precedence=1,
        infer=all_bool(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(xp.logical_or, xs),
        scalar=lambda ops, *xs: reduce(ops.either, xs),
        python=_joined("or"),
        english="{0} or {1}",
        doc="True when some argument is.",
        examples=(Example((True, False), True), Example((False, False, False), False)),
        laws=_SYMMETRIC | {"idempotent"},
    )
)

XOR = declare(
    Primitive(
        name="xor",
        symbol="xor",
        precedence=2,
        infer=all_bool(2),
        elementwise=True,
        array=lambda xp, *xs: reduce(xp.logical_xor, xs),
        scalar=lambda ops, *xs: reduce(lambda a, b: _exclusive(ops, a, b), xs),
        python=_joined("^"),
        english="an odd number of: {0}, {1}",
        doc="True when an odd number of arguments is.",
        examples=(Example((True, True), False), Example((True, True, True), True)),
        laws=_SYMMETRIC,
    )
)

NOT = declare(
    Primitive(
        name="not_",
        symbol="not",
        precedence=4,
        infer=fixed(BOOL, result=BOOL),
        elementwise=True,
        array=lambda xp, x: xp.logical_not(x),
        scalar=lambda ops, x: ops.negate(x),
        python="not {0}",
        english="not {0}",
        doc="True when the argument is false.",
        examples=(Example((True,), False),),
        laws=frozenset({"involution"}),
    )
)


def _infer_if(types: tuple[Type, ...], _: Any) -> Type:
    require(len(types) == 3, "takes 3 arguments")
    require(types[0] == BOOL, "takes a bool first")
    require(not isinstance(types[1], Function), "takes values, not functions")
    return join(types[1], types[2])


def _if_array(xp: Any, condition: Any, yes: Any, no: Any) -> Any:
    like = yes if yes.ndim >= no.ndim else no
    return xp.where(spread(condition, like), yes, no)


IF = declare(
    Primitive(
        name="if_",
        infer=_infer_if,
        array=_if_array,
        scalar=choose,
        python="{1} if {0} else {2}",
        english="{1} if {0}, otherwise {2}",
        doc="The second argument where the first is true, else the third.",
        examples=(Example((True, 3, 5), 3), Example((False, 3, 5), 5)),
        parameters=("condition", "yes", "no"),
    )
)


def _bool_vector(types: tuple[Type, ...], _: Any) -> Type:
    require(plain_vector(types).item == BOOL, "takes a vector of bool")
    return BOOL


ALL = declare(
    Primitive(
        name="all",
        infer=_bool_vector,
        array=lambda xp, x: flat(x).all(-1),
        scalar=lambda ops, x: reduce(ops.both, x),
        python="all({0})",
        english="all of {0}",
        doc="True when every item is.",
        examples=(Example(((True, False, True),), False),),
    )
)

ANY = declare(
    Primitive(
        name="any",
        infer=_bool_vector,
        array=lambda xp, x: flat(x).any(-1),
        scalar=lambda ops, x: reduce(ops.either, x),
        python="any({0})",
        english="any of {0}",
        doc="True when some item is.",
        examples=(Example(((True, False, True),), True),),
    )
)
