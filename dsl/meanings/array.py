"""Programs on whole batches, by numpy or torch.

Arrays have the batch as first axis; constants have a batch of 1 and broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from dsl.program import Call, Const, Definition, Expression, Lambda, Let, Prim, Program, Var
from dsl.recursion import Steps, unrolled
from dsl.types import BOOL, REAL, Type, element


def run(program: Program, columns: tuple[Any, ...], xp: Any = np) -> Any:
    """Result of a program for `columns` (one array per parameter, batch first): (n, ...)."""
    names = [name for name, _ in program.main.parameters]
    found = _evaluate(
        program.main.body, dict(zip(names, columns, strict=True)), xp, _definitions(program)
    )
    rows = columns[0].shape[0]
    return xp.broadcast_to(found, (rows, *found.shape[1:])) if len(found) != rows else found


def run_expression(
    expression: Expression,
    named: Mapping[str, Any],
    xp: Any = np,
    functions: Iterable[Definition] = (),
) -> Any:
    """Result of an expression, which may call functions, for named arrays; a batch of 1 if it is
    constant."""
    return _evaluate(expression, named, xp, {d.name: d for d in functions})


def _definitions(program: Program) -> dict[str, Any]:
    return {d.name: d for d in program.definitions}


def _evaluate(
    expression: Expression, named: Mapping[str, Any], xp: Any, definitions: Mapping[str, Any]
) -> Any:
    return unrolled(_steps(expression, named, xp, definitions))[expression]


def _steps(
    expression: Expression, named: Mapping[str, Any], xp: Any, definitions: Mapping[str, Any]
) -> Steps[dict[Expression, Any]]:
    values: dict[Expression, Any] = {}
    for node in schedule(expression):
        arguments = [values[c] for c in strict_children(node)]
        if isinstance(node, Let):
            body = node.children[1]
            inner = {**named, node.name: arguments[0]}
            values[node] = (yield _steps(body, inner, xp, definitions))[body]
        elif isinstance(node, Call):
            called = definitions[node.name]
            inner = dict(zip((name for name, _ in called.parameters), arguments, strict=True))
            values[node] = (yield _steps(called.body, inner, xp, definitions))[called.body]
        else:
            values[node] = node_value(node, arguments, named, xp, definitions)
    return values


def schedule(expression: Expression) -> list[Expression]:
    """Children first, but nothing inside a Let's body or a Lambda: those see other names."""
    found: list[Expression] = []
    seen: set[Expression] = set()
    stack: list[tuple[Expression, bool]] = [(expression, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            found.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((c, False) for c in reversed(strict_children(node)))
    return found


def strict_children(node: Expression) -> tuple[Expression, ...]:
    """The children that see the same names as the node: not a Let's body, nothing of a Lambda."""
    if isinstance(node, Let):
        return node.children[:1]
    return () if isinstance(node, Lambda) else node.children


def node_value(
    node: Expression,
    arguments: list[Any],
    named: Mapping[str, Any],
    xp: Any,
    definitions: Mapping[str, Any],
) -> Any:
    """What a node other than a Let or a Call is worth, from what its children are."""
    if isinstance(node, Const):
        return _constant(node, xp)
    if isinstance(node, Var):
        return named[node.name]
    if isinstance(node, Lambda):
        return _closure(node, named, xp, definitions)
    assert isinstance(node, Prim)
    if node.primitive.elementwise:
        arguments = _aligned(arguments)
    return node.primitive.array(xp, *arguments)


def _closure(
    node: Lambda, named: Mapping[str, Any], xp: Any, definitions: Mapping[str, Any]
) -> Callable[..., Any]:
    names = [name for name, _ in node.parameters]

    def function(*arguments: Any) -> Any:
        inner = {**named, **dict(zip(names, arguments, strict=True))}
        return _evaluate(node.children[0], inner, xp, definitions)

    return function


def _aligned(arguments: list[Any]) -> list[Any]:
    axes = max(a.ndim for a in arguments)
    return [
        a.reshape(a.shape[0], *([1] * (axes - 1))) if a.ndim == 1 and axes > 1 else a
        for a in arguments
    ]


def _constant(node: Const, xp: Any) -> Any:
    return xp.asarray([_floats(node.value)], dtype=dtype_of(node.type, xp))


def _floats(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_floats(v) for v in value]
    return value if isinstance(value, bool | int) else float(value)


def dtype_of(item: Type, xp: Any = np) -> Any:
    """The dtype of arrays of this type."""
    scalar = element(item)
    if scalar == BOOL:
        return xp.bool
    return xp.float64 if scalar == REAL else xp.int64


def node_values(
    expression: Expression, named: Mapping[str, Any], xp: Any = np
) -> dict[Expression, Any]:
    """Values of every node outside Let bodies and lambdas, for tracing and examples."""
    return unrolled(_steps(expression, named, xp, {}))
