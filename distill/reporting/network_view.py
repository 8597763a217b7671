"""What the picture of a network shows: columns of units, links, modules, and located variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.align.sequences import STATE
from distill.decompose.clusters import clustered
from distill.decompose.links import Links, links_of
from distill.decompose.parts import parts_of
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.load.examples import column_names
from distill.network import Network
from distill.normal_form import Affine, Elementwise, NormalForm
from distill.walkthrough import sound_place

Array = NDArray[np.float64]
SHOWN = 20
"""Units of a column that are drawn."""
EDGES = 500
_PARTED = 400
"""Units up to which parts are looked for, and _CLUSTERED those up to which clusters are."""
_CLUSTERED = 150
_LARGEST = 2_000_000
_MANY = 8
"""Groups above which none is drawn."""
_APART = 2.0
"""Standard deviations by which a cut has to beat shuffled weights."""


@dataclass(frozen=True)
class Column:
    """A group of units: what it is, how many it has, which are drawn and what these are called."""

    title: str
    width: int
    drawn: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """A variable that lives in units of a column; of all of it where `units` is empty."""

    variable: str
    column: int
    units: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class NetworkView:
    """links: column, unit, column, unit, weight as a share of the largest between the columns;
    groups: which module a unit belongs to; kind: what a module is, `part` or `cluster`."""

    columns: tuple[Column, ...]
    links: tuple[tuple[int, int, int, int, float], ...]
    groups: dict[tuple[int, int], int]
    kind: str
    held: tuple[Held, ...]


def network_view(found: Distillation | LoopDistillation) -> NetworkView | None:
    """The network that the program explains; None where it can't be drawn as units."""
    loop = isinstance(found, LoopDistillation)
    network = found.network.cell if loop else found.network
    try:
        form = network.normal_form()
    except BadInput:
        return None
    if network.opaque or form.multiply_adds > _LARGEST:
        return None
    links = links_of(form)
    groups, kind = _groups(links)
    strength = _strength(links)
    drawn = [_drawn(s, c, groups) for c, s in enumerate(strength)]
    columns = tuple(
        Column(title, links.widths[c], drawn[c], names)
        for c, (title, names) in enumerate(_called(found, links, drawn))
    )
    return NetworkView(
        columns, _edges(links, drawn), groups, kind, tuple(_held(found, network, form))
    )


def _groups(links: Links) -> tuple[dict[tuple[int, int], int], str]:
    count = len(links.hidden)
    if not 1 < count <= _PARTED:
        return {}, ""
    parts = parts_of(links)
    if 1 < len(parts) <= _MANY:
        return {(u.group, u.place): i for i, part in enumerate(parts) for u in part.units}, "part"
    if len(parts) > _MANY or sum(links.widths) > _CLUSTERED:
        return {}, ""
    found = clustered(links, 0)
    if not 1 < found.count <= _MANY or found.z_score < _APART:
        return {}, ""
    starts = links.starts
    return {
        (u.group, u.place): int(found.labels[int(starts[u.group]) + u.place]) for u in links.hidden
    }, "cluster"


def _strength(links: Links) -> list[Array]:
    found = [np.zeros(w) for w in links.widths]
    for (a, b), weights in links.weights.items():
        size = np.abs(weights) / (np.abs(weights).max() or 1.0)
        found[a] += size.sum(0)
        found[b] += size.sum(1)
    return found


def _drawn(strength: Array, column: int, groups: dict[tuple[int, int], int]) -> tuple[int, ...]:
    """The strongest units, module by module."""
    kept = np.sort(np.argsort(-strength, kind="stable")[:SHOWN])
    return tuple(sorted((int(i) for i in kept), key=lambda i: (groups.get((column, i), 0), i)))


