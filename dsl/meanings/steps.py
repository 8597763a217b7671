"""A program as straight-line steps on scalars, which C, numpy, torch and ONNX are written from.

The scalar meaning is run in an algebra whose values are steps: truths, whole numbers of 64 bits and
floats of 64 bits. Equal steps are one step. What is defined nowhere near (an argument of a choice
that isn't taken) is computed too, so steps never trap: divisors of 0 give any number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from dsl.algebra import leaves, lift
from dsl.domain import Domain
from dsl.meanings.fold import conjunction, outcome
from dsl.meanings.mixed import Mixed
from dsl.program import Program
from dsl.types import BOOL, REAL, Category, Type, Vector, element

Kind = Literal["truth", "whole", "real"]
Number = bool | int | float


@dataclass(frozen=True, eq=False)
class Step:
    """One operation: its name, the steps that it takes, the kind of its value.

    detail: of `const` the number; of `input` the parameter's place and the index within it; of
    `function` and `integer` the name.
    """

    op: str
    operands: tuple[Step, ...]
    kind: Kind
    detail: Any = None


@dataclass(frozen=True, eq=False)
class Parameter:
    """An input: its name, shape (() for a scalar) and the kind of its scalars."""

    name: str
    shape: tuple[int, ...]
    kind: Kind


@dataclass(frozen=True, eq=False)
class Steps:
    """A program's steps in order.

    value: the result, nested tuples of steps; inside: whether the input lies in the domain;
    defined: whether the program is defined there.
    """

    parameters: tuple[Parameter, ...]
    order: tuple[Step, ...]
    value: Any
    inside: Step
    defined: Step

    @property
    def results(self) -> list[Step]:
        """The scalars of the result, in order."""
        return leaves(self.value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        found, value = [], self.value
        while isinstance(value, tuple):
            found.append(len(value))
            value = value[0]
        return tuple(found)

    def needed(self, wanted: Sequence[Step]) -> list[Step]:
        """The steps that some depend on, themselves included, in order."""
        keep = set(wanted)
        for step in reversed(self.order):
            if step in keep:
                keep.update(step.operands)
        return [step for step in self.order if step in keep]


def steps_of(program: Program, domain: Domain) -> Steps:
    """A program on a domain as steps.

    Raises:
        Unsupported: the program returns a function, or a primitive has no scalar meaning here.
    """
    ops = _Recorder()
    parameters = tuple(
        Parameter(name, item.shape if isinstance(item, Vector) else (), kind_of(item))
        for name, item in program.main.parameters
    )
    given = [_inputs(ops, place, p.shape, p.kind) for place, p in enumerate(parameters)]
    names = [p.name for p in parameters]
    found = outcome(program, ops, dict(zip(names, given, strict=True)))
    inside = ops.term(_inside(ops, domain, given))
    kind = kind_of(program.main.result)
    value = lift(lambda v: ops.as_kind(ops.term(v), kind), found.value)
    defined = ops.term(found.defined)
    return Steps(parameters, tuple(ops.order), value, inside, defined)


def kind_of(item: Type) -> Kind:
    """The kind of a type's scalars."""
    scalar = element(item)
    return "truth" if scalar == BOOL else "real" if scalar == REAL else "whole"


def _inputs(ops: _Recorder, place: int, shape: tuple[int, ...], kind: Kind) -> Any:
    def made(index: tuple[int, ...]) -> Any:
        if len(index) == len(shape):
            return ops.step("input", (), kind, (place, index))
        return tuple(made((*index, k)) for k in range(shape[len(index)]))

    return made(())


