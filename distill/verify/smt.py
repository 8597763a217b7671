"""z3: exact over the reals, for small piecewise-linear networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from distill.evidence import Claim
from distill.normal_form import PIECEWISE_LINEAR, Affine, Elementwise, NormalForm
from distill.run.budget import Stop, seconds_left, spend, steps_left
from distill.verify.boxes import Piece, rounding_of
from distill.verify.lower import network_over_scalars
from distill.verify.square import Square
from distill.verify.wording import ARITHMETIC
from dsl.algebra import Unsupported
from dsl.domain import Domain
from dsl.meanings.z3_ import to_z3, variables

_KINKS_AT_MOST = 40
_Z3_STEPS = 6_000_000
"""z3 counts its own work, about a microsecond each, which ends it at one place everywhere."""


def smt_claim(square: Square, should_stop: Callable[[], bool] | None = None) -> Claim | None:
    """|network - program| <= eps over the reals, decided by z3; None where that can't be asked.

    What rounding adds, the network's in float32 and the program's in float64, is taken off eps.
    Only for real outputs of piecewise-linear networks with few kinks; z3's answer isn't
    re-checked by other code, which the statement says.
    """
    target = square.target
    form = network_over_scalars(target.form, target.domain)
    if form is None or target.output.discrete or _kinks(form) > _KINKS_AT_MOST:
        return None
    if target.domain.where is not None or (should_stop is not None and should_stop()):
        return None
    try:
        return _ask(square, form, should_stop)
    except Unsupported:
        return None


def _kinks(form: NormalForm) -> int:
    count, widths = 0, form.widths()
    for index, node in enumerate(form.nodes):
        if isinstance(node, Elementwise):
            count += widths[index] if node.function in PIECEWISE_LINEAR else 1 << 20
    return count


def _ask(square: Square, form: NormalForm, stop: Stop | None) -> Claim | None:
    import z3

    begin, domain = time.perf_counter(), square.target.domain
    whole = Piece(form, square.program, domain, *domain.value_box())
    spare = square.target.tolerance - 1.01 * rounding_of(whole)
    if not spare > 0:
        return None
    inputs = variables(domain.parameters)
    solver = z3.SolverFor("QF_LIRA")
    _limit(solver, stop)
    solver.add(*_inside(domain, inputs, z3))
    terms = to_z3(square.program, inputs)
    network = _network_terms(form, _flat(inputs), z3)
    solver.add(*terms.constraints)
    eps = z3.RealVal(str(Fraction(spare)))
    pairs = zip(network, _flat(terms.value), strict=True)
    apart = [z3.Or(n - p > eps, p - n > eps) for n, p in pairs]
    if terms.defined is not True:
        apart.append(z3.Not(terms.defined))
    solver.add(z3.Or(*apart))
    before = _spent(solver)
    answer = solver.check()
    spend(stop, _spent(solver) - before)
    if answer != z3.unsat:
        return None
    return Claim(
        "proved",
        "smt",
        "within eps on every input of the domain (by z3, not re-checked by other code)",
        tolerance=square.target.tolerance,
        achieved=square.target.tolerance,
        arithmetic=ARITHMETIC,
        seconds=time.perf_counter() - begin,
    )


def _limit(solver: Any, stop: Stop | None) -> None:
    """Steps end z3; the clock only where it ends the whole run."""
    left = steps_left(stop)
    solver.set("rlimit", max(_Z3_STEPS if left is None else min(_Z3_STEPS, left), 1))
    if np.isfinite(seconds := seconds_left(stop)):
        solver.set("timeout", int(min(1000 * seconds + 1, 2**31 - 1)))


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
