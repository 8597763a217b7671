"""The order of what may stand in any order: sums, and what a register is stepped by."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from distill.synthesize.tidy import linear
from dsl.loop import Loop
from dsl.program import Expression, Prim, const, free_variables, prim, transform
from dsl.types import INT, Vector


def ordered_sums(value: Expression, loop: Loop) -> Expression:
    """Sums of whole numbers with their terms in one order: fields, then registers."""
    order = {name: i for i, (name, _) in enumerate(loop.inputs)}
    order |= {r.name: len(order) + i for i, r in enumerate(loop.registers)}

    def rebuilt(node: Expression) -> Expression | None:
        if not isinstance(node, Prim) or node.type != INT:
            return None
        if node.primitive.name not in ("add", "sub", "neg", "sum"):
            return None
        terms, constant = linear(_spelled(node))
        if any(w.denominator != 1 for w in terms.values()) or constant.denominator != 1:
            return None
        ranked = sorted(terms.items(), key=lambda t: (t[1] < 0, _rank(t[0], order)))
        return _sum([(int(w), e) for e, w in ranked if w], int(constant))

    return transform(value, rebuilt)


def _spelled(node: Prim) -> Expression:
    """`sum([a, b])` as `a + b`."""
    inner = node.children[0]
    if node.primitive.name != "sum" or not isinstance(inner, Prim):
        return node
    if inner.primitive.name != "vector" or inner.type != Vector(INT, (len(inner.children),)):
        return node
    total = inner.children[0]
    for child in inner.children[1:]:
        total = prim("add", total, child)
    return total


def _rank(value: Expression, order: dict[str, int]) -> tuple[int, str]:
    places = [order.get(name, len(order)) for name in free_variables(value)]
    return min(places, default=len(order)), str(value)


def _sum(terms: list[tuple[int, Expression]], constant: int) -> Expression:
    scaled = [(w, e if abs(w) == 1 else prim("mul", const(abs(w)), e)) for w, e in terms]
    if constant:
        scaled.append((constant, const(abs(constant))))
    added = [e for w, e in scaled if w > 0]
    taken = [e for w, e in scaled if w < 0]
    if not added:
        added = [prim("neg", taken.pop(0))] if taken else [const(0)]
    total = added[0] if len(added) == 1 else prim("add", *added)
    for value in taken:
        total = prim("sub", total, value)
    return total


def arranged(loop: Loop) -> Loop:
    """What becomes a register's value with that register first, the literals last."""
    lets = dict(loop.lets)
    becomes = {str(r.update): r.name for r in loop.registers}
    order = {name: i for i, (name, _) in enumerate(loop.inputs)}
    order |= {r.name: len(order) + i for i, r in enumerate(loop.registers)}
    arranged = tuple((n, _own_first(v, becomes.get(n), order)) for n, v in lets.items())
    registers = tuple(
        replace(r, update=_own_first(r.update, r.name, order)) for r in loop.registers
    )
    output = _own_first(loop.output, None, order)
    return replace(loop, registers=registers, lets=arranged, output=output)


def _own_first(value: Expression, own: str | None, order: dict[str, int]) -> Expression:
    """Arguments whose order doesn't matter: the register's own value, fields, the others."""

    def place(node: Expression) -> tuple[bool, bool, int]:
        names = free_variables(node)
        return not names, own not in names, min((order.get(n, 99) for n in names), default=99)

    def rebuilt(node: Expression) -> Expression | None:
        if not isinstance(node, Prim) or "commutative" not in node.primitive.laws:
            return None
        if node.primitive.name == "add":
            terms = _flat(node)
            found = sorted(
                terms, key=lambda c: (place(c)[0], -_multiple(c), _is_truth(c), *place(c))
            )
        elif node.primitive.name == "mul":
            found = sorted(node.children, key=lambda c: (not place(c)[0], *place(c)))
        else:
            found = sorted(node.children, key=place)
        return None if tuple(found) == node.children else prim(node.primitive, *found)

    return transform(value, rebuilt)


def _flat(node: Expression) -> list[Expression]:
    """The terms of a sum, sums among them taken apart."""
    if not isinstance(node, Prim) or node.primitive.name != "add":
        return [node]
    return [term for child in node.children for term in _flat(child)]


def _is_truth(term: Expression) -> bool:
    return isinstance(term, Prim) and term.primitive.name == "as_int"


def _multiple(term: Expression) -> Fraction:
    """The weight of a term, 1 unless it is a multiple of something."""
    weights = linear(term)[0].values()
    return next(iter(weights)) if len(weights) == 1 else Fraction(1)
