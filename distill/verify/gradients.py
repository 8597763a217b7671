"""Gradients of all wires of a normal form, and inputs moved along them: where differences grow.

Forward: every wire carries its derivatives by the inputs. In plain floats; this steers a search and
proves nothing. The ascent takes steps of the sign of the gradient, as projected gradient attacks do
(Madry et al., ICLR 2018).
"""

from __future__ import annotations

import numpy as np

from distill.normal_form import ELEMENTWISE, Affine, Array, Input, NormalForm
from distill.verify.rounding import Mask

_STEP = 1e-6
_ROUNDS, _FIRST, _SHORTER = 14, 0.2, 0.75
"""Steps of an ascent, the first as a share of the box, and what the next is of one."""

_NUMBERS = 1 << 22
"""Of all gradients that are held at once, at most."""


def wire_gradients(form: NormalForm, points: Array) -> tuple[list[Array], list[Array]]:
    """Every wire's values (b, k) at points (b, s), and its derivatives there (b, k, s)."""
    values, width = list(form.wires(points)), points.shape[1]
    gradients: list[Array] = []
    for node in form.nodes:
        if isinstance(node, Input):
            gradients.append(np.broadcast_to(np.eye(width), (len(points), width, width)))
        elif isinstance(node, Affine):
            total = np.zeros((len(points), len(node.bias), width))
            for source, matrix in node.terms:
                total = total + np.einsum("mk,bks->bms", matrix, gradients[source])
            gradients.append(total)
        else:
            slopes = _slopes(node.function, [values[s] for s in node.sources])
            pairs = zip(slopes, node.sources, strict=True)
            gradients.append(np.sum([s[..., None] * gradients[i] for s, i in pairs], axis=0))
    return values, gradients


def _slopes(function: str, sources: list[Array]) -> list[Array]:
    """Derivatives of an elementwise function by each of its sources, by differences."""
    run, found = ELEMENTWISE[function], []
    for place in range(len(sources)):
        ends = []
        for sign in (1.0, -1.0):
            moved = list(sources)
            moved[place] = sources[place] + sign * _STEP
            with np.errstate(all="ignore"):
                ends.append(run(*moved))
        with np.errstate(all="ignore"):
            found.append(np.nan_to_num((ends[0] - ends[1]) / (2.0 * _STEP), posinf=0.0, neginf=0.0))
    return found


def climbed(form: NormalForm, points: Array, low: Array, high: Array, whole: Mask) -> Array:
    """Points (b, s) after an ascent of the largest |output| within a box, and those on the way;
    none where the form is too large. Axes in `whole` stay as they are."""
    most = _NUMBERS // max(sum(form.widths()) * points.shape[1], 1)
    points, found = points[:most], []
    for step in range(_ROUNDS if len(points) else 0):
        values, gradients = wire_gradients(form, points)
        outputs, rows = values[form.output], np.arange(len(points))
        worst = np.nan_to_num(np.abs(outputs)).argmax(axis=1)
        uphill = np.sign(outputs[rows, worst])[:, None] * gradients[form.output][rows, worst]
        moved = _FIRST * _SHORTER**step * (high - low) * np.sign(uphill) * ~whole
        points = np.clip(points + moved, low, high)
        found.append(points)
    return np.concatenate(found) if found else points[:0]
