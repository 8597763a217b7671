"""The main job on four real networks: distil, print program, evidence and sizes.

Run by `make demo`; leaves the output folders in examples/out/.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.rule import Rule

import distill

HERE = Path(__file__).parent
LENGTHS = (
    "sepal_length: real(4.3,7.9) * sepal_width: real(2,4.2) * "
    "petal_length: real(1,6.9) * petal_width: real(0.1,2.5)"
)
JOBS = (
    ("majority", "are most of five bits set? (ReLU, 16 units)", "bool[5]", "bool", None),
    ("largest", "the larger of two numbers (ReLU, 16 units)", "a: real(-1,1) * b: real(-1,1)", None,
     None),
    ("iris", "iris species (ReLU, 2 x 50 units)", LENGTHS,
     'category("setosa","versicolor","virginica")', "data.npz"),
    ("addition", "the sum of two binary numbers, bit by bit (recurrent, 40 weights)",
     "seq(a: bool * b: bool)", None, None),
)  # fmt: skip


def main() -> None:
    """Distil the examples one after the other."""
    console = Console(highlight=False)
    for name, what, inputs, outputs, data in JOBS:
        folder = HERE / name
        console.print(Rule(f"{name}: {what}"))
        found = distill.distill(
            folder / "model.onnx",
            inputs=inputs,
            outputs=outputs,
            data=None if data is None else folder / data,
        )
        place = found.save(HERE / "out" / f"{name}.distilled")
        console.print(found.summary(), markup=False)
        console.print(f"files     {place.relative_to(HERE.parent)}\n", markup=False)


if __name__ == "__main__":
    main()
