"""All tasks of the suite, by name."""

from __future__ import annotations

from benchmarks import boolean, convolutional, integer, numeric, playground
from benchmarks.task import Architecture, Task

ALL: tuple[Task, ...] = (
    boolean.TASKS + numeric.TASKS + playground.TASKS + integer.TASKS + convolutional.TASKS
)
"""Every task with a known function; the real data sets are in `benchmarks.realdata`."""

BY_NAME: dict[str, Task] = {task.name: task for task in ALL}

__all__ = ["ALL", "BY_NAME", "Architecture", "Task"]
