"""Expressions and programs: immutable, hash-consed, typed when built.

Equal structure is the same object, so equality is identity and caches may key on
it. A program is an ordered list of named definitions; the last is the program,
and a definition may call only those before it: there is no recursion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from weakref import WeakValueDictionary

from dsl.primitive import REGISTRY, Primitive
from dsl.types import (
    BOOL,
    INT,
    REAL,
    Category,
    Function,
    Type,
    TypeMismatch,
    Vector,
    accepts,
    join,
)

_INTERNED: WeakValueDictionary[tuple[Any, ...], Expression] = WeakValueDictionary()


class Expression:
    """A node; use `const`, `var`, `prim`, `let`, `function`, `call` to build one."""

    __slots__ = ("__weakref__", "_key", "children", "type")

    type: Type
    children: tuple[Expression, ...]
    _key: tuple[Any, ...]

    def __repr__(self) -> str:
        from dsl.text import show

        return show(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), *self._rebuild_arguments()))

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        raise NotImplementedError


class Const(Expression):
    """A literal: bool, int (also a category's index), Fraction, or nested tuples of one of them."""

    __slots__ = ("value",)
    value: Any

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.value, self.type)


class Var(Expression):
    """A parameter or a name bound by Let or Lambda."""

    __slots__ = ("name",)
    name: str

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.name, self.type)


class Prim(Expression):
    """A primitive applied to `children`."""

    __slots__ = ("primitive",)
    primitive: Primitive

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.primitive.name, self.children)


class Let(Expression):
    """`children = (value, body)`; inside the body `name` stands for the value, paid for once."""

    __slots__ = ("name",)
    name: str

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.name, *self.children)


class Lambda(Expression):
    """A function given to a primitive; `children = (body,)`."""

    __slots__ = ("parameters",)
    parameters: tuple[tuple[str, Type], ...]

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.parameters, self.children[0])


class Call(Expression):
    """A named definition applied to `children`."""

    __slots__ = ("name",)
    name: str

    def _rebuild_arguments(self) -> tuple[Any, ...]:
        return (self.name, self.children, self.type)


def _rebuild(kind: type[Expression], *arguments: Any) -> Expression:
    if kind is Prim:
        return prim(arguments[0], *arguments[1])
    if kind is Call:
        return call(arguments[0], arguments[1], arguments[2])
    builders: dict[Any, Callable[..., Expression]] = {
        Const: const,
        Var: var,
        Let: let,
        Lambda: function,
    }
    return builders[kind](*arguments)


def _intern(
    kind: type[Expression], item: Type, children: tuple[Expression, ...], **fields: Any
) -> Any:
    key = (kind, item, children, *fields.values())
    found = _INTERNED.get(key)
    if found is None:
        found = object.__new__(kind)
        found.type, found.children, found._key = item, children, key
        for name, value in fields.items():
            setattr(found, name, value)
        _INTERNED[key] = found
    return found


def const(value: Any, item: Type | None = None) -> Const:
    """A literal; without `item` the type is read off the value (floats become exact rationals).

    Raises:
        TypeMismatch: the value isn't one of the type.
    """
    if item is None:
        item = _type_of_value(value)
    return _intern(Const, item, (), value=_normal_value(value, item))


def _type_of_value(value: Any) -> Type:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    if isinstance(value, Fraction | float):
        return REAL
    items = [_type_of_value(v) for v in value]
    inner = join(*items)
    if isinstance(inner, Vector):
        return Vector(inner.item, (len(items), *inner.shape))
    return Vector(inner, (len(items),))


def _normal_value(value: Any, item: Type) -> Any:
    if isinstance(item, Vector):
        inner = Vector(item.item, item.shape[1:]) if len(item.shape) > 1 else item.item
        if len(value) != next(iter(item.shape)):
            raise TypeMismatch(f"a value of {len(value)} items isn't a {item}")
        return tuple(_normal_value(v, inner) for v in value)
    if item == BOOL and isinstance(value, bool | int):
        return bool(value)
    if item == REAL:
        return Fraction(value)
    if item == INT and int(value) == value:
        return int(value)
    if isinstance(item, Category) and 0 <= int(value) < item.size:
        return int(value)
    raise TypeMismatch(f"{value!r} isn't a {item}")


def var(name: str, item: Type) -> Var:
    """A reference to a parameter or bound name."""
    return _intern(Var, item, (), name=name)


def prim(primitive: str | Primitive, *arguments: Expression) -> Expression:
    """A primitive applied to arguments; a vector of literals is a literal itself.

    Raises:
        TypeMismatch: the arguments don't fit its signature.
        KeyError: there is no such primitive.
    """
    found = REGISTRY[primitive] if isinstance(primitive, str) else primitive
    statics = tuple(a.value if isinstance(a, Const) else None for a in arguments)
    item = found.result_type(tuple(a.type for a in arguments), statics)
    if found.name == "vector" and all(isinstance(a, Const) for a in arguments):
        return const(statics, item)
    return _intern(Prim, item, tuple(arguments), primitive=found)


def let(name: str, value: Expression, body: Expression) -> Let:
    """`body` with `name` standing for `value`."""
    return _intern(Let, body.type, (value, body), name=name)


