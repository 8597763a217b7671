"""Trainings that don't depend on each other, one after the other or side by side.

How far each may go is known before it begins, because every training step has a fixed price:
so the results are the same however many go on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from distill.run.budget import Stop, ended, jobs_of, spend, steps_left
from distill.run.workers import forked, may_fork

Made = TypeVar("Made")
Tick = Callable[[], None]


class Stopped(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class Training(Generic[Made]):
    """`make(tick)` yields results and calls `tick` at each of `total` steps of a fixed `price`."""

    price: int
    total: int
    make: Callable[[Tick], Iterator[Made]]


def results(
    trainings: Sequence[Training[Made]], stop: Stop | None, tick: Callable[[int], None]
) -> Iterator[Iterator[Made]]:
    """What each training yields, to be read in order.

    `tick(price)` is told of every step where one goes on at a time, and spends its price.
    Raises: Stopped, while a training is read that had to end early.
    """
    if jobs_of(stop) == 1 or len(trainings) == 1 or not may_fork():
        yield from (t.make(partial(tick, t.price)) for t in trainings)
        return
    left = steps_left(stop) or 0
    shares = []
    for training in trainings:
        shares.append(partial(_as_far, training, max(-(-left // training.price), 1)))
        left = max(left - training.total * training.price, 0)
    for training, found in zip(trainings, forked(stop, shares), strict=True):
        yield _replayed(training, found, stop)


def _as_far(training: Training[Made], steps: int) -> tuple[list[Made], int, bool]:
    """What comes of at most so many steps, how many were taken, and whether that was all."""
    taken, found = 0, []

    def tick() -> None:
        nonlocal taken
        taken += 1
        if taken >= steps:
            raise Stopped

    try:
        for one in training.make(tick):
            found.append(one)
    except Stopped:
        return found, taken, False
    return found, taken, True


def _replayed(
    training: Training[Made], found: tuple[list[Made], int, bool] | None, stop: Stop | None
) -> Iterator[Made]:
    if found is None or ended(stop):
        raise Stopped
    made, taken, complete = found
    spend(stop, taken * training.price)
    yield from made
    if not complete:
        raise Stopped