def _inside(ops: _Recorder, domain: Domain, given: Sequence[Any]) -> Any:
    """The truth that all bounds and the domain's condition hold."""
    conditions: list[Any] = []
    for one, value in zip(domain.fields, given, strict=True):
        low, high = _bounds(one.item, one.low, one.high)
        for leaf in leaves(value):
            conditions += [] if low is None else [ops.less_equal(low, leaf)]
            conditions += [] if high is None else [ops.less_equal(leaf, high)]
    if domain.where is not None:
        names = dict(zip((f.name for f in domain.fields), given, strict=True))
        met = outcome(domain.where, ops, names)
        conditions += [met.value, met.defined]
    return conjunction(ops, *conditions)


def _bounds(item: Type, low: Any, high: Any) -> tuple[Any, Any]:
    """As numbers that arrive: a real bound is the float nearest to it."""
    if item == BOOL:
        return None, None
    if isinstance(item, Category):
        return 0, item.size - 1
    if item == REAL:
        return _nearest(low), _nearest(high)
    return (None if low is None else int(low)), (None if high is None else int(high))


def _nearest(bound: Fraction | None) -> Fraction | None:
    return None if bound is None else Fraction(float(bound))


@dataclass
class _Recorder(Mixed):
    """The algebra of steps; `order` holds them as they came up, each once."""

    order: list[Step] = field(default_factory=list)
    known: dict[Any, Step] = field(default_factory=dict)

    def step(self, op: str, operands: tuple[Step, ...], kind: Kind, detail: Any = None) -> Step:
        key = (op, tuple(map(id, operands)), kind, type(detail), detail)
        if key not in self.known:
            self.known[key] = Step(op, operands, kind, detail)
            self.order.append(self.known[key])
        return self.known[key]

    def term(self, value: Any) -> Step:
        if isinstance(value, Step):
            return value
        if isinstance(value, bool):
            return self.step("const", (), "truth", value)
        if isinstance(value, int):
            return self.step("const", (), "whole", value)
        return self.step("const", (), "real", float(value))

    def is_truth(self, a: Any) -> bool:
        """Whether this is a truth value."""
        return isinstance(a, bool) or (isinstance(a, Step) and a.kind == "truth")

    def as_kind(self, a: Step, kind: Kind) -> Step:
        """The value in a wider kind."""
        if a.kind == kind:
            return a
        if a.op == "const" and kind == "real":
            return self.step("const", (), "real", float(a.detail))
        if a.op == "const" and kind == "whole" and a.kind == "truth":
            return self.step("const", (), "whole", int(a.detail))
        return self.step("as", (a,), kind)

    def _number(self, op: str, *operands: Step) -> Step:
        """An operation whose result has the kind of its operands."""
        kind: Kind = "real" if any(a.kind == "real" for a in operands) else "whole"
        return self.step(op, tuple(self.as_kind(a, kind) for a in operands), kind)

    def _relation(self, op: str, a: Step, b: Step) -> Step:
        if not a.kind == b.kind == "truth":
            kind: Kind = "real" if "real" in (a.kind, b.kind) else "whole"
            a, b = self.as_kind(a, kind), self.as_kind(b, kind)
        return self.step(op, (a, b), "truth")

    def _add(self, a: Step, b: Step) -> Step:
        return self._number("add", a, b)

    def _sub(self, a: Step, b: Step) -> Step:
        return self._number("sub", a, b)

    def _mul(self, a: Step, b: Step) -> Step:
        return self._number("mul", a, b)

    def _div(self, a: Step, b: Step) -> Step:
        return self.step("div", (self.as_kind(a, "real"), self.as_kind(b, "real")), "real")

    def _neg(self, a: Step) -> Step:
        return self._number("neg", a)

    def _floor(self, a: Step) -> Step:
        return self.step("floor", (a,), "whole") if a.kind == "real" else self.as_kind(a, "whole")

    def _less(self, a: Step, b: Step) -> Step:
        return self._relation("less", a, b)

    def _less_equal(self, a: Step, b: Step) -> Step:
        return self._relation("less_equal", a, b)

    def _equal(self, a: Step, b: Step) -> Step:
        return self._relation("equal", a, b)

    def _both(self, a: Step, b: Step) -> Step:
        return self.step("both", (a, b), "truth")

    def _either(self, a: Step, b: Step) -> Step:
        return self.step("either", (a, b), "truth")

    def _negate(self, a: Step) -> Step:
        return self.step("negate", (a,), "truth")

    def _choose(self, condition: Step, a: Step, b: Step) -> Step:
        if a.kind != b.kind:
            kind: Kind = "real" if "real" in (a.kind, b.kind) else "whole"
            a, b = self.as_kind(a, kind), self.as_kind(b, kind)
        return self.step("choose", (condition, a, b), a.kind)

    def _maximum(self, a: Step, b: Step) -> Step:
        return self._number("maximum", a, b)

    def _minimum(self, a: Step, b: Step) -> Step:
        return self._number("minimum", a, b)

    def _square(self, a: Step) -> Step:
        return self._number("mul", a, a)

    def _floordiv(self, a: Step, b: Step) -> Step:
        if "real" in (a.kind, b.kind):
            return self._floor(self._div(a, b))
        return self._number("floordiv", a, b)

    def _mod(self, a: Step, b: Step) -> Step:
        if "real" in (a.kind, b.kind):
            return self._sub(a, self._mul(b, self._floor(self._div(a, b))))
        return self._number("mod", a, b)

    def _function(self, name: str, a: Step) -> Step:
        return self.step("function", (self.as_kind(a, "real"),), "real", name)

    def _integer(self, name: str, *operands: Step) -> Step:
        wide = tuple(self.as_kind(a, "whole") for a in operands)
        return self.step("integer", wide, "whole", name)


