"""z3: exact over the reals, for small piecewise-linear networks."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.normal_form import PIECEWISE_LINEAR, Affine, Elementwise, NormalForm
from distill.run.budget import Stop, seconds_left, spend, steps_left
from distill.run.limited import Failure, Limits, run_limited
from distill.verify.boxes import Piece, rounding_of
from distill.verify.lower import network_over_scalars
from distill.verify.phases_claim import phases_claim
from distill.verify.refutation import confirmed, with_reals
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import Domain
from dsl.domain_text import parse_domain, show_domain
from dsl.meanings.z3_ import to_z3, variables
from dsl.text import parse_program

_KINKS_AT_MOST = 40
_Z3_STEPS = 6_000_000
"""z3 counts its own work, about a microsecond each, which ends it at one place everywhere."""

_PROGRAMS = 1_500
"""Linear programs for a certificate."""

_PROCESS = Limits(seconds=120.0, mebibytes=4096)
"""What ends a z3 that doesn't keep to its steps."""


def smt_may(square: Square) -> bool:
    """Whether z3 can be asked: real outputs of piecewise-linear networks with few kinks."""
    target = square.target
    if target.output.discrete or target.domain.where is not None:
        return False
    functions = {node.function for node in target.form.nodes if isinstance(node, Elementwise)}
    few = functions <= PIECEWISE_LINEAR and target.form.kinks <= _KINKS_AT_MOST
    return few and target.domain.encoding_map() is not None


def smt_claim(square: Square, should_stop: Stop | None = None) -> Claim | None:
    """|network - program| <= eps over the reals, decided by z3 in a process of its own.

    z3 leaves no proof, so what it says yes to is proved again by cases (`phases`), for their
    certificate; else the statement says that its answer isn't re-checked. What rounding adds, the
    network's in float32 and the program's in float64, is taken off eps. None where the question
    can't be put to it.
    """
    target, begin = square.target, time.perf_counter()
    form = network_over_scalars(target.form, target.domain)
    if form is None or (should_stop is not None and should_stop()):
        return None
    try:
        whole = Piece(form, square.program, target.domain, *target.domain.value_box())
        spare = target.tolerance - 1.01 * rounding_of(whole)
    except Unsupported:
        return None
    if not spare > 0:
        return None
    question = (form, str(square.program), show_domain(target.domain), spare)
    answer = run_limited(asked, *question, *_limits(should_stop), limits=_PROCESS, stop=should_stop)
    told, work, model = ("", 0, None) if isinstance(answer, Failure) else answer
    spend(should_stop, work)
    if told == "can't be asked":
        return None
    differ = [] if model is None else confirmed(square, _near(model), begin, "smt")
    if isinstance(differ, Claim):
        return differ
    proved = told == "unsat"
    cases = phases_claim(square, _PROGRAMS, should_stop) if proved else None
    if cases is not None and cases.verdict == "proved":
        seconds = time.perf_counter() - begin
        return replace(cases, method="smt", statement=f"{cases.statement} and z3", seconds=seconds)
    failed = f"z3 gave no answer: {answer.text}" if isinstance(answer, Failure) else ""
    shown = "within eps on every input of the domain (by z3, not re-checked by other code)"
    claim = Claim(
        "proved" if proved else "unknown",
        "smt",
        shown if proved else failed or f"z3 says {told}",
        tolerance=target.tolerance,
        achieved=target.tolerance if proved else None,
        arithmetic=ARITHMETIC,
        seconds=time.perf_counter() - begin,
    )
    return with_reals(claim, differ)


def _near(model: list[float]) -> NDArray[np.float64]:
    """z3's input as floats of both sizes, (2, scalars)."""
    point = np.array(model)
    return np.array([point, point.astype(np.float32).astype(np.float64)])


def _limits(stop: Stop | None) -> tuple[int, int | None]:
    """Steps end z3; the clock, in milliseconds, only where it ends the whole run."""
    left, seconds = steps_left(stop), seconds_left(stop)
    steps = max(_Z3_STEPS if left is None else min(_Z3_STEPS, left), 1)
    return steps, int(min(1000 * seconds + 1, 2**31 - 1)) if np.isfinite(seconds) else None


