"""Mutants run in forks of one pytest session in which everything is imported and collected.

A fork puts the mutant's code into the functions that everybody already holds, and runs the tests
that reach the changed statement, those first that killed the function's mutants before, until one
fails. Which tests reach which lines is traced once, in forks as well.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import pickle
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from benchmarks.mutation.mutants import Mutant

_OURS = ("distill", "dsl", "test")
"""Modules that may have imported a mutant's constants."""
_MEMORY = 3 * 2**30
"""Bytes that a mutant may take on top of the session's."""


@dataclass
class Reach:
    """What one test does when nothing is changed: seconds, lines by file, why left out."""

    seconds: float = 0.0
    lines: dict[str, list[int]] = field(default_factory=dict)
    left_out: str = ""


@dataclass
class Settings:
    """Limits in seconds: a test that takes longer is left out; of a mutant's tests so many run."""

    slowest: float = 3.0
    most: float = 20.0


class Forks:
    """A pytest plugin whose run loop runs mutants instead of the collected tests."""

    def __init__(
        self, root: Path, files: Sequence[str], folder: Path, settings: Settings,
        run: Callable[[Forks], None],
    ) -> None:  # fmt: skip
        self.root, self.files, self.folder, self.settings = root, list(files), folder, settings
        self.run = run
        self.failed = False
        self.items: dict[str, pytest.Item] = {}
        self.reach: dict[str, Reach] = {}
        self.killers: dict[str, list[str]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notice what fails."""
        self.failed = self.failed or report.failed

    def passes(self, item: pytest.Item) -> bool:
        """Run one test with its fixtures."""
        self.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Trace what is not known yet, then hand over."""
        self.items = {item.nodeid: item for item in session.items}
        for file in self.files:
            _module(file)
        gc.collect()
        gc.freeze()
        self.run(self)
        return True

    def trace(self, tests: Sequence[str]) -> None:
        """Find out what the tests of these files reach, as far as that isn't known."""
        self.reach = {}
        store = self.folder / "reach.jsonl"
        now = {file: _hash([(self.root / file).read_bytes()]) for file in self.files}
        known = {}
        if store.exists():
            for line in store.read_text().splitlines():
                entry = json.loads(line)
                if entry["made"].items() <= now.items():
                    known[entry["key"]] = Reach(**entry["reach"])
        paths = {str(self.root / file): file for file in self.files}
        asked = {n: i for n, i in self.items.items() if i.path.name in tests}
        for number, (name, item) in enumerate(asked.items()):
            key = _hash([name.encode(), Path(str(item.path)).read_bytes()])
            if key not in known:
                found = known[key] = self._reach(item, paths)
                made = {file: now[file] for file in found.lines}
                with store.open("a") as out:
                    out.write(json.dumps({"key": key, "made": made, "reach": asdict(found)}) + "\n")
                if number % 50 == 0:
                    print(f"traced {number}/{len(asked)}", flush=True)
            self.reach[name] = known[key]
            if known[key].left_out:
                print(f"left out: {name}: {known[key].left_out}")

    def _reach(self, item: pytest.Item, paths: dict[str, str]) -> Reach:
        def once() -> Reach:
            lines: dict[str, set[int]] = defaultdict(set)
            start = time.process_time()
            if not self.passes(item):
                return Reach(left_out="fails")
            seconds = time.process_time() - start
            _limit(8 * self.settings.slowest)
            with _Traced(paths, lines):
                self.passes(item)
            return Reach(seconds, {file: sorted(found) for file, found in lines.items()})

        found = in_fork(once, self.settings.slowest)
        return found if isinstance(found, Reach) else Reach(left_out="takes too long")

    def noticing_nothing(self, file: str) -> list[str]:
        """Tests that fail once an unchanged file is put in its own place: left out from here on."""
        code = compile((self.root / file).read_text(), file, "exec")

        def passes_again(name: str) -> bool:
            install(_module(file), code)
            return self.passes(self.items[name])

        some = [n for n, r in self.reach.items() if r.lines.get(file) and not r.left_out]
        wrong = [n for n in some if not in_fork(lambda n=n: passes_again(n), 60.0)]
        for name in wrong:
            self.reach[name] = Reach(left_out="notices that nothing changed")
        return wrong

    def tests_of(self, mutant: Mutant) -> list[str]:
        """Tests that reach the changed statement, the most promising first."""
        wanted, own = set(mutant.statement), own_tests(mutant.file)
        lines = {name: reach.lines.get(mutant.file, []) for name, reach in self.reach.items()}
        reaching = [name for name, found in lines.items() if wanted.intersection(found)]
        if not reaching:  # run when the file is imported
            reaching = [name for name, found in lines.items() if found or own in name]
        killers = self.killers[mutant.file + mutant.function]
        rank = {name: i for i, name in enumerate(reversed(killers))}
        reaching.sort(key=lambda n: (rank.get(n, len(rank)), own not in n, self.reach[n].seconds))
        kept, total = [], 0.0
        for name in reaching:
            total += self.reach[name].seconds
            if kept and total > self.settings.most:
                break
            kept.append(name)
        return kept

    def judge(self, mutant: Mutant) -> tuple[str, str]:
        """`killed`, `timeout`, `survived` or `unreached`, and the test that noticed."""
        tests = self.tests_of(mutant)
        if not tests:
            return "unreached", ""

        def once() -> str:
            try:
                install(_module(mutant.file), compile(mutant.code, mutant.file, "exec"))
            except Exception:
                return "(import)"
            for name in tests:
                _limit(2.0 + 10.0 * self.reach[name].seconds)
                if not self.passes(self.items[name]):
                    return name
            return ""

        found = in_fork(once, 600.0)
        if found is None:
            return "timeout", ""
        if found in self.items:
            killers = self.killers[mutant.file + mutant.function]
            if found in killers:
                killers.remove(found)
            killers.append(found)
        return ("killed", found) if found else ("survived", "")


def own_tests(file: str) -> str:
    """The tests that are named after a file."""
    stem = Path(file).stem
    return f"test_checker_{stem}.py" if "/checker/" in file else f"test_{stem}.py"


def in_fork(function: Callable[[], Any], seconds: float) -> Any:
    """What a function returns in a fork; None where it dies or takes longer."""
    read, write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            _limit(seconds)
            with os.fdopen(write, "wb") as out:
                pickle.dump(function(), out)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    os.waitpid(pid, 0)
    return pickle.loads(data) if data else None


def _limit(seconds: float) -> None:
    """End this process after so many seconds of its own, or many more by the clock."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(int(20 * seconds) + 30)


class _Traced:
    """Collects the lines that are run in some files."""

    def __init__(self, paths: dict[str, str], lines: dict[str, set[int]]) -> None:
        self.paths, self.lines = paths, lines

    def __enter__(self) -> None:
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: object) -> Any:
        file = self.paths.get(frame.f_code.co_filename)
        if file is None:
            return None
        found = self.lines[file]
        found.add(frame.f_lineno)

        def line(inner: FrameType, event: str, arg: object) -> Any:
            found.add(inner.f_lineno)
            return line

        return line


def install(module: ModuleType, code: Any) -> None:
    """Put a changed file in a module's place, for everybody who has imported from it."""
    space = vars(module)
    before = dict(space)
    exec(code, space)
    for name, old in before.items():
        new = space.get(name)
        if new is old or name.startswith("__"):
            continue
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            _adopt(old, new)
            space[name] = old
        elif isinstance(old, type) and isinstance(new, type):
            _remake(old, new)
            space[name] = old
        elif "0x" not in repr(old) and repr(old) == repr(new):
            space[name] = old
        else:
            _hand_out(module, name, old, new)


def _remake(old: type, new: type) -> None:
    """Give a class the methods of another."""
    for key, value in list(vars(new).items()):
        own = vars(old).get(key)
        method = isinstance(value, FunctionType) and isinstance(own, FunctionType)
        if method and value.__closure__ is None and own.__closure__ is None:
            _adopt(own, value)
        elif method or isinstance(value, property | staticmethod | classmethod):
            setattr(old, key, value)


def _adopt(old: FunctionType, new: FunctionType) -> None:
    if len(old.__code__.co_freevars) == len(new.__code__.co_freevars):
        old.__code__ = new.__code__
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def _hand_out(module: ModuleType, name: str, old: object, new: object) -> None:
    for other in _our_modules():
        if other is not module and vars(other).get(name) is old:
            setattr(other, name, new)


def _our_modules() -> Iterator[ModuleType]:
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS) and isinstance(module, ModuleType):
            yield module


def _module(file: str) -> ModuleType:
    return importlib.import_module(file.removesuffix(".py").replace("/", "."))


def _hash(parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
