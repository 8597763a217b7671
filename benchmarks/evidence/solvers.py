"""Solvers asked in a fork of the campaign's own process.

A fresh interpreter for every question, as `distill.run.limited` starts one, would take more time
than the answers of these small squares do. What is asked and what is made of an answer is the same.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import scipy.optimize  # noqa: F401 (loaded once, not in every fork)
import z3  # noqa: F401

from distill.run.budget import Stop
from distill.run.limited import Failure, Limits
from distill.verify import milp, phases_claim, smt

_WALL = 5.0


@contextmanager
def in_forks() -> Iterator[None]:
    """z3 and HiGHS run in forks of this process for so long."""
    rooms = smt, milp, phases_claim
    known = [room.run_limited for room in rooms]
    for room in rooms:
        room.run_limited = forked
    try:
        yield
    finally:
        for room, own in zip(rooms, known, strict=True):
            room.run_limited = own


def forked(
    function: Callable[..., Any],
    *arguments: Any,
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Any:
    """What `run_limited` gives: the function's result, or a Failure."""
    seconds = (limits or Limits()).seconds
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, seconds, function, arguments))
    process.start()
    theirs.close()
    try:
        if not ours.poll(_WALL * seconds):
            return Failure("time", f"no answer within {seconds:g} s")
        return ours.recv()
    except (EOFError, OSError):
        process.join(_WALL)
        return Failure("crash", f"it ended with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()


def _serve(
    connection: Connection, seconds: float, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        found = function(*arguments)
    except Exception as error:  # a solver's fault is an answer like any other
        found = Failure("crash", f"{type(error).__name__}: {error}")
    connection.send(found)
