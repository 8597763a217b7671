"""Train a network that returns the larger of two numbers: `python -m examples.largest.train`."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchmarks.train.write import write

FOLDER = Path(__file__).parent


def main() -> None:
    """Fit random pairs from [-1, 1]^2 and write `model.onnx`: two inputs, one real output."""
    torch.set_num_threads(1)
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)).double()
    x = torch.rand(4096, 2, dtype=torch.float64) * 2 - 1
    y = x.max(dim=1, keepdim=True).values
    polish = torch.optim.LBFGS(model.parameters(), max_iter=2000, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        polish.zero_grad()
        value = (model(x) - y).square().mean()
        value.backward()
        return value

    polish.step(loss)
    print(f"largest error {(model(x) - y).abs().max().item():.5f}")
    write(model.float(), FOLDER / "model.onnx", "onnx")


if __name__ == "__main__":
    main()
