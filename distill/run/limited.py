"""A function run in a process of its own, with limits on its seconds and memory.

For solvers, which may run on, take all memory or crash: whatever ends the process is a `Failure`
and the run goes on. The process is a fresh interpreter that imports nothing of the caller's
script; function, arguments and result travel over a socket, nothing is read from disk.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

from distill.run.budget import Stop, ended

_CODE = "import sys; from distill.run.limited import serve; serve(int(sys.argv[1]))"
_LOOK_AGAIN = 0.05
"""Seconds between two looks at the clock and at Ctrl-C."""

_WALL = 5.0
_START = 60.0
"""On a busy machine processor seconds may take so many times longer, and the start so long."""


@dataclass(frozen=True)
class Limits:
    """seconds: of the processor, from when the function is called; mebibytes: of address space."""

    seconds: float = 60.0
    mebibytes: int = 4096


@dataclass(frozen=True)
class Failure:
    """Why there is no result: `time` or `memory` ran out, a `crash` or exception, or `stopped`."""

    reason: Literal["time", "memory", "crash", "stopped"]
    text: str


def run_limited(
    function: Callable[..., Any],
    *arguments: Any,
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Any:
    """What a function of a module returns for the arguments, or a Failure.

    `stop`: the stage whose clock or Ctrl-C also ends it. Where a system has no such limits the
    function is run here.
    """
    limits = limits or Limits()
    if os.name != "posix":
        return _answer(function, arguments)
    ours, theirs = socket.socketpair()
    with Connection(ours.detach()) as connection, theirs:
        process = _started(theirs)
        theirs.close()
        try:
            connection.send((function, arguments, limits))
            return _received(connection, process, limits, stop)
        except (OSError, EOFError):
            return _death(process)
        except Exception as error:  # what can't be sent
            return Failure("crash", f"{type(error).__name__}: {error}")
        finally:
            process.kill()
            process.wait()


def _started(theirs: socket.socket) -> subprocess.Popen[bytes]:
    places = [os.path.abspath(place) for place in sys.path]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _CODE, str(theirs.fileno())],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "OPENBLAS_NUM_THREADS": "1"},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _received(
    connection: Connection, process: subprocess.Popen[bytes], limits: Limits, stop: Stop | None
) -> Any:
    late = time.monotonic() + _START + _WALL * limits.seconds
    while not connection.poll(_LOOK_AGAIN):
        if ended(stop):
            return Failure("stopped", "the run was ended")
        if time.monotonic() > late:
            return Failure("time", f"no answer within {limits.seconds:g} s of the processor")
    return connection.recv()


def _death(process: subprocess.Popen[bytes]) -> Failure:
    """Why a process ended without an answer."""
    code = process.wait()
    if code == -signal.SIGPROF:
        return Failure("time", "the time limit was reached")
    if code == -signal.SIGKILL:
        return Failure("memory", "the system killed it, likely for want of memory")
    return Failure("crash", f"it ended with exit code {code}")


def serve(file: int) -> None:
    """In the new process: one call, its answer, no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(file) as connection:
        function, arguments, limits = connection.recv()
        _limit(limits)
        connection.send(_answer(function, arguments))


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*arguments)
    except MemoryError:
        return Failure("memory", "the memory limit was reached")
    except Exception as error:  # a fault in there is no fault of the run
        return Failure("crash", f"{type(error).__name__}: {error}")


def _limit(limits: Limits) -> None:
    import resource

    size = limits.mebibytes << 20
    with suppress(ValueError, OSError):  # a smaller limit is in force, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, limits.seconds)
