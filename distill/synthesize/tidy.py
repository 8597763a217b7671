"""Comparisons as a person writes them: constants on the right, linear ones collected.

`-x < y` becomes `x + y > 0`, `0 == n % 3` becomes `n % 3 == 0`. Meaning is kept; bits
may grow by a few.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dsl.cost import bits
from dsl.program import Const, Expression, Prim, const, prim, transform
from dsl.types import INT, is_numeric

_TURNED = {
    "less": "greater",
    "greater": "less",
    "less_equal": "greater_equal",
    "greater_equal": "less_equal",
    "equal": "equal",
    "not_equal": "not_equal",
}
_SLACK = 14.0
"""Bits that a collected comparison may cost more than the one found."""

Linear = tuple[dict[Expression, Fraction], Fraction]


def tidy(expression: Expression) -> Expression:
    """The expression with every comparison in its usual form."""
    return transform(expression, _comparison)


def _comparison(node: Expression) -> Expression | None:
    if not isinstance(node, Prim) or node.primitive.name not in _TURNED:
        return None
    left, right = node.children
    if isinstance(left, Const) and not isinstance(right, Const):
        return _comparison_or_same(prim(_TURNED[node.primitive.name], right, left))
    if node.primitive.name in ("equal", "not_equal"):
        return prim(node.primitive, right, left) if bits(right) > bits(left) + 1 else None
    return _collected(node)


def _comparison_or_same(node: Expression) -> Expression:
    return _comparison(node) or node


def _collected(node: Prim) -> Expression | None:
    """`sum of terms > constant` for two linear sides that both hold terms."""
    left, right = (linear(side) for side in node.children)
    plain = all(len(side[0]) <= 1 and set(side[0]) == {c} for side, c in _pairs(left, right, node))
    if plain or not all(is_numeric(c.type) for c in node.children):
        return None
    terms = dict(left[0])
    for atom, weight in right[0].items():
        terms[atom] = terms.get(atom, Fraction(0)) - weight
    terms = {a: w for a, w in terms.items() if w != 0}
    if not terms or len(terms) < 2:
        return None
    name, constant = node.primitive.name, right[1] - left[1]
    if next(iter(sorted(terms.items(), key=_order)))[1] < 0:
        terms, constant, name = {a: -w for a, w in terms.items()}, -constant, _TURNED[name]
    made = prim(name, _sum(terms), _literal(constant))
    return made if bits(made) <= bits(node) + _SLACK else None


def _pairs(left: Linear, right: Linear, node: Prim) -> list[tuple[Linear, Expression]]:
    return [(left, node.children[0]), (right, node.children[1])]


def _order(item: tuple[Expression, Fraction]) -> str:
    return str(item[0])


def linear(expression: Expression) -> Linear:
    """An expression as weights of atoms and a constant; what isn't linear is one atom."""
    if isinstance(expression, Const) and is_numeric(expression.type):
        return {}, Fraction(expression.value)
    if not isinstance(expression, Prim):
        return {expression: Fraction(1)}, Fraction(0)
    name, parts = expression.primitive.name, [linear(c) for c in expression.children]
    if expression.type not in (INT,) and not is_numeric(expression.type):
        return {expression: Fraction(1)}, Fraction(0)
    if name in ("add", "sub", "neg"):
        signs = [1] * len(parts) if name == "add" else ([1, -1] if name == "sub" else [-1])
        return _combined(parts, [Fraction(s) for s in signs])
    if name == "mul" and len(parts) == 2:
        for constant, other in ((parts[0], parts[1]), (parts[1], parts[0])):
            if not constant[0]:
                return _combined([other], [constant[1]])
    return {expression: Fraction(1)}, Fraction(0)


def _combined(parts: list[Linear], weights: list[Fraction]) -> Linear:
    terms: dict[Expression, Fraction] = {}
    for (atoms, _), weight in zip(parts, weights, strict=True):
        for atom, value in atoms.items():
            terms[atom] = terms.get(atom, Fraction(0)) + weight * value
    constant = sum((p[1] * w for p, w in zip(parts, weights, strict=True)), Fraction(0))
    return terms, constant


def _literal(value: Fraction) -> Const:
    return const(int(value)) if value.denominator == 1 else const(value)


def _sum(terms: dict[Expression, Fraction]) -> Expression:
    ordered = sorted(terms.items(), key=lambda item: (item[1] < 0, _order(item)))
    total = weighted_sum([(weight, atom) for atom, weight in ordered])
    assert total is not None
    return total


def weighted_sum(terms: Iterable[tuple[Fraction, Expression]]) -> Expression | None:
    """Multiples of expressions added and taken away in the order given; None where there are none.

    Terms with positive weights should come first: a negative first one is negated.
    """
    total: Expression | None = None
    for weight, atom in terms:
        size = abs(weight)
        term = atom if size == 1 else prim("mul", _literal(size), atom)
        if total is None:
            total = term if weight > 0 else prim("neg", term)
        else:
            total = prim("add" if weight > 0 else "sub", total, term)
    return total
