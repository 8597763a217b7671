"""A counterexample run again: in float32 by us and by the original framework, and over the reals.

Over the reals both sides take the input as it is written, in rationals where their functions map
rationals to rationals, else in outward-rounded intervals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.network import Network
from distill.normal_form import Array
from distill.target import Output, Target
from distill.verify.crown import enclose
from distill.verify.exact import is_rational, run_exact
from distill.verify.square import Square, tolerance
from dsl.algebra import Undefined, Unsupported
from dsl.domain import Columns, Domain
from dsl.meanings import exact as exact_meaning
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.program import Program
from dsl.types import BOOL, Category

BOTH, RUN_ONLY, REALS_ONLY = "float32 and exact", "float32 only", "real arithmetic only"
OPEN, NONE = "float32, not decided over the reals", "no difference"

_EXACT_AT_MOST = 300_000
"""Multiply-adds above which a network is enclosed in intervals, since rationals grow long."""

Span = tuple[Fraction, Fraction]
"""Ends of a number that is known so closely; alike where it is known exactly."""


@dataclass(frozen=True)
class Side:
    """One side's values over the reals, and their middles as floats, as plain data."""

    spans: tuple[Span, ...]

    @property
    def plain(self) -> list[float]:
        """The middles, rounded to float64."""
        return [float((low + high) / 2) for low, high in self.spans]


@dataclass(frozen=True)
class Replay:
    """One input, both sides' values there, and in which arithmetic they differ.

    inputs: by field; network: as we run it in float32, decoded; program: in float64; framework:
    the name of what ran the original model and its decoded value, or None; exact: raw network
    outputs and program values over the reals, or None where the program has no value or none is
    known; kind: one of `BOTH`, `RUN_ONLY`, `REALS_ONLY`, `OPEN` and `NONE`.
    """

    inputs: dict[str, Any]
    network: Any
    program: Any
    kind: str
    exact: tuple[Side, Side] | None = None
    framework: tuple[str, Any] | None = None
    framework_differs: bool | None = None

    @property
    def refutes(self) -> bool:
        """Whether it contradicts a claim about the network in float32."""
        return self.kind in (BOTH, RUN_ONLY, OPEN)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        exact, framework = self.exact, self.framework
        return {
            "inputs": self.inputs,
            "network": self.network,
            "program": self.program,
            "kind": self.kind,
            "exact": exact and {"network": exact[0].plain, "program": exact[1].plain},
            "framework": framework
            and {"name": framework[0], "network": framework[1], "differs": self.framework_differs},
        }


def replay(square: Square, columns: Columns, framework: bool = False) -> Replay:
    """Columns of one row run again; `framework`: through the original framework too."""
    target, allowed = square.target, tolerance(square.target)
    found = square.compare(columns)
    as_run = bool(found.wrong(allowed, square.margin)[0])
    network, program = real_network(target, columns), real_program(square.program, target, columns)
    over_reals = _differ(square, columns, network, program)
    theirs = _framework(square, columns) if framework else None
    names = [f.name for f in target.domain.fields]
    return Replay(
        dict(zip(names, target.domain.row(columns, 0), strict=True)),
        found.network[0].tolist(),
        found.program[0].tolist(),
        _kind(as_run, over_reals),
        None if network is None or program is None else (Side(network), Side(program)),
        None if theirs is None else theirs[:2],
        None if theirs is None else theirs[2],
    )


def _kind(as_run: bool, over_reals: bool | None) -> str:
    if as_run:
        return {True: BOTH, False: RUN_ONLY, None: OPEN}[over_reals]
    return REALS_ONLY if over_reals else NONE


def real_network(target: Target, columns: Columns) -> tuple[Span, ...] | None:
    """The oracle's raw outputs over the reals for one row; None where they have no bounds."""
    point, form = exact_inputs(target.domain, columns), target.form
    if is_rational(form) and form.multiply_adds <= _EXACT_AT_MOST:
        try:
            return tuple((value, value) for value in run_exact(form, point))
        except ZeroDivisionError:
            return None
    near = np.array([float(x) for x in point])
    short = np.array([Fraction(x) != p for x, p in zip(near.tolist(), point, strict=True)])
    low = np.where(short, np.nextafter(near, -np.inf), near)
    high = np.where(short, np.nextafter(near, np.inf), near)
    with np.errstate(all="ignore"):
        found = enclose(form, low[None], high[None])
    return _spans(found.low[0], found.high[0])


def real_program(program: Program, target: Target, columns: Columns) -> tuple[Span, ...] | None:
    """A program's values over the reals for one row, truths as 0 and 1; None where it has none."""
    domain = target.domain
    try:
        value = exact_meaning.run_exact(program, domain.row(columns, 0))
        return tuple((Fraction(v), Fraction(v)) for v in _flat(value))
    except Undefined:
        return None
    except Unsupported:
        pass
    boxes = {
        f.name: (c.astype(np.float64), c.astype(np.float64))
        for f, c in zip(domain.fields, columns, strict=True)
    }
    try:
        low, high = evaluate_boxes(program, boxes)
        sure = well_defined(program, boxes)[0]
    except Unsupported:
        return None
    return _spans(np.ravel(low[0]), np.ravel(high[0])) if sure else None


def exact_inputs(domain: Domain, columns: Columns) -> list[Fraction]:
    """What the network gets for one row, without rounding."""
    found = [Fraction(x) for x in domain.encode(columns)[0].tolist()]
    place = 0
    for field, column in zip(domain.fields, columns, strict=True):
        if field.encoding.kind == "affine":
            scale, shift = field.encoding.scale, field.encoding.shift
            values = np.ravel(column[0]).tolist()
            exactly = [scale * Fraction(v) + shift for v in values]
            found[place : place + field.width] = exactly
        place += field.width
    return found


