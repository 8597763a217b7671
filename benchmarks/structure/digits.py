"""A convolutional network of digits as a program: `python -m benchmarks.structure.digits`.

It is trained here, made easier to read (`distill prepare`) without labels, and distilled; rows held
out are looked at once, at the end. Writes benchmarks/results/structure_digits.md.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import distill
from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from distill.distillation import Distillation
from distill.load import load
from distill.network import Network
from dsl.meanings.array import run

PAGE = Path(__file__).parents[1] / "results" / "structure_digits.md"
SEED = 2026
INPUTS = "image: image(8,8,int(0,16))"
OUTPUTS = "category(10)"
EPOCHS = 60
PREPARED_EPOCHS = 300
SECONDS = 60.0


def main() -> None:
    """Train, prepare, distil, judge once, write the page."""
    torch.set_num_threads(1)
    head = provenance("python -m benchmarks.structure.digits", code_version())
    images: Any = load_digits()
    x, x_out, y, y_out = map(
        np.asarray,
        train_test_split(
            images.data, images.target, test_size=0.3, random_state=SEED, stratify=images.target
        ),
    )
    begin = time.process_time()
    network, parameters = trained(x, y)
    print(f"trained, {time.process_time() - begin:.0f} s", flush=True)
    readied = distill.prepare(network, x, OUTPUTS, seed=SEED, epochs=PREPARED_EPOCHS).network
    print(f"prepared, {time.process_time() - begin:.0f} s", flush=True)
    found = distill.distill(readied, INPUTS, OUTPUTS, exact=True, budget=SECONDS, seed=SEED)
    assert isinstance(found, Distillation)
    print(f"distilled, {time.process_time() - begin:.0f} s", flush=True)
    answers = {
        "the network": np.asarray(network.run(x_out)).argmax(1),
        "prepared": np.asarray(readied.run(x_out)).argmax(1),
        "the program": run(found.program, found.domain.decode(x_out)),
    }
    publish(page(found, answers, y_out, parameters, head), PAGE, True)


def trained(x: np.ndarray, y: np.ndarray) -> tuple[Network, int]:
    """Two layers of convolutions and a dense one, and how many parameters they have."""
    torch.manual_seed(SEED)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, stride=2),
        torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(64, 10),
    )  # fmt: skip
    inputs = torch.tensor(x, dtype=torch.float32).reshape(-1, 1, 8, 8)
    wanted = torch.tensor(y)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[rows]), wanted[rows]).backward()
            optimizer.step()
    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "digits.onnx")
        torch.onnx.export(model, (inputs[:1],), file, dynamo=False)
        return load(file), sum(p.numel() for p in model.parameters())


def page(
    found: Distillation, answers: dict[str, Any], y: np.ndarray, parameters: int, head: str
) -> str:
    """The page as markdown."""
    own, bits = 32 * parameters, found.evidence.bits["program"]
    base = answers["the network"] == y
    rows = []
    for name, values in answers.items():
        right = values == y
        lost, won = int((base & ~right).sum()), int((right & ~base).sum())
        chance = binomtest(lost, lost + won).pvalue if lost + won else 1.0
        rows.append((name, f"{right.sum()} of {len(y)}", f"{100 * right.mean():.2f} %",
                     f"{100 * (right.mean() - base.mean()):+.2f}", lost, won, f"{chance:.2g}",
                     f"{100 * (values == answers['the network']).mean():.2f} %"))  # fmt: skip
    columns = ("", "right", "accuracy", "points more", "wrong only here", "right only here",
               "McNemar's p", "as the network")  # fmt: skip
    claim = found.evidence.program_vs_deployed
    return "\n\n".join([
        "# Digits: a convolutional network as a program", head,
        f"8 x 8 images of digits (scikit-learn's), {parameters:,} parameters: 8 filters of 3 x 3, "
        "16 of 3 x 3 over 8 channels with stride 2, relus, a dense layer. Trained with labels on "
        "seven tenths of the rows; prepared and distilled without them. The other rows were looked "
        "at once.",
        f"- the network's weights: {own:,} bits (32 each); the program: {bits:,.0f} bits, "
        f"{100 * bits / own:.1f} % (asked 15)\n"
        f"- program and prepared network: {claim.verdict} by {claim.method}: {claim.statement}\n"
        f"- time: {found.evidence.seconds:.0f} s for the program, {found.evidence.steps:,} steps",
        table(columns, rows),
        f"```text\n{str(found.program).rstrip()}\n```",
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    main()
