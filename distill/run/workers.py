"""Work done side by side: blocks of fixed size on threads, so that no result depends on how many.

Array code lets other threads run while it works on large blocks; small steps of Python need
processes. What is done in each is the same for every number of jobs, and results are joined in
the order of the questions.
"""

from __future__ import annotations

import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from distill.run.budget import Stop, ended, jobs_of

Item = TypeVar("Item")
Result = TypeVar("Result")
_LOOK_AGAIN = 0.05
"""Seconds between two looks at the clock and at Ctrl-C while processes work."""


def side_by_side(
    stop: Stop | None, function: Callable[[Item], Result], items: Sequence[Item]
) -> list[Result]:
    """`function` of every item, in order, on as many threads as the stage's jobs.

    What one item raises is raised here, once the others that had begun are done.
    """
    jobs = min(jobs_of(stop), len(items))
    if jobs <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(function, items))


def blocks(count: int, size: int) -> list[slice]:
    """`count` rows in blocks of `size`; the last one is what is left."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def forked(stop: Stop | None, functions: Sequence[Callable[[], Result]]) -> list[Result | None]:
    """What functions return, each run in a forked process, as many at once as the stage's jobs.

    For small steps of Python, which threads can't do side by side. None for what the clock or
    Ctrl-C ended. Functions see everything as it was at the fork; what they change is lost.
    """
    results: list[Result | None] = [None] * len(functions)
    waiting, running = list(range(len(functions))), dict[Any, tuple[int, Any]]()
    try:
        while (waiting or running) and not ended(stop):
            while waiting and len(running) < jobs_of(stop):
                place = waiting.pop(0)
                receiver, process = _begun(functions[place])
                running[receiver] = place, process
            ready = set(wait(list(running), timeout=_LOOK_AGAIN))
            for receiver in [r for r in running if r in ready]:
                place, process = running.pop(receiver)
                results[place] = _received(receiver)
                process.join()
    finally:
        for _, process in running.values():
            process.terminate()
    return results


def may_fork() -> bool:
    """Whether this system can fork safely; the work is done one after the other where not."""
    return sys.platform.startswith("linux")


def _begun(function: Callable[[], Any]) -> tuple[Connection, Any]:
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(function, sender), daemon=True)
    with warnings.catch_warnings():  # array libraries re-open their threads after a fork
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _answer(function: Callable[[], Any], sender: Connection) -> None:
    """In the new process: Ctrl-C is the parent's business, and so are exceptions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send((function(), None))
    except Exception as error:  # whatever it was, the parent raises it
        sender.send((None, RuntimeError(f"{type(error).__name__}: {error}")))


def _received(receiver: Connection) -> Any:
    try:
        result, error = receiver.recv()
    except EOFError:
        message = "a process ended without an answer; it may have run out of memory"
        raise RuntimeError(message) from None
    if error is not None:
        raise error
    return result
