"""What is written of a training: the weights, and a line of the family's index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.rnn.module import module_of
from benchmarks.rnn.networks import FOLDER, family_index
from benchmarks.rnn.task import Task
from benchmarks.rnn.train.cells import Shape
from benchmarks.rnn.train.fit import Network
from benchmarks.rnn.train.scale import Arrays

FRESH = 65_536
LEARNED = 0.999
"""Share of right output sequences from which a task counts as learned."""
_BLOCK = 1 << 13
Entry = dict[str, Any]


def outputs_of(arrays: Arrays, items: np.ndarray) -> np.ndarray:
    """Outputs (n, T, k) of a network in float32, by other code than the one that trained it."""
    if "rnn.weight_hh_l0" in arrays:
        with torch.no_grad():
            return module_of(arrays)(torch.tensor(items, dtype=torch.float32)).numpy()
    state = np.zeros((len(items), len(_layers(arrays, "hidden")[-1][1])), dtype=np.float32)
    found = []
    for item in np.moveaxis(items.astype(np.float32), 1, 0):
        state = _chain(_layers(arrays, "hidden"), np.concatenate([state, item], 1))
        found.append(_chain(_layers(arrays, "output"), state))
    return np.stack(found, 1)


def _layers(arrays: Arrays, part: str) -> list[tuple[np.ndarray, np.ndarray]]:
    count = sum(key.startswith(f"{part}.") and key.endswith(".weight") for key in arrays)
    return [(arrays[f"{part}.{k}.weight"], arrays[f"{part}.{k}.bias"]) for k in range(count)]


def _chain(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> np.ndarray:
    for k, (weight, bias) in enumerate(layers):
        x = (np.maximum(x, 0) if k else x) @ weight.T + bias
    return x


def share(
    task: Task, arrays: Arrays, fresh: int = FRESH, seed: int = 90_210
) -> tuple[float, float]:
    """Share of sequences with every output right, and the largest error."""
    rng = np.random.default_rng(seed)
    right, largest = 0, 0.0
    for begin in range(0, fresh, _BLOCK):
        items = task.draw(rng, min(_BLOCK, fresh - begin), task.length)
        off = np.abs(outputs_of(arrays, items) - task.truth(items))
        off = np.nan_to_num(off, nan=np.inf)
        right += int((off < task.tolerance).all((1, 2)).sum())
        largest = max(largest, float(off.max()))
    return right / fresh, largest


def entry(task: Task, shape: Shape, network: Network, seed: int, seconds: float) -> Entry:
    """The line of a network.

    Uniform says whether sequences, those of `share` too, were drawn uniformly; seconds are those of
    all seeds that were trained beside it.
    """
    exact, largest = share(task, network.arrays)
    return {
        "task": task.name,
        "definition": task.definition,
        "cell": shape.kind,
        "hidden": shape.hidden,
        "step": list(shape.step),
        "readout": list(shape.readout),
        "parameters": sum(a.size for a in network.arrays.values()),
        "inputs": task.inputs,
        "outputs": task.outputs,
        "tolerance": task.tolerance,
        "length": task.length,
        "uniform": task.sampler is None,
        "seed": [seed, network.place],
        "steps": network.steps,
        "share": exact,
        "largest_error": float(f"{min(largest, 1e9):.3g}"),
        "learned": exact >= LEARNED,
        "seconds": round(seconds, 1),
    }


def write(family: str, name: str, new: Entry, arrays: Arrays) -> bool:
    """Write a network unless the one of that name is as good; the other one is listed as discarded.

    Returns whether the new one was kept.
    """
    known = family_index(family)
    old = known["networks"].get(name)
    better = old is None or new["share"] > old["share"]
    lost = old if better else new
    if lost is not None:
        known["discarded"].append(_in_short(name, lost))
    if better:
        known["networks"][name] = new
        (FOLDER / family).mkdir(parents=True, exist_ok=True)
        named: dict[str, Any] = dict(arrays)
        np.savez_compressed(FOLDER / family / f"{name}.npz", **named)
    _write_index(FOLDER / family / "index.json", known)
    return better


def _in_short(name: str, lost: Entry) -> Entry:
    kept = ("cell", "hidden", "step", "readout", "seed", "share", "seconds")
    return {"name": name} | {key: lost[key] for key in kept}


def _write_index(path: Path, known: dict[str, Any]) -> None:
    """A network to a line, in the order of names."""
    networks = ",\n".join(
        f" {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(known["networks"].items())
    )
    discarded = ",\n".join(f" {json.dumps(d)}" for d in known["discarded"])
    text = f'{{"networks": {{\n{networks}\n}},\n"discarded": [\n{discarded}\n]}}\n'
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text)
    unfinished.replace(path)
