"""Affine cells beside linear loops: their impulse responses, compared in exact arithmetic.

For an affine cell y[t] = sum_j K_j x[t-j] + k_t, for a linear loop the same with P_j and p_t
(superposition). So on all sequences of items within bounds the outputs are at most
sum_j |K_j - P_j| |x| + |k_t - p_t| apart. To that comes the float32 rounding of the run: a
rounding error of step s reaches step t through A^(t-s), and a sum of n products is wrong by at
most gamma_n times the sum of their sizes, in any order, fused or not (Higham, Accuracy and
Stability of Numerical Algorithms, 2002, section 3.1). Below 1/2 rounded outputs are equal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.evidence import Claim
from distill.normal_form import Affine, Input, NormalForm
from distill.recurrent_target import Oracle
from distill.verify.envelope import roundings
from dsl.algebra import leaves
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.meanings.loop_exact import exact_start, step_loop_exact
from dsl.program import Const, Expression, Prim, Var, walk
from dsl.types import BOOL, INT, REAL

Ints = NDArray[Any]
"""Arrays of Python's whole numbers; as bounds they count units of 2 ** -64, rounded up."""

LONGEST = 1_000
_FOLLOWED = 100
"""Items that are followed one by one before all others are bounded at once."""

FIXED = 64
"""Bounds count units of 2 to the power of minus this."""

_HALF = 1 << (FIXED - 1)
_ROOM = 64
"""A checker that rounds elsewhere has this part of a half to itself."""

_TINY = 1
"""At least what denormal results of float32 may be wrong by: a unit is 2 ** -64."""

_LINEAR = frozenset({"add", "sub", "neg", "sum", "vector", "item", "slice", "concat", "as_int"})


@dataclass(frozen=True, eq=False)
class Dyadic:
    """Exact numbers whole / 2 ** exponent."""

    whole: Ints
    exponent: int

    def __matmul__(self, other: Dyadic) -> Dyadic:
        return Dyadic(self.whole @ other.whole, self.exponent + other.exponent)

    def __add__(self, other: Dyadic) -> Dyadic:
        exponent = max(self.exponent, other.exponent)
        return Dyadic(self._at(exponent) + other._at(exponent), exponent)

    def __sub__(self, other: Dyadic) -> Dyadic:
        return self + Dyadic(-other.whole, other.exponent)

    def __getitem__(self, place: Any) -> Dyadic:
        return Dyadic(self.whole[place], self.exponent)

    def _at(self, exponent: int) -> Ints:
        return self.whole * (1 << (exponent - self.exponent))

    def size(self) -> Ints:
        """Bounds of the absolute values."""
        return _shifted_up(abs(self.whole), self.exponent)


