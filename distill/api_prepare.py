"""The door to prepared networks: made easier to read by training on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.api import read_domain
from distill.errors import BadInput
from distill.load.data import read_rows
from distill.preparation.prepare import EPOCHS, make_task, prepared
from distill.preparation.report import Preparation
from distill.preparation.training import Strengths
from distill.run.budget import Progress, silent
from dsl.domain import Domain


def prepare(
    model: Any,
    data: Any,
    outputs: str | None = None,
    inputs: str | Domain | None = None,
    loss_allowed: float = 0.005,
    seed: int = 0,
    epochs: int = EPOCHS,
    strengths: Strengths | None = None,
    progress: Progress | None = None,
) -> Preparation:
    """Train a network on so that it is easier to read: sparser, on a grid of weights, more modular.

    The network's own outputs, on the data and near them, are what is trained towards; a third of
    the rows is held back, and no more than `loss_allowed` is lost on either part. Labels only
    judge. Ctrl-C ends it with what was found so far. Weights that matter least go in stages (Le
    Cun, Denker and Solla, 1990), under penalties on weights other than zero, on distance from a
    grid, on the normalised cut and on minimum cuts (`distill.preparation.penalties` names their
    sources).

    Args:
        model: path of an .onnx or .pt2 file, torch module, exported program, scikit-learn MLP or
            pipeline, or a loaded `Network`.
        data: inputs (n, width) in the network's units, a pair of them and labels (n, ...), or the
            path of a .npz with x (and y) or a .csv.
        outputs: the output type, e.g. "category(3)"; inferred from the last operation if left out.
        inputs: the domain that programs are measured on in bits; one is proposed if left out.
        loss_allowed: of the rows the share, from 0 up to 1, by which accuracy may fall: beside the
            labels, or without any beside the network's own decisions. For real outputs the share of
            variance that is explained, instead.
        seed: of everything random; the same network, data, seed and epochs give the same result.
        epochs: of 32 batches of 256 rows each, at most.
        strengths: of the penalties.
        progress: called with a stage and how much of it is done.

    Raises:
        BadInput: something can't be used, in one sentence.
    """
    if not 0 <= loss_allowed < 1:
        raise BadInput(
            f"the loss must be a share from 0 up to 1, such as 0.005, not {loss_allowed}"
        )
    if epochs < 1:
        raise BadInput(f"the epochs must be 1 or more, not {epochs}")
    x, y = read_rows(data)
    domain = None if inputs is None else read_domain(inputs)
    path = str(model) if isinstance(model, Path) else model
    task = make_task(path, x, y, outputs, loss_allowed, seed, domain)
    return prepared(task, epochs, strengths or Strengths(), progress or silent)
