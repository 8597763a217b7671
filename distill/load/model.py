"""`load`: one door for every kind of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill.errors import BadInput
from distill.load.agree import require_agreement
from distill.load.assemble import quoted
from distill.load.framework import onnx_runtime_name, remembered
from distill.load.onnx import network_of, read_onnx
from distill.load.oracle import onnx_oracle
from distill.network import Network


def load(model: Any, input_shape: tuple[int, ...] | None = None) -> Network:
    """Read a trained model into a network and check that both compute the same.

    `model`: path of an .onnx or .pt2 file, torch module or exported program,
    scikit-learn MLPClassifier, MLPRegressor or Pipeline of StandardScaler and one of
    them, or a `Network`. `input_shape` is one example's, for torch modules whose
    first layer doesn't tell.

    Raises BadInput in one sentence for everything that can't be read.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, str | Path):
        return load_path(Path(model))
    bases = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(model).__mro__}
    if "torch.Module" in bases or "torch.ExportedProgram" in bases:
        from distill.load.torch import load_torch

        return load_torch(model, input_shape)
    if "sklearn.BaseEstimator" in bases:
        from distill.load.sklearn import load_sklearn

        return load_sklearn(model)
    raise BadInput(
        f"A {quoted(type(model).__name__)} is no model that can be read; give an .onnx or .pt2 "
        "file, a torch module or a scikit-learn MLP."
    )


def load_path(path: Path) -> Network:
    """Read a model file by its suffix. Raises BadInput."""
    if path.suffix.lower() == ".pt2":
        from distill.load.pt2 import load_pt2

        return load_pt2(path)
    if path.suffix.lower() != ".onnx" and not path.is_dir() and path.exists():
        from distill.load.files import read_model_bytes

        read_model_bytes(path)
        raise BadInput(f"{quoted(str(path))} is no .onnx or .pt2 file; these are the kinds read.")
    proto = read_onnx(path)
    network = network_of(proto)
    oracle = onnx_oracle(proto, network)
    require_agreement(network, oracle)
    return remembered(network, onnx_runtime_name(), oracle)