def _spans(low: Array, high: Array) -> tuple[Span, ...] | None:
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return None
    ends = zip(low.tolist(), high.tolist(), strict=True)
    return tuple((Fraction(a), Fraction(b)) for a, b in ends)


def _flat(value: Any) -> list[Any]:
    return [v for part in value for v in _flat(part)] if isinstance(value, tuple) else [value]


def _differ(
    square: Square,
    columns: Columns,
    network: tuple[Span, ...] | None,
    program: tuple[Span, ...] | None,
) -> bool | None:
    """Whether the two differ over the reals outside the band; None where that isn't decided."""
    if network is None or program is None:
        return None
    target = square.target
    if not target.output.discrete:
        return _apart(network, program, Fraction(target.tolerance))
    decided = _decoded(network, target.output)
    said = tuple(low for low, high in program if low == high)
    if decided is None or len(said) < len(program):
        return None
    if decided == said:
        return False
    return _outside(square, columns, network)


def _apart(network: tuple[Span, ...], program: tuple[Span, ...], eps: Fraction) -> bool | None:
    least = most = Fraction(0)
    for (a, b), (c, d) in zip(network, program, strict=True):
        least = max(least, a - d, c - b)
        most = max(most, b - c, d - a)
    return True if least > eps else False if most <= eps else None


def _decoded(raw: tuple[Span, ...], output: Output) -> tuple[Fraction, ...] | None:
    """The decision of raw outputs over the reals; None where they leave it open."""
    if isinstance(output.type, Category) and len(raw) > 1:
        first = max(range(len(raw)), key=lambda i: (raw[i][0], -i))
        before = all(raw[i][1] < raw[first][0] for i in range(first))
        after = all(raw[i][1] <= raw[first][0] for i in range(first + 1, len(raw)))
        return (Fraction(first),) if before and after else None
    if output.scalar == BOOL:
        level = Fraction(output.level)
        ends = [(Fraction(low > level), Fraction(high > level)) for low, high in raw]
    else:
        ends = [(Fraction(round(low)), Fraction(round(high))) for low, high in raw]
    return tuple(a for a, b in ends) if all(a == b for a, b in ends) else None


def _outside(square: Square, columns: Columns, network: tuple[Span, ...]) -> bool | None:
    """Whether a row lies outside the square's band over the reals."""
    margin = _margin(network, square.target.output)
    if square.guard is None:
        return _above(margin, Fraction(square.margin))
    ends = real_program(square.guard, square.target, columns)
    if ends is None:
        return None
    (guard,) = ends
    if not square.parts:
        return _above(guard, Fraction(square.margin))
    scalars = square.target.domain.flatten(columns)
    answers = []
    for part in square.parts:
        if part.holds(scalars)[0]:
            weight = Fraction(part.weight)
            pair = sorted((weight * guard[0], weight * guard[1]))
            total = margin[0] + pair[0], margin[1] + pair[1]
            answers.append(_above(total, Fraction(part.margin)))
    if False in answers:
        return False
    return None if None in answers else True


def _margin(raw: tuple[Span, ...], output: Output) -> Span:
    """How far raw outputs are from another decision: its ends."""
    if isinstance(output.type, Category) and len(raw) > 1:
        lows, highs = (sorted((span[i] for span in raw), reverse=True) for i in (0, 1))
        return max(lows[0] - highs[1], Fraction(0)), highs[0] - lows[1]
    if output.scalar == BOOL:
        level = Fraction(output.level)
        sizes = [_size((low - level, high - level)) for low, high in raw]
    else:
        half = Fraction(1, 2)
        sizes = []
        for low, high in raw:
            near, far = sorted(abs(x - round(x)) for x in (low, high))
            sizes.append((half - far, half - near))
    return min(s[0] for s in sizes), min(s[1] for s in sizes)


def _size(span: Span) -> Span:
    low, high = span
    least = Fraction(0) if low <= 0 <= high else min(abs(low), abs(high))
    return least, max(abs(low), abs(high))


def _above(span: Span, margin: Fraction) -> bool | None:
    return True if span[0] > margin else False if span[1] <= margin else None


def _framework(square: Square, columns: Columns) -> tuple[str, Any, bool] | None:
    """The original framework's name, its decoded value and whether that differs; None for none."""
    target = square.target
    runner = framework_of(target.network)
    if runner is None:
        return None
    try:
        raw = np.asarray(runner[1](target.domain.encode(columns)), dtype=np.float64)
    except BadInput:
        return None
    value = target.reading.decode(raw.reshape(1, -1))
    found = square.compare(columns)
    if target.output.discrete:
        differs = bool((np.ravel(value) != np.ravel(found.program)).any())
    else:
        gap = np.abs(np.ravel(value) - np.ravel(found.program))
        differs = bool((np.where(np.isnan(gap), np.inf, gap) > target.tolerance).any())
    return runner[0], value[0].tolist(), differs


def framework_of(network: Network) -> tuple[str, Callable[[Array], Any]] | None:
    """What runs a network beside us: its model's own framework, else an ONNX runtime.

    Takes examples (1, input_width). None where the network can't be written as ONNX.
    """
    if network.framework is not None:
        return network.framework.name, network.framework.run
    if network.opaque:
        return None
    from distill.load.framework import of_written

    try:
        made = of_written(network)
    except BadInput:
        return None
    return made.name, made.run
