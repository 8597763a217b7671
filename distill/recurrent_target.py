"""What the search for loops may see: a recurrent network as an oracle on sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
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

    @property
    def plain(self) -> bool:
        """Whether every item enters the cell as the number it is, below 2 ** 24."""
        item = self.domain.item
        simple = all(f.encoding.kind == "plain" and not f.shape for f in item.fields)
        return simple and all(
            f.low is None or max(abs(f.low), abs(f.high or 0)) <= 1 << 24 for f in item.fields
        )

    def representable(self, items: NDArray[Any]) -> bool:
        """Whether items (n, width) and the first state are numbers of float32."""
        both = np.concatenate([np.ravel(items), self.network.initial])
        return bool((both == both.astype(np.float32)).all())

    def values(self, columns: Columns) -> NDArray[Any]:
        """Decoded outputs (n, T) or (n, T, k) for sequences of items."""
        raw = self.network.run(self.domain.encode(columns))[1]
        count, length = raw.shape[:2]
        found = self.output.decode(raw.reshape(count * length, -1))
        return found.reshape(count, length, *found.shape[1:])