def asked(
    form: NormalForm,
    program_text: str,
    domain_text: str,
    spare: float,
    steps: int,
    milliseconds: int | None,
) -> tuple[str, int, list[float] | None]:
    """z3's answer to "are they ever farther apart than `spare`?", the work it has counted, and the
    scalars of an input where they are.

    form: the network over the domain's scalars.
    """
    import z3

    import dsl.primitives  # noqa: F401  (fills the registry)

    domain = parse_domain(domain_text)
    inputs = variables(domain.parameters)
    solver = z3.SolverFor("QF_LIRA")
    solver.set("rlimit", steps)
    if milliseconds is not None:
        solver.set("timeout", milliseconds)
    try:
        solver.add(*_inside(domain, inputs, z3))
        terms = to_z3(parse_program(program_text), inputs)
    except Unsupported:
        return "can't be asked", 0, None
    network = _network_terms(form, _flat(inputs), z3)
    solver.add(*terms.constraints)
    eps = z3.RealVal(str(Fraction(spare)))
    pairs = zip(network, _flat(terms.value), strict=True)
    apart = [z3.Or(n - p > eps, p - n > eps) for n, p in pairs]
    if terms.defined is not True:
        apart.append(z3.Not(terms.defined))
    solver.add(z3.Or(*apart))
    before = _spent(solver)
    answer = str(solver.check())
    work = _spent(solver) - before
    if answer != "sat":
        return answer, work, None
    model = solver.model()
    values = [_number(model.eval(v, model_completion=True)) for v in _flat(inputs)]
    return answer, work, values


def _number(value: Any) -> float:
    """A rational or whole number of z3's."""
    return float(Fraction(value.as_string()))


def _spent(solver: Any) -> int:
    """Work that z3 has counted so far, in all questions."""
    found = solver.statistics()
    names = found.keys()
    return int(found.get_key_value("rlimit count")) if "rlimit count" in names else 0


def _inside(domain: Domain, inputs: tuple[Any, ...], z3: Any) -> list[Any]:
    found: list[Any] = []
    for field, value in zip(domain.fields, inputs, strict=True):
        for term in _flat(value):
            if z3.is_bool(term):
                raise Unsupported("truth values are listed instead")
            low, high = field.bounds
            found += [term >= z3.RealVal(str(low)), term <= z3.RealVal(str(high))]
    return found


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, tuple) else [value]


def _network_terms(form: NormalForm, inputs: list[Any], z3: Any) -> list[Any]:
    wires: list[list[Any]] = []
    for node in form.nodes:
        if isinstance(node, Affine):
            wires.append(_affine_terms(node, wires, z3))
        elif isinstance(node, Elementwise):
            arguments = zip(*(wires[s] for s in node.sources), strict=True)
            wires.append([_function(node.function, row, z3) for row in arguments])
        else:
            wires.append([z3.ToReal(t) if z3.is_int(t) else t for t in inputs])
    return wires[form.output]


def _affine_terms(node: Affine, wires: list[list[Any]], z3: Any) -> list[Any]:
    found: list[Any] = []
    for row, bias in enumerate(node.bias):
        terms = [_rational(bias, z3)]
        for source, matrix in node.terms:
            for column in np.flatnonzero(matrix[row]):
                terms.append(_rational(matrix[row, column], z3) * wires[source][column])
        found.append(z3.Sum(terms))
    return found


def _rational(value: float, z3: Any) -> Any:
    return z3.RealVal(str(Fraction(float(value))))


def _function(name: str, arguments: tuple[Any, ...], z3: Any) -> Any:
    zero = z3.RealVal(0)
    if name == "relu":
        return z3.If(arguments[0] > zero, arguments[0], zero)
    if name == "abs":
        return z3.If(arguments[0] > zero, arguments[0], -arguments[0])
    first, second = arguments
    return z3.If((first > second) if name == "max" else (first < second), first, second)