def function(parameters: tuple[tuple[str, Type], ...], body: Expression) -> Lambda:
    """A function to hand to a primitive."""
    item = Function(tuple(t for _, t in parameters), body.type)
    return _intern(Lambda, item, (body,), parameters=parameters)


def call(name: str, arguments: tuple[Expression, ...], result: Type) -> Call:
    """A named definition applied to arguments; `Program` checks that it exists and fits."""
    return _intern(Call, result, tuple(arguments), name=name)


def walk(
    expression: Expression, but: type[Expression] | tuple[type[Expression], ...] = ()
) -> Iterator[Expression]:
    """Every distinct node once, children first; nothing inside nodes of the kinds `but`."""
    seen: set[Expression] = set()
    stack: list[tuple[Expression, bool]] = [(expression, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if not isinstance(node, but):
                stack.extend((child, False) for child in reversed(node.children))


def size(expression: Expression) -> int:
    """Number of nodes as written: a shared node counts wherever it stands."""
    sizes: dict[Expression, int] = {}
    for node in walk(expression):
        sizes[node] = 1 + sum(sizes[c] for c in node.children)
    return sizes[expression]


def with_children(node: Expression, children: tuple[Expression, ...]) -> Expression:
    """The same node over other children (types are checked again)."""
    if children == node.children:
        return node
    if isinstance(node, Prim):
        return prim(node.primitive, *children)
    if isinstance(node, Let):
        return let(node.name, *children)
    if isinstance(node, Lambda):
        return function(node.parameters, children[0])
    assert isinstance(node, Call)
    return call(node.name, children, node.type)


def transform(
    expression: Expression, rule: Callable[[Expression], Expression | None]
) -> Expression:
    """Rebuild bottom-up; where `rule` returns an expression it replaces the node."""
    done: dict[Expression, Expression] = {}
    for node in walk(expression):
        rebuilt = with_children(node, tuple(done[c] for c in node.children))
        replaced = rule(rebuilt)
        done[node] = rebuilt if replaced is None else replaced
    return done[expression]


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Replace free variables by name; bound names are expected to be distinct from them."""
    return transform(
        expression, lambda node: values.get(node.name) if isinstance(node, Var) else None
    )


def free_variables(expression: Expression) -> dict[str, Type]:
    """Names that the expression uses and doesn't bind, in order of first use."""
    found: dict[Expression, dict[str, Type]] = {}
    for node in walk(expression):
        names: dict[str, Type] = {}
        if isinstance(node, Var):
            names[node.name] = node.type
        for child in node.children:
            names.update(found[child])
        if isinstance(node, Let):
            inner = {k: v for k, v in found[node.children[1]].items() if k != node.name}
            names = found[node.children[0]] | inner
        if isinstance(node, Lambda):
            names = {k: v for k, v in names.items() if k not in dict(node.parameters)}
        found[node] = names
    return found[expression]


def primitives_of(expression: Expression) -> frozenset[str]:
    """Names of the primitives that it uses."""
    return frozenset(n.primitive.name for n in walk(expression) if isinstance(n, Prim))


@dataclass(frozen=True)
class Definition:
    """A named function: typed parameters, body, and the type it is declared to return."""

    name: str
    parameters: tuple[tuple[str, Type], ...]
    body: Expression
    result: Type


@dataclass(frozen=True)
class Program:
    """Definitions in order; the last is the program, called by the name it has."""

    definitions: tuple[Definition, ...]

    def __post_init__(self) -> None:
        known: dict[str, Definition] = {}
        for definition in self.definitions:
            _check_definition(definition, known)
            known[definition.name] = definition

    @property
    def main(self) -> Definition:
        """The definition that the program stands for."""
        return self.definitions[-1]

    def find(self, name: str) -> Definition:
        """The definition of this name."""
        return next(d for d in self.definitions if d.name == name)

    def __str__(self) -> str:
        from dsl.text import show_program

        return show_program(self)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def _check_definition(definition: Definition, known: Mapping[str, Definition]) -> None:
    if not accepts(definition.result, definition.body.type):
        raise TypeMismatch(
            f"{definition.name} is declared to return {definition.result} "
            f"and its body is {definition.body.type}"
        )
    parameters = dict(definition.parameters)
    for name, item in free_variables(definition.body).items():
        if parameters.get(name) != item:
            raise TypeMismatch(f"{definition.name} uses {name}: {item}, which isn't a parameter")
    for node in walk(definition.body):
        if isinstance(node, Call):
            _check_call(node, known)


def _check_call(node: Call, known: Mapping[str, Definition]) -> None:
    target = known.get(node.name)
    if target is None:
        raise TypeMismatch(f"there is no definition named {node.name} before its call")
    expected = tuple(t for _, t in target.parameters)
    given = tuple(c.type for c in node.children)
    fits = len(expected) == len(given) and all(map(accepts, expected, given))
    if not fits or target.result != node.type:
        raise TypeMismatch(f"{node.name} takes {expected}; got {given}")


def program(
    parameters: tuple[tuple[str, Type], ...],
    body: Expression,
    result: Type | None = None,
    name: str = "predict",
) -> Program:
    """A program of one definition."""
    return Program((Definition(name, parameters, body, result or body.type),))
