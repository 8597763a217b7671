"""Truth tables: what is to be expressed, over which leaves, on which rows.

Row number r of a table over n leaves gives leaf i the bit n - 1 - i of r, so the
first leaf is the most significant bit and `values.reshape((2,) * n)[b0, b1, ...]`
is the value at those leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from dsl.meanings.array import node_values, run_expression
from dsl.program import Const, Expression, Prim, Var, var, with_children
from dsl.types import BOOL

Bits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Table:
    """A Boolean function of `leaves`, wanted on the rows where `care` holds.

    leaves: n Boolean expressions, all different.
    values, care: (2^n,) Booleans.
    groups: Boolean vectors all of whose items are leaves; others are found by themselves.

    Raises:
        BadInput: the shapes don't fit, a leaf isn't Boolean or stands twice, or a group's item
            isn't a leaf.
    """

    leaves: tuple[Expression, ...]
    values: Bits
    care: Bits
    groups: tuple[Expression, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.leaves)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for tables that want the same of the same leaves."""
        return (self.leaves, (self.values & self.care).tobytes(), self.care.tobytes())

    @property
    def columns(self) -> Bits:
        """Values of the leaves, (2^n, n)."""
        return assignments(self.size)

    @property
    def on(self) -> Bits:
        """Rows that must be true."""
        return self.values & self.care

    @property
    def off(self) -> Bits:
        """Rows that must be false."""
        return ~self.values & self.care

    def cube(self, array: Bits) -> Bits:
        """One of the arrays with an axis per leaf."""
        return array.reshape((2,) * self.size)


def _check(table: Table) -> None:
    rows = (1 << len(table.leaves),)
    if table.values.shape != rows or table.care.shape != rows:
        raise BadInput(
            f"a table over {len(table.leaves)} leaves has {rows[0]} values and as many care flags; "
            f"got {table.values.shape} and {table.care.shape}"
        )
    if any(leaf.type != BOOL for leaf in table.leaves):
        raise BadInput("the leaves of a truth table must be Boolean expressions")
    if len(set(table.leaves)) != len(table.leaves):
        raise BadInput("the leaves of a truth table must all be different")
    known = {owner for leaf in table.leaves if (owner := owner_of(leaf)) is not None}
    for group in table.groups:
        found = sum(parent is group for parent, _ in known)
        if found != getattr(group.type, "shape", (-1,))[0]:
            raise BadInput(f"every item of the group {group} must be a leaf; {found} are")


@lru_cache(maxsize=16)
def assignments(count: int) -> Bits:
    """All rows of a table over `count` leaves, (2^count, count)."""
    numbers = np.arange(1 << count)[:, None]
    found = (numbers >> np.arange(count - 1, -1, -1)) & 1 == 1
    found.flags.writeable = False
    return found


def owner_of(leaf: Expression) -> tuple[Expression, int] | None:
    """The vector and the place that a leaf is an item of, or None."""
    if not isinstance(leaf, Prim) or leaf.primitive.name != "item":
        return None
    vector, index = leaf.children
    if not isinstance(index, Const) or isinstance(vector, Const):
        return None
    return vector, int(index.value)


def table(leaves: tuple[Expression, ...], values: Bits, care: Bits | None = None) -> Table:
    """A table without groups; without `care` every row matters."""
    wanted = np.asarray(values, dtype=bool)
    return Table(leaves, wanted, np.ones_like(wanted) if care is None else care)


def restricted(source: Table, care: Bits, values: Bits | None = None) -> Table:
    """The same leaves with other rows that matter."""
    return Table(source.leaves, source.values if values is None else values, care, source.groups)


def cofactor(source: Table, leaf: int, value: bool) -> Table:
    """The table over the other leaves where one is fixed."""
    kept = source.leaves[:leaf] + source.leaves[leaf + 1 :]
    values = source.cube(source.values).take(int(value), axis=leaf).ravel()
    care = source.cube(source.care).take(int(value), axis=leaf).ravel()
    return Table(kept, values, care)


def evaluate(expression: Expression, source: Table, rows: Bits) -> Bits:
    """Values of an expression over the leaves on the rows chosen by a mask, by its meaning."""
    named, plain = _named(source, source.columns[rows])
    found = run_expression(_renamed(expression, plain, {}), named)
    return np.broadcast_to(found, (int(rows.sum()), *found.shape[1:]))


def defined(expression: Expression, source: Table) -> bool:
    """Whether every item that an expression without `let` asks for exists, on all rows.

    Rows that don't matter count too: there the value is free, but there must be one.
    """
    named, plain = _named(source, source.columns)
    try:
        values = node_values(_renamed(expression, plain, {}), named)
    except IndexError:
        return False
    return all(_in_range(node, values) for node in values)


def _in_range(node: Expression, values: Mapping[Expression, Any]) -> bool:
    if not isinstance(node, Prim) or node.primitive.name != "item":
        return True
    return bool((values[node.children[1]] >= 0).all())


def _named(source: Table, columns: Bits) -> tuple[dict[str, Any], dict[Expression, Expression]]:
    """Arrays by name, and the names that stand for leaves which aren't items of a parameter."""
    named: dict[str, Any] = {}
    plain: dict[Expression, Expression] = {}
    for place, leaf in enumerate(source.leaves):
        _place(leaf, place, columns, named, plain)
    return named, plain


def _place(
    leaf: Expression,
    place: int,
    columns: Bits,
    named: dict[str, Any],
    plain: dict[Expression, Expression],
) -> None:
    root, path = _root(leaf)
    if not path or not isinstance(root, Var):
        plain[leaf] = var(f"leaf__{place}", BOOL)
        named[f"leaf__{place}"] = columns[:, place]
        return
    shape = getattr(root.type, "shape", (0,))
    held = named.setdefault(root.name, np.zeros((len(columns), *shape), dtype=bool))
    held[:, *path] = columns[:, place]


def _root(leaf: Expression) -> tuple[Expression, tuple[int, ...]]:
    """What a leaf is an item of an item of ... of, and the places on the way."""
    owner = owner_of(leaf)
    if owner is None:
        return leaf, ()
    root, path = _root(owner[0])
    return root, (*path, owner[1])


def _renamed(
    node: Expression, names: Mapping[Expression, Expression], done: dict[Expression, Expression]
) -> Expression:
    """Leaves replaced by names, outermost first: a leaf may hold another leaf."""
    if node in names:
        return names[node]
    if node not in done:
        children = tuple(_renamed(c, names, done) for c in node.children)
        done[node] = with_children(node, children) if children else node
    return done[node]


def agrees(expression: Expression, source: Table) -> bool:
    """Whether an expression has the wanted value on every row that matters."""
    if expression.type != BOOL:
        return False
    if not source.care.any():
        return True
    found = evaluate(expression, source, source.care)
    return bool((found == source.values[source.care]).all())
