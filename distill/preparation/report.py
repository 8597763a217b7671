"""What preparing a network changed: sparsity, modularity, accuracy and description length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.decompose.clusters import adjacency, louvain, modularity, normalised_cut, spectral
from distill.decompose.links import Links, links_of
from distill.network import Network
from distill.normal_form import Array, Builder, NormalForm, append

if TYPE_CHECKING:
    import torch

CLUSTERS = 4
"""How many clusters the normalised cut of a report makes, so that two networks can be compared."""


@dataclass(frozen=True)
class Measures:
    """One network, measured.

    weights: links between units that aren't zero; sparsity: the share of the given network's links
    that are; units: hidden ones that are linked; modularity: Newman's, of Louvain's clusters; cut:
    the normalised cut into 4 clusters; agreement: on the rows held back, the share decided as the
    given network does, for real outputs the share of their variance that is met; accuracy: the same
    beside labels, if there are any; bits: of the literal program.
    """

    weights: int
    sparsity: float
    units: int
    modularity: float
    cut: float
    agreement: float
    accuracy: float | None
    bits: float


@dataclass(frozen=True, eq=False)
class Preparation:
    """A network made easier to read, beside the one it was.

    network: the prepared one, on inputs (n, width); the given one if nothing was within the loss.
    form: its normal form up to a last softmax or sigmoid; before, after: measures of both.
    loss_allowed: how much of the accuracy was to be given up at most; changed: whether anything was
    found within it; rows: used for training, and held back; interrupted: by Ctrl-C.
    """

    network: Network
    form: NormalForm
    before: Measures
    after: Measures
    output: str
    loss_allowed: float
    changed: bool
    rows: tuple[int, int]
    epochs: int
    seed: int
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "before": asdict(self.before),
            "after": asdict(self.after),
            "output": self.output,
            "loss_allowed": self.loss_allowed,
            "changed": self.changed,
            "rows_for_training": self.rows[0],
            "rows_held_back": self.rows[1],
            "epochs": self.epochs,
            "seed": self.seed,
            "interrupted": self.interrupted,
        }

    def summary(self) -> str:
        """All of it as text."""
        lines = [f"{'':22}{'before':>12}{'after':>12}"]
        lines += [f"{name:22}{a:>12}{b:>12}" for name, a, b in self._lines()]
        share = f"{100 * self.loss_allowed:g} %"
        lines.append(f"on {self.rows[1]:,} rows held back from training; loss allowed {share}")
        if not self.changed:
            lines.append("nothing sparser was within the loss: the network is as it was")
        return "\n".join(lines)

    def to_torch(self) -> torch.nn.Module:
        """The prepared network, up to a last softmax or sigmoid, as a module with parameters."""
        from distill.preparation.module import FormModule

        return FormModule(self.form)

    def _lines(self) -> list[tuple[str, str, str]]:
        shown: list[tuple[str, Callable[[Measures], str]]] = [
            ("weights that aren't 0", lambda m: f"{m.weights:,}"),
            ("sparsity", lambda m: f"{100 * m.sparsity:.1f} %"),
            ("hidden units", lambda m: f"{m.units:,}"),
            ("modularity", lambda m: f"{m.modularity:.3f}"),
            ("normalised cut", lambda m: f"{m.cut:.3f}"),
            ("agreement", lambda m: f"{100 * m.agreement:.2f} %"),
            ("bits", lambda m: f"{m.bits:,.0f}"),
        ]
        if self.before.accuracy is not None:
            shown.insert(6, ("accuracy", lambda m: f"{100 * (m.accuracy or 0.0):.2f} %"))
        return [(name, text(self.before), text(self.after)) for name, text in shown]


def structure_of(form: NormalForm, x: Array, seed: int) -> tuple[int, int, float, float]:
    """Linked weights and hidden units, modularity and normalised cut, for inputs like `x` (n, d).

    Inputs count in standard deviations; units without links are left out, for each would be a
    cluster that costs nothing.
    """
    links = links_of(_in_deviations(form, x))
    weights = sum(int(np.count_nonzero(m)) for m in links.weights.values())
    sizes = adjacency(links)
    linked = sizes.sum(1) > 0
    units = int(linked[links.widths[0] : len(linked) - links.widths[-1]].sum())
    sizes = sizes[np.ix_(linked, linked)]
    if len(sizes) < 2:
        return weights, units, 0.0, 0.0
    count = min(CLUSTERS, len(sizes) - 1)
    cut = normalised_cut(sizes, spectral(sizes, count, seed)) if count > 1 else 0.0
    return weights, units, modularity(sizes, louvain(sizes, seed)), cut


def _in_deviations(form: NormalForm, x: Array) -> NormalForm:
    builder = Builder(form.input_width)
    entry = builder.affine([(0, np.diag(x.std(0)))], np.zeros(form.input_width))
    return builder.build(append(builder, form, entry))


def links_count(links: Links) -> int:
    """How many links units may have: entries of all matrices between groups."""
    return sum(m.size for m in links.weights.values())
