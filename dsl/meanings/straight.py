"""Programs and loops as straight-line code: what they mean, one scalar operation after the other.

The scalar meaning of every primitive is run in an algebra that writes down what it is asked for,
so a form that knows the few operations below can carry any program. All steps are computed
whatever the values are (choices select among results), so an operation that isn't defined
everywhere must give something everywhere; `defined` says where what it gives counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dsl.algebra import Unsupported, leaves
from dsl.loop import Loop
from dsl.meanings.fold import conjunction, evaluate, outcome
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL, REAL, Type, Vector

BOOLEAN, WHOLE, NUMBER = "bool", "int", "real"
"""Kinds of scalars: a truth, an int64 (categories too), a float64."""

_LARGEST = 1 << 63


@dataclass(frozen=True)
class Scalar:
    """An operand: the value with a number (an input or a step's result), or a literal."""

    kind: str
    number: int = -1
    literal: bool | int | float | None = None


@dataclass(frozen=True)
class Step:
    """`result = operation(*operands)`; the operands of all but `choose` are of one kind.

    Of numbers: add, sub, mul, neg, abs, less, less_equal, equal, maximum, minimum, floordiv, mod;
    of reals: div, floor, round (both to ints) and functions (exp, sin ...); of ints: real, gcd,
    isqrt; of truths: both, either, negate, equal; `choose` of a truth and two of one kind.
    """

    result: Scalar
    operation: str
    operands: tuple[Scalar, ...]


@dataclass(frozen=True)
class Named:
    """Something with a name: its type and its scalars in order, last axis fastest."""

    name: str
    type: Type
    scalars: tuple[Scalar, ...]


@dataclass(frozen=True)
class State:
    """A register: its name and type, what it holds at first, before and after a step."""

    name: str
    type: Type
    start: tuple[Scalar, ...]
    before: tuple[Scalar, ...]
    after: tuple[Scalar, ...]


@dataclass(frozen=True)
class Straight:
    """A program, or the step of a loop.

    inside: whether the inputs lie in the domain; defined: whether the result counts there;
    states: a loop's registers, () for a program; looped: it is the step of a loop; at_end: only
    the last item's output is the result.
    """

    name: str
    inputs: tuple[Named, ...]
    steps: tuple[Step, ...]
    output: Named
    inside: Scalar
    defined: Scalar
    states: tuple[State, ...] = ()
    looped: bool = False
    at_end: bool = False


Constraint = Callable[[Any, tuple[Any, ...]], Any]
"""From an algebra and a value per parameter to the truth that they lie in the domain."""


def everywhere(_: Any, __: tuple[Any, ...]) -> Any:
    """The constraint that holds for all values."""
    return True


def straight_program(program: Program, inside: Constraint = everywhere) -> Straight:
    """A program as straight-line code.

    Raises:
        Unsupported: a number in it leaves int64 or float64.
    """
    ops, main = Recorder(), program.main
    named = {name: ops.inputs(item) for name, item in main.parameters}
    within = ops.truth(inside(ops, tuple(named.values())))
    found = outcome(program, ops, named)
    output = Named(main.name, main.result, ops.converted(found.value, main.result))
    inputs = tuple(Named(n, t, tuple(leaves(named[n]))) for n, t in main.parameters)
    code = Straight(main.name, inputs, (), output, within, ops.truth(found.defined))
    return _with_steps(code, ops.steps)


def straight_loop(loop: Loop, inside: Constraint = everywhere) -> Straight:
    """The step of a loop as straight-line code.

    Raises:
        Unsupported: a number in it leaves int64 or float64.
    """
    ops = Recorder()
    items = {name: ops.inputs(item) for name, item in loop.inputs}
    before = {r.name: ops.inputs(r.type) for r in loop.registers}
    within = ops.truth(inside(ops, tuple(items.values())))
    scope: dict[str, Any] = {**before, **items}
    defined: Any = True
    for name, value in loop.lets:
        scope[name] = evaluate(value, ops, scope)
        defined = conjunction(ops, defined, outcome(value, ops, scope).defined)
    found = outcome(loop.output, ops, scope)
    nexts = [outcome(r.update, ops, scope) for r in loop.registers]
    defined = conjunction(ops, defined, found.defined, *(n.defined for n in nexts))
    states = tuple(
        State(
            r.name, r.type, ops.converted(r.start.value, r.type), tuple(leaves(before[r.name])),
            ops.converted(n.value, r.type),
        )
        for r, n in zip(loop.registers, nexts, strict=True)
    )  # fmt: skip
    kind = loop.output.type
    inputs = tuple(Named(n, t, tuple(leaves(items[n]))) for n, t in loop.inputs)
    output = Named(loop.name, kind, ops.converted(found.value, kind))
    code = Straight(
        loop.name, inputs, (), output, within, ops.truth(defined), states, True, loop.at_end
    )
    return _with_steps(code, ops.steps)


def scalar_kind(item: Type) -> str:
    """The kind of the scalars in values of a type."""
    inner = item.item if isinstance(item, Vector) else item
    return {BOOL: BOOLEAN, REAL: NUMBER}.get(inner, WHOLE)


def wanted(code: Straight) -> Iterator[Scalar]:
    """All that has to be known at the end of the steps."""
    yield from (code.inside, code.defined, *code.output.scalars)
    for state in code.states:
        yield from state.after


def literals(code: Straight) -> tuple[Scalar, ...]:
    """The literals among operands and results, each once."""
    found = [o for step in code.steps for o in step.operands]
    found += [*wanted(code), *(s for state in code.states for s in state.start)]
    # True, 1 and 1.0 are equal, but of different kinds
    return tuple(dict.fromkeys(s for s in found if s.literal is not None))


def _with_steps(code: Straight, steps: Sequence[Step]) -> Straight:
    """The code with those of the steps that something wanted needs."""
    needed = {s.number for s in wanted(code)}
    kept: list[Step] = []
    for step in reversed(steps):
        if step.result.number in needed:
            kept.append(step)
            needed |= {o.number for o in step.operands}
    return replace(code, steps=tuple(reversed(kept)))


_TRUTHS = frozenset({"less", "less_equal", "equal"})
_TO_INTS = frozenset({"floor", "round", "floordiv"})


class Recorder(Mixed):
    """The algebra that writes down steps; equal steps are written once."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._known: dict[tuple[str, tuple[Scalar, ...]], Scalar] = {}
        self._count = 0
        self.spellings: Mapping[str, Callable[..., Any]] = {
            "abs": lambda a: self._same_kind("abs", self.term(a)),
            "round": self._rounded,
        }

    def inputs(self, item: Type) -> Any:
        """New values of a type, vectors as nested tuples."""
        if isinstance(item, Vector):
            rest = item.shape[1:]
            inner = Vector(item.item, rest) if rest else item.item
            return tuple(self.inputs(inner) for _ in range(item.shape[0]))
        return self._new(scalar_kind(item))

    def term(self, value: Any) -> Scalar:
        """A plain value as a literal."""
        if isinstance(value, Scalar):
            return value
        if isinstance(value, bool):
            return Scalar(BOOLEAN, literal=value)
        if isinstance(value, int):
            if not -_LARGEST <= value < _LARGEST:
                raise Unsupported("a whole number in it needs more than 64 bits")
            return Scalar(WHOLE, literal=value)
        return Scalar(NUMBER, literal=_float(value))

    def truth(self, value: Any) -> Scalar:
        """A truth value, plain or not, as an operand."""
        return self.term(value)

    def converted(self, value: Any, item: Type) -> tuple[Scalar, ...]:
        """The scalars of a value as those of a type: ints become reals where it has them."""
        kind = scalar_kind(item)
        return tuple(
            self.real(self.term(v)) if kind == NUMBER else self.term(v) for v in leaves(value)
        )

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return self.term(a).kind == BOOLEAN

    def real(self, a: Scalar) -> Scalar:
        """An int as a real; reals stay."""
        if a.kind != WHOLE:
            return a
        if a.literal is not None:
            return Scalar(NUMBER, literal=_float(Fraction(a.literal)))
        return self._step("real", NUMBER, a)

    def _new(self, kind: str) -> Scalar:
        self._count += 1
        return Scalar(kind, self._count - 1)

    def _step(self, operation: str, kind: str, *operands: Scalar) -> Scalar:
        key = (operation, operands)
        if key not in self._known:
            self._known[key] = self._new(kind)
            self.steps.append(Step(self._known[key], operation, operands))
        return self._known[key]

    def _same_kind(self, operation: str, *operands: Scalar) -> Scalar:
        """An operation on ints where all are, else on reals; truths among themselves."""
        if any(o.kind != operands[0].kind for o in operands):
            operands = tuple(map(self.real, operands))
        kind = operands[0].kind
        if len(operands) == 2 and operands[0] == operands[1]:
            if operation in ("maximum", "minimum"):
                return operands[0]
            if operation in _TRUTHS and kind != NUMBER:  # NaN differs from itself
                return self.term(operation != "less")
        if operation in _TRUTHS:
            kind = BOOLEAN
        elif operation in _TO_INTS:
            kind = WHOLE
        return self._step(operation, kind, *operands)

    def _rounded(self, a: Any) -> Any:
        found = self.term(a)
        return a if found.kind == WHOLE else self._step("round", WHOLE, found)

    def _floor(self, a: Scalar) -> Scalar:
        return a if a.kind == WHOLE else self._step("floor", WHOLE, a)

    def _div(self, a: Scalar, b: Scalar) -> Scalar:
        return self._step("div", NUMBER, self.real(a), self.real(b))

    def _square(self, a: Scalar) -> Scalar:
        return self._same_kind("mul", a, a)

    def _choose(self, condition: Scalar, a: Scalar, b: Scalar) -> Scalar:
        if a.kind != b.kind:
            a, b = self.real(a), self.real(b)
        return self._step("choose", a.kind, condition, a, b)

    def _function(self, name: str, a: Scalar) -> Scalar:
        return self._step(name, NUMBER, self.real(a))

    def _integer(self, name: str, *operands: Scalar) -> Scalar:
        return self._step(name, WHOLE, *operands)

    def _both(self, a: Scalar, b: Scalar) -> Scalar:
        return self._step("both", BOOLEAN, a, b)

    def _either(self, a: Scalar, b: Scalar) -> Scalar:
        return self._step("either", BOOLEAN, a, b)

    def _negate(self, a: Scalar) -> Scalar:
        return self._step("negate", BOOLEAN, a)


def _plain_operation(name: str) -> Callable[..., Scalar]:
    return lambda self, *operands: self._same_kind(name, *operands)


for _name in (
    "add", "sub", "mul", "neg", "less", "less_equal", "equal", "maximum", "minimum",
    "floordiv", "mod",
):  # fmt: skip
    setattr(Recorder, "_" + _name, _plain_operation(_name))


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Unsupported("a number in it is too large for 64 bits") from None
