"""One scalar interpreter for every algebra: exact, z3, sympy and interval meanings are this fold.

Every primitive's `scalar` meaning is run in the algebra over nested tuples. Nodes are
computed once per binding of the names that they use, on an explicit stack, so shared
nodes stay shared and deep programs don't hit Python's recursion limit. Beside each
value stands the condition under which it is defined: the preconditions of all that
is reached, where `if`, `and` and `or` guard what stands behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from dsl.algebra import Undefined, leaves, lift
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
    walk,
)
from dsl.types import shape_of


class Outcome(NamedTuple):
    """A value and the truth value that says whether it is defined (True, or the algebra's)."""

    value: Any
    defined: Any


Scope = dict[str, tuple[int, Any]]
"""What names stand for: the number of the binding and the value; later bindings count higher."""

Key = tuple[Expression, int]
"""A node and the latest binding it depends on, which together fix its value."""

_FREE: WeakKeyDictionary[Expression, frozenset[str]] = WeakKeyDictionary()


def evaluate(
    what: Program | Expression,
    ops: Any,
    environment: Mapping[str, Any],
    definitions: tuple[Definition, ...] = (),
    strict: bool = False,
) -> Any:
    """The value of a program's main body, or of an expression, in the algebra `ops`.

    Arguments:
        environment: the values of parameters, vectors as nested tuples.
        definitions: what an expression's calls refer to; a program brings its own.
        strict: raise where a precondition is plainly false.

    Raises:
        Unsupported: the algebra has no such function.
        Undefined: with `strict`, a partial primitive outside its precondition.
    """
    return outcome(what, ops, environment, definitions, strict).value


def outcome(
    what: Program | Expression,
    ops: Any,
    environment: Mapping[str, Any],
    definitions: tuple[Definition, ...] = (),
    strict: bool = False,
) -> Outcome:
    """Like `evaluate`, with the condition under which the value is defined."""
    if isinstance(what, Program):
        what, definitions = what.main.body, what.definitions
    run = _Run(ops, {d.name: d for d in definitions}, strict)
    return run.value(what, {name: (0, value) for name, value in environment.items()})


def reached(program: Program, ops: Any, environment: Mapping[str, Any]) -> list[Any]:
    """All values that a program takes on the way, those within calls and functions included.

    Raises:
        Unsupported, Undefined: as `evaluate` does with `strict`.
    """
    run = _Run(ops, {d.name: d for d in program.definitions}, strict=True)
    run.value(program.main.body, {name: (0, value) for name, value in environment.items()})
    return [o.value for o in run.known.values() if not isinstance(o.value, _Closure)]


def free_names(expression: Expression) -> frozenset[str]:
    """The names that an expression uses and doesn't bind; remembered as long as it lives."""
    if expression not in _FREE:
        for node in walk(expression):
            if node not in _FREE:
                _FREE[node] = _names_of(node)
    return _FREE[expression]


def _names_of(node: Expression) -> frozenset[str]:
    if isinstance(node, Var):
        return frozenset({node.name})
    if isinstance(node, Let):
        value, body = node.children
        return _FREE[value] | (_FREE[body] - {node.name})
    inner = frozenset[str]().union(*(_FREE[c] for c in node.children))
    return inner - dict(node.parameters).keys() if isinstance(node, Lambda) else inner


def conjunction(ops: Any, *conditions: Any) -> Any:
    """The conjunction in `ops`, without those that are plainly True."""
    total: Any = True
    for condition in conditions:
        if condition is False:
            return False
        if condition is not True:
            total = condition if total is True else ops.both(total, condition)
    return total


def implication(ops: Any, guard: Any, condition: Any) -> Any:
    """`condition` wherever `guard` holds."""
    if condition is True or guard is False:
        return True
    return condition if guard is True else ops.either(ops.negate(guard), condition)


@dataclass(frozen=True)
class _Closure:
    """A lambda with the scope it stands in; a call notes where its result is defined."""

    run: _Run
    node: Lambda
    scope: Scope
    conditions: list[Any]

    def __call__(self, *arguments: Any) -> Any:
        names = [name for name, _ in self.node.parameters]
        scope = self.run.bind(self.scope, names, arguments)
        found = self.run.value(self.node.children[0], scope)
        self.conditions.append(found.defined)
        return found.value


@dataclass
class _Run:
    """The memory of one evaluation."""

    ops: Any
    definitions: Mapping[str, Definition]
    strict: bool
    known: dict[Key, Outcome] = field(default_factory=dict)
    inner: dict[Key, Scope] = field(default_factory=dict)
    bindings: int = 0

    def bind(self, scope: Scope, names: list[str], values: Any) -> Scope:
        self.bindings += 1
        new = {n: (self.bindings, v) for n, v in zip(names, values, strict=True)}
        return scope | new

    def value(self, root: Expression, scope: Scope) -> Outcome:
        stack = [(root, scope)]
        while stack:
            node, here = stack[-1]
            waiting = () if self._key(node, here) in self.known else self._step(node, here)
            if waiting:
                stack.extend(waiting)
            else:
                stack.pop()
        return self.known[self._key(root, scope)]

    def _key(self, node: Expression, scope: Scope) -> Key:
        return node, max((scope[name][0] for name in free_names(node)), default=0)

    def _step(self, node: Expression, scope: Scope) -> list[tuple[Expression, Scope]]:
        """Store the node's outcome, or return what has to be known before."""
        if isinstance(node, Prim):
            lazy = _LAZY.get(node.primitive.name, _Run._strictly)
            found = lazy(self, node, scope)
        elif isinstance(node, Let | Call):
            found = self._scoped(node, scope)
        else:
            found = self._leaf(node, scope)
        if isinstance(found, list):
            return found
        self.known[self._key(node, scope)] = found
        return []

    def _leaf(self, node: Expression, scope: Scope) -> Outcome:
        if isinstance(node, Const):
            return Outcome(node.value, True)
        if isinstance(node, Var):
            return Outcome(scope[node.name][1], True)
        assert isinstance(node, Lambda)
        return Outcome(_Closure(self, node, scope, []), True)

    def _children(
        self, nodes: tuple[Expression, ...], scope: Scope
    ) -> list[Outcome] | list[tuple[Expression, Scope]]:
        keys = [self._key(node, scope) for node in nodes]
        waiting = [(k[0], scope) for k in reversed(keys) if k not in self.known]
        return waiting or [self.known[k] for k in keys]

    def _strictly(self, node: Prim, scope: Scope) -> Any:
        found = self._children(node.children, scope)
        if found and not isinstance(found[0], Outcome):
            return found
        return self._apply(node, found)

    def _apply(self, node: Prim, children: Any) -> Outcome:
        met = [child.defined for child in children]
        arguments = [
            _Closure(self, a.node, a.scope, met) if isinstance(a, _Closure) else a
            for a, _ in children
        ]
        if node.primitive.precondition is not None:
            met.append(self._precondition(node, arguments))
        return Outcome(_call(self.ops, node, arguments), conjunction(self.ops, *met))

    def _precondition(self, node: Prim, arguments: list[Any]) -> Any:
        condition = node.primitive.precondition
        assert condition is not None
        found = _lifted(node, lambda *xs: condition(self.ops, *xs), arguments)
        total = conjunction(self.ops, *leaves(found))
        if self.strict and total is False:
            raise Undefined(f"{node.primitive.name} isn't defined for {tuple(arguments)}")
        return total

    def _scoped(self, node: Let | Call, scope: Scope) -> Any:
        """A let or a call: arguments first, then the body in a scope of its own."""
        arguments = node.children[:1] if isinstance(node, Let) else node.children
        found: Any = self._children(arguments, scope)
        if found and not isinstance(found[0], Outcome):
            return found
        key, body = self._key(node, scope), self._body(node)
        if key not in self.inner:
            self.inner[key] = self._inner_scope(node, scope, [o.value for o in found])
        inside = self.known.get(self._key(body, self.inner[key]))
        if inside is None:
            return [(body, self.inner[key])]
        return Outcome(
            inside.value, conjunction(self.ops, *(o.defined for o in found), inside.defined)
        )

    def _body(self, node: Let | Call) -> Expression:
        return node.children[1] if isinstance(node, Let) else self.definitions[node.name].body

    def _inner_scope(self, node: Let | Call, scope: Scope, values: list[Any]) -> Scope:
        if isinstance(node, Let):
            return self.bind(scope, [node.name], values)
        return self.bind({}, [n for n, _ in self.definitions[node.name].parameters], values)

    def _if(self, node: Prim, scope: Scope) -> Any:
        """A plain condition picks its branch and leaves the other alone."""
        first = self._children(node.children[:1], scope)
        if not isinstance(first[0], Outcome):
            return first
        condition = first[0]
        if not isinstance(condition.value, bool):
            return self._guarded_if(node, scope, condition)
        chosen = self._children((node.children[1 if condition.value else 2],), scope)
        if not isinstance(chosen[0], Outcome):
            return chosen
        both = conjunction(self.ops, condition.defined, chosen[0].defined)
        return Outcome(chosen[0].value, both)

    def _guarded_if(self, node: Prim, scope: Scope, condition: Outcome) -> Any:
        found: Any = self._children(node.children[1:], scope)
        if not isinstance(found[0], Outcome):
            return found
        yes, no = found
        ops, test = self.ops, condition.value
        guarded = (
            implication(ops, test, yes.defined),
            True if no.defined is True else ops.either(test, no.defined),
        )
        value = _call(ops, node, [test, yes.value, no.value])
        return Outcome(value, conjunction(ops, condition.defined, *guarded))

    def _shortcut(self, node: Prim, scope: Scope, stop: bool) -> Any:
        """`and` ends at a plain False, `or` at a plain True; what follows is guarded by them."""
        if shape_of(node.type):
            return self._strictly(node, scope)
        so_far: list[Outcome] = []
        met, guard = [], True
        for child in node.children:
            found = self.known.get(self._key(child, scope))
            if found is None:
                return [(child, scope)]
            so_far.append(found)
            met.append(implication(self.ops, guard, found.defined))
            if found.value is stop:
                return Outcome(stop, conjunction(self.ops, *met))
            passed = self.ops.negate(found.value) if stop else found.value
            guard = conjunction(self.ops, guard, passed)
        value = _call(self.ops, node, [o.value for o in so_far])
        return Outcome(value, conjunction(self.ops, *met))


_LAZY: dict[str, Callable[[_Run, Prim, Scope], Any]] = {
    "if_": _Run._if,
    "and_": lambda run, node, scope: run._shortcut(node, scope, False),
    "or_": lambda run, node, scope: run._shortcut(node, scope, True),
}


def _lifted(node: Prim, meaning: Callable[..., Any], arguments: list[Any]) -> Any:
    return lift(meaning, *arguments) if node.primitive.elementwise else meaning(*arguments)


def _call(ops: Any, node: Prim, arguments: list[Any]) -> Any:
    """The primitive in the algebra: its own spelling where it has one, else the generic meaning."""
    primitive = node.primitive
    spelling = getattr(ops, "spellings", {}).get(primitive.name)
    if spelling is not None:
        return _lifted(node, spelling, arguments)
    return _lifted(node, lambda *xs: primitive.scalar(ops, *xs), arguments)
