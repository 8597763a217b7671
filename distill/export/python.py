"""program.py: a module of the standard library only, with checks and a docstring."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from distill.evidence import Claim
from dsl.domain import Domain, Field
from dsl.domain_text import show_domain
from dsl.meanings.python import expression_text, function_source, with_python_names
from dsl.meanings.python_words import helpers_called, imports, literal
from dsl.meanings.python_wrap import wrap
from dsl.program import substitute, var
from dsl.types import BOOL, INT, Category, Type

if TYPE_CHECKING:
    from distill.distillation import Distillation, Distilled


def module_source(distillation: Distillation) -> str:
    """The text of program.py."""
    program = with_python_names(distillation.program)
    main = program.main
    checks = domain_checks(distillation.domain, main.parameters)
    functions = [function_source(d) for d in program.definitions[:-1]]
    functions.append(function_source(main, checks))
    bodies = (d.body for d in program.definitions)
    blocks = [*helpers_called(bodies, "\n".join(functions)), *functions]
    head = [docstring(distillation), "\n".join(f"import {m}" for m in imports(blocks))]
    body = "\n\n\n".join(blocks)
    return "\n\n".join(part for part in head if part) + "\n\n\n" + body + "\n"


def docstring(d: Distilled) -> str:
    """The docstring of program.py: network, domain, evidence."""
    lines = [
        f"Network sha256 {d.evidence.hashes['network']}.",
        f"Domain: {ascii(d.evidence.domain)[1:-1]}",
        f"Output: {ascii(d.evidence.output)[1:-1]}",
        f"Evidence: {d.evidence.verdict} ({d.evidence.method}).",
        "Program and network: " + claim_text(d.evidence.program_vs_deployed),
        "Deployed and original network: " + claim_text(d.evidence.deployed_vs_original),
    ]
    lines += [f"Meaning of {x.name}: {ascii(x.told)[1:-1]}" for x in d.labels.meant]
    wrapped = [textwrap.fill(line, 88, subsequent_indent="    ") for line in lines]
    text = "\n".join(wrapped).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""A program distilled from a neural network.\n\n{text}\n"""'


def claim_text(claim: Claim) -> str:
    """A claim in one line."""
    text = f"{claim.verdict} by {claim.method}: {claim.statement}"
    if claim.exempt:
        text += f"; except where the {claim.exempt} ({100 * claim.left_out:.2g} % of the domain)"
    return text


def _unless(condition: str) -> list[str]:
    """`if not (condition):`, a line for each part of the condition where one line is too long."""
    parts = wrap("if not ", condition)
    return [*parts[:-1], f"{parts[-1]}:"] if len(parts) > 1 else [f"if not ({condition}):"]


def domain_checks(domain: Domain, parameters: Sequence[tuple[str, Type]]) -> list[str]:
    """Lines that raise ValueError unless the parameters lie in a domain."""
    lines: list[str] = []
    for field, (name, _) in zip(domain.fields, parameters, strict=True):
        lines += [*_unless(_inside(field, name)), f"    raise ValueError({_complaint(field)})"]
    if domain.where is not None:
        pairs = zip(domain.fields, parameters, strict=True)
        named = {f.name: var(n, t) for f, (n, t) in pairs}
        condition = expression_text(substitute(domain.where, named)).text
        lines += [*_unless(condition), '    raise ValueError("outside the domain")']
    return lines


def _complaint(field: Field) -> str:
    shown = show_domain(Domain((field,))).split(" as ")[0]
    return ascii(f"outside the domain {shown}")


def _inside(field: Field, name: str) -> str:
    if not field.shape:
        return _scalar_test(field, name)
    tests = [f"len({name}) == {field.shape[0]}"]
    inner, source = "v", f"for v in {name}"
    for length in field.shape[1:]:
        tests.append(f"all(len({inner}) == {length} {source})")
        source += f" for {inner}{inner[-1]} in {inner}"
        inner += inner[-1]
    tests.append(f"all({_scalar_test(field, inner)} {source})")
    return " and ".join(tests)


def _scalar_test(field: Field, name: str) -> str:
    item: Type = field.item
    if item == BOOL:
        return f"{name} in (False, True)"
    if isinstance(item, Category):
        return f"{name} in range({item.size})"
    if field.low is None or field.high is None:
        return f"{name} == {name}"
    if item == INT:
        return f"{name} in range({int(field.low)}, {int(field.high) + 1})"
    low, high = (literal(_bound(b), item) for b in (field.low, field.high))
    return f"{low} <= {name} <= {high}"


def _bound(value: Fraction) -> Fraction:
    return Fraction(float(value))
