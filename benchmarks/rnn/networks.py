"""The trained cells of the sequence suite: plain arrays, read without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from distill.recurrent import RecurrentNetwork, cell_of_layers

FOLDER = Path(__file__).parent / "networks"


@dataclass(frozen=True)
class Trained:
    """A task's network with the domain that a user would name for it."""

    name: str
    inputs: str
    outputs: str
    length: int
    entry: dict[str, Any]


@cache
def index() -> dict[str, dict[str, Any]]:
    """What is known about every training."""
    return json.loads((FOLDER / "index.json").read_text())


def trained() -> list[Trained]:
    """All networks of the suite, in the order of the index."""
    return [_described(name, entry) for name, entry in index().items()]


def _described(name: str, entry: dict[str, Any]) -> Trained:
    low, high = entry["input_low"], entry["input_high_exclusive"] - 1
    item = "bool" if (low, high) == (0, 1) else f"int({low},{high})"
    fields = entry["input_dim"]
    inputs = f"x: {item}" if fields == 1 else " * ".join(f"x{i}: {item}" for i in range(fields))
    outputs = "int" if entry["output_dim"] == 1 else f"int[{entry['output_dim']}]"
    return Trained(name, f"seq({inputs})", outputs, entry["native_len"], entry)


def network(name: str) -> RecurrentNetwork:
    """The cell of a task, float32 weights as they were trained."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        found = {key: arrays[key].astype(np.float64) for key in arrays.files}
    step, readout = _layers(found, "hidden"), _layers(found, "output")
    return RecurrentNetwork(cell_of_layers(step, readout), np.zeros(len(step[-1][1])))


def _layers(arrays: dict[str, np.ndarray], part: str) -> list[tuple[np.ndarray, np.ndarray]]:
    count = sum(key.startswith(f"{part}.") and key.endswith(".weight") for key in arrays)
    return [(arrays[f"{part}.{i}.weight"], arrays[f"{part}.{i}.bias"]) for i in range(count)]
