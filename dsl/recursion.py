"""Recursion on an explicit stack, for what people and networks may nest more deeply than Python.

A recursive function becomes a generator that yields the calls it makes on itself:
`value = yield step(child)`. `unrolled` runs it, so that depth costs memory instead of frames.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")
Steps = Generator[Any, Any, T]


def unrolled(steps: Steps[T]) -> T:
    """What the generator returns; each generator that it yields is run, its value sent back."""
    stack: list[Steps[Any]] = [steps]
    value: Any = None
    while stack:
        try:
            stack.append(stack[-1].send(value))
            value = None
        except StopIteration as end:
            stack.pop()
            value = end.value
    return value
