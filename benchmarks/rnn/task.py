"""What a sequence task is: its items, what it computes, how its sequences are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.rnn.tasks import Ints, Truth

Sampler = Callable[[np.random.Generator, int, int], Ints]


@dataclass(frozen=True)
class Task:
    """A causal function of sequences of whole numbers.

    fields: lowest and highest value of each number of an item; truth: items (n, T, fields) to
    outputs (n, T, k); outputs: "int", "bool" or "real"; sampler: (generator, n, T) to items where
    uniform ones would hardly ever show a case; tolerance: an output is right when it is nearer to
    the truth than this, one half being what rounding asks.
    """

    name: str
    definition: str
    fields: tuple[tuple[int, int], ...]
    truth: Truth
    outputs: str = "int"
    length: int = 10
    sampler: Sampler | None = None
    tolerance: float = 0.5

    @property
    def inputs(self) -> str:
        """The domain as a user would write it."""
        items = ["bool" if f == (0, 1) else f"int({f[0]},{f[1]})" for f in self.fields]
        if len(items) == 1:
            return f"seq(x: {items[0]})"
        return f"seq({' * '.join(f'x{i}: {item}' for i, item in enumerate(items))})"

    def draw(self, rng: np.random.Generator, count: int, length: int) -> Ints:
        """Items (count, length, fields)."""
        if self.sampler:
            return self.sampler(rng, count, length)
        low, high = np.array(self.fields).T
        return rng.integers(low, high + 1, (count, length, len(self.fields)), dtype=np.int64)
