"""What a run shows while it goes on: its stage, how long it has taken, and how much is left.

How much is left is said only as far as it is known: of a stage that tells what share of it is done
by that share, else at most what steps and seconds leave.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from distill.run.budget import Budget, Progress, silent

_EVERY = 0.5
"""Seconds between two lines in a notebook."""

_SURE = 0.02
"""Share of the steps, or of a stage, from which on its pace says anything."""


@dataclass
class Display:
    """A `Progress` that knows its run's budget and says how long it will take.

    show: is given the line to show when a stage reports; clock: seconds.
    """

    show: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    budget: Budget | None = None
    stage: str = "loading"
    done: float | None = None
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def __call__(self, stage: str, done: float | None) -> None:
        """Take a stage's report."""
        if stage != self.stage:
            self.stage, self.begun = stage, self.clock()
        self.done = done
        self.show(self.line())

    def follow(self, budget: Budget) -> None:
        """The run's budget, which bounds what is left."""
        self.budget = budget

    def line(self) -> str:
        """The stage, its share, and the time left: `searching 40 %, about 0:12 left`."""
        share = "" if self.done is None else f" {100 * self.done:.0f} %"
        left = self._left()
        return f"{self.stage}{share}" + (f", {left}" if left else "")

    def _left(self) -> str:
        here = None
        if self.done is not None and _SURE < self.done <= 1:
            here = (self.clock() - self.begun) * (1 - self.done) / self.done
        most = self._at_most()
        if here is not None and (most is None or here < most):
            return f"about {_minutes(here)} left of it"
        return "" if most is None else f"at most {_minutes(most)} left"

    def _at_most(self) -> float | None:
        """Seconds until the steps are spent at the pace so far, or the clock ends the run."""
        if self.budget is None:
            return None
        elapsed, spent = self.budget.elapsed, self.budget.spent / self.budget.steps
        left = max(self.budget.seconds - elapsed, 0.0)
        if spent > _SURE:
            left = min(left, elapsed * (1 - min(spent, 1)) / spent)
        return left


def _minutes(seconds: float) -> str:
    whole = int(min(seconds, 1e9) + 0.5)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


@contextmanager
def displayed(*, show: bool = True) -> Iterator[Display]:
    """A display on a terminal's standard error, or in a notebook's cell; elsewhere it is silent.

    On a terminal the time goes on by itself between two reports.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not show:
        yield Display()
    elif _in_notebook():
        yield Display(_notebook())
    elif console.is_terminal:
        display = Display()
        with console.status(_Line(display)):  # type: ignore[arg-type]  # any renderable
            yield display
    else:
        yield Display()


@contextmanager
def watched(progress: Progress | bool | None, budget: Budget) -> Iterator[Progress]:
    """A run's progress: what was given, told of the budget if it asks; True for a display."""
    if progress is True:
        with displayed() as shown:
            shown.follow(budget)
            yield shown
        return
    if isinstance(progress, Display):
        progress.follow(budget)
    yield progress or silent


@dataclass(frozen=True)
class _Line:
    """A display's line, made anew whenever the terminal is drawn."""

    display: Display

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text("".join(c if c.isprintable() else "?" for c in self.display.line()))


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    found = None if shell is None else shell.get_ipython()
    return found is not None and hasattr(found, "kernel")


def _notebook() -> Callable[[str], None]:
    """A line of a notebook's cell that is written over, not too often."""
    from IPython.display import display  # type: ignore[import-not-found]  # there, in a notebook

    handle, last = display({"text/plain": "..."}, raw=True, display_id=True), [0.0]

    def show(line: str) -> None:
        now = time.monotonic()
        if now - last[0] >= _EVERY:
            handle.update({"text/plain": line}, raw=True)
            last[0] = now

    return show
