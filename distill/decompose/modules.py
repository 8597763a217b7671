"""What parts a network has: those that its weights show exactly, and how nearly it has others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from distill.decompose.clusters import Clustering, clustered
from distill.decompose.convolution import Convolution, find_convolution
from distill.decompose.links import Links, Unit, links_of
from distill.decompose.parts import Part, parts_of
from distill.decompose.structured import Structure, find_structure
from distill.errors import BadInput
from distill.network import Network
from distill.normal_form import Affine, Array, NormalForm

_JOINED = "joined by narrow wires alone"
_COUNTED = {1: "1: no part is joined to the rest by narrow wires alone"}
_UNITS_AT_MOST = 2_000
_LAYER_AT_MOST = 1 << 20
"""Weights of a layer that is looked into for a convolution and other structure."""


@dataclass(frozen=True, eq=False)
class Modules:
    """parts: by the weights alone; clustering: by their sizes; convolutions, and structures of
    layers that are none: by the affine node's number, the first being 1."""

    links: Links
    parts: tuple[Part, ...]
    clustering: Clustering
    convolutions: dict[int, Convolution]
    structures: dict[int, Structure]

    def rows(self) -> list[tuple[str, str]]:
        """Label and text of every line."""
        units, hidden = sum(self.links.widths), len(self.links.hidden)
        joined = _COUNTED.get(len(self.parts), f"{len(self.parts)}, {_JOINED}")
        lines = [("units", f"{units}, {hidden} of them hidden"), ("parts", joined)]
        lines += [(f"part {i + 1}", self._told(part)) for i, part in enumerate(self.parts)]
        found = self.clustering
        lines.append(
            (
                "clusters",
                f"{found.count} by {found.method}: modularity {found.modularity:.2f}, normalised "
                f"cut {found.cut:.3g}",
            )
        )
        lines.append(
            (
                "by chance",
                f"{found.expected:.3g} ± {found.spread:.2g} with the weights of each layer "
                f"shuffled (z = {found.z_score:.1f})",
            )
        )
        if found.cuts:
            lines.append(("minimum cuts", ", ".join(f"{v:.3g}" for v in found.cuts[:8])))
        layers = {n: _convolution_told(one) for n, one in self.convolutions.items()}
        layers |= {n: _structure_told(one) for n, one in self.structures.items()}
        lines += [(f"layer {number}", layers[number]) for number in sorted(layers)]
        return lines

    def _told(self, part: Part) -> str:
        pieces = [_names(self.links, part.units)]
        reads = _listed("x", part.inputs)
        if part.before:
            numbers = "1 number" if part.width == 1 else f"{part.width} numbers"
            reads += [f"{numbers} of {_parts(part.before)}"]
        gives = _listed("y", part.outputs)
        if part.after:
            gives += [f"to {_parts(part.after)}"]
        pieces.append("reads " + (" and ".join(reads) or "nothing"))
        pieces.append("gives " + (" and ".join(gives) or "nothing"))
        return "; ".join(pieces)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data; numbers of parts, clusters and layers count from 1."""
        name, found = self.links.name, self.clustering
        labels: dict[int, list[str]] = {}
        for unit, label in zip(_units(self.links), found.labels.tolist(), strict=True):
            labels.setdefault(label, []).append(name(unit))
        return {
            "units": [list(pair) for pair in zip(self.links.functions, self.links.widths,
                                                 strict=True)],
            "parts": [
                {
                    "units": [name(u) for u in part.units],
                    "inputs": list(part.inputs),
                    "outputs": list(part.outputs),
                    "takes_from": [b + 1 for b in part.before],
                    "gives_to": [a + 1 for a in part.after],
                    "numbers_taken": part.width,
                }
                for part in self.parts
            ],
            "clusters": {
                "method": found.method,
                "members": list(labels.values()),
                "modularity": found.modularity,
                "normalised_cut": found.cut,
                "shuffled_mean": found.expected,
                "shuffled_deviation": found.spread,
                "z_score": found.z_score,
                "minimum_cuts": list(found.cuts),
            },
            "convolutions": {
                str(number): {
                    "filters": one.filters.tolist(),
                    "bias": one.bias.tolist(),
                    "grid": list(one.grid),
                    "channels": one.channels,
                    "stride": list(one.stride),
                    "padding": list(one.padding),
                    "inputs": one.inputs.tolist(),
                    "error": one.error,
                }
                for number, one in self.convolutions.items()
            },
            "structures": {
                str(number): {
                    "kind": one.kind,
                    "told": one.told,
                    "numbers": one.numbers,
                    "error": one.error,
                }
                for number, one in self.structures.items()
            },
        }  # fmt: skip


def _units(links: Links) -> Iterable[Unit]:
    return (Unit(group, place) for group, w in enumerate(links.widths) for place in range(w))


def _names(links: Links, units: Iterable[Unit]) -> str:
    parts = []
    for group, some in groupby(units, key=lambda u: u.group):
        parts.append(f"{links.functions[group]}{group}[{_ranges([u.place for u in some])}]")
    return ", ".join(parts)


def _listed(letter: str, places: tuple[int, ...]) -> list[str]:
    return [f"{letter}[{_ranges(places)}]"] if places else []


def _ranges(places: Iterable[int]) -> str:
    """`0..3, 7`: whole numbers in order, runs of three and more by their ends."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    texts = (f"{r[0]}..{r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs)
    return ", ".join(texts)


