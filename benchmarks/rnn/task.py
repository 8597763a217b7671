"""What a sequence task is: its items, what it computes, how its sequences are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.rnn.tasks import Ints, Truth

Sampler = Callable[[np.random.Generator, int, int], Ints]
Fields = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Task:
    """A causal function of sequences of whole numbers, or of real ones.

    fields: lowest and highest value of each number of an item; truth: items (n, T, fields) to
    outputs (n, T, k); outputs: "int", "bool" or "real"; sampler: (generator, n, T) to items where
    uniform ones would hardly ever show a case; tolerance: an output is right when it is nearer to
    the truth than this, one half being what rounding asks; real: items are real numbers.
    """

    name: str
    definition: str
    fields: Fields
    truth: Truth
    outputs: str = "int"
    length: int = 10
    sampler: Sampler | None = None
    tolerance: float = 0.5
    real: bool = False

    @property
    def inputs(self) -> str:
        """The domain as a user would write it."""
        items = [self._item(*f) for f in self.fields]
        if len(items) == 1:
            return f"seq(x: {items[0]})"
        return f"seq({' * '.join(f'x{i}: {item}' for i, item in enumerate(items))})"

    def _item(self, low: int, high: int) -> str:
        if self.real:
            return f"real({low},{high})"
        return "bool" if (low, high) == (0, 1) else f"int({low},{high})"

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Any:
        """Items (count, length, fields)."""
        if self.sampler:
            return self.sampler(rng, count, length)
        low, high = np.array(self.fields).T
        if self.real:
            return rng.uniform(low, high, (count, length, len(self.fields)))
        return rng.integers(low, high + 1, (count, length, len(self.fields)), dtype=np.int64)
