"""Small recurrent networks built by hand, and as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distill.load.write_recurrent import cell_onnx
from distill.recurrent import RecurrentNetwork, cell_of_layers


def cell(step, readout, hidden: int) -> RecurrentNetwork:
    as_arrays = [
        [(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in part]
        for part in (step, readout)
    ]
    return RecurrentNetwork(cell_of_layers(*as_arrays), np.zeros(hidden))


READ = [([[1.0]], [0.0])]
RUNNING_SUM = cell([([[1, 1]], [0])], READ, 1)
LARGEST = cell([([[-1, 1], [1, 0], [-1, 0]], [0, 0, 0]), ([[1, 1, -1]], [0])], READ, 1)
"""h' = max(h, x) = relu(x - h) + relu(h) - relu(-h)."""
PARITY = cell([([[1, 1], [1, 1]], [0, -1]), ([[1, -2]], [0])], READ, 1)
"""h' = relu(h + x) - 2 relu(h + x - 1)."""
DRIFTS = cell([([[1, 1], [1, 1]], [0, -1]), ([[1, -2]], [0.04])], READ, 1)
"""Parity, but every step adds to an error that ends in wrong answers."""
PAIR = cell([([[1, 0, 1, 0], [0, 1, 0, 1]], [0, 0])], [([[1, -1], [1, 1]], [0, 0])], 2)
"""Two running sums, read as their difference and their sum."""


def file_of(network: RecurrentNetwork, path: Path) -> str:
    """The network's cell as an ONNX file."""
    path.write_bytes(cell_onnx(network.cell, network.hidden))
    return str(path)