_ONCE = "add sub mul div neg less less_equal equal both either negate as floor"
_INSIDE = frozenset(_ONCE.split())
"""Steps in which an operand is written once, so that it may be an expression."""

_TIGHT = {"mul": 2, "div": 2, "add": 1, "sub": 1}
_CHAINS = frozenset({"add", "mul", "both", "either"})
_WIDTH = 72


def written(
    steps: Sequence[Step],
    wanted: Collection[Step],
    names: Mapping[Step, str],
    spelled: Callable[[Step, list[str]], str],
) -> list[tuple[Step, str, str]]:
    """(step, its name, its expression) of the steps that get names of their own, for a language
    that writes `spelled(step, texts of its operands)`; `names` gives those of constants and inputs.

    What is used once stands within the expression that uses it, if that stays short and it isn't
    among those `wanted`.
    """
    uses = Counter(o for step in steps for o in step.operands)
    users = {o: step for step in steps for o in step.operands}
    known, inner = dict(names), dict[Step, str]()
    found: list[tuple[Step, str, str]] = []
    for step in steps:
        if step in names:
            continue
        given = [
            _bracketed(step, place, o, inner[o]) if o in inner else known[o]
            for place, o in enumerate(step.operands)
        ]
        text = spelled(step, given)
        if (
            uses[step] == 1
            and step not in wanted
            and users[step].op in _INSIDE
            and len(text) < _WIDTH
        ):
            inner[step] = text
        else:
            known[step] = f"t{len(found) + 1}"
            found.append((step, known[step], text))
    return found


def _bracketed(step: Step, place: int, operand: Step, text: str) -> str:
    """An operand within an expression, in brackets where it has to be."""
    mine, its = _TIGHT.get(step.op, 0), _TIGHT.get(operand.op, 0)
    chained = place == 0 and step.op == operand.op and step.op in _CHAINS
    looser = place == 0 and mine == 1 and its > 0
    free = chained or looser or its > mine > 0 or (its > 0 and step.op.startswith("less"))
    return text if free or _is_call(text) else f"({text})"


def _is_call(text: str) -> bool:
    """Whether the text is one call, `name(...)`, up to its end."""
    head = re.match(r"[\w.]+\(", text)
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if head and depth == 0 and place >= head.end() - 1:
            return place == len(text) - 1
    return False
