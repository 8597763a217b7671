"""Inputs moved to their middle and brought to one size while a network is trained, and back.

What comes back is written with short numbers: dyadic weights of relu layers become whole ones, and
what the inputs are scaled by stands apart or in the weights, whichever takes fewer bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from distill.normal_form import Affine, Array, Builder, Elementwise, Node, NormalForm, append
from distill.simplify.graph import compact, replaced
from distill.simplify.hidden import hidden_layers, mixed_units, rows_of

_FINENESS = 0.03
"""Of the grid that biases are rounded to, in standard deviations of what they are added to."""

_FINEST = 40


@dataclass(frozen=True, eq=False)
class Frame:
    """Inputs x (n, d) are trained on as `(x * scale - middle) / unit`.

    scale: (d,) simple positive numbers; middle: (d,) in scaled units; unit: a power of two; used:
    which inputs vary at all.
    """

    scale: Array
    middle: Array
    unit: float
    used: Array

    def rows(self, x: Array) -> Array:
        """Inputs as they are trained on."""
        return (x * self.scale - self.middle) * self.used / self.unit

    def inside(self, form: NormalForm) -> NormalForm:
        """The form on such inputs; a layer in front reads them if something bends them first."""
        form = _led_in(form)
        nodes: dict[int, Node] = {}
        for index, node in enumerate(form.nodes):
            if not isinstance(node, Affine):
                continue
            bias, terms = node.bias, []
            for source, matrix in node.terms:
                if source == 0:
                    raw = matrix / self.scale
                    bias, matrix = bias + raw @ self.middle, raw * self.used * self.unit
                terms.append((source, matrix))
            nodes[index] = Affine(tuple(terms), bias)
        return replaced(form, nodes)

    def outside(
        self, form: NormalForm, x: Array, bits: Callable[[NormalForm], float]
    ) -> NormalForm:
        """The form on raw inputs, biases rounded, in the writing that takes the fewest bits.

        x: (n, d) raw inputs, for the size of what biases are added to.
        """
        ways = product((False, True), repeat=2)
        found = [self._written(form, self.rows(x), fold, apart) for fold, apart in ways]
        return min(found, key=bits)

    def exactly(self, form: NormalForm) -> NormalForm:
        """The form on raw inputs, nothing rounded."""
        nodes: dict[int, Node] = {}
        for index, node in enumerate(form.nodes):
            if isinstance(node, Affine):
                bias, terms = self._raw(node)
                terms = [(s, m if s else m * self.scale) for s, m in terms]
                nodes[index] = Affine(tuple(terms), bias)
        return replaced(form, nodes)

    def _raw(self, node: Affine) -> tuple[Array, list[tuple[int, Array]]]:
        """Bias and terms of an affine node on inputs that are scaled only."""
        bias, terms = node.bias, []
        for source, matrix in node.terms:
            if source == 0:
                matrix = matrix / self.unit
                bias = bias - matrix @ self.middle
            terms.append((source, matrix))
        return bias, terms

    def _written(self, form: NormalForm, rows: Array, fold: bool, apart: bool) -> NormalForm:
        values, nodes = form.wires(rows), {}
        for index, node in enumerate(form.nodes):
            if isinstance(node, Affine):
                bias, terms = self._raw(node)
                steps = _grid(values[index].std(0))
                nodes[index] = Affine(tuple(terms), np.rint(bias / steps) * steps + 0.0)
        whole = _whole_relus(replaced(form, nodes))
        whole = _units_apart(whole) if apart else whole
        return _folded(whole, self.scale) if fold else _scaled(whole, self.scale)


def _led_in(form: NormalForm) -> NormalForm:
    if not any(isinstance(n, Elementwise) and 0 in n.sources for n in form.nodes):
        return form
    width = form.input_width
    builder = Builder(width)
    entry = builder.affine([(0, np.eye(width))], np.zeros(width))
    return builder.build(append(builder, form, entry))


def _grid(spread: Array) -> Array:
    """Of each unit the power of two that biases are rounded to, one for all units of a layer."""
    typical = float(np.median(spread[spread > 0])) if (spread > 0).any() else 1.0
    return np.full(len(spread), 2.0 ** np.floor(np.log2(_FINENESS * typical)))


def dyadic_step(values: Array) -> float | None:
    """The largest power of two that all values are whole multiples of; None if they have none."""
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return None
    step = float(2.0 ** np.floor(np.log2(sizes.min())))
    for _ in range(_FINEST):
        if (sizes / step == np.rint(sizes / step)).all():
            return step if sizes.max() / step < 2.0**_FINEST else None
        step /= 2
    return None


def _whole_relus(form: NormalForm) -> NormalForm:
    """Relu layers of dyadic weights times a power of two that makes them whole, in order."""
    for layer in hidden_layers(form):
        node = form.nodes[layer.affine]
        step = dyadic_step(rows_of(form, layer)[:, :-1])
        if layer.function in ("relu", "abs") and step is not None and isinstance(node, Affine):
            terms = tuple((s, m / step) for s, m in node.terms)
            form = replaced(form, {layer.affine: Affine(terms, node.bias / step)})
            form = mixed_units(form, layer, step * np.eye(len(node.bias)))
    return form


def _units_apart(form: NormalForm) -> NormalForm:
    """Dyadic weights that aren't whole as whole ones and a factor behind them."""
    builder, places = Builder(form.input_width), [0]
    for node in form.nodes[1:]:
        if isinstance(node, Elementwise):
            places.append(builder.elementwise(node.function, *(places[s] for s in node.sources)))
            continue
        assert isinstance(node, Affine)
        step = dyadic_step(np.concatenate([np.zeros(1), *(m.ravel() for _, m in node.terms)]))
        step = 1.0 if step is None or step >= 1 else step
        terms = [(places[s], m / step) for s, m in node.terms]
        wire = builder.affine(terms, node.bias / step)
        if step != 1.0:
            wire = builder.affine([(wire, step * np.eye(len(node.bias)))], 0.0 * node.bias)
        places.append(wire)
    return builder.build(places[form.output])


def _folded(form: NormalForm, scale: Array) -> NormalForm:
    nodes: dict[int, Node] = {}
    for index, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            terms = tuple((s, m if s else m * scale) for s, m in node.terms)
            nodes[index] = Affine(terms, node.bias)
    return compact(replaced(form, nodes))


def _scaled(form: NormalForm, scale: Array) -> NormalForm:
    """The scales as a layer in front, of the inputs that are read."""
    if (scale == 1).all():
        return form
    read = [m for n in form.nodes if isinstance(n, Affine) for s, m in n.terms if s == 0]
    used = np.any([(m != 0).any(0) for m in read], axis=0) if read else np.zeros(len(scale), bool)
    builder = Builder(form.input_width)
    wire = builder.affine([(0, np.diag(scale)[used])], np.zeros(int(used.sum())))
    nodes: dict[int, Node] = {}
    for index, node in enumerate(form.nodes):
        if isinstance(node, Affine):
            terms = tuple((s, m if s else m[:, used]) for s, m in node.terms)
            nodes[index] = Affine(tuple(t for t in terms if t[1].size), node.bias)
    return builder.build(append(builder, replaced(form, nodes), wire))
