"""What the search for loops may see: a recurrent network as an oracle on sequences."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.recurrent import RecurrentNetwork
from distill.target import Output, parse_output
from dsl.domain import Columns
from dsl.sequences import Sequences
from dsl.types import REAL

_CLEAR = 0.25
_FIRST = 5


_EACH = re.compile(r"\s*seq\s*\((.*)\)\s*", re.DOTALL)


def parse_reading(text: str, level: float = 0.0) -> tuple[Output, bool]:
    """Read what a recurrent network's outputs mean, and whether only the last one counts.

    `seq(int)` is one per item, `int` the one after the last item. level: what truths lie above
    where the text doesn't say.

    Raises:
        BadInput: it isn't an output type.
    """
    each = _EACH.fullmatch(text)
    read = parse_output(each[1] if each else text)
    return (replace(read, level=level) if np.isnan(read.level) else read), each is None


def show_reading(output: Output, at_end: bool) -> str:
    """Undo `parse_reading`."""
    return str(output) if at_end else f"seq({output})"


@dataclass(frozen=True, eq=False)
class Oracle:
    """A recurrent network on a domain of sequences, its outputs decoded.

    length: how long the sequences are that examples are made of; at_end: only the output after
    the last item counts. tolerance: for real outputs the largest difference allowed, for discrete
    ones over real items the share of all outputs that a proposed loop may give otherwise; soft: it
    is the default one, which up to twice as much may replace.
    """

    network: RecurrentNetwork
    domain: Sequences
    output: Output
    length: int
    at_end: bool = False
    tolerance: float = 0.0
    soft: bool = False

    @property
    def real(self) -> bool:
        """Whether outputs are real numbers, compared within the tolerance."""
        return not self.output.discrete

    @property
    def over_reals(self) -> bool:
        """Whether an item has real numbers."""
        return any(f.item == REAL for f in self.domain.item.fields)

    @property
    def plain(self) -> bool:
        """Whether every item enters the cell as the number it is, below 2 ** 24."""
        item = self.domain.item
        simple = all(f.encoding.kind == "plain" and not f.shape for f in item.fields)
        return simple and all(
            f.low is None or max(abs(f.low), abs(f.high or 0)) <= 1 << 24 for f in item.fields
        )

    def counts(self, length: int) -> NDArray[np.bool_]:
        """Whether the output after item t counts, (length,): that of a whole sequence does."""
        if not self.at_end:
            return np.ones(length, dtype=np.bool_)
        done = np.arange(1, length + 1)
        return (done >= self.domain.shortest) & (done <= (self.domain.longest or length))

    def representable(self, items: NDArray[Any]) -> bool:
        """Whether items (n, width) and the first state are numbers of float32."""
        both = np.concatenate([np.ravel(items), self.network.initial])
        return bool((both == both.astype(np.float32)).all())

    def raw(self, columns: Columns) -> NDArray[np.float64]:
        """The network's numbers (n, T, k) for sequences of items."""
        return self.network.run(self.domain.encode(columns))[1]

    def read(self, raw: NDArray[np.float64]) -> NDArray[Any]:
        """Decoded outputs (n, T) or (n, T, k) of the network's numbers (n, T, k)."""
        count, length = raw.shape[:2]
        found = self.output.decode(raw.reshape(count * length, -1))
        return found.reshape(count, length, *found.shape[1:])

    def values(self, columns: Columns) -> NDArray[Any]:
        """Decoded outputs (n, T) or (n, T, k) for sequences of items."""
        return self.read(self.raw(columns))

    def distances(self, values: NDArray[Any], others: NDArray[Any]) -> NDArray[np.float64]:
        """How far decoded outputs (n, T) or (n, T, k) are apart, (n, T): 0 or 1 if discrete."""
        shape = (*values.shape[:2], -1)
        if not self.real:
            return (values != others).reshape(shape).any(2).astype(np.float64)
        with np.errstate(all="ignore"):
            gap = np.abs(values.astype(np.float64) - others).reshape(shape).max(2)
        return np.where(np.isnan(gap), np.inf, gap)

    def differ(self, values: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
        """Where decoded outputs aren't equal, or real ones not within the tolerance, (n, T)."""
        return self.distances(values, others) > (self.tolerance if self.real else 0.0)

    def margins(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances (n, T) of the network's numbers (n, T, k) to the nearest other decision."""
        count, length = raw.shape[:2]
        return self.output.margin(raw.reshape(count * length, -1)).reshape(count, length)

    def clear(self, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether a decision and all before it in its sequence are clear, (n, T).

        Clear is a margin of at least a quarter of what is usual for the first items: where a
        network drifts, its margins shrink before its decisions are others. Over reals all are:
        margins are whatever the items make them.
        """
        if self.real or self.over_reals:
            return np.ones(raw.shape[:2], dtype=np.bool_)
        margin = self.margins(raw)
        usual = float(np.median(margin[:, :_FIRST]))
        return np.logical_and.accumulate(margin > _CLEAR * usual, axis=1)
