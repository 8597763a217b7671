"""What every family must reach, as tests of one network's result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import columns as batches

Entry = dict[str, Any]
BOOLEAN_SECONDS = 10.0
MEMORY_MIB = 4096
LARGEST_EXCEPTION = 0.01


@dataclass(frozen=True)
class Target:
    """A claim about the networks of a family: which it is about, what holds, how many must."""

    family: str
    text: str
    share: float
    holds: Callable[[Entry], bool]
    about: Callable[[Entry], bool] = lambda entry: True


def proved(entry: Entry, method: str | None = None) -> bool:
    """Whether the evidence is a proof, by `method` if one is asked for."""
    return entry["verdict"] == "proved" and method in (None, entry["method"])


def exact(entry: Entry) -> bool:
    """Computes its task, proved on every input."""
    return entry["computes"] and proved(entry, "exhaustive")


def small_relu(entry: Entry) -> bool:
    """A ReLU network of at most four inputs."""
    inputs = sum(field.items for field in batches.fields(entry["inputs"]))
    return entry["activation"] == "relu" and inputs <= 4


def little_left_out(entry: Entry) -> bool:
    """The evidence, from program to original network, speaks about at least 99 % of the domain."""
    return left_out(entry) <= LARGEST_EXCEPTION


def left_out(entry: Entry) -> float:
    """Share of the domain that the two claims together may leave out."""
    return min(1.0, entry["left_out"] + entry["deployed_left_out"])


def faithful(entry: Entry) -> bool:
    """A shorter program with evidence that it does what the network does."""
    evidence = entry["verdict"].startswith("proved") or entry["verdict"] == "tested"
    return evidence and little_left_out(entry) and entry["bits"] < entry["network_bits"]


def _is_spiral(entry: Entry) -> bool:
    return entry["task"] == "spiral"


TARGETS: tuple[Target, ...] = (
    Target("boolean", "exact, proved exhaustively", 1.0, exact),
    Target("boolean", "bits at most those of the reference", 1.0,
           lambda e: e["bits"] <= e["reference_bits"]),
    Target("boolean", "at most 10 s each", 1.0, lambda e: e["seconds"] <= BOOLEAN_SECONDS),
    Target("numeric", "computes the task", 0.9, lambda e: e["computes"]),
    Target("numeric", "ReLU, up to 4 inputs: proved", 1.0, proved, small_relu),
    Target("numeric", "decisions: at most 1 % left out", 1.0,
           little_left_out, lambda e: not e["outputs"].startswith("real")),
    Target("playground", "circle, xor, gauss: closed form", 1.0,
           lambda e: e["computes"], lambda e: not _is_spiral(e)),
    Target("playground", "circle, xor, gauss: at most 1 % left out", 1.0,
           little_left_out, lambda e: not _is_spiral(e)),
    Target("playground", "spiral: faithful and shorter than the network", 1.0,
           faithful, _is_spiral),
    Target("integer", "exact, proved exhaustively", 0.8, exact),
    Target("convolutional", "computes the task, proved", 0.8,
           lambda e: e["computes"] and proved(e)),
)  # fmt: skip


def misses(entry: Entry) -> list[str]:
    """The targets of its family that a network's result misses."""
    if "error" in entry:
        return ["failed"]
    mine = (t for t in TARGETS if t.family == entry["family"] and t.about(entry))
    fault = [f"program.py: {entry['python_fault']}"] if entry["python_fault"] else []
    return fault + [t.text for t in mine if not t.holds(entry)]


def reached(target: Target, entries: Sequence[Entry]) -> tuple[int, int]:
    """How many of the networks that a target is about meet it, and how many there are."""
    mine = [e for e in entries if e["family"] == target.family and target.about(e)]
    return sum("error" not in e and target.holds(e) for e in mine), len(mine)
