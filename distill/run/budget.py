"""Budgets: work is counted in steps; seconds only cap it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str, float | None], None]
DEFAULT_STEPS = 60_000_000


@dataclass
class Budget:
    """Steps left and a deadline; stops fall on step boundaries.

    steps: how many candidates, boxes or training steps may be looked at in all.
    seconds: wall-clock cap. `spent` counts steps; `interrupted` is set by Ctrl-C.
    """

    steps: int = DEFAULT_STEPS
    seconds: float = 60.0
    spent: int = 0
    interrupted: bool = False
    begin: float = field(default_factory=time.perf_counter)

    def spend(self, steps: int) -> None:
        """Count work that was done."""
        self.spent += steps

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.begin

    @property
    def left(self) -> int:
        """Steps that may still be spent."""
        return max(self.steps - self.spent, 0)

    def over(self) -> bool:
        """Whether work has to stop now."""
        return self.interrupted or self.left == 0 or self.elapsed > self.seconds

    def share(self, part: float) -> Callable[[], bool]:
        """A test that turns true when `part` of all seconds have passed."""
        return lambda: self.interrupted or self.elapsed > part * self.seconds


def silent(stage: str, done: float | None) -> None:
    """Progress that nobody watches."""
