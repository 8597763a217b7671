"""The same loop as a person would write it: simpler registers, sums in order, values named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from distill.synthesize.loops.naming import named
from distill.synthesize.loops.order import arranged, ordered_sums
from distill.synthesize.loops.same import Sight, alike
from distill.synthesize.loops.spelled import choices, relations, retold, strange
from distill.synthesize.loops.states import changes, remainders, truths
from distill.synthesize.tidy import tidy
from dsl.cost import loop_bits
from dsl.loop import Loop, Register
from dsl.program import (
    Expression,
    Prim,
    free_variables,
    prim,
    size,
    substitute,
    transform,
    var,
    walk,
)
from dsl.rewrite import simplify
from dsl.types import BOOL, TypeMismatch

_SHARED_FROM = 4
"""Nodes from which an expression that occurs twice is worth a name, whatever its bits."""

_SHARED = 6.0
"""Bits that names for such expressions may cost."""

_STRANGE = 10.0
"""Bits that a place which a person would have put in another way weighs."""

_BOUNDED = 8.0
"""Bits that a register may cost more where it holds less."""

_COUNTED = 2.0
"""Bits that a truth which is counted with weighs."""

_PLAINER = 4.0
"""Bits that a number has to save by being a truth."""

_MOST_SHARED = 6
_ROUNDS = 3
_PROPOSALS = 12


def usual(loop: Loop) -> Loop:
    """The loop with usual comparisons and sums, shared values, and names that say what they hold.

    Its outputs are those of the given loop; whoever relies on it checks them again.
    """
    try:
        return named(arranged(_shared(_plain(loop))))
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
    return named(arranged(_shared(final)))


def _plain(loop: Loop) -> Loop:
    """Without lets and registers that nothing needs, every expression in its usual form."""
    loop = _inlined(loop)
    for _ in range(_ROUNDS):
        simpler = _each(loop, partial(_in_usual_form, loop))
        if simpler == loop:
            break
        loop = simpler
    return _needed(loop)


def _in_usual_form(loop: Loop, value: Expression) -> Expression:
    return ordered_sums(tidy(ordered_sums(choices(simplify(value)), loop)), loop)


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


def ease(loop: Loop) -> float:
    """Bits, and a little for every register that is a truth and counted with: lower is easier."""
    counted = {prim("as_int", var(r.name, BOOL)) for r in loop.registers if r.type == BOOL}
    return loop_bits(loop) + _COUNTED * sum(n in counted for v in _values(loop) for n in walk(v))


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


_REWRITES = ((remainders, _BOUNDED), (truths, -_PLAINER), (_related, 0.0), (_retold, -1e-3))
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
