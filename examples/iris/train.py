"""Train a 2 x 50 classifier of the iris data: `python -m examples.iris.train`.

Needs scikit-learn. The network takes centimetres; the scaling is part of the graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import realdata
from benchmarks.task import Architecture
from benchmarks.train.classify import classify

FOLDER = Path(__file__).parent
SEED = 1


def main() -> None:
    """Write `model.onnx`, `data.npz` (the training part) and `held_out.npz` (kept away)."""
    part = realdata.split("iris", SEED)
    trained = classify("iris", part, Architecture((50, 50), "relu", SEED))
    print(f"inputs: {realdata.domain('iris', part.x)}")
    print(f"right: {trained.train_accuracy:.1%} of training, {trained.accuracy:.1%} of held out")
    (FOLDER / "model.onnx").write_bytes(trained.model.SerializeToString())
    np.savez_compressed(FOLDER / "data.npz", x=part.x, y=part.y)
    np.savez_compressed(FOLDER / "held_out.npz", x=part.x_held_out, y=part.y_held_out)


if __name__ == "__main__":
    main()
