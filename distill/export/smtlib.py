"""A program as SMT-LIB 2: what it computes, over the reals, for any solver.

The parameters are constants within the domain's bounds, `result` (or `result[0]` ...) is what the
program gives; add what is to be shown, negated, and `(check-sat)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distill.export.identifiers import comment, identifiers
from dsl.algebra import leaves
from dsl.domain import Domain
from dsl.meanings.z3_ import category_bounds, to_z3, variables
from dsl.program import Program
from dsl.types import BOOL, Category


def smtlib_source(program: Program, domain: Domain, told: Iterable[str]) -> str:
    """The file.

    Raises:
        Unsupported: a function that z3 lacks.
    """
    import z3

    parameters = program.main.parameters
    names = identifiers((n for n, _ in parameters), lambda name: name == "result")
    spelled = [(names[n], item) for n, item in parameters]
    given = variables(spelled)
    terms = to_z3(program, given)
    solver = z3.Solver()
    for field, value in zip(domain.fields, given, strict=True):
        if field.item != BOOL and not isinstance(field.item, Category):
            for leaf in leaves(value):
                solver.add(*_bounds(z3, field, leaf))
    solver.add(*category_bounds(spelled, given))
    if domain.where is not None:
        where = Program((_definition(domain, program),))
        met = to_z3(where, given)
        solver.add(*met.constraints, _truth(z3, met.value), _truth(z3, met.defined))
    solver.add(*terms.constraints, _truth(z3, terms.defined))
    for place, leaf in enumerate(leaves(terms.value)):
        term = _term(z3, leaf)
        name = f"result[{place}]" if isinstance(terms.value, tuple) else "result"
        solver.add(z3.Const(name, term.sort()) == term)
    text = solver.to_smt2().replace("(check-sat)\n", "").replace("(set-info :status unknown)\n", "")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(";"))
    renamed = [f"{new} is {old[:200]}" for old, new in names.items() if old != new]
    head = "\n".join(f"; {comment(line)}" for line in [*told, *renamed])
    return f"{head}\n{text}\n"


def _definition(domain: Domain, program: Program) -> Any:
    from dsl.program import Definition

    assert domain.where is not None
    return Definition("where", domain.parameters, domain.where, BOOL)


def _bounds(z3: Any, field: Any, leaf: Any) -> list[Any]:
    found = []
    if field.low is not None:
        found.append(leaf >= z3.RealVal(str(field.low)))
    if field.high is not None:
        found.append(leaf <= z3.RealVal(str(field.high)))
    return found


def _truth(z3: Any, value: Any) -> Any:
    return z3.BoolVal(value) if isinstance(value, bool) else value


def _term(z3: Any, value: Any) -> Any:
    from dsl.meanings.z3_ import Solver

    return Solver(z3).term(value)