def _parts(numbers: tuple[int, ...]) -> str:
    word = "part" if len(numbers) == 1 else "parts"
    return f"{word} {', '.join(str(n + 1) for n in numbers)}"


def _convolution_told(one: Convolution) -> str:
    def by(values: tuple[int, ...]) -> str:
        return " x ".join(map(str, values))

    order = "in order" if one.in_order else "shuffled"
    count = len(one.filters)
    deep = f"{one.channels} channels of " if one.channels > 1 else ""
    return (
        f"a convolution: {count} filter{'s' * (count > 1)} of {by(one.window)} over {deep}"
        f"{by(one.grid)} inputs {order}, stride {by(one.stride)}, padding {by(one.padding)}"
    )


def _structure_told(one: Structure) -> str:
    off = f", off by up to {one.error:.1%} of the largest weight" if one.error > 1e-6 else ""
    return f"{one.kind}: {one.told}{off}"


def modules_of(network: Network, seed: int = 0) -> Modules:
    """The parts of a network, and the convolutions and other structure among its layers.

    Raises:
        BadInput: it holds operations without a normal form, no hidden unit, or too many units.
    """
    form = network.normal_form()
    links = links_of(form)
    if not links.hidden:
        raise BadInput("the network has no hidden units, so it has no parts")
    if sum(links.widths) > _UNITS_AT_MOST:
        raise BadInput(
            f"the network has {sum(links.widths):,} units; up to {_UNITS_AT_MOST:,} are looked at"
        )
    found = convolutions_of(form)
    others = structures_of(form, without=frozenset(found))
    return Modules(links, parts_of(links), clustered(links, seed), found, others)


def convolutions_of(form: NormalForm, noise: float = 0.01) -> dict[int, Convolution]:
    """Affine nodes of one term that are convolutions, by number from 1; see `find_convolution`."""
    found = {}
    for number, matrix, bias in _layers(form):
        one = find_convolution(matrix, bias) or find_convolution(matrix, bias, noise)
        if one is not None:
            found[number] = one
    return found


def structures_of(
    form: NormalForm, noise: float = 0.01, without: frozenset[int] = frozenset()
) -> dict[int, Structure]:
    """Other structure of affine nodes of one term, by number from 1; see `find_structure`.

    without: numbers that aren't looked at.
    """
    found = {}
    for number, matrix, _ in _layers(form):
        one = None
        if number not in without:
            one = find_structure(matrix) or find_structure(matrix, noise)
        if one is not None:
            found[number] = one
    return found


def _layers(form: NormalForm) -> Iterable[tuple[int, Array, Array]]:
    """Number, matrix and bias of affine nodes of one term, but for very large ones."""
    affine = [node for node in form.nodes if isinstance(node, Affine)]
    for number, node in enumerate(affine, 1):
        if len(node.terms) == 1 and node.terms[0][1].size <= _LAYER_AT_MOST:
            yield number, np.asarray(node.terms[0][1]), node.bias
