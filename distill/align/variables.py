"""The inner variables of a program or loop, and the program run with one of them changed.

A variable is what a `let` names, what a called definition returns, a subexpression that is worth
a name, or a register of a loop. Everything is written over the inputs alone first (names and
calls opened, equal parts shared), so that forcing a variable is putting a new name in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns
from dsl.expand import put
from dsl.loop import Loop, Register
from dsl.meanings.array import run_expression
from dsl.program import (
    Call,
    Const,
    Definition,
    Expression,
    Lambda,
    Let,
    Prim,
    Program,
    Var,
    const,
    free_variables,
    transform,
    var,
    walk,
    with_children,
)
from dsl.recursion import Steps, unrolled
from dsl.types import Bool, Category, Int, Real, Type, Vector, element, shape_of

FORCED = "'forced"
"""The name under which a changed variable's value enters a program; no parameter has it."""

MOST = 24
"""Most variables of one program that are looked for."""
Values = NDArray[Any]
"""A variable's values, (n,) or (n, m)."""
WIDEST = 16
"""Numbers that a variable may have at most."""

_MOVES = frozenset(
    ["item", "slice", "vector", "reverse", "flatten", "concat", "put", "category", "index",
     "as_int", "neg", "not_"]
)  # fmt: skip
"""What only moves or renames its arguments' values."""
_LINEAR = frozenset(["add", "sub", "mul", "div"])
_SUMS = frozenset(["add", "sub", "neg"])


@dataclass(frozen=True)
class Variable:
    """An inner variable: its name or its text, what it is, and the expression it stands for.

    kind: "let", "call", "expression" or "register"; item: which number of a list register.
    """

    name: str
    kind: str
    node: Expression
    item: int | None = None

    @property
    def type(self) -> Type:
        """The type of its values."""
        return self.node.type if self.item is None else element(self.node.type)

    @property
    def label(self) -> str:
        """What a reader calls it."""
        return self.name if self.item is None else f"{self.name}[{self.item}]"

    def part(self, values: Values) -> Values:
        """Its own values (n, ...) among those of what it is named after."""
        return values if self.item is None else values[:, self.item]

    def replaced(self, values: Values, part: Values) -> Values:
        """The values of what it is named after, with its own ones replaced."""
        if self.item is None:
            return part
        changed = values.copy()
        changed[:, self.item] = part
        return changed


@dataclass(frozen=True)
class OpenProgram:
    """A program over its inputs alone, with its inner variables.

    omitted: how many more variables it has than are listed: too many, or of too many numbers.
    """

    parameters: tuple[str, ...]
    root: Expression
    variables: tuple[Variable, ...]
    omitted: int = 0

    def run(self, columns: Columns) -> Values:
        """The program's values (n, ...)."""
        return _run(self.root, self._named(columns), len(columns[0]))

    def values(self, variable: Variable, columns: Columns) -> Values:
        """What the variable is worth, (n, ...)."""
        return _run(variable.node, self._named(columns), len(columns[0]))

    def forced(self, variable: Variable, columns: Columns, values: Values) -> Values:
        """The program's values (n, ...) where the variable has other `values` (n, ...)."""
        body = _with_name(self.root, variable.node)
        return _run(body, {**self._named(columns), FORCED: values}, len(columns[0]))

    def _named(self, columns: Columns) -> dict[str, Values]:
        return dict(zip(self.parameters, columns, strict=True))


def open_program(program: Program) -> OpenProgram:
    """The program over its inputs alone, with the variables that are worth looking for."""
    found: list[Variable] = []
    known = {d.name: d for d in program.definitions}
    root = unrolled(_closed(program.main.body, {}, known, found))
    uses = _uses(v.node for v in found)
    different: dict[Expression, Variable] = {}
    for variable in found:
        if variable.node is not root and uses[variable.node] and _can_be_placed(variable.node):
            different.setdefault(variable.node, variable)
    narrow = [v for v in different.values() if _width(v.node) <= WIDEST]
    kept = _most_telling(narrow, uses)
    names = tuple(name for name, _ in program.main.parameters)
    return OpenProgram(names, root, kept, len(different) - len(kept))


def loop_variables(loop: Loop) -> tuple[Variable, ...]:
    """The registers of a loop, lists number by number, and the values shared within a step."""
    registers = [v for r in loop.registers for v in register_variables(r)]
    lets = [
        Variable(name, "let", value)
        for name, value in loop.lets
        if _can_be_placed(value) and _width(value) <= WIDEST
    ]
    return (*registers, *lets)


def register_variables(register: Register) -> list[Variable]:
    """A register as a variable, a list as one for each of its numbers."""
    shape = shape_of(register.type)
    items = range(shape[0]) if len(shape) == 1 else [None]
    return [Variable(register.name, "register", register.start, i) for i in items]


def has_inner(program: Program | Loop) -> bool:
    """Whether a program has variables that a network may hold or lack."""
    return bool(
        loop_variables(program) if isinstance(program, Loop) else open_program(program).variables
    )


