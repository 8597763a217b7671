"""Affine cells beside linear loops, again: their responses to single items, without rounding.

The cell is multiplied out to h' = A h + B x + c, y = C h + D x + d; the loop, run on symbols, to
the same in exact sums. For both, the output after t items is the sum of responses (D, C B, C A B,
...) times items, and what they do without any; so the distance of the two is at most the sum of
differences of responses times the largest items. A float32 error of step s reaches step t through
C A^(t - s - 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.finding import Finding
from distill.checker.float_error import passed
from distill.checker.induction import FAULTS
from distill.checker.sums import Sum, Sums
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.normal_form import Affine, Input, NormalForm
from distill.recurrent_target import Oracle
from dsl.algebra import Undefined, Unsupported, leaves
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.meanings.fold import evaluate
from dsl.types import BOOL, INT, REAL

Exact = Any
"""An array of Fractions."""

_LONGEST = 1_000
_FOLLOWED = 80
"""Items that are followed one by one before a claim about all of them is judged."""

_HALF = Fraction(1, 2)
_PLACES = 200
"""Binary places that sizes are rounded up to; values stay exact."""


def impulse_finding(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    """Whether outputs stay less than a half apart up to the claim's length, or for ever."""
    return by_responses(_shown, oracle, loop, claim)


def by_responses(
    show: Callable[[Oracle, Loop, Claim], Finding], oracle: Oracle, loop: Loop, claim: Claim
) -> Finding:
    """What `show` finds, unknown where it refuses or fails."""
    try:
        return show(oracle, loop, claim)
    except (Refused, Undefined, Unsupported, DomainError) as reason:
        return Finding("unknown", f"the responses don't show it: {str(reason)[:200]}")
    except FAULTS as fault:
        return Finding("unknown", f"the responses don't show it ({type(fault).__name__})")


