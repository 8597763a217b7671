"""program.py of a loop: a module of the standard library only, with checks and a docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.export.python import docstring, domain_checks
from dsl.loop import Loop
from dsl.meanings.loop_python import CHECK, loop_lines, loop_values, with_local_names
from dsl.meanings.python_words import helpers_called, imports
from dsl.sequences import Sequences

if TYPE_CHECKING:
    from distill.distillation_loop import LoopDistillation


def loop_module(d: LoopDistillation) -> str:
    """The text of program.py."""
    loop = with_local_names(d.program)
    function = "\n".join(loop_lines(loop, (f"{CHECK}(items)",)))
    check = "\n".join([f"def {CHECK}(items: object) -> None:", *_indented(_checks(d.domain, loop))])
    blocks = [*helpers_called(loop_values(loop), function), function, check]
    head = [docstring(d), "\n".join(f"import {m}" for m in imports(blocks))]
    return "\n\n".join(part for part in head if part) + "\n\n\n" + "\n\n\n".join(blocks) + "\n"


def _checks(domain: Sequences, loop: Loop) -> list[str]:
    """A docstring, and lines that raise ValueError unless `items` is a sequence of the domain."""
    names, fields = [name for name, _ in loop.inputs], domain.item.fields
    lines = ['"""Raises ValueError for what isn\'t a sequence of the domain."""']
    lines += _refused("isinstance(items, list)", "the items must be a list")
    lines += _refused(*_lengths(domain))
    sized = [
        line
        for name, field in zip(names, fields, strict=True)
        if field.shape
        for line in _refused(_sized(name, field.shape[0]), _VECTOR.format(field.shape[0]))
    ]
    checks = [*sized, *domain_checks(domain.item, loop.inputs)]
    if len(names) == 1:
        return [*lines, f"for {names[0]} in items:", *_indented(checks)]
    taken = [*_refused(_sized("item", len(names)), _TUPLE.format(len(names)))]
    return [
        *lines,
        "for item in items:",
        *_indented([*taken, f"{', '.join(names)} = item", *checks]),
    ]


_VECTOR = "outside the domain: a tuple of {} numbers is needed"
_TUPLE = "outside the domain: every item must be a tuple of {} values"


def _lengths(domain: Sequences) -> tuple[str, str]:
    """The test of the number of items, and what to say where it fails."""
    if domain.longest is not None:
        ends = f"{domain.shortest} to {domain.longest}"
        test = f"{domain.shortest} <= len(items) <= {domain.longest}"
        return test, f"outside the domain: it has sequences of {ends} items"
    least = "no items" if domain.shortest == 1 else f"fewer than {domain.shortest} items"
    return f"len(items) >= {domain.shortest}", f"outside the domain: a sequence of {least}"


def _sized(name: str, size: int) -> str:
    return f"isinstance({name}, tuple | list) and len({name}) == {size}"


def _refused(test: str, complaint: str) -> list[str]:
    return [f"if not ({test}):", f'    raise ValueError("{complaint}")']


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
