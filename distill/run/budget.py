"""Budgets: work is counted in steps; seconds only end it early.

One step is about a thousand multiply-adds or comparisons of array code, which an ordinary core
does in about a microsecond. Each kind of work has a fixed price in steps that follows from sizes
alone, never from a clock: a candidate of the bank 1, a lookup of the last operation 1 for every
entry and operation, a judged program by its points, a training step by its weights, a box of a
proof by the layers that bound it. So the same steps end at the same place on any machine.
Draws that test a finished program, exact rewrites and truth tables are small and not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str, float | None], None]
STEPS_A_SECOND = 600_000
"""What an ordinary core does with room to spare; `default_steps` rests on it."""


def default_steps(seconds: float) -> int:
    """As many steps as an ordinary machine ends well within so many seconds."""
    return max(int(STEPS_A_SECOND * min(seconds, 1e9)), 1)


@dataclass
class Budget:
    """Steps left and a deadline; stops fall on step boundaries.

    steps: work in all; seconds: wall-clock cap, read off `clock`; jobs: threads and processes
    that may work at once, which changes no result. `spent` counts steps; `interrupted` is set by
    Ctrl-C; `timed_out` once the clock ended something that had steps left; whole: the budget that
    this one is a share of, whose clock and Ctrl-C end it too.
    """

    steps: int = default_steps(60.0)
    seconds: float = 60.0
    jobs: int = 1
    clock: Callable[[], float] = time.perf_counter
    spent: int = 0
    interrupted: bool = False
    timed_out: bool = False
    whole: Budget | None = None
    begin: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.begin

    def late(self) -> bool:
        """Whether the clock or Ctrl-C ends all work now; asked only where work is left."""
        self.timed_out = self.timed_out or self.elapsed > self.seconds
        above = self.whole is not None and self.whole.late()
        return self.interrupted or self.timed_out or above

    @property
    def cut_short(self) -> bool:
        """Whether the clock or Ctrl-C may have ended something; what came out depends on it."""
        above = self.whole is not None and self.whole.cut_short
        return self.interrupted or self.timed_out or self.elapsed > self.seconds or above

    def share(self, steps: int) -> Budget:
        """A budget of so many steps, which are counted here as well once `counted` is called."""
        return Budget(max(steps, 1), self.seconds, self.jobs, self.clock, whole=self)

    def counted(self) -> None:
        """Count what was spent of a share as spent of the whole."""
        if self.whole is not None:
            self.whole.spent += self.spent

    def stage(self, until: float) -> Stage:
        """A stage that ends when this share of all steps is spent."""
        return Stage(self, int(until * self.steps))


@dataclass(frozen=True, eq=False)
class Stage:
    """What one stage may use: a test whether it has to stop that also counts what it does.

    Code that only stops takes any `Callable[[], bool]`; `spend` and `jobs_of` see more in a stage.
    """

    budget: Budget
    end: int

    def __call__(self) -> bool:
        """Whether the stage has to stop now."""
        return self.left == 0 or self.budget.late()

    @property
    def left(self) -> int:
        """Steps that this stage may still spend."""
        return max(self.end - self.budget.spent, 0)


Stop = Callable[[], bool]


def spend(stop: Stop | None, steps: float) -> None:
    """Count work on the stage that may stop it, if it is one."""
    if isinstance(stop, Stage):
        stop.budget.spent += max(int(steps), 1)


def steps_left(stop: Stop | None) -> int | None:
    """Steps that a stage may still spend; None for what counts none."""
    return stop.left if isinstance(stop, Stage) else None


def ended(stop: Stop | None) -> bool:
    """Whether the clock or Ctrl-C ended a stage; steps don't count here."""
    return isinstance(stop, Stage) and stop.budget.late()


def jobs_of(stop: Stop | None) -> int:
    """How many threads or processes a stage may use at once."""
    return stop.budget.jobs if isinstance(stop, Stage) else 1


def seconds_left(stop: Stop | None) -> float:
    """Seconds until the clock ends a stage; infinite for what has no clock."""
    if not isinstance(stop, Stage):
        return float("inf")
    return max(stop.budget.seconds - stop.budget.elapsed, 0.0)


def silent(stage: str, done: float | None) -> None:
    """Progress that nobody watches."""