def _called(
    found: Distillation | LoopDistillation, links: Links, drawn: Sequence[tuple[int, ...]]
) -> list[tuple[str, tuple[str, ...]]]:
    """The title of every column, and the names of its drawn units where they have any."""
    last = len(links.widths) - 1
    entry, leave = _ends(found)
    told = []
    for column, units in enumerate(drawn):
        if column in (0, last):
            names = entry if column == 0 else leave
            fits = len(names) == links.widths[column]
            letter = "x" if column == 0 else "y"
            kept = tuple(names[u] if fits else f"{letter}{u}" for u in units)
            told.append(("inputs" if column == 0 else "outputs", kept))
        else:
            told.append((f"{links.functions[column]} {column}", tuple(str(u) for u in units)))
    return told


def _ends(found: Distillation | LoopDistillation) -> tuple[list[str], list[str]]:
    if isinstance(found, LoopDistillation):
        state = [f"h{i}" for i in range(found.network.hidden)]
        item = _input_names(found.domain.item)
        outputs = found.network.cell.output_width - found.network.hidden
        after = [f"{name}'" for name in state]
        return [*state, *item], [*after, *(f"y{i}" for i in range(outputs))]
    labels = getattr(found.output.type, "labels", ())
    return _input_names(found.domain), list(labels)


def _input_names(domain: Any) -> list[str]:
    if domain.width == domain.scalars:
        return column_names(domain)
    names = []
    for field in domain.fields:
        each = field.width // max(field.scalars, 1)
        names += [f"{field.name}.{i}" if each > 1 else field.name for i in range(field.width)]
    return names


def _edges(
    links: Links, drawn: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, int, int, int, float], ...]:
    """The links between drawn units, the strongest ones where there are many."""
    found: list[tuple[int, int, int, int, float]] = []
    for (a, b), weights in links.weights.items():
        largest = float(np.abs(weights).max()) or 1.0
        part = weights[np.ix_(drawn[b], drawn[a])] / largest
        for row, column in np.argwhere(np.abs(part) > 0.02).tolist():
            found.append((a, drawn[a][column], b, drawn[b][row], float(part[row, column])))
    found.sort(key=lambda e: (-abs(e[4]), e[:4]))
    return tuple(sorted(found[:EDGES]))


def _held(found: Distillation | LoopDistillation, network: Network, form: NormalForm) -> list[Held]:
    """Located variables with the column that their wire is, which equal values tell."""
    told = (found.located or {}).get("variables")
    rows = [r for r in told if isinstance(r, dict)] if isinstance(told, list) else []
    places = [(str(r.get("variable")), r["place"]) for r in rows
              if r.get("verdict") == "located" and isinstance(r.get("place"), dict)
              and sound_place(r["place"])]  # fmt: skip
    if not places:
        return []
    x = np.random.default_rng(0).uniform(0, 1, (32, network.input_width))
    wires, own = network.wires(x), form.wires(x.astype(np.float32).astype(np.float64))
    held = []
    for name, place in places:
        units = tuple(i for i in place.get("neurons") or () if isinstance(i, int))
        if place.get("wire") == STATE and isinstance(found, LoopDistillation):
            held.append(Held(name, 0, units or tuple(range(found.network.hidden))))
            continue
        values = wires.get(place.get("wire", ""))
        column = None if values is None else _column(values, own, form)
        if column is not None:
            held.append(Held(name, column, units))
    return held


def _column(values: NDArray[Any], own: list[Array], form: NormalForm) -> int | None:
    """The group whose values, or sums before its function, are these."""
    flat = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    inner = [i for i, node in enumerate(form.nodes) if isinstance(node, Elementwise)]
    for index, numbers in enumerate(own):
        if numbers.shape != flat.shape or not np.allclose(numbers, flat, rtol=1e-3, atol=1e-4):
            continue
        if index in inner:
            return 1 + inner.index(index)
        if isinstance(form.nodes[index], Affine):
            after = [i for i in inner if index in getattr(form.nodes[i], "sources", ())]
            return 1 + inner.index(after[0]) if after else len(inner) + 1
    return None
