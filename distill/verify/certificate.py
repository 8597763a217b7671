"""What a finished box proof leaves behind: the split tree and the slopes used in every leaf.

Plain JSON-able columns. `distill.checker.bounds` re-derives the leaf boxes from the cuts and
every leaf's bound from the slopes; it trusts nothing else in here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.verify.crown import Enclosure, needed
from distill.verify.split import Boxes, Index, Mask, Tree

VERSION = 1


@dataclass(frozen=True, eq=False)
class LeafSlopes:
    """Slopes at one elementwise node of some leaves: entries (leaf, unit, per-source slopes)."""

    entries: dict[int, tuple[Index, Index, Array, Array]]


def leaf_slopes(form: NormalForm, enclosure: Enclosure, node: Index, done: Mask) -> LeafSlopes:
    """The slopes a checker cannot guess: where lower and upper line differ or are not 0 or 1."""
    entries = {}
    for index, lines in enclosure.lines.items():
        lower, upper = np.stack(lines.lower, axis=-1), np.stack(lines.upper, axis=-1)
        shape = (len(node), *lower.shape[1:])
        lower, upper = np.broadcast_to(lower, shape), np.broadcast_to(upper, shape)
        told = _told(form, index, enclosure) & done[:, None]
        leaf, unit = np.nonzero(told)
        entries[index] = (node[leaf], unit, lower[leaf, unit], upper[leaf, unit])
    return LeafSlopes(entries)


def _told(form: NormalForm, index: int, enclosure: Enclosure) -> Mask:
    """Units whose slopes are written: all but those of a kink that the box does not meet."""
    node = form.nodes[index]
    assert isinstance(node, Elementwise)
    ranges = [enclosure.ranges[source] for source in node.sources]
    if node.function in ("relu", "abs"):
        return (ranges[0][0] < 0) & (ranges[0][1] > 0)
    if node.function in ("max", "min"):
        return (ranges[0][0] < ranges[1][1]) & (ranges[1][0] < ranges[0][1])
    lines = enclosure.lines[index]
    return np.logical_or.reduce([s != 0 for s in (*lines.lower, *lines.upper)])


def write(
    form: NormalForm,
    roots: Boxes,
    integral: Mask,
    eps: float,
    tree: Tree,
    slopes: list[LeafSlopes],
) -> dict:
    """The certificate that |output| <= eps over the root boxes."""
    return {
        "kind": "bounds",
        "version": VERSION,
        "eps": float(eps),
        "form": digest(form),
        "lower": roots.lower.tolist(),
        "upper": roots.upper.tolist(),
        "integral": [bool(flag) for flag in integral],
        "tree": tree.columns(),
        "slopes": [_column(index, slopes) for index in needed(form) if _any(index, slopes)],
    }


def _any(index: int, slopes: list[LeafSlopes]) -> bool:
    return any(index in part.entries and len(part.entries[index][0]) for part in slopes)


def _column(index: int, slopes: list[LeafSlopes]) -> dict:
    parts = [part.entries[index] for part in slopes if index in part.entries]
    leaf, unit, lower, upper = (np.concatenate(column) for column in zip(*parts, strict=True))
    return {
        "node": index,
        "leaf": leaf.tolist(),
        "unit": unit.tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }


def digest(form: NormalForm) -> str:
    """SHA-256 of a normal form: structure and every float64 bit of its weights."""
    found = hashlib.sha256()
    for node in form.nodes:
        if isinstance(node, Affine):
            found.update(f"affine {len(node.bias)}".encode())
            for source, matrix in node.terms:
                found.update(f"term {source} {matrix.shape}".encode())
                found.update(np.ascontiguousarray(matrix, dtype="<f8").tobytes())
            found.update(np.ascontiguousarray(node.bias, dtype="<f8").tobytes())
        else:
            found.update(repr(node).encode())
    found.update(f"output {form.output}".encode())
    return found.hexdigest()
