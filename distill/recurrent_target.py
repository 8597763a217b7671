"""What the search for loops may see: a recurrent network as an oracle on sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from distill.recurrent import Recurrent
from distill.target import Output
from dsl.domain import Columns
from dsl.sequences import Sequences


@dataclass(frozen=True, eq=False)
class Oracle:
    """A recurrent network on a domain of sequences, its outputs decoded.

    length: how long the sequences are that the network was made for.
    """

    network: Recurrent
    domain: Sequences
    output: Output
    length: int

    def values(self, columns: Columns) -> NDArray[Any]:
        """Decoded outputs (n, T) or (n, T, k) for sequences of items."""
        raw = self.network.run(self.domain.encode(columns))[1]
        count, length = raw.shape[:2]
        found = self.output.decode(raw.reshape(count * length, -1))
        return found.reshape(count, length, *found.shape[1:])
