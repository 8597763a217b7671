"""Write the cell that adds two binary numbers, as it was trained for the suite of sequences.

Run as `python -m examples.addition.write`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.rnn.networks import network
from distill.load.write_recurrent import cell_onnx

FOLDER = Path(__file__).parent


def main() -> None:
    """Write `model.onnx`: from (h, x) to (h', y), two numbers each and one output."""
    trained = network("bit_addition")
    (FOLDER / "model.onnx").write_bytes(cell_onnx(trained.cell, trained.hidden))


if __name__ == "__main__":
    main()
