"""Where two functions differ: conditions of the language that tell most differing inputs from the
others, with an example each.

Sequential covering with rules grown literal by literal by FOIL's information gain (Quinlan,
"Learning logical definitions from relations", Machine Learning 5, 1990, section 4). A literal
compares a scalar of the input, or the two sides of a comparison that one of the programs makes,
with a threshold. Shares are counted on draws that the rules haven't seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.domain import Columns, Domain, joined, rows, taken
from dsl.expand import written_out
from dsl.meanings.array import run
from dsl.program import Expression, Prim, Program, const, free_variables, prim, program, var, walk
from dsl.rewrite import simplify
from dsl.types import BOOL, INT, REAL, TypeMismatch, shape_of

Differs = Callable[[Columns], NDArray[np.bool_]]
"""Which of n rows are differences, (n,)."""

_DRAWS = 8192
_ROUNDS = 4
_LITERALS = 4
_REGIONS = 4
_ENOUGH = 40
"""Differing inputs that are enough to learn from; around fewer, more are looked for."""

_LEAST = 0.05
"""A region covers at least this share of the differing inputs that are left."""

_DIGITS = 17
_COMPARISONS = ("less", "less_equal", "greater", "greater_equal")


@dataclass(frozen=True)
class Region:
    """A condition, the share of the differing inputs it holds on, the share of the inputs it holds
    on that differ, and a differing input in it (columns of one row)."""

    condition: Expression
    covers: float
    differing: float
    example: Columns

    def to_json(self, domain: Domain) -> dict[str, Any]:
        """Plain data."""
        names = [f.name for f in domain.fields]
        values = domain.row(self.example, 0)
        return {
            "condition": str(self.condition),
            "covers": self.covers,
            "differing": self.differing,
            "inputs": dict(zip(names, values, strict=True)),
        }


@dataclass(frozen=True, eq=False)
class _Feature:
    """A number of every row (n,), as an expression of the domain's fields."""

    expression: Expression
    values: NDArray[np.float64]
    whole: bool


def regions(
    domain: Domain,
    differs: Differs,
    found: Columns,
    programs: Sequence[Program] = (),
    seed: int = 0,
) -> tuple[Region, ...]:
    """Up to four regions in which most of the differing inputs lie, the largest first.

    differs: which of n rows are differences; found: rows that are known to be; programs: whose
    comparisons a condition may speak of. Empty where no condition tells differing inputs from
    others.
    """
    rng = np.random.default_rng([seed, 17])
    columns = _near_and_far(domain, differs, found, rng)
    wrong = differs(columns)
    features = _features(domain, columns, programs)
    left, made = wrong.copy(), []
    while len(made) < _REGIONS and left.sum() > _LEAST * wrong.sum():
        rule = _rule(features, left, ~wrong)
        if rule is None:
            break
        condition, holds = rule
        if (holds & left).sum() < max(2, _LEAST * left.sum()):
            break
        made.append((condition, _row(columns, int(np.argmax(holds & left)))))
        left &= ~holds
    return _judged(domain, differs, found, made, rng)


def _near_and_far(
    domain: Domain, differs: Differs, found: Columns, rng: np.random.Generator
) -> Columns:
    """Uniform draws, and where few of them differ, draws ever closer around those that do."""
    columns = domain.sample(rng, _DRAWS)
    known = joined(found, taken(columns, differs(columns)))
    for _ in range(_ROUNDS):
        if rows(known) >= _ENOUGH or not rows(known):
            break
        near = _around(domain, known, rng)
        known = joined(known, taken(near, differs(near)))
        columns = joined(columns, near)
    return joined(columns, known)


def _around(domain: Domain, known: Columns, rng: np.random.Generator) -> Columns:
    """Rows at random distances from known ones, from the whole range down to a millionth of it."""
    scalars, whole = domain.flatten(known), domain.integral()
    low, high = domain.value_box()
    chosen = scalars[rng.integers(0, len(scalars), _DRAWS)]
    reach = 10.0 ** rng.uniform(-6, 0, (_DRAWS, 1)) * (high - low)
    moved = np.where(
        rng.random(chosen.shape) < 0.5, chosen, chosen + reach * rng.normal(size=chosen.shape)
    )
    moved = np.clip(np.where(whole, np.rint(moved), moved), low, high)
    columns = domain.unflatten(moved)
    return taken(columns, domain.contains(columns))


def _features(domain: Domain, columns: Columns, programs: Sequence[Program]) -> list[_Feature]:
    whole = domain.integral()
    scalars = domain.flatten(columns)
    made = [
        _Feature(expression, scalars[:, place], bool(whole[place]))
        for place, expression in enumerate(_scalars_of(domain))
    ]
    fields = dict(domain.parameters)
    for expression in _compared(programs):
        if all(fields.get(n) == item for n, item in free_variables(expression).items()):
            values = np.asarray(run(program(domain.parameters, expression), columns), float)
            if np.isfinite(values).all():
                made.append(_Feature(expression, values, expression.type == INT))
                size = prim("abs", expression)
                made.append(_Feature(size, np.abs(values), expression.type == INT))
    return made


