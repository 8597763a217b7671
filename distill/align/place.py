"""Places: where in a network a value may live, and how one run's is put into another.

An interchange intervention takes from the source's activations only what lies in a subspace and
leaves the rest as it is in the base: `base + write (read (source - base))`. Where `read` is the
transpose of `write` that is the orthogonal projection of Geiger et al., Finding Alignments
Between Interpretable Causal Variables and Distributed Neural Representations (arXiv 2303.02536);
where they differ, variables that are encoded in slanted directions can be told apart: the
projection is orthogonal after the activations are whitened, or reads by the decoder and writes
along what the variable adds to the activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FLAT = 1e-6
"""Share of the largest standard deviation below which a direction counts as constant."""
_SHOWN = 6


@dataclass(frozen=True)
class Site:
    """A vector of activations: a wire's flattened numbers. label: what a reader calls it."""

    wire: str
    label: str
    width: int


@dataclass(frozen=True, eq=False)
class Place:
    """A subspace of a site.

    read: (k, d) gives the coordinates; write: (d, k) puts them back, `read @ write` is the
    identity. neurons: the coordinates' own numbers, counted from 0, where the subspace is made
    of some; metric: "plain" where the projection is orthogonal, "whitened" where it is so in
    axes of spread 1, "paired" where read and write were found for each other.
    """

    site: Site
    read: Array
    write: Array
    neurons: tuple[int, ...] = ()
    metric: str = "plain"

    @property
    def dimension(self) -> int:
        """Dimension of the subspace."""
        return len(self.read)

    @property
    def whole(self) -> bool:
        """Whether it is all of the site."""
        return self.dimension >= self.site.width

    def component(self, activations: Array) -> Array:
        """Coordinates (n, k) of activations (n, d)."""
        return activations @ self.read.T

    def exchanged(self, base: Array, source: Array) -> Array:
        """Base activations (n, d) with the component of the source's."""
        return base + (source - base) @ self.read.T @ self.write.T

    def __str__(self) -> str:
        if self.whole:
            return f"all of {self.site.label}"
        if not self.neurons:
            count = f"{self.dimension} directions" if self.dimension > 1 else "a direction"
            return f"{count} of {self.site.label}"
        noun = "neuron" if len(self.neurons) == 1 else "neurons"
        shown = ", ".join(map(str, self.neurons[:_SHOWN]))
        more = f" and {len(self.neurons) - _SHOWN} more" * (len(self.neurons) > _SHOWN)
        return f"{self.site.label}, {noun} {shown}{more}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "wire": self.site.wire,
            "label": self.site.label,
            "width": self.site.width,
            "dimension": self.dimension,
            "neurons": list(self.neurons),
            "metric": self.metric,
            "read": self.read.tolist(),
            "write": self.write.tolist(),
        }


def neurons(site: Site, numbers: Sequence[int]) -> Place:
    """The place that is made of some of a site's own numbers."""
    axes = np.eye(site.width)[list(numbers)]
    return Place(site, axes, axes.T, tuple(int(i) for i in numbers))


def directions(site: Site, spanning: Array) -> Place:
    """The place that the columns of (d, k) span, projected on orthogonally."""
    basis, _ = np.linalg.qr(spanning)
    return Place(site, basis.T, basis)


def paired(site: Site, read: Array, pattern: Array) -> Place | None:
    """The place that `read` (k, d) reads and that is written along a pattern (d, m).

    None where the pattern doesn't move all that is read.
    """
    through = read @ pattern
    if np.linalg.matrix_rank(through, tol=1e-6) < len(read):
        return None
    return Place(site, read, pattern @ np.linalg.pinv(through), metric="paired")


@dataclass(frozen=True, eq=False)
class Spread:
    """How a site's activations vary: `axes` (d, r) of standard deviations `scale` (r,)."""

    axes: Array
    scale: Array

    def whiten(self, activations: Array) -> Array:
        """Coordinates (n, r) of spread 1 of activations (n, d)."""
        return activations @ self.axes / self.scale

    def place(self, site: Site, spanning: Array) -> Place:
        """The place that columns (r, k) span in whitened coordinates."""
        basis, _ = np.linalg.qr(spanning)
        return Place(site, self.reader(basis), self.axes * self.scale @ basis, metric="whitened")

    def reader(self, spanning: Array) -> Array:
        """Rows (k, d) that read what orthonormal columns (r, k) span in whitened coordinates."""
        return (self.axes / self.scale @ spanning).T

    def random(self, site: Site, dimension: int, rng: np.random.Generator) -> Place:
        """A random place of a dimension among the directions in which the site varies."""
        return directions(site, self.axes @ rng.normal(size=(len(self.scale), dimension)))


def spread_of(activations: Array) -> Spread:
    """Principal axes of activations (n, d); constant ones are left out."""
    centred = activations - activations.mean(0)
    _, sizes, rows = np.linalg.svd(centred, full_matrices=False)
    deviations = sizes / np.sqrt(max(len(activations), 1))
    kept = deviations > FLAT * max(float(deviations.max(initial=0.0)), 1e-30)
    return Spread(rows[kept].T, deviations[kept])


def same_up_to_affine(first: Array, second: Array) -> bool:
    """Whether each of (n, d) and (n, e) is an affine function of the other on these rows."""
    return _affine_in(first, second) and _affine_in(second, first)


def _affine_in(known: Array, wanted: Array) -> bool:
    rows = np.column_stack([known, np.ones(len(known))])
    found, *_ = np.linalg.lstsq(rows, wanted, rcond=1e-7)
    scale = float(np.ptp(wanted, axis=0).max(initial=0.0))
    return float(np.abs(rows @ found - wanted).max(initial=0.0)) <= 1e-4 * max(scale, 1e-12)
