"""Two conditions on words joined: what one leaves over, another explains.

Conditions that hold wherever the table is true are candidates for an `and`: two of
them do when every false row is refused by one. `or` is the same on the opposite
table; for `xor` the rest is looked up among the conditions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.synthesize.boolean.formula import negated, parity
from distill.synthesize.boolean.measure import weigh
from distill.synthesize.boolean.table import Bits, Table
from distill.synthesize.boolean.words import Bank, core, couples, stretches, words
from dsl.program import Expression, const, prim

Atom = tuple[Expression, Bits]

_PAIRED = 150
_EXCLUSIVE = 5
_CONSTANTS = 16


def joined_conditions(source: Table) -> list[Expression]:
    """`p and q`, `p or q`, `p xor q` for conditions p, q on words and leaves."""
    if not stretches(source) or not source.on.any() or not source.off.any():
        return []
    target = source.values[source.care]
    terms, values = _distinct(_atoms(source))
    found = [prim("and_", p, q) for p, q in _covering(terms, values, target)]
    opposite = [negated(t) for t in terms], ~values
    found += [prim("or_", negated(p), negated(q)) for p, q in _covering(*opposite, ~target)]
    return found + _exclusive(terms, values, target)


def _atoms(source: Table) -> Iterator[Atom]:
    columns = source.columns[source.care]
    for place, leaf in enumerate(source.leaves):
        yield leaf, columns[:, place]
    for word in words(source, wide=False):
        yield prim("all", word.term), np.all(word.values, axis=1)
        yield prim("any", word.term), np.any(word.values, axis=1)
    for one, other in couples(source):
        yield prim("same", one.term, other.term), (one.values == other.values).all(1)
    found = core(source)
    yield from _compared(found)
    yield from _with_constants(found)


def _compared(found: Bank) -> Iterator[Atom]:
    for one in range(len(found.terms)):
        for two in range(one + 1, len(found.terms)):
            left, right = found.terms[one], found.terms[two]
            a, b = found.values[one], found.values[two]
            yield prim("less", left, right), a < b
            yield prim("less_equal", left, right), a <= b
            yield prim("equal", left, right), a == b


def _with_constants(found: Bank) -> Iterator[Atom]:
    for term, values in zip(found.terms, found.values, strict=True):
        numbers = np.unique(values)
        for number in numbers[:_CONSTANTS].tolist():
            yield prim("greater", term, const(number)), values > number
            yield prim("equal", term, const(number)), values == number
        for modulus in range(2, min(len(numbers), 6)):
            rest = prim("mod", term, const(modulus))
            for number in range(modulus):
                yield prim("equal", rest, const(number)), values % modulus == number


def _distinct(atoms: Iterator[Atom]) -> tuple[list[Expression], Bits]:
    """Atoms and their negations, one per behaviour, the lightest; constants left out."""
    best: dict[bytes, Atom] = {}
    for term, values in atoms:
        if values.all() or not values.any():
            continue
        for one in ((term, values), (negated(term), ~values)):
            key = one[1].tobytes()
            if key not in best or weigh(one[0]) < weigh(best[key][0]):
                best[key] = one
    return [t for t, _ in best.values()], np.stack([v for _, v in best.values()])


def _covering(
    terms: list[Expression], values: Bits, target: Bits
) -> Iterator[tuple[Expression, Expression]]:
    """Pairs that are both true on all true rows, and one of them false on every false row."""
    implied = np.flatnonzero(values[:, target].all(1))
    left = values[implied][:, ~target].astype(np.float32)
    worth = [float(row.sum()) * weigh(terms[i]) for i, row in zip(implied, left, strict=True)]
    kept = np.argsort(worth, kind="stable")[:_PAIRED]
    both = left[kept] @ left[kept].T
    for one, two in np.argwhere(np.triu(both == 0, 1)).tolist():
        yield terms[implied[kept[one]]], terms[implied[kept[two]]]


def _exclusive(terms: list[Expression], values: Bits, target: Bits) -> list[Expression]:
    known = {row.tobytes(): index for index, row in enumerate(values)}
    found: list[tuple[float, int, int]] = []
    for index, row in enumerate(values ^ target):
        other = known.get(row.tobytes())
        if other is not None and index < other:
            found.append((weigh(terms[index]) + weigh(terms[other]), index, other))
    return [parity([terms[i], terms[j]]) for _, i, j in sorted(found)[:_EXCLUSIVE]]
