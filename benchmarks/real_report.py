"""Tables of the real data sets, as markdown: held-out accuracy, sizes, lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report import table
from benchmarks.targets import left_out

Entry = dict[str, Any]
LARGEST_LOSS, LARGEST_SHARE, LARGEST_BASELINE = 0.005, 0.15, 0.5
LARGEST_P = 0.05
LINES = {"iris": 40, "wine": 40}


def mcnemar(lost: int, gained: int) -> float:
    """Exact two-sided p of McNemar's test on the examples that only one of two gets right."""
    from scipy.stats import binomtest

    return float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0


def groups(entries: Sequence[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """Results by data set and activation."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if "error" not in entry:
            found.setdefault((entry["task"], entry["activation"]), []).append(entry)
    return found


def pooled(splits: Sequence[Entry]) -> Entry:
    """Sums over splits, and means of what is a share."""
    total = {k: sum(e[k] for e in splits) for k in
             ("held_out", "network_right", "program_right", "lost", "gained", "agree")}  # fmt: skip
    baselines = [e["bits"] / e["baseline_bits"] for e in splits if e["baseline_bits"]]
    return total | {
        "p": mcnemar(total["lost"], total["gained"]),
        "net": (total["gained"] - total["lost"]) / total["held_out"],
        "share": float(np.mean([e["bits"] / e["network_bits"] for e in splits])),
        "of_baseline": float(np.mean(baselines)) if len(baselines) == len(splits) else None,
        "sound": all(e["python_fault"] == "" for e in splits),
        "lines": max(e["lines"] for e in splits),
        "seconds": float(np.mean([e["seconds"] for e in splits])),
        "peak_mib": max(e["peak_mib"] for e in splits),
    }


def misses(name: str, row: Entry) -> list[str]:
    """Which targets a data set misses."""
    checks = (
        ("accuracy", row["net"] >= -LARGEST_LOSS and (row["p"] > LARGEST_P or row["net"] > 0)),
        ("bits of the network", row["share"] <= LARGEST_SHARE),
        ("bits of the baseline", row["of_baseline"] is None
         or row["of_baseline"] <= LARGEST_BASELINE),
        ("program.py", row["sound"]),
        ("lines", row["lines"] <= LINES.get(name, row["lines"])),
    )  # fmt: skip
    return [text for text, holds in checks if not holds]


def summary(entries: Sequence[Entry]) -> str:
    """A row for each data set and activation."""
    head = ("data", "network", "splits", "network right", "program right", "net", "McNemar p",
            "agree", "bits of network", "bits of baseline", "lines (most)", "s", "MiB",
            "misses")  # fmt: skip
    rows = []
    for (name, activation), splits in groups(entries).items():
        row = pooled(splits)
        rows.append((
            name, f"2 x 50 {activation}", len(splits), _share(row, "network_right"),
            _share(row, "program_right"), f"{100 * row['net']:+.2f} %", f"{row['p']:.2g}",
            _share(row, "agree"), f"{100 * row['share']:.1f} %", _percent(row["of_baseline"]),
            row["lines"], f"{row['seconds']:.1f}", row["peak_mib"],
            ", ".join(misses(name, row)) or "none",
        ))  # fmt: skip
    return table(head, rows)


def _share(row: Entry, key: str) -> str:
    return f"{100 * row[key] / row['held_out']:.2f} %"


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.0f} %"


def splits_table(entries: Sequence[Entry]) -> str:
    """A row for each network."""
    head = ("network", "network right", "program right", "lost", "gained", "evidence", "left out",
            "bits", "of network", "lines", "route", "s")  # fmt: skip
    return table(head, [_row(e) for e in entries])


def _row(entry: Entry) -> tuple[Any, ...]:
    if "error" in entry:
        return (entry["name"], f"failed: {entry['error']}", *[""] * 9, entry["seconds"])
    of_held_out = [f"{entry[k]}/{entry['held_out']}" for k in ("network_right", "program_right")]
    return (
        entry["name"], *of_held_out, entry["lost"], entry["gained"],
        f"{entry['verdict']} ({entry['method']})",
        f"{100 * left_out(entry):.2g} %",
        f"{entry['bits']:.0f}", f"{100 * entry['bits'] / entry['network_bits']:.1f} %",
        entry["lines"], entry["route"], f"{entry['seconds']:.1f}",
    )  # fmt: skip


def real_data(entries: Sequence[Entry], index: Sequence[Entry], made: str) -> str:
    """The whole page."""
    parts = ["# Real data", made, EXPLANATION, "## Data sets", summary(entries)]
    parts += ["## Splits", splits_table(entries)]
    return "\n\n".join(parts) + "\n"


EXPLANATION = """\
Networks of 2 x 50 units, trained on 70 % of a data set (10 fixed stratified splits for ReLU, 3 for
tanh). `distill` gets the network, the domain and the training inputs; neither labels nor the
held-out 30 %, on which accuracy is measured. *Net* is what the program gains (+) or loses (-) of
the held-out examples, all splits together; McNemar's test is exact and two-sided. Asked: net loss
at most 0.5 % and p above 0.05; bits at most 15 % of the network's and at most 50 % of plain
pruning and rounding (`benchmarks/prune_and_round.py`); iris and wine in at most 40 lines. *Lines*
are the lines of code of the whole program.py without docstrings and domain checks, in the longest
of the splits. Shares of bits are means over splits."""
