"""The page about mutants: what was killed in each file, and every survivor with a reason."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.machine import provenance
from benchmarks.mutation.mutants import Mutant, mutants_of
from benchmarks.mutation.store import ROOT, results
from benchmarks.report import table
from benchmarks.store import code_version

REASONS = Path(__file__).parent / "reasons.toml"
PAGE = ROOT / "benchmarks" / "results" / "mutation.md"
_UNKNOWN = "not looked at"


@dataclass(frozen=True)
class File:
    """Mutants of a file: those that count and how they fared, and how many only say something."""

    name: str
    mutants: list[Mutant]
    outcomes: dict[str, str]
    wording: int

    def count(self, *outcomes: str) -> int:
        """How many mutants came out so."""
        return sum(self.outcomes.get(m.id, "left") in outcomes for m in self.mutants)

    @property
    def survivors(self) -> list[Mutant]:
        """Mutants that no test noticed."""
        return [m for m in self.mutants if self.outcomes.get(m.id) in ("survived", "unreached")]

    @property
    def done(self) -> bool:
        """Whether every mutant was run."""
        return bool(self.mutants) and not self.count("left")

    @property
    def judged(self) -> int:
        """Mutants that were run."""
        return len(self.mutants) - self.count("left")


@dataclass(frozen=True)
class Reason:
    """Why a survivor is no gap of the tests; same: nothing that it computes differs."""

    why: str
    same: bool


def reasons(path: Path = REASONS) -> dict[str, Reason]:
    """Reasons by the mutant's id."""
    found = tomllib.loads(path.read_text())["reason"] if path.exists() else []
    return {m: Reason(entry["why"], entry["same"]) for entry in found for m in entry["mutants"]}


def file_of(name: str) -> File:
    """A file's mutants with the results so far."""
    outcomes = results(name)
    every = mutants_of(ROOT / name, ROOT) if outcomes else []
    counted = [m for m in every if not m.wording]
    return File(name, counted, outcomes, len(every) - len(counted))


def page(files: Sequence[File], why: dict[str, Reason], command: str) -> str:
    """The page as markdown; files of which mutants are left are only named."""
    done, rest = [f for f in files if f.done], [f for f in files if not f.done]
    lines = [
        "# Mutation testing of bounders, invariant prover and checker", "",
        provenance(command, code_version(), [f"mutants: mutmut {metadata.version('mutmut')}"]), "",
        _INTRODUCTION, "", _table(done, why), "", _by_room(done, why), "",
    ]  # fmt: skip
    drawn, none = [f for f in rest if f.judged], [f for f in rest if not f.judged]
    if drawn:
        lines += ["## Sampled", "", _SAMPLED, "", _samples(drawn, done), ""]
    if none:
        lines += ["Not run, so not counted: " + ", ".join(f"`{f.name}`" for f in none), ""]
    lines += ["## Survivors", ""]
    for file in done + drawn:
        lines += _survivors(file, why)
    return "\n".join(lines).rstrip() + "\n"


_INTRODUCTION = """\
Every mutant is a file with one change, made by mutmut's operators; a change of the arithmetic
behind a proof that no test notices is a gap. mutmut's own runner forks for every mutant, but runs
each test that ever calls the function; here a mutant meets the tests that reach the changed line,
those named after its file and few others, and not those that take longer than 0.7 s
(`benchmarks/mutation`). So a mutant counts as killed only if a fast test of its own file notices.
A mutant that runs ten times as long as its test is killed as well. Random tests have fixed seeds.
A run goes on where the last one stopped: a dead mutant isn't run again until its line changes, nor
is a survivor that has a reason.

`the same`: survivors that compute the same as the file (a type that numpy infers, an end of a range
where both are equal); `of different`: killed among all others. What else survives makes bounds
looser, limits effort, or is said below.

Not counted: changes of what an error or a sentence says, of names of types, and of the assertion
that lists which are zipped have one length (`wording`); annotations and functions with decorators,
which mutmut leaves out. Mutants at the top of a file (constants, tables) count."""


