"""The same loop as a person would write it: simpler registers, sums in order, values named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from distill.synthesize.loops.naming import named
from distill.synthesize.loops.same import Sight, alike
from distill.synthesize.loops.spelled import choices, relations, retold, strange
from distill.synthesize.loops.states import changes, remainders, truths
from distill.synthesize.tidy import linear, tidy
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.program import (
    Const,
    Expression,
    Prim,
    const,
    free_variables,
    prim,
    size,
    substitute,
    transform,
    var,
    walk,
)
from dsl.rewrite import simplify
from dsl.types import INT, TypeMismatch, Vector

_SHARED_FROM = 4
"""Nodes from which an expression that occurs twice is worth a name, whatever its bits."""

_SHARED = 6.0
"""Bits that names for such expressions may cost."""

_STRANGE = 10.0
"""Bits that a place which a person would have put in another way weighs."""

_BOUNDED = 8.0
"""Bits that a register may cost more where it holds less."""

_MOST_SHARED = 6
_ROUNDS = 3
_PROPOSALS = 12


def usual(loop: Loop) -> Loop:
    """The loop with usual comparisons and sums, shared values, and names that say what they hold.

    Its outputs are those of the given loop; whoever relies on it checks them again.
    """
    try:
        return named(_arranged(_shared(_plain(loop))))
    except TypeMismatch:
        return named(loop)


def readable(loop: Loop, sight: Sight) -> Loop:
    """The same with registers that hold what they must, and in words that a person would choose.

    Its outputs are those of the given loop, as far as `same.alike` tells on the sight.
    """
    try:
        plain = _plain(loop)
    except TypeMismatch:
        return named(loop)
    if not alike(loop, plain, sight):
        return named(loop)
    for _ in range(_ROUNDS):
        before = plain
        for proposed, more in _REWRITES:
            plain = _better(plain, map(_plain, proposed(plain, sight)), sight, more)
        if plain == before:
            break
    final = _better(plain, changes(plain, sight), sight, 0.0)
    return named(_arranged(_shared(final)))


def _plain(loop: Loop) -> Loop:
    """Without lets and registers that nothing needs, every expression in its usual form."""
    loop = _inlined(loop)
    for _ in range(_ROUNDS):
        simpler = _each(loop, lambda e: tidy(_ordered_sums(choices(simplify(e)), loop)))
        if simpler == loop:
            break
        loop = simpler
    return _needed(loop)


def _better(loop: Loop, proposed: Iterable[Loop], sight: Sight, more: float) -> Loop:
    """The easiest loop to read of those proposed, where it is no more than `more` bits harder."""
    have = _effort(loop)
    ranked: list[tuple[float, int, Loop]] = []
    for number, made in enumerate(_well_typed(proposed)):
        effort = _effort(made)
        if made != loop and effort < have + more + 1e-9:
            ranked.append((effort, number, made))
    for _, _, made in sorted(ranked, key=lambda r: r[:2])[:_PROPOSALS]:
        if alike(loop, made, sight):
            return made
    return loop


def _well_typed(proposed: Iterable[Loop]) -> Iterator[Loop]:
    """The loops up to the first whose types don't fit."""
    try:
        yield from proposed
    except TypeMismatch:
        return


def _effort(loop: Loop) -> float:
    """Bits, and what strange places weigh."""
    shared = _shared(loop)
    return loop_bits(shared) + _STRANGE * sum(strange(v) for v in _values(shared))


def _related(loop: Loop, sight: Sight) -> Iterator[Loop]:
    """Loops with a truth as a chain of comparisons of neighbours."""
    order = [*(name for name, _ in loop.inputs), *(r.name for r in loop.registers)]
    for body in relations(loop.output, order):
        yield replace(loop, output=body)
    for place, register in enumerate(loop.registers):
        for update in relations(register.update, order):
            yield _with_update(loop, place, update)


def _retold(loop: Loop, sight: Sight) -> Iterator[Loop]:
    """Loops with one expression in other words."""
    if not any(strange(v) for v in _values(loop)):
        return
    rows = sight.rows(loop)
    for body in retold(loop.output, rows, None):
        yield replace(loop, output=body)
    for place, register in enumerate(loop.registers):
        for update in retold(register.update, rows, register.name):
            if update.type == register.type:
                yield _with_update(loop, place, update)


