"""A normal form run by torch, so that it can be differentiated; torch is imported on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from distill.normal_form import Affine, Input, NormalForm

if TYPE_CHECKING:
    import torch


def run_torch(form: NormalForm, inputs: torch.Tensor) -> torch.Tensor:
    """Outputs (n, m) in float64 for inputs (n, width), with their gradient."""
    import torch

    values: list[Any] = []
    for node in form.nodes:
        if isinstance(node, Input):
            values.append(inputs)
        elif isinstance(node, Affine):
            total = torch.as_tensor(node.bias).expand(len(inputs), -1)
            for source, matrix in node.terms:
                total = total + values[source] @ torch.as_tensor(np.ascontiguousarray(matrix)).T
            values.append(total)
        else:
            values.append(_function(node.function)(*(values[s] for s in node.sources)))
    return values[form.output]


def _function(name: str) -> Any:
    import torch

    spelled = {"max": "maximum", "min": "minimum", "greater": "gt", "equal": "eq"}
    if name in ("greater", "equal"):
        compared = getattr(torch, spelled[name])
        return lambda x, y: compared(x, y).to(x.dtype)
    return getattr(torch, spelled.get(name, name))