def _shown(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    length = _FOLLOWED if claim.length_bound is None else claim.length_bound
    if not isinstance(length, int) or not 1 <= length <= _LONGEST:
        raise Refused(f"a length up to {_LONGEST:,} is needed.")
    whole = oracle.output.scalar == INT and not oracle.over_reals
    if not whole or not oracle.plain or not oracle.representable(np.zeros(0)):
        raise Refused("outputs must be whole numbers, and items enter the cell as they are.")
    low, high = oracle.domain.item.value_box()
    sizes = np.array([exact(max(abs(a), abs(b))) for a, b in zip(low, high, strict=True)])
    network = multiplied(oracle)
    program = program_of(loop, len(sizes))
    followed = None
    for step, followed in enumerate(_followed(network, program, sizes, length), 1):
        if not followed.distance < _HALF:
            raise Refused(
                f"at item {step} the outputs may be {float(followed.distance):.4g} apart."
            )
    reach = f"up to item {length}"
    if claim.length_bound is None:
        assert followed is not None
        _settled(program, followed)
        if not _later(network, program, followed, sizes) < _HALF:
            raise Refused(f"behind item {length} the outputs may be more than 1/2 apart.")
        reach = "for ever: what lies behind fades"
    return Finding(
        "holds",
        f"the responses to single items, exact, and the rounding of float32 keep outputs less than "
        f"1/2 apart {reach}",
    )


@dataclass(frozen=True, eq=False)
class Linear:
    """h' = a h + b x + c, y = read h + direct x + plain, from `start`."""

    a: Exact
    b: Exact
    c: Exact
    read: Exact
    direct: Exact
    plain: Exact
    start: Exact


def _split(matrix: Exact, constant: Exact, start: Exact) -> Linear:
    h = len(start)
    return Linear(
        matrix[:h, :h], matrix[:h, h:], constant[:h],
        matrix[h:, :h], matrix[h:, h:], constant[h:], start,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Multiplied:
    """A cell multiplied out, and every node's own map of (h, x) for the rounding."""

    linear: Linear
    form: NormalForm
    maps: list[tuple[Exact, Exact]]

    def rounding(self, sizes: Exact) -> Exact:
        """Bounds of the float32 error of (h', y), from (h, x) up to these sizes."""
        errors: list[Exact] = []
        for node in self.form.nodes:
            if isinstance(node, Affine):
                errors.append(self._node(node, errors, sizes))
            else:
                errors.append(zeros(self.form.input_width))
        return errors[self.form.output]

    def _node(self, node: Affine, errors: list[Exact], sizes: Exact) -> Exact:
        """Higham's gamma of the roundings that a product passes, times all sizes."""
        count = [int(c) for c in passed(node)]
        total, carried = abs(array(node.bias)), zeros(len(node.bias))
        weight = total
        for source, matrix in node.terms:
            weights, (inner, constant) = abs(array(matrix)), self.maps[source]
            weight = weight + weights.sum(1)
            total = total + weights @ (abs(inner) @ sizes + abs(constant) + errors[source])
            carried = carried + weights @ errors[source]
        if (total > 2**100).any():
            raise Refused("the cell's numbers may overflow.")
        most = len(total) + sum(matrix.shape[1] for _, matrix in node.terms)
        flushed = Fraction(most + 1, 2**126) * (1 + total + weight)
        loss = np.array([Fraction(c, 2**24 - c) for c in count], dtype=object)
        return up(carried + total * loss + flushed)


def multiplied(oracle: Oracle) -> Multiplied:
    """The cell multiplied out. Raises: Refused, where it isn't affine."""
    form = oracle.network.cell.normal_form()
    maps: list[tuple[Exact, Exact]] = []
    for node in form.nodes:
        if isinstance(node, Input):
            maps.append((array(np.eye(node.width)), zeros(node.width)))
        elif isinstance(node, Affine):
            if not all(_single(values) for values in (node.bias, *(m for _, m in node.terms))):
                raise Refused("the cell's weights aren't numbers of float32.")
            matrix, constant = zeros(len(node.bias), form.input_width), array(node.bias)
            for source, weights in node.terms:
                own = array(weights)
                matrix = matrix + own @ maps[source][0]
                constant = constant + own @ maps[source][1]
            maps.append((matrix, constant))
        else:
            raise Refused(f"the cell has a {node.function}; it isn't affine.")
    matrix, constant = maps[form.output]
    return Multiplied(_split(matrix, constant, array(oracle.network.initial)), form, maps)


def _single(values: NDArray[np.float64]) -> bool:
    return bool((values == values.astype(np.float32)).all())


def program_of(loop: Loop, items: int) -> Linear:
    """The loop's step on symbols. Raises: Refused, where a product or a choice is left."""
    ops = Sums()
    scope: dict[str, Any] = {r.name: _symbols(ops, r.name, r.start.value) for r in loop.registers}
    start = [v for r in loop.registers for v in leaves(r.start.value)]
    for name, item in loop.inputs:
        if item not in (INT, BOOL, REAL):
            raise Refused("an item's fields must be numbers or truth values.")
        scope[name] = ops.atom(f"item {name}", truth=item == BOOL)
    atoms = len(ops.atoms)
    for name, value in loop.lets:
        scope[name] = evaluate(value, ops, scope)
    updates = [evaluate(r.update, ops, scope) for r in loop.registers]
    found = [ops.term(v) for part in (*updates, evaluate(loop.output, ops, scope))
             for v in leaves(part)]  # fmt: skip
    if atoms != len(start) + items:
        raise Refused("the loop's fields aren't those of an item.")
    rows = [_row(value, atoms) for value in found]
    constant = np.array([value.constant for value in found], dtype=object)
    return _split(np.array(rows, dtype=object), constant, array(start))


def _symbols(ops: Sums, name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_symbols(ops, f"{name} {place}", v) for place, v in enumerate(value))
    return ops.atom(f"register {name}", truth=isinstance(value, bool))


def _row(value: Sum, atoms: int) -> list[Fraction]:
    if any(number >= atoms for number in value.terms):
        raise Refused("the loop isn't linear.")
    return [value.terms.get(number, Fraction(0)) for number in range(atoms)]


@dataclass(frozen=True, eq=False)
class _Followed:
    """Some items followed: how far the outputs may be apart, and by differences of responses
    alone; bounds of the state without its drift, of the sum of powers, of a step's error.

    column, other: what the last item has become in network and program; state, theirs: what they
    hold without items; power: of A, the next one.
    """

    distance: Fraction
    apart: Exact
    reach: Exact
    powers: Exact
    worst: Exact
    column: Exact
    other: Exact
    state: Exact
    theirs: Exact
    power: Exact


def _followed(
    network: Multiplied, program: Linear, sizes: Exact, length: int
) -> Iterator[_Followed]:
    ours, h = network.linear, len(network.linear.start)
    column, other = ours.b, program.b
    state, theirs = ours.start, program.start
    apart = up(abs(ours.direct - program.direct) @ sizes)
    reach, powers, worst = zeros(h), zeros(h, h), zeros(h)
    power = array(np.eye(h))
    for step in range(length):
        if step:
            apart = up(apart + abs(ours.read @ column - program.read @ other) @ sizes)
            column, other = ours.a @ column, program.a @ other
        offset = abs(ours.read @ state + ours.plain - program.read @ theirs - program.plain)
        spread = powers @ worst
        error = network.rounding(np.concatenate([up(reach + abs(state) + spread), sizes]))
        distance = max(apart + offset + abs(ours.read) @ spread + error[h:])
        reach = up(reach + abs(power @ ours.b) @ sizes)
        powers, power = up(powers + abs(power)), ours.a @ power
        worst = np.maximum(worst, error[:h])
        state, theirs = ours.a @ state + ours.c, program.a @ theirs + program.c
        yield _Followed(distance, apart, reach, powers, worst, column, other, state, theirs, power)


def _settled(program: Linear, followed: _Followed) -> None:
    """Refuse a program that remembers an item, or moves without any, after what was followed.

    Its registers are as many as they are: what is unseen that long is unseen for ever.
    """
    column, theirs = followed.other, followed.theirs
    for _ in range(len(program.start) + 1):
        after = program.a @ theirs + program.c
        if (program.read @ column != 0).any() or (program.read @ (after - theirs) != 0).any():
            raise Refused("the program remembers items for ever.")
        column, theirs = program.a @ column, after


def _later(network: Multiplied, program: Linear, followed: _Followed, sizes: Exact) -> Fraction:
    """A bound of the distance behind what was followed, where some power of A shrinks all states.

    From there on sums of |A^j v| are at most those of one period, times 1 / (1 - the shrinking).
    """
    ours, h = network.linear, len(network.linear.start)
    period, shrunk = array(np.eye(h)), Fraction(1)
    power, column = followed.power, followed.column
    moved = ours.a @ followed.state + ours.c - followed.state
    items, moves, sums = zeros(h), zeros(h), zeros(h, h)
    count = 0
    while shrunk >= 1:
        count += 1
        if count > _FOLLOWED:
            raise Refused("the network's state doesn't fade.")
        items, moves = up(items + abs(column) @ sizes), up(moves + abs(moved))
        sums = up(sums + abs(power))
        column, moved, power = ours.a @ column, ours.a @ moved, ours.a @ power
        period = ours.a @ period
        shrunk = max(abs(period).sum(1))
    offset = abs(
        ours.read @ followed.state + ours.plain - program.read @ followed.theirs - program.plain
    )
    ever = 1 / (1 - shrunk)
    more, drift = max(items) * ever, max(moves) * ever
    powers = up(followed.powers + sums.max(0)[None, :] * ever)
    held = up(followed.reach + more + abs(followed.state) + drift)
    spread = zeros(h)
    for _ in range(4):
        error = network.rounding(np.concatenate([up(held + spread), sizes]))
        needed = powers @ np.maximum(followed.worst, error[:h])
        if (needed <= spread).all():
            apart = followed.apart + offset + abs(ours.read) @ (spread + more + drift)
            return max(apart + error[h:])
        spread = up(2 * needed)
    raise Refused("the rounding errors don't stay bounded.")


def exact(value: Any) -> Fraction:
    """A number without rounding."""
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(float(value))


def array(values: Any) -> Exact:
    """Numbers without rounding."""
    plain = np.asarray(values, dtype=object)
    found = np.empty(plain.shape, dtype=object)
    found[...] = np.vectorize(exact, otypes=[object])(plain) if plain.size else plain
    return found


def zeros(*shape: int) -> Exact:
    """Exact zeros."""
    return np.full(shape, Fraction(0), dtype=object)


def up(values: Exact) -> Exact:
    """Bounds rounded up to fewer digits."""
    return _each_up(values)


def _rounded_up(value: Fraction) -> Fraction:
    return Fraction(-((-value.numerator << _PLACES) // value.denominator), 1 << _PLACES)


_each_up = np.frompyfunc(_rounded_up, 1, 1)
