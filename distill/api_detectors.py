"""The door to a network's detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distill.load import load
from distill.load.data import read_inputs

if TYPE_CHECKING:
    from distill.detectors.report import Detectors


def detect(model: Any, data: Any, seed: int = 0) -> Detectors:
    """What each filter of an image network looks for: edges, lines, corners, blobs, templates.

    Args:
        model: path of an .onnx or .pt2 file, torch module, exported program, scikit-learn MLP or
            pipeline, or a loaded `Network`.
        data: inputs (n, ...) in the network's units, or the path of a .npz with x or of a .csv.
        seed: of the inputs from which the most exciting ones are looked for.

    Raises:
        BadInput: model or data can't be used, or the network has no filters.
    """
    from distill.detectors.report import detectors_of

    return detectors_of(load(model), read_inputs(data), seed)
