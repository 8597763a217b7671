"""A program on a domain as an SMT-LIB 2 script: inputs and output are constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from distill.export.identifiers import identifiers, quoted
from dsl.algebra import leaves
from dsl.domain import Domain
from dsl.meanings.fold import evaluate
from dsl.meanings.z3_ import Solver, category_bounds, to_z3, variables
from dsl.program import Program
from dsl.types import REAL, Type, Vector

_SMT = (
    "let forall exists match par assert declare define not and or xor ite true false div mod abs "
    "root isqrt gcd exit reset push pop echo distinct select store"
)
_WORDS = frozenset(_SMT.split())


def smt_script(program: Program, domain: Domain, head: Sequence[str] = ()) -> str:
    """Assertions that tie `out` (`out[0]` ...) to the inputs (`x`, `x[0]` ...), over the domain.

    Numbers are exact: Real and Int without bounds. To ask a question, assert its negation before
    the last line. `head` are lines for the comment at the top.

    Raises:
        Unsupported: the program uses a function that the solver's language lacks, e.g. sin.
    """
    import z3

    main = program.main
    names = identifiers((n for n, _ in main.parameters), ["out"], _WORDS)
    parameters = [(n, t) for n, (_, t) in zip(names, main.parameters, strict=True)]
    values = variables(parameters)
    found = to_z3(program, values)
    (out,) = variables([("out", main.result)])
    solver = z3.Solver()
    solver.add(*category_bounds(parameters, values), *found.constraints)
    solver.add(*_inside(domain, values))
    if found.defined is not True:
        solver.add(found.defined)
    ops = Solver(z3)
    for name, value in zip(leaves(out), _typed(ops, found.value, main.result), strict=True):
        solver.add(name == value)
    told = [*head, *_told(program, names)]
    comment = "".join(f"; {line}\n" for line in told)
    script = solver.to_smt2()
    return comment + "".join(_undeclared(leaves(values), script)) + script


def _undeclared(constants: Sequence[Any], script: str) -> Iterator[str]:
    """Declarations of inputs that no assertion speaks of."""
    for constant in constants:
        start = f"(declare-fun {constant.sexpr()} () "
        if start not in script:
            yield f"{start}{constant.sort().sexpr()})\n"


def _told(program: Program, names: Sequence[str]) -> Iterator[str]:
    for name, (given, _) in zip(names, program.main.parameters, strict=True):
        yield f"{name}: {quoted(given)}"
    yield f"out: {quoted(program.main.name)}"


def _inside(domain: Domain, values: tuple[Any, ...]) -> Iterator[Any]:
    import z3

    ops = Solver(z3)
    found = domain.constraint(ops, values)
    if found is not True:
        yield found
    if domain.where is not None:
        named = {f.name: v for f, v in zip(domain.fields, values, strict=True)}
        found = evaluate(domain.where, ops, named)
        if found is not True:
            yield ops.term(found)
    yield from ops.constraints


def _typed(ops: Solver, value: Any, item: Type) -> Iterator[Any]:
    inner = item.item if isinstance(item, Vector) else item
    for leaf in leaves(value):
        term = ops.term(leaf)
        yield ops.z3.ToReal(term) if inner == REAL and ops.z3.is_int(term) else term