def dyadic(values: Any) -> Dyadic:
    """Floats or whole numbers, exactly."""
    array = np.asarray(values, dtype=object)
    ratios = [Fraction(v) if isinstance(v, int) else Fraction(float(v)) for v in array.ravel()]
    exponent = max((r.denominator.bit_length() - 1 for r in ratios), default=0)
    flat = np.empty(len(ratios), dtype=object)
    flat[:] = [r.numerator * ((1 << exponent) // r.denominator) for r in ratios]
    return Dyadic(flat.reshape(array.shape), exponent)


_shift_up = np.frompyfunc(lambda v, e: -((-v << FIXED) >> e), 2, 1)


def _shifted_up(whole: Ints, exponent: int) -> Ints:
    return _shift_up(whole, exponent)


_ratio_up = np.frompyfunc(lambda v, n, d: -(-v * n // d), 3, 1)


def _times(sizes: Ints, values: Ints) -> Ints:
    """Bounds of a product of two arrays of bounds."""
    return _shift_up(sizes @ values, 2 * FIXED)


def linear_claim(loop: Loop, oracle: Oracle) -> Claim | None:
    """Equality of rounded outputs up to the longest length that the bounds show.

    None where the cell isn't affine, the loop isn't linear in the items, outputs aren't whole
    numbers, or not even the network's own length can be shown.
    """
    begin = time.perf_counter()
    cell = affine_cell(oracle)
    if cell is None or oracle.output.scalar != INT or not is_linear(loop):
        return None
    if not oracle.plain or not oracle.representable(np.zeros(0)):
        return None
    try:
        low, high = oracle.domain.item.value_box()
    except DomainError:
        return None
    pairs = zip(low.tolist(), high.tolist(), strict=True)
    sizes = dyadic([max(abs(a), abs(b)) for a, b in pairs]).size()
    length, worst = 0, 0
    seen: list[_Response] = []
    followed = islice(_responses(loop, len(sizes)), LONGEST)
    for response, reached in _reached(cell, followed, sizes):
        if not _less_than_half(reached.bound):
            break
        seen.append(response)
        length, worst = length + 1, max(worst, reached.bound)
        if length == _FOLLOWED and _forgets(loop, seen):
            bound = _ever(cell, reached, sizes)
            if bound is not None and _less_than_half(bound):
                return _claim(None, max(worst, bound), begin)
    return _claim(length, worst, begin) if length >= oracle.length else None


def _less_than_half(bound: int) -> bool:
    return bound * _ROOM < _HALF * (_ROOM - 1)


def _forgets(loop: Loop, seen: list[_Response]) -> bool:
    """Whether the loop's responses have ended, and what it does without items is the same forever.

    Both follow a linear recurrence as long as the registers are wide (Cayley-Hamilton): as many
    zeros in a row are followed by zeros.
    """
    width = sum(len(leaves(r.start.value)) for r in loop.registers)
    if width + 1 >= len(seen):
        return False
    ended = all(not r.pulse.any() for r in seen[len(seen) - width :])
    return ended and all((r.rest == seen[-1].rest).all() for r in seen[len(seen) - width - 1 :])


def is_linear(loop: Loop, reals: bool = False) -> bool:
    """Whether every value of a step is linear in registers and fields.

    reals: fields may be real, and values divided by literals.
    """
    values = [v for _, v in loop.lets] + [loop.output, *(r.update for r in loop.registers)]
    plain = all(item in (INT, BOOL) or (reals and item == REAL) for _, item in loop.inputs)
    return plain and all(_linear_node(n, reals) for v in values for n in walk(v))


def _linear_node(node: Expression, reals: bool) -> bool:
    if isinstance(node, Const | Var):
        return True
    if not isinstance(node, Prim):
        return False
    name, parts = node.primitive.name, node.children
    if name == "mul":
        return len(parts) == 2 and any(isinstance(p, Const) for p in parts)
    if name == "item":
        return isinstance(parts[1], Const)
    if name == "div" and reals:
        return isinstance(parts[1], Const) and parts[1].value != 0
    return name in _LINEAR


@dataclass(frozen=True, eq=False)
class Cell:
    """An affine cell: for every node its exact map from (h, x), as matrix and constant."""

    form: NormalForm
    maps: tuple[tuple[Dyadic, Dyadic], ...]
    initial: Dyadic

    @property
    def hidden(self) -> int:
        """Size of the state."""
        return len(self.initial.whole)

    def split(self) -> tuple[Dyadic, ...]:
        """(A, B, c, C, D, d) of h' = A h + B x + c, y = C h + D x + d."""
        (matrix, constant), h = self.maps[self.form.output], self.hidden
        return (
            matrix[:h, :h], matrix[:h, h:], constant[:h],
            matrix[h:, :h], matrix[h:, h:], constant[h:],
        )  # fmt: skip

    def slack(self, sizes: Ints) -> Ints:
        """Bounds (H + k,) of the rounding error of one step from (h, x) of these sizes."""
        errors: list[Ints] = []
        for node in self.form.nodes:
            if isinstance(node, Affine):
                errors.append(self._node_slack(node, errors, sizes))
            else:
                errors.append(np.array([0] * self.form.input_width, dtype=object))
        return errors[self.form.output]

    def _node_slack(self, node: Affine, errors: list[Ints], sizes: Ints) -> Ints:
        passed = np.array(roundings(node).tolist(), dtype=object)
        total = dyadic(node.bias).size()
        carried = np.array([_TINY] * len(total), dtype=object)
        for source, matrix in node.terms:
            weights, (inner, constant) = dyadic(matrix).size(), self.maps[source]
            held = _times(inner.size(), sizes) + constant.size()
            total = total + _times(weights, held + errors[source])
            carried = carried + _times(weights, errors[source])
        return carried + _ratio_up(total, passed, (1 << 24) - passed)


def affine_cell(oracle: Oracle) -> Cell | None:
    """The network's cell multiplied out; None where it isn't affine."""
    form = oracle.network.cell.normal_form()
    maps: list[tuple[Dyadic, Dyadic]] = []
    for node in form.nodes:
        if isinstance(node, Input):
            maps.append((dyadic(np.eye(node.width)), dyadic(np.zeros(node.width))))
        elif isinstance(node, Affine):
            terms = [(dyadic(m), maps[s]) for s, m in node.terms]
            matrix = reduce(Dyadic.__add__, [m @ inner for m, (inner, _) in terms])
            constant = reduce(Dyadic.__add__, [m @ c for m, (_, c) in terms], dyadic(node.bias))
            maps.append((matrix, constant))
        else:
            return None
    return Cell(form, tuple(maps), dyadic(oracle.network.initial))


@dataclass(frozen=True, eq=False)
class _Response:
    """What the loop answers some items after a single one, beyond what it answers without any:
    (k, width); and the latter, rest (k,)."""

    pulse: Ints
    rest: Ints


@dataclass(frozen=True, eq=False)
class _Reached:
    """After item t, bounds of everything up to it.

    bound: how far outputs are apart; apart: what differences of responses give; offset: of the
    outputs without items; reach: the state's size without its drift; powers: sum of |A^j|; worst:
    the rounding error of a step. column: what an item adds to the state t items later; drift: the
    next state without items, and before, this one; power: A^(t + 1).
    """

    bound: int
    apart: Ints
    offset: Ints
    reach: Ints
    powers: Ints
    worst: Ints
    column: Dyadic
    before: Dyadic
    drift: Dyadic
    power: Dyadic


def _reached(
    cell: Cell, responses: Iterable[_Response], sizes: Ints
) -> Iterator[tuple[_Response, _Reached]]:
    """Step by step the most that outputs of network and loop can be apart.

    responses: the loop's, which come out again with what is known behind them.
    """
    a, b, c, read, direct, plain = cell.split()
    h = cell.hidden
    column, drift, power = b, cell.initial, dyadic(np.eye(h))
    apart = np.array([0] * len(plain.whole), dtype=object)
    reach, spread, worst = (np.array([0] * h, dtype=object) for _ in range(3))
    powers = np.zeros((h, h), dtype=object)
    for t, theirs in enumerate(responses):
        response = direct if t == 0 else read @ column
        column = column if t == 0 else a @ column
        apart = apart + _times((response - dyadic(theirs.pulse)).size(), sizes)
        offset = (read @ drift + plain - dyadic(theirs.rest)).size()
        slack = cell.slack(np.concatenate([reach + drift.size() + spread, sizes]))
        bound = max(apart + offset + _times(read.size(), spread) + slack[h:])
        # what the next step starts from: the state's size without the drift, its drift, and its
        # rounding error; every step's own error is at most the worst so far
        powers = powers + power.size()
        reach = reach + _times((power @ b).size(), sizes)
        before, drift, power = drift, a @ drift + c, a @ power
        worst = np.maximum(worst, slack[:h])
        spread = _times(powers, worst)
        yield (
            theirs,
            _Reached(bound, apart, offset, reach, powers, worst, column, before, drift, power),
        )


def _ever(cell: Cell, last: _Reached, sizes: Ints) -> int | None:
    """A bound of how far outputs are ever apart, of a loop whose own responses have ended.

    Some power A^k shrinks every state, |A^k| <= r < 1, so that what k steps add up to, divided by
    1 - r, bounds what all later ones do. None where no power does within `_FOLLOWED`.
    """
    a, b, c, read, _, _ = cell.split()
    h, one = cell.hidden, 1 << FIXED
    first, count = last.power, 0
    shrunk, power = one, dyadic(np.eye(h))
    moved = a @ cell.initial + c - cell.initial
    reach, drift = (np.array([0] * h, dtype=object) for _ in range(2))
    powers = np.zeros((h, h), dtype=object)
    while shrunk >= one:
        if count == _FOLLOWED:
            return None
        powers = powers + first.size()
        reach = reach + _times((first @ b).size(), sizes)
        drift = drift + (first @ moved).size()
        first, power, count = a @ first, a @ power, count + 1
        shrunk = max(power.size().sum(1))
    rest_of = one - shrunk
    more, drifts = (_ratio_up(max(v), one, rest_of) for v in (reach, drift))
    powers = last.powers + _ratio_up(powers.max(0), one, rest_of)[None, :]
    held = last.reach + more + last.drift.size() + drifts
    spread = 2 * _times(powers, np.maximum(last.worst, cell.slack(_beside(held, sizes))[:h]))
    slack = cell.slack(_beside(held + spread, sizes))
    if (_times(powers, np.maximum(last.worst, slack[:h])) > spread).any():
        return None
    apart = last.apart + _times(read.size(), _times(last.column.size(), sizes) + more)
    moves = (last.drift - last.before).size() + drifts
    offset = last.offset + _times(read.size(), moves)
    return max(apart + offset + _times(read.size(), spread) + slack[h:])


def _beside(held: Ints, sizes: Ints) -> Ints:
    return np.concatenate([held, sizes])


def _responses(loop: Loop, width: int) -> Iterator[_Response]:
    """The loop's responses, item by item, without end."""
    nothing = tuple(_zero(item) for _, item in loop.inputs)
    first = [nothing]
    for place in range(width):
        one = True if loop.inputs[place][1] == BOOL else 1
        first.append((*nothing[:place], one, *nothing[place + 1 :]))
    stepped = [step_loop_exact(loop, exact_start(loop), item) for item in first]
    while True:
        rest, *found = (_output(output) for output, _ in stepped)
        yield _Response(np.stack([f - rest for f in found], axis=1), rest)
        stepped = [step_loop_exact(loop, state, nothing) for _, state in stepped]


def _zero(item: Any) -> Any:
    return False if item == BOOL else 0


def _output(value: Any) -> Ints:
    return np.array(
        [int(v) for v in (value if isinstance(value, tuple) else (value,))], dtype=object
    )


def _claim(length: int | None, worst: int, begin: float) -> Claim:
    reach = "of every length" if length is None else f"up to length {length}"
    return Claim(
        "proved" if length is None else "proved_to_length",
        "relational",
        f"both are linear; their outputs are less than 1/2 apart on every sequence {reach}, so "
        "the rounded ones are equal",
        achieved=float(Fraction(worst, 1 << FIXED)),
        arithmetic="network in float32 in any order of summation, program in whole numbers",
        count=length or _FOLLOWED,
        seconds=time.perf_counter() - begin,
        length_bound=length,
    )
