"""Recurrent networks trained by other people: plain arrays in a folder, no part of the project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.rnn.networks import Trained
from distill.load.recurrent import load_recurrent
from distill.recurrent import RecurrentNetwork, cell_of_layers

_NUMBERS = "int(0,99)"
_SINE = "sine"


def third_party(folder: str | None) -> list[Trained]:
    """The recurrent networks of a folder, with the domain their names suggest."""
    if folder is None:
        return []
    return [t for path in sorted(Path(folder).glob("*.npz")) if (t := _read(path)) is not None]


def _read(path: Path) -> Trained | None:
    with np.load(path, allow_pickle=False) as file:
        arrays = {k: file[k] for k in file.files}
    about = json.loads(str(arrays.pop("__meta__")))
    if about["kind"] not in ("elman", "general") or _SINE in path.stem:
        return None
    made = _elman(arrays) if about["kind"] == "elman" else _general(arrays)
    item = "bool" if "bit" in path.stem else "int(0,9)" if "count" in path.stem else _NUMBERS
    fields = made.input_width
    inputs = f"x: {item}" if fields == 1 else " * ".join(f"x{i}: {item}" for i in range(fields))
    entry = {"network": made, "task": about["task"], "cell": about["activation"],
             "hidden": made.hidden}  # fmt: skip
    return Trained(path.stem, f"seq({inputs})", "int", 10, entry)


def _general(arrays: dict[str, np.ndarray]) -> RecurrentNetwork:
    step, readout = (
        [(arrays[f"{part}.{i}.weight"], arrays[f"{part}.{i}.bias"])
         for i in range(sum(k.startswith(part) for k in arrays) // 2)]
        for part in ("hidden_mlp", "output_mlp")
    )  # fmt: skip
    return RecurrentNetwork(cell_of_layers(step, readout), np.zeros(len(step[-1][1])))


def _elman(arrays: dict[str, np.ndarray]) -> RecurrentNetwork:
    """h = sigmoid(Wh h + bh + Wx x + bx), y = Wy h + by."""
    import torch

    import distill

    hidden, items = arrays["Wx.weight"].shape

    class Step(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.both = torch.nn.Linear(hidden + items, hidden)

        def forward(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(self.both(torch.cat([h, x], 1)))

    step, readout = Step(), torch.nn.Linear(hidden, 1)
    with torch.no_grad():
        both = np.concatenate([arrays["Wh.weight"], arrays["Wx.weight"]], 1)
        step.both.weight.copy_(torch.tensor(both))
        step.both.bias.copy_(torch.tensor(arrays["Wh.bias"] + arrays["Wx.bias"]))
        readout.weight.copy_(torch.tensor(arrays["Wy.weight"]))
        readout.bias.copy_(torch.tensor(arrays["Wy.bias"]))
    return load_recurrent(distill.Recurrent(step, readout, hidden))
