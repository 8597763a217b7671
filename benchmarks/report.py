"""Tables of the networks with a known function, as markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.targets import MEMORY_MIB, TARGETS, left_out, misses, reached

Entry = dict[str, Any]
FAMILIES = ("boolean", "numeric", "integer", "playground", "convolutional")
PROGRAM_WIDTH = 90


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A markdown table; numbers are put to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    line = "| " + " | ".join(head) + " |"
    rule = "|" + "|".join(" --- " for _ in head) + "|"
    return "\n".join([line, rule, *("| " + " | ".join(row) + " |" for row in cells)])


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def shortened(program: str, width: int = PROGRAM_WIDTH) -> str:
    """The program's body on one line, as code."""
    body = program.partition(" = ")[2] if program.count("def ") == 1 else program
    text = body if len(body) <= width else body[: width - 4].rstrip() + " ..."
    return f"`{text}`"


def summary(entries: Sequence[Entry]) -> str:
    """How far the families are from their targets."""
    rows = [_summary_row(target, entries) for target in TARGETS]
    rows = [row for row in rows if row is not None]
    peak = max((e.get("peak_mib", 0) for e in entries), default=0)
    sound = sum(e.get("python_fault") == "" for e in entries)
    rows.append(("all", "program.py runs, with the program's values",
                 f"{sound} of {len(entries)}", "100 %", _yes(sound == len(entries))))  # fmt: skip
    rows.append(("all", "memory under 4 GiB", f"{peak} MiB", "", _yes(peak < MEMORY_MIB)))
    return table(("family", "what", "networks", "asked", "reached"), rows)


def _summary_row(target: Any, entries: Sequence[Entry]) -> tuple[str, ...] | None:
    good, total = reached(target, entries)
    if not total:
        return None
    share = good / total
    return (
        target.family, target.text, f"{good} of {total} ({100 * share:.1f} %)",
        f"{100 * target.share:g} %", _yes(share >= target.share),
    )  # fmt: skip


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def family_table(family: str, entries: Sequence[Entry]) -> str:
    """A row for every network of a family."""
    mine = [e for e in entries if e["family"] == family]
    boolean = family == "boolean"
    head = ["network", "program", "computes the task", "evidence", "eps / left out", "bits",
            *(["reference"] if boolean else []), "network's bits", "s", "MiB"]  # fmt: skip
    return table(head, [_row(e, boolean) for e in mine])


def _row(entry: Entry, boolean: bool) -> list[Any]:
    if "error" in entry:
        blank = [""] * (5 if boolean else 4)
        return [entry["name"], f"failed: {entry['error']}", "no", *blank, entry["seconds"], ""]
    return [
        entry["name"], shortened(entry["program"]), computes_text(entry),
        f"{entry['verdict']} ({entry['method']})", looseness(entry), f"{entry['bits']:.0f}",
        *([f"{entry['reference_bits']:.0f}"] if boolean else []),
        f"{entry['network_bits']:.0f}", f"{entry['seconds']:.1f}", entry["peak_mib"],
    ]  # fmt: skip


def computes_text(entry: Entry) -> str:
    """Yes; or by how much it does not, beside the network."""
    if entry["computes"]:
        return "yes"
    if entry["wrong"]:
        return f"no: {100 * entry['wrong']:.3g} % differ"
    return f"no: off by {entry['program_worst']:.2g}, the network by {entry['network_worst']:.2g}"


def looseness(entry: Entry) -> str:
    """What the evidence allows: eps of reals, the share that a decision leaves out."""
    if entry["outputs"].startswith("real"):
        return f"eps {entry['eps']:.3g}" if entry["eps"] is not None else ""
    share = left_out(entry)
    return f"{100 * share:.2g} %" if share else "equal"


def missed(entries: Sequence[Entry]) -> str:
    """The networks that miss a target, with what they miss and why as far as is known."""
    rows = [
        (e["name"], "; ".join(misses(e)), shortened(e.get("program", ""), 60), route_text(e))
        for e in entries
        if misses(e)
    ]
    return table(("network", "misses", "program", "how it came"), rows) if rows else "None."


def route_text(entry: Entry) -> str:
    """The route that made the program, and the closest shorter one that did not hold."""
    if "error" in entry:
        return entry["error"]
    ended = "" if entry["found"] else "; the budget ended the search"
    return entry["route"] + ended + (f"; {entry['note']}" if entry["note"] else "")


def discarded(index: Sequence[Entry]) -> str:
    """Trainings whose network does not compute its task, and so is in no percentage."""
    failed = [e for e in index if not e["computes_task"]]
    rows = [(e["name"], e["wrong"], e.get("worst") or "", e["attempts"]) for e in failed]
    head = ("training", "share wrong", "worst error / range", "attempts")
    return table(head, rows) if rows else "None."


def feedforward(entries: Sequence[Entry], index: Sequence[Entry], made: str) -> str:
    """The whole page."""
    parts = ["# Networks with a known function", made, EXPLANATION, "## Targets", summary(entries)]
    parts += ["## Networks that miss a target", missed(entries)]
    parts += ["## Discarded trainings", discarded(index)]
    for family in FAMILIES:
        if any(e["family"] == family for e in entries):
            parts += [f"## {family.capitalize()}", family_table(family, entries)]
    return "\n\n".join(parts) + "\n"


EXPLANATION = """\
Every network was trained by `benchmarks/train`; `distill` sees the network, its domain and its
output type, nothing of the task. The denominator of every percentage is the networks that compute
their task themselves. *Computes the task*: real outputs are on 100,000 uniform points no farther
from the task than the network's are, in mean and maximum; discrete ones are equal on every input
(over reals: on 100,000 uniform points, but for those within 1e-9 of a tie). *eps* is the shown
distance of program and network; *left out* the share of the domain on which the evidence claims
nothing, since the network's decision is too close there. *Reference*: bits of the shorter of a
program written by hand and the minimal sum of products (Quine-McCluskey). Seconds count from when
the libraries are loaded; memory is the peak of the worker process, libraries included."""