def _scalars_of(domain: Domain) -> Iterator[Expression]:
    for field in domain.fields:
        whole: Expression = var(field.name, field.type)
        for index in np.ndindex(*field.shape):
            value = whole
            for place in index:
                value = prim("item", value, const(place))
            yield value


def _compared(programs: Sequence[Program]) -> Iterator[Expression]:
    """Left minus right of every comparison of numbers that a program makes of its inputs."""
    seen: set[Expression] = set()
    for one in programs:
        for node in walk(written_out(one).main.body):
            if not isinstance(node, Prim) or node.primitive.name not in _COMPARISONS:
                continue
            try:
                apart = prim("sub", *node.children)
            except TypeMismatch:
                continue
            if apart.type in (INT, REAL) and not shape_of(apart.type) and apart not in seen:
                seen.add(apart)
                yield apart


def _rule(
    features: list[_Feature], wrong: NDArray[np.bool_], right: NDArray[np.bool_]
) -> tuple[Expression, NDArray[np.bool_]] | None:
    """A conjunction of literals and the rows it holds on; None where the first gains nothing."""
    holds = np.ones(len(wrong), dtype=np.bool_)
    literals: list[Expression] = []
    while len(literals) < _LITERALS and (holds & right).any():
        best = max(
            (c for f in features for c in _literals(f, holds & wrong, holds & right)),
            key=lambda c: c[0],
            default=None,
        )
        if best is None or best[0] <= 0:
            break
        literals.append(best[1])
        holds &= best[2]
    if not literals:
        return (const(True), holds) if not right.any() else None
    condition = reduce(lambda both, one: prim("and_", both, one), _merged(literals))
    return simplify(condition), holds


def _merged(literals: list[Expression]) -> list[Expression]:
    """Where a number is at most and at least the same, it equals that."""
    made: list[Expression] = []
    for literal in literals:
        opposite = _opposite(literal)
        if opposite in made:
            made[made.index(opposite)] = prim("equal", *literal.children)
        else:
            made.append(literal)
    return made


def _opposite(literal: Expression) -> Expression | None:
    other = {"less_equal": "greater_equal", "greater_equal": "less_equal"}
    if not isinstance(literal, Prim) or literal.primitive.name not in other:
        return None
    return prim(other[literal.primitive.name], *literal.children)


def _literals(
    feature: _Feature, wrong: NDArray[np.bool_], right: NDArray[np.bool_]
) -> Iterator[tuple[float, Expression, NDArray[np.bool_]]]:
    """For either direction the threshold with the highest gain: gain, literal, rows it holds on."""
    values = feature.values
    cuts = np.unique(values[wrong | right])
    if len(cuts) < 2:
        return
    p, n = int(wrong.sum()), int(right.sum())
    before = np.log2(p / (p + n))
    of_wrong, of_right = np.sort(values[wrong]), np.sort(values[right])
    below_p = np.searchsorted(of_wrong, cuts[:-1], "right")
    below_n = np.searchsorted(of_right, cuts[:-1], "right")
    for name, ps, ns in (("less", below_p, below_n), ("greater", p - below_p, n - below_n)):
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = np.where(ps > 0, ps * (np.log2(ps / (ps + ns)) - before), -np.inf)
        place = int(np.argmax(gain))
        number = _between(float(cuts[place]), float(cuts[place + 1]))
        holds = values < number if name == "less" else values > number
        yield float(gain[place]), _literal(feature, name, number), holds


def _literal(feature: _Feature, name: str, number: float) -> Expression:
    if feature.expression.type == BOOL:
        return feature.expression if name == "greater" else prim("not_", feature.expression)
    value = const(Fraction(repr(number)))
    if feature.whole:
        rounded = int(np.floor(number)) if name == "less" else int(np.ceil(number))
        name, value = ("less_equal" if name == "less" else "greater_equal"), const(rounded)
    return prim(name, feature.expression, value)


def _between(low: float, high: float) -> float:
    """The number with the fewest digits between two, nearest to their middle."""
    middle = low + (high - low) / 2
    for digits in range(1, _DIGITS):
        number = float(f"{middle:.{digits}g}")
        if low < number < high:
            return number
    return middle


def _judged(
    domain: Domain, differs: Differs, found: Columns,
    made: list[tuple[Expression, Columns]], rng: np.random.Generator,
) -> tuple[Region, ...]:  # fmt: skip
    """Conditions with their shares on fresh rows, those that hold on no differing one left out."""
    if not made:
        return ()
    fresh = _near_and_far(domain, differs, found, rng)
    wrong = differs(fresh)
    judged = []
    for condition, example in made:
        holds = np.broadcast_to(run(program(domain.parameters, condition), fresh), wrong.shape)
        both = int((holds & wrong).sum())
        if both:
            judged.append(
                Region(condition, both / int(wrong.sum()), both / int(holds.sum()), example)
            )
    return tuple(sorted(judged, key=lambda r: -r.covers))


def _row(columns: Columns, index: int) -> Columns:
    return tuple(c[index : index + 1] for c in columns)