def _row(name: str, files: Sequence[File], why: dict[str, Reason]) -> list[str]:
    total = sum(len(f.mutants) for f in files)
    dead = sum(f.count("killed", "timeout") for f in files)
    lived = sum(f.count("survived", "unreached") for f in files)
    wording = sum(f.wording for f in files)
    same = sum(m.id in why and why[m.id].same for f in files for m in f.survivors)
    shares = (f"{100.0 * dead / max(of, 1):.1f} %" for of in (total, total - same))
    return [name, f"{total:,}", f"{dead:,}", f"{lived:,}", f"{same:,}", *shares, f"{wording:,}"]


_HEAD = ["file", "mutants", "killed", "survived", "the same", "killed", "of different", "wording"]


def _table(files: Sequence[File], why: dict[str, Reason]) -> str:
    return table(_HEAD, [_row(f"`{f.name}`", [f], why) for f in files])


_SAMPLED = """\
Of these files some mutants were run, chosen by their hashes, with tests of up to 3 s each; what
would come of all is estimated file by file, with the standard error of such an estimate. Where
nearly all survive, only tests of whole checks reach the file, and those take longer."""


def _samples(drawn: Sequence[File], done: Sequence[File]) -> str:
    """What was run of each file, and the share of all mutants that is killed, by estimate."""
    rows, killed, variance = [], 0.0, 0.0
    for file in drawn:
        total, judged = len(file.mutants), file.judged
        share = file.count("killed", "timeout") / judged
        killed += total * share
        left = (1 - judged / total) / judged
        variance += total**2 * left * max(share * (1 - share), 1 / judged)
        rows.append([f"`{file.name}`", f"{total:,}", f"{judged:,}", f"{100 * share:.1f} %"])
    every, spread = sum(len(f.mutants) for f in drawn), variance**0.5
    estimate = f"{100 * killed / every:.1f} % ± {100 * spread / every:.1f}"
    judged = sum(f.judged for f in drawn)
    rows.append(["all of these", f"{every:,}", f"{judged:,}", estimate])
    whole = every + sum(len(f.mutants) for f in done)
    sure = sum(f.count("killed", "timeout") for f in done)
    estimate = f"{100 * (killed + sure) / whole:.1f} % ± {100 * spread / whole:.1f}"
    rows.append(["with those run in full", f"{whole:,}", f"{judged + whole - every:,}", estimate])
    return table(["file", "mutants", "run", "killed"], rows)


def _by_room(files: Sequence[File], why: dict[str, Reason]) -> str:
    rooms: dict[str, list[File]] = defaultdict(list)
    for file in files:
        rooms[str(Path(file.name).parent)].append(file)
    rows = [_row(f"`{room}`", some, why) for room, some in rooms.items()]
    rows.append(_row("all", files, why))
    return table(["room", *_HEAD[1:]], rows)


def _survivors(file: File, why: dict[str, Reason]) -> list[str]:
    if not file.survivors:
        return []
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in file.survivors:
        groups[why[mutant.id].why if mutant.id in why else _UNKNOWN].append(mutant)
    lines = [f"### `{file.name}`", ""]
    for reason in sorted(groups, key=lambda r: (r == _UNKNOWN, r)):
        lines += [f"{reason[0].upper()}{reason[1:]}:", ""]
        counts = Counter((m.line, m.function, m.change) for m in groups[reason])
        for (line, function, change), _ in counts.items():
            old, _, new = change.partition(" → ")
            lines.append(f"- {line}, {function or 'top'}: `{_short(old, new)}`")
        lines.append("")
    return lines


def _short(old: str, new: str) -> str:
    """The part of a line that differs, with a little of what is around it."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    behind = 0
    while behind < min(len(old), len(new)) - start and old[-1 - behind] == new[-1 - behind]:
        behind += 1
    first, last = max(start - 24, 0), max(behind - 16, 0)
    parts = [text[first : len(text) - last if last else None] for text in (old, new)]
    dots = "..." if first else ""
    return f"{dots}{parts[0]}` → `{dots}{parts[1]}"


def write(names: Sequence[str], command: str) -> None:
    """Write the page from the results so far."""
    found = [file_of(name) for name in names]
    PAGE.write_text(page(found, reasons(), command))
