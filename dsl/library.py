"""A user's own functions: definitions that stand alone, kept in the written form.

    def majority(a: bool, b: bool, c: bool) -> bool =
      a and b or a and c or b and c

What a function means to a search, a solver or a bound is derived from its body.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from dsl.expand import called, written_out
from dsl.primitive import REGISTRY
from dsl.program import (
    Definition,
    Expression,
    Lambda,
    Let,
    Program,
    function,
    let,
    size,
    substitute,
    transform,
    var,
)
from dsl.text import KEYWORDS, ParseError, parse_program, shortened, show, show_program

NODES_AT_MOST = 2_000
"""Nodes of a function, with those that it calls written out."""
FUNCTIONS_AT_MOST = 500
_ORDERED_AT_MOST = 6
"""Parameters up to which functions are the same in any order of these."""


def read_library(text: str) -> tuple[Definition, ...]:
    """The functions of a library's text, each as it stands there.

    Raises:
        ParseError: it isn't a library.
    """
    found = parse_program(text).definitions
    if len(found) > FUNCTIONS_AT_MOST:
        raise ParseError(f"a library has at most {FUNCTIONS_AT_MOST} functions, not {len(found)}")
    for definition in found:
        fault = name_fault(definition.name)
        if fault is not None:
            raise ParseError(fault)
    standing_alone(found)
    return found


def show_library(functions: Sequence[Definition]) -> str:
    """The text that `read_library` reads."""
    return show_program(Program(tuple(functions)))


def standing_alone(functions: Sequence[Definition]) -> tuple[Definition, ...]:
    """Functions with what they call written out.

    Raises:
        ParseError: one of them would fill pages.
    """
    found: list[Definition] = []
    for place, definition in enumerate(functions):
        needed = called(definition, functions[:place])
        alone = written_out(Program((*needed, definition))).main
        if size(alone.body) > NODES_AT_MOST:
            raise ParseError(
                f"{shortened(definition.name, 40)!r} has more than {NODES_AT_MOST} nodes when "
                "written out; a library holds short functions"
            )
        found.append(alone)
    return tuple(found)


def name_fault(name: str) -> str | None:
    """Why a function of a library can't have a name; None where it can."""
    taken = name in REGISTRY or name in KEYWORDS or hasattr(builtins, name)
    if taken or keyword.iskeyword(name) or name == "predict" or not name.isascii():
        return f"a function can't be named {shortened(name, 40)!r}, which means something else"
    if re.fullmatch(r"[A-Za-z_]\d*", name) and not re.fullmatch(r"f\d+", name):
        return (
            f"a function can't be named {shortened(name, 40)!r}: programs name their values so; "
            "give it a word"
        )
    return None


def same_function(one: Definition, other: Definition) -> bool:
    """Whether functions that stand alone are written the same up to names and the order of their
    parameters."""
    if len(one.parameters) != len(other.parameters) or one.result != other.result:
        return False
    return _key(one) == _key(other)


def added(functions: Sequence[Definition], new: Sequence[Definition]) -> tuple[Definition, ...]:
    """A library with more functions, which stand alone; those that it has already aren't added.

    Raises:
        ValueError: a name is taken by another function, or can't be one.
    """
    found, alone = list(functions), list(standing_alone(functions))
    for definition in new:
        fault = name_fault(definition.name)
        if fault is not None:
            raise ValueError(fault)
        if any(same_function(definition, known) for known in alone):
            continue
        if any(definition.name == known.name for known in found):
            raise ValueError(
                f"the library has another function named {definition.name!r}; give this one a "
                f"name of its own: {definition.name}=NAME"
            )
        found.append(definition)
        alone.append(definition)
    return tuple(found)


def _key(definition: Definition) -> str:
    count = len(definition.parameters)
    orders = permutations(range(count)) if count <= _ORDERED_AT_MOST else [tuple(range(count))]
    return min(_told(definition, order) for order in orders)


def _told(definition: Definition, order: Sequence[int]) -> str:
    """The body and the types with parameters named by their places, and inner names in order."""
    named = {n: var(f"_{order[i]}", t) for i, (n, t) in enumerate(definition.parameters)}
    kinds = sorted((order[i], str(t)) for i, (_, t) in enumerate(definition.parameters))
    return f"{kinds} {show(_plainly(substitute(_plainly(definition.body), named)))}"


def _plainly(body: Expression) -> Expression:
    """The body with the names that it binds itself numbered in order."""
    number = iter(range(1_000_000))

    def rule(node: Expression) -> Expression | None:
        if isinstance(node, Let):
            value, inner = node.children
            name = f"__{next(number)}"
            return let(name, value, substitute(inner, {node.name: var(name, value.type)}))
        if isinstance(node, Lambda):
            fresh = [(n, f"__{next(number)}", t) for n, t in node.parameters]
            inner = substitute(node.children[0], {n: var(f, t) for n, f, t in fresh})
            return function(tuple((f, t) for _, f, t in fresh), inner)
        return None

    return transform(body, rule)


def renamed(definition: Definition, name: str) -> Definition:
    """The same function under another name."""
    return replace(definition, name=name)