def forced_loop(loop: Loop, variable: Variable) -> Loop:
    """The loop in which a let's value comes from a further register named `FORCED`."""
    start = const(_zero(variable.type), variable.type)
    lets = tuple(
        (name, var(FORCED, value.type) if name == variable.name else value)
        for name, value in loop.lets
    )
    register = Register(FORCED, start, var(FORCED, variable.type))
    return replace(loop, registers=(*loop.registers, register), lets=lets)


def _zero(item: Type) -> Any:
    if isinstance(item, Vector):
        inner = Vector(item.item, item.shape[1:]) if len(item.shape) > 1 else item.item
        return (_zero(inner),) * next(iter(item.shape))
    return False if isinstance(item, Bool) else 0


def _run(expression: Expression, named: Mapping[str, Values], count: int) -> Values:
    found = np.asarray(run_expression(expression, named))
    return np.broadcast_to(found, (count, *found.shape[1:]))


def _with_name(root: Expression, node: Expression) -> Expression:
    name = var(FORCED, node.type)
    return transform(root, lambda found: name if found is node else None)


def _closed(
    expression: Expression,
    bound: Mapping[str, Expression],
    known: Mapping[str, Definition],
    found: list[Variable],
) -> Steps[Expression]:
    """The expression over the inputs alone; every variable that is met is added to `found`."""
    while isinstance(expression, Let):
        value = yield _closed(expression.children[0], bound, known, found)
        found.append(Variable(expression.name, "let", value))
        bound = {**bound, expression.name: value}
        expression = expression.children[1]
    done: dict[Expression, Expression] = {}
    worth = set(_worth_naming(expression))
    for node in walk(expression, but=(Let, Lambda)):
        if isinstance(node, Let):
            done[node] = yield _closed(node, bound, known, found)
        elif isinstance(node, Lambda):
            done[node] = put(node, {k: v for k, v in bound.items() if k in free_variables(node)})
        elif isinstance(node, Call):
            given = zip(known[node.name].parameters, node.children, strict=True)
            inner = {name: done[child] for (name, _), child in given}
            done[node] = yield _closed(known[node.name].body, inner, known, [])
            found.append(Variable(_text(node), "call", done[node]))
        elif isinstance(node, Var):
            done[node] = bound.get(node.name, node)
        else:
            done[node] = with_children(node, tuple(done[c] for c in node.children))
        if node in worth:
            found.append(Variable(_text(node), "expression", done[node]))
    return done[expression]


def _worth_naming(expression: Expression) -> Iterator[Expression]:
    """Subexpressions that compute something and aren't a piece of a longer chain.

    In `a + b + c` or `p or q or r` where the brackets stand is the printer's choice, so the
    partial results are no variables; a number that is only moved, negated, scaled or shifted is
    the variable that it was.
    """
    for parent in walk(expression, but=(Let, Lambda)):
        if not isinstance(parent, Prim):
            continue
        for node in parent.children:
            if isinstance(node, Prim) and not _only_renames(node) and not _chained(node, parent):
                yield node


def _only_renames(node: Prim) -> bool:
    name = node.primitive.name
    fixed = sum(isinstance(c, Const) for c in node.children)
    return name in _MOVES or (name in _LINEAR and fixed >= len(node.children) - 1)


def _chained(node: Prim, parent: Prim) -> bool:
    same = node.primitive is parent.primitive and "associative" in node.primitive.laws
    return same or {node.primitive.name, parent.primitive.name} <= _SUMS


def _can_be_placed(node: Expression) -> bool:
    """Whether it holds numbers or truths and is more than an input."""
    simple = isinstance(element(node.type), Bool | Int | Real | Category)
    return simple and not isinstance(node, Const | Var)


def _width(node: Expression) -> int:
    return int(np.prod(shape_of(node.type), initial=1))


def _most_telling(
    variables: list[Variable], uses: Mapping[Expression, int]
) -> tuple[Variable, ...]:
    """As many as may be, in order: named ones first, then the larger expressions."""
    rank = {"let": 0, "call": 0, "expression": 1}
    ordered = sorted(variables, key=lambda v: (rank[v.kind], -uses[v.node]))
    kept = set(ordered[:MOST])
    return tuple(v for v in variables if v in kept)


def _uses(roots: Iterable[Expression]) -> dict[Expression, int]:
    """How often inputs are used below every node, as written."""
    found: dict[Expression, int] = {}
    stack = [(root, False) for root in roots]
    while stack:
        node, ready = stack.pop()
        if ready:
            found[node] = isinstance(node, Var) + sum(found[c] for c in node.children)
        elif node not in found:
            stack.append((node, True))
            stack.extend((c, False) for c in node.children)
    return found


def _text(node: Expression) -> str:
    """Its written form on one line, cut where it is long."""
    text = " ".join(repr(node).split())
    return text if len(text) <= 60 else text[:56] + " ..."
