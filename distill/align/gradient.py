"""A normal form run by torch, so that it can be differentiated; torch is imported on use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from distill.normal_form import Affine, Input, NormalForm


def differentiable(form: NormalForm) -> Callable[[Any], Any]:
    """The form on tensors (n, width) of float64, with outputs (n, m) that know their gradient."""
    import torch

    steps: list[Any] = []
    for node in form.nodes:
        if isinstance(node, Affine):
            terms = [(s, torch.as_tensor(np.ascontiguousarray(m.T))) for s, m in node.terms]
            steps.append(partial(_affine, terms, torch.as_tensor(node.bias)))
        elif not isinstance(node, Input):
            steps.append(partial(_elementwise, torch_function(node.function), node.sources))

    def run(inputs: Any) -> Any:
        values = [inputs]
        for step in steps:
            values.append(step(values))
        return values[form.output]

    return run


def _affine(terms: list[tuple[int, Any]], bias: Any, values: list[Any]) -> Any:
    total = bias.expand(len(values[0]), -1)
    for source, matrix in terms:
        total = total + values[source] @ matrix
    return total


def _elementwise(function: Callable[..., Any], sources: tuple[int, ...], values: list[Any]) -> Any:
    return function(*(values[s] for s in sources))


def torch_function(name: str) -> Any:
    """The torch function of an elementwise one of a normal form, by its name there."""
    import torch

    spelled = {"max": "maximum", "min": "minimum", "greater": "gt", "equal": "eq"}
    if name in ("greater", "equal"):
        compared = getattr(torch, spelled[name])
        return lambda x, y: compared(x, y).to(x.dtype)
    return getattr(torch, spelled.get(name, name))
