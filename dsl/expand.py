"""A program's named parts replaced by what they stand for, a level at a time.

One level down, every definition that the program calls is written out in its place, and so are
the innermost names bound by Let: those that the result is written with. A program without names
has no level below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dsl.program import (
    Call,
    Definition,
    Expression,
    Lambda,
    Let,
    Program,
    Var,
    call,
    free_variables,
    function,
    let,
    size,
    substitute,
    transform,
    var,
    walk,
    with_children,
)

LARGEST = 2_000
"""Nodes above which a level isn't written out: names that much uses would fill pages."""


def levels(program: Program) -> Iterator[Program]:
    """The program, then it with one more level of its parts written out, down to the last.

    A level below the first that has more than `LARGEST` nodes isn't given, nor any below it.
    """
    yield program
    while _has_parts(program):
        program = opened(program)
        if size(program.main.body) > LARGEST:
            return
        yield program


def opened(program: Program) -> Program:
    """The program with one level of its parts written out; definitions no longer called go."""
    known = {d.name: d for d in program.definitions[:-1]}
    done: dict[Expression, Expression] = {}
    for node in walk(program.main.body):
        rebuilt = with_children(node, tuple(done[c] for c in node.children))
        if isinstance(rebuilt, Call):
            rebuilt = _written_out(rebuilt, known[rebuilt.name])
        elif isinstance(node, Let) and not any(isinstance(n, Let) for n in walk(node.children[1])):
            value, rest = rebuilt.children
            rebuilt = put(rest, {node.name: value})
        done[node] = rebuilt
    main = replace(program.main, body=done[program.main.body])
    return Program((*called(main, program.definitions[:-1]), main))


def written_out(program: Program) -> Program:
    """The program with every call of a definition written out, and no definition but its own;
    names bound by Let stay."""
    bodies: dict[str, Definition] = {}
    for definition in program.definitions:

        def rule(node: Expression) -> Expression | None:
            return _written_out(node, bodies[node.name]) if isinstance(node, Call) else None

        bodies[definition.name] = replace(definition, body=transform(definition.body, rule))
    return Program((bodies[program.main.name],))


def put(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Free names replaced by values; names bound inside are changed where they would catch one."""
    avoid = set(values).union(*(free_variables(v) for v in values.values()))
    return substitute(_renamed(expression, avoid), values)


def _written_out(node: Call, called: Definition) -> Expression:
    names = (name for name, _ in called.parameters)
    return put(called.body, dict(zip(names, node.children, strict=True)))


def _has_parts(program: Program) -> bool:
    return any(isinstance(node, Let | Call) for node in walk(program.main.body))


def called(main: Definition, others: Sequence[Definition]) -> list[Definition]:
    """Those of the definitions that `main` needs, in their order."""
    kept: list[Definition] = []
    wanted = _names_called(main)
    for definition in reversed(others):
        if definition.name in wanted:
            kept.insert(0, definition)
            wanted |= _names_called(definition)
    return kept


def functions_renamed(program: Program, names: Mapping[str, str]) -> Program:
    """The same program with other names for some of its functions."""

    def rule(node: Expression) -> Expression | None:
        if isinstance(node, Call) and node.name in names:
            return call(names[node.name], node.children, node.type)
        return None

    return Program(
        tuple(
            replace(d, name=names.get(d.name, d.name), body=transform(d.body, rule))
            for d in program.definitions
        )
    )


def _names_called(definition: Definition) -> set[str]:
    return {node.name for node in walk(definition.body) if isinstance(node, Call)}


def _renamed(expression: Expression, avoid: set[str]) -> Expression:
    """The expression with other names where it binds one of `avoid`."""
    taken = avoid | _all_names(expression)

    def fresh(name: str) -> str:
        number = 1
        while f"{name}_{number}" in taken:
            number += 1
        taken.add(f"{name}_{number}")
        return f"{name}_{number}"

    def rule(node: Expression) -> Expression | None:
        if isinstance(node, Let) and node.name in avoid:
            value, body = node.children
            name = fresh(node.name)
            return let(name, value, substitute(body, {node.name: var(name, value.type)}))
        if isinstance(node, Lambda) and avoid & dict(node.parameters).keys():
            names = [(n, fresh(n) if n in avoid else n, t) for n, t in node.parameters]
            body = substitute(node.children[0], {old: var(new, t) for old, new, t in names})
            return function(tuple((new, t) for _, new, t in names), body)
        return None

    return transform(expression, rule)


def _all_names(expression: Expression) -> set[str]:
    found: set[str] = set()
    for node in walk(expression):
        if isinstance(node, Let | Var):
            found.add(node.name)
        elif isinstance(node, Lambda):
            found |= dict(node.parameters).keys()
    return found
