"""Which units of a normal form are joined: the vertices that modularity speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from distill.normal_form import Affine, Elementwise, NormalForm
from distill.preparation.penalties import Tensor, joined
from distill.simplify.hidden import hidden_layers


@dataclass(frozen=True)
class Wiring:
    """Groups of units: every wire is of one, elementwise functions stay in that of what they read.

    widths: units of each group; reads: of each affine node its group and those that its terms read;
    scaled: groups of relus, whose scales say nothing.
    """

    widths: tuple[int, ...]
    reads: tuple[tuple[int, tuple[int, ...]], ...]
    scaled: frozenset[int]

    def adjacency(self, matrices: Sequence[Tensor]) -> Tensor:
        """Sizes of weights between all units (n, n); matrices in the order of nodes and terms."""
        left = iter(matrices)
        blocks = [(group, [(source, next(left)) for source in sources])
                  for group, sources in self.reads]  # fmt: skip
        return joined(self.widths, [b for b in blocks if b[1]], sorted(self.scaled))


def wiring_of(form: NormalForm) -> Wiring:
    """The groups of a form's units."""
    widths, groups, reads = [], [], []
    for node, width in zip(form.nodes, form.widths(), strict=True):
        if isinstance(node, Elementwise):
            groups.append(groups[node.sources[0]])
            continue
        groups.append(len(widths))
        if isinstance(node, Affine):
            reads.append((groups[-1], tuple(groups[s] for s, _ in node.terms)))
        widths.append(width)
    layers = [la for la in hidden_layers(form) if la.function in ("relu", "abs")]
    scaled = frozenset(groups[layer.affine] for layer in layers)
    return Wiring(tuple(widths), tuple(reads), scaled)


def matrices_of(form: NormalForm) -> list[Tensor]:
    """All matrices of a form, in the order of nodes and terms."""
    affine = [n for n in form.nodes if isinstance(n, Affine)]
    return [torch.as_tensor(m) for n in affine for _, m in n.terms]
