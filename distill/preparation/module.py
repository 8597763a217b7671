"""A normal form as a torch module whose weights can be trained, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from distill.align.gradient import torch_function
from distill.normal_form import Affine, Elementwise, Node, NormalForm

Tensor = torch.Tensor


class FormModule(torch.nn.Module):
    """Takes (n, width) and gives (n, outputs): one bias per affine node, one matrix per term.

    matrices: (units above, units below) in the order of nodes and their terms; biases: one for each
    affine node.
    """

    def __init__(self, form: NormalForm, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.form = form
        affine = [n for n in form.nodes if isinstance(n, Affine)]
        self.matrices = torch.nn.ParameterList(
            torch.as_tensor(np.ascontiguousarray(m), dtype=dtype)
            for n in affine
            for _, m in n.terms
        )
        self.biases = torch.nn.ParameterList(torch.as_tensor(n.bias, dtype=dtype) for n in affine)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs for rows of inputs."""
        return self.run(inputs, list(self.matrices), list(self.biases))

    def run(self, inputs: Tensor, matrices: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
        """The same with other weights of the same shapes."""
        left, shifts, values = iter(matrices), iter(biases), [inputs]
        for node in self.form.nodes[1:]:
            if isinstance(node, Affine):
                total = next(shifts)
                for source, _ in node.terms:
                    total = total + values[source] @ next(left).T
                values.append(total.expand(len(inputs), -1))
            elif isinstance(node, Elementwise):
                function = torch_function(node.function)
                values.append(function(*(values[s] for s in node.sources)))
        return values[self.form.output]

    def trained(self) -> NormalForm:
        """The normal form with the weights as they are now."""
        return with_weights(self.form, list(self.matrices), list(self.biases))


def with_weights(
    form: NormalForm, matrices: Sequence[Tensor], biases: Sequence[Tensor]
) -> NormalForm:
    """The form with other weights of the same shapes, in the order of nodes and their terms."""
    left, shifts = iter(matrices), iter(biases)
    nodes: list[Node] = []
    for node in form.nodes:
        if isinstance(node, Affine):
            terms = tuple((source, _numbers(next(left))) for source, _ in node.terms)
            node = Affine(terms, _numbers(next(shifts)))
        nodes.append(node)
    return NormalForm(tuple(nodes), form.output)


def _numbers(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy() + 0.0
