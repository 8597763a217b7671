"""The detectors of a network: every filter with what it is, what excites it, and its picture."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill.detectors.excite import Excitation, of_data, optimised
from distill.detectors.families import Kind, classify
from distill.detectors.filters import filter_layers
from distill.detectors.pictures import grey, sheet, signed, size_of
from distill.errors import BadInput
from distill.network import Network
from distill.normal_form import Array

PATCHES = 5
"""Windows of the data that are shown of each filter."""


@dataclass(frozen=True, eq=False)
class Detector:
    """A filter (channels, rows, columns) of layer `layer` (from 1), named as in programs.

    made: the input found by optimisation; seen: windows of the data, the most exciting one first.
    """

    layer: int
    name: str
    kind: Kind
    taps: Array
    bias: float
    made: Excitation
    seen: tuple[Excitation, ...]


@dataclass(frozen=True, eq=False)
class Detectors:
    """All detectors of a network; low and high: the range of the data's values, as greys go."""

    detectors: tuple[Detector, ...]
    low: float
    high: float

    def rows(self) -> list[tuple[str, str]]:
        """Name and words of every detector."""
        return [
            (d.name, f"layer {d.layer}: {d.kind.words} (likeness {d.kind.likeness:.2f}, by chance "
                     f"{d.kind.chance:.1%})")
            for d in self.detectors
        ]  # fmt: skip

    def to_json(self) -> list[dict[str, Any]]:
        """Everything but the pictures."""
        return [
            {
                "name": d.name, "layer": d.layer, "family": d.kind.family, "words": d.kind.words,
                "likeness": d.kind.likeness, "chance": d.kind.chance, "nearest": d.kind.nearest,
                "taps": d.taps.tolist(), "bias": d.bias,
                "excited_most_by": d.made.window.tolist(), "excited_to": d.made.value,
                "rows_that_excite": [e.row for e in d.seen],
                "excited_to_by_rows": [e.value for e in d.seen],
            }
            for d in self.detectors
        ]  # fmt: skip

    def save(self, folder: Path) -> list[Path]:
        """Write a picture of every detector and detectors.json; returns their paths.

        Raises:
            BadInput: the folder can't be written.
        """
        texts = {f"{d.layer}_{d.name}.svg": self.picture(d) for d in self.detectors}
        texts["detectors.json"] = json.dumps(self.to_json(), indent=1) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                (folder / name).write_text(text)
        except OSError as error:
            raise BadInput(
                f"Can't write to {str(folder)!a} ({(error.strerror or str(error)).lower()}); give "
                "--to a folder that can be written."
            ) from None
        return [folder / name for name in texts]

    def picture(self, found: Detector) -> str:
        """SVG: the filter, the input found by optimisation, windows of the data."""
        taps, made = found.taps, found.made.window
        entries = [
            ("filter", signed(taps, float(np.abs(taps).max(initial=0.0))), size_of(taps)),
            (f"made {found.made.value:.3g}", grey(made, self.low, self.high), size_of(made)),
        ]
        for one in found.seen:
            caption = f"row {one.row} {one.value:.3g}"
            fragment = grey(one.window, self.low, self.high)
            entries.append((caption, fragment, size_of(one.window)))
        return sheet(f"{found.name}: {found.kind.words}", entries)


def detectors_of(network: Network, x: Array, seed: int = 0) -> Detectors:
    """The detectors of a network, with what excites them made up and among rows x (n, width).

    Raises:
        BadInput: the network has no filters, or takes other rows.
    """
    layers = filter_layers(network)
    if x.shape[1] != network.input_width:
        raise BadInput(
            f"the data has {x.shape[1]} columns, and the network takes {network.input_width} inputs"
        )
    low, high = float(x.min()), float(x.max())
    found = []
    for number, layer in enumerate(layers, 1):
        kinds = [classify(taps) for taps in layer.taps]
        seen = of_data(layer, x, PATCHES)
        for place, (name, kind) in enumerate(zip(named(kinds), kinds, strict=True)):
            made = optimised(layer, place, low, high, seed)
            found.append(
                Detector(number, name, kind, layer.taps[place], float(layer.bias[place]), made,
                         seen[place])
            )  # fmt: skip
    return Detectors(tuple(found), low, high)


def named(kinds: Sequence[Kind], taken: Sequence[str] = ()) -> list[str]:
    """A name for every kind; those of one name are numbered."""
    counts = Counter(k.name for k in kinds)
    used, found = set(taken), []
    for kind in kinds:
        name, number = kind.name, 1
        while name in used or (counts[kind.name] > 1 and number == 1):
            name = f"{kind.name}_{number}"
            number += 1
        used.add(name)
        found.append(name)
    return found
