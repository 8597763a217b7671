"""The trained cells of the sequence suite: plain arrays, read without pickle.

The 62 lie in the folder `networks` itself, further ones in a folder for each family, made by
`python -m benchmarks.rnn.train`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rnn.module import CellAndHead, module_of
from distill.load.recurrent import load_recurrent
from distill.recurrent import RecurrentNetwork, cell_of_layers

FOLDER = Path(__file__).parent / "networks"


@dataclass(frozen=True)
class Trained:
    """A task's network with the domain that a user would name for it.

    entry: what its index says; in a family that is `task` (a key of `train.known.TASKS`), `cell`
    ("relu-mlp", "rnn-tanh", "gru", "lstm"), `hidden`, `share` of right output sequences among
    65,536 and whether that counts as `learned`.
    """

    name: str
    inputs: str
    outputs: str
    length: int
    entry: dict[str, Any]


@cache
def index() -> dict[str, dict[str, Any]]:
    """What is known about every training."""
    return json.loads((FOLDER / "index.json").read_text())


def trained(family: str | None = None) -> list[Trained]:
    """The 62 networks, or those of a family, in the order of the index."""
    if family is None:
        return [_described(name, entry) for name, entry in index().items()]
    return [
        Trained(f"{family}/{name}", entry["inputs"], entry["outputs"], entry["length"], entry)
        for name, entry in family_index(family)["networks"].items()
    ]


def families() -> list[str]:
    """Names of the families beyond the 62."""
    return sorted(path.parent.name for path in FOLDER.glob("*/index.json"))


def family_index(family: str) -> dict[str, Any]:
    """`networks`: name to entry; `discarded`: trainings that something better replaced."""
    path = FOLDER / family / "index.json"
    if not path.exists():
        return {"networks": {}, "discarded": []}
    return json.loads(path.read_text())


def _described(name: str, entry: dict[str, Any]) -> Trained:
    low, high = entry["input_low"], entry["input_high_exclusive"] - 1
    item = "bool" if (low, high) == (0, 1) else f"int({low},{high})"
    fields = entry["input_dim"]
    inputs = f"x: {item}" if fields == 1 else " * ".join(f"x{i}: {item}" for i in range(fields))
    outputs = "int" if entry["output_dim"] == 1 else f"int[{entry['output_dim']}]"
    return Trained(name, f"seq({inputs})", outputs, entry["native_len"], entry)


def network(name: str) -> RecurrentNetwork:
    """A ReLU cell, float32 weights as they were trained."""
    found = {key: value.astype(np.float64) for key, value in arrays_of(name).items()}
    step, readout = _layers(found, "hidden"), _layers(found, "output")
    return RecurrentNetwork(cell_of_layers(step, readout), np.zeros(len(step[-1][1])))


def model_of(task: Trained) -> RecurrentNetwork:
    """The network of a task, whatever its cell."""
    if task.entry.get("cell", "relu-mlp") == "relu-mlp":
        return network(task.name)
    return load_recurrent(torch_module(task.name))


def torch_module(name: str) -> CellAndHead:
    """A tanh, GRU or LSTM network: items (n, T, d) to outputs (n, T, k)."""
    return module_of(arrays_of(name))


def arrays_of(name: str) -> dict[str, np.ndarray]:
    """The float32 weights of a network, by key."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def _layers(arrays: dict[str, np.ndarray], part: str) -> list[tuple[np.ndarray, np.ndarray]]:
    count = sum(key.startswith(f"{part}.") and key.endswith(".weight") for key in arrays)
    return [(arrays[f"{part}.{i}.weight"], arrays[f"{part}.{i}.bias"]) for i in range(count)]
