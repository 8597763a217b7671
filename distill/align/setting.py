"""What an intervention needs of network and program: one variable, its network, its inputs.

Rows are a tuple of arrays with the examples as first axis; what they hold is the setting's
business. Outputs that cannot count (those before an intervention) are zero on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from distill.align.place import Array, Site
from distill.align.variables import Values
from distill.target import Output
from dsl.domain import joined, taken
from dsl.types import Type

Rows = tuple[NDArray[Any], ...]
Outputs = NDArray[Any]


class Setting(Protocol):
    """A variable of a program beside the network in which it is looked for."""

    @property
    def type(self) -> Type:
        """The variable's type."""
        ...

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where it may live, from the input on."""
        ...

    @property
    def output(self) -> Output:
        """How the network's numbers are read."""
        ...

    @property
    def tolerance(self) -> float:
        """Largest difference of equal real outputs."""
        ...

    def draw(self, rng: np.random.Generator, count: int) -> Rows:
        """Independent rows of the domain; row i of two draws can be base and source."""
        ...

    def values(self, rows: Rows) -> Values:
        """What the variable is worth."""
        ...

    def program(self, rows: Rows) -> Outputs:
        """The program's outputs."""
        ...

    def forced(self, rows: Rows, values: Values) -> Outputs:
        """The program's outputs where the variable has other values."""
        ...

    def context(self, rows: Rows) -> Array:
        """Numbers (n, m) that tell the program's other variables in the same place, if any."""
        ...

    def activations(self, rows: Rows) -> dict[str, Array]:
        """Activations (n, d) of every site, by wire."""
        ...

    def patched(self, rows: Rows, wire: str, activations: Array) -> Outputs:
        """The network's decoded outputs where a site has other activations (n, d)."""
        ...

    def raw(self, rows: Rows, wire: str, activations: Any) -> Any:
        """The same before decoding, as a torch tensor that knows its gradient.

        Raises:
            BadInput: the network can't be differentiated.
        """
        ...

    def counted(self, rows: Rows) -> NDArray[np.bool_]:
        """Which outputs count: (n,) or, with a time axis, (n, T)."""
        ...


def agrees(setting: Setting, found: Outputs, wanted: Outputs) -> NDArray[np.bool_]:
    """Which outputs are equal, real ones within the tolerance, (n,)."""
    same = found == wanted
    if not setting.output.discrete:
        same = np.abs(found - wanted) <= setting.tolerance
    return np.logical_and.reduce(np.asarray(same).reshape(len(same), -1), axis=1)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Base and source inputs with what the program says about them.

    values: the variable's at the source; own: the program's outputs at the base; wanted: those
    with the source's value in the base; matters: whether the two differ.
    """

    base: Rows
    source: Rows
    values: Values
    own: Outputs
    wanted: Outputs
    matters: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.matters)

    def taken(self, which: NDArray[Any]) -> Pairs:
        """Some of the pairs."""
        return Pairs(
            taken(self.base, which), taken(self.source, which), self.values[which],
            self.own[which], self.wanted[which], self.matters[which],
        )  # fmt: skip

    def joined(self, other: Pairs) -> Pairs:
        """These pairs and others."""
        return Pairs(
            joined(self.base, other.base), joined(self.source, other.source),
            np.concatenate([self.values, other.values]), np.concatenate([self.own, other.own]),
            np.concatenate([self.wanted, other.wanted]),
            np.concatenate([self.matters, other.matters]),
        )  # fmt: skip


def draw_pairs(setting: Setting, rng: np.random.Generator, count: int) -> Pairs:
    """Independent pairs."""
    base, source = setting.draw(rng, count), setting.draw(rng, count)
    values, own = setting.values(source), setting.program(base)
    return _judged(setting, base, source, values, own)


def draw_shuffled(setting: Setting, rng: np.random.Generator, count: int) -> Pairs:
    """Independent pairs beside the program with the value of another source than theirs."""
    drawn = draw_pairs(setting, rng, count)
    other = setting.values(setting.draw(rng, count))
    return _judged(setting, drawn.base, drawn.source, other, drawn.own)


def mattering_pairs(
    setting: Setting, rng: np.random.Generator, count: int, begun: Pairs, rounds: int,
    draw: Callable[[Setting, np.random.Generator, int], Pairs] = draw_pairs,
) -> Pairs:  # fmt: skip
    """At most `count` pairs whose change matters: those of `begun`, then of further draws."""
    found = begun.taken(begun.matters)
    for _ in range(rounds):
        if len(found) >= count:
            break
        drawn = draw(setting, rng, len(begun))
        found = found.joined(drawn.taken(drawn.matters))
    return found.taken(np.arange(min(count, len(found))))


def _judged(setting: Setting, base: Rows, source: Rows, values: Values, own: Outputs) -> Pairs:
    wanted = setting.forced(base, values)
    return Pairs(base, source, values, own, wanted, ~agrees(setting, own, wanted))