_REWRITES = ((remainders, _BOUNDED), (truths, _BOUNDED), (_related, 0.0), (_retold, -1e-3))
"""Proposals, each with the bits that a loop may be harder to read by."""


def _with_update(loop: Loop, place: int, update: Expression) -> Loop:
    """With another next value, and the same in the output where the old one stands there."""
    old = loop.registers[place]
    registers = [*loop.registers]
    registers[place] = replace(old, update=update)
    output = transform(loop.output, lambda n: update if n is old.update else None)
    return replace(loop, registers=tuple(registers), output=output)


def _needed(loop: Loop) -> Loop:
    """Without registers that neither the output nor what it needs reads."""
    updates = {r.name: r.update for r in loop.registers}
    needed: set[str] = set()
    waiting = list(free_variables(loop.output))
    while waiting:
        name = waiting.pop()
        if name in updates and name not in needed:
            needed.add(name)
            waiting += free_variables(updates[name])
    return replace(loop, registers=tuple(r for r in loop.registers if r.name in needed))


def _each(loop: Loop, change: Callable[[Expression], Expression]) -> Loop:
    registers = tuple(Register(r.name, r.start, change(r.update)) for r in loop.registers)
    lets = tuple((n, change(v)) for n, v in loop.lets)
    return replace(loop, registers=registers, lets=lets, output=change(loop.output))


def _inlined(loop: Loop) -> Loop:
    """Lets put in place; what occurs twice gets a name again later."""
    values: dict[str, Expression] = {}
    for name, value in loop.lets:
        values[name] = substitute(value, values)
    return replace(_each(loop, lambda e: substitute(e, values)), lets=())


def _ordered_sums(value: Expression, loop: Loop) -> Expression:
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


# --- order ---------------------------------------------------------------------------------


def _arranged(loop: Loop) -> Loop:
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
            found = sorted(terms, key=lambda c: (place(c)[0], -_multiple(c), *place(c)))
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


def _multiple(term: Expression) -> Fraction:
    """The weight of a term, 1 unless it is a multiple of something."""
    weights = linear(term)[0].values()
    return next(iter(weights)) if len(weights) == 1 else Fraction(1)


# --- shared values --------------------------------------------------------------------------


def _shared(loop: Loop) -> Loop:
    """What occurs more than once in a step is computed once, the largest first."""
    limit = loop_bits(loop) + _SHARED
    for number in range(_MOST_SHARED):
        for repeated in _repeated(loop):
            made = _with_let(loop, repeated, f"value{number}")
            bits = loop_bits(made)
            if bits <= loop_bits(loop) or (size(repeated) >= _SHARED_FROM and bits <= limit):
                loop = made
                break
        else:
            return loop
    return loop


def _repeated(loop: Loop) -> list[Expression]:
    """What occurs more than once, the largest first."""
    seen: Counter[Expression] = Counter()
    for value in _values(loop):
        for node in _occurrences(value):
            seen[node] += 1
    found = [n for n, c in seen.items() if c > 1 and size(n) >= _SHARED_FROM - 1]
    return sorted(found, key=lambda n: (-size(n), str(n)))


def _values(loop: Loop) -> Iterator[Expression]:
    yield from (v for _, v in loop.lets)
    yield loop.output
    yield from (r.update for r in loop.registers)


def _occurrences(value: Expression) -> Iterator[Expression]:
    """Every place of a value that isn't a name or literal, lambdas left alone."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Prim):
            yield node
            stack.extend(node.children)


def _with_let(loop: Loop, value: Expression, name: str) -> Loop:
    stands = var(name, value.type)

    def put(node: Expression) -> Expression | None:
        return stands if node is value else None

    registers = tuple(Register(r.name, r.start, transform(r.update, put)) for r in loop.registers)
    lets = tuple((n, transform(v, put)) for n, v in loop.lets)
    place = next((i for i, (n, v) in enumerate(loop.lets) if value in set(walk(v))), len(lets))
    lets = (*lets[:place], (name, value), *lets[place:])
    return replace(loop, registers=registers, lets=lets, output=transform(loop.output, put))
