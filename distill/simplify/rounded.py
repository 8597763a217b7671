"""The same network with weights rounded to few digits: whole numbers times one scale a layer.

No retraining and no change of shape: what is tried where no smaller network behaves alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from distill.normal_form import Affine, Array, Builder, Elementwise, NormalForm

_DIGITS = range(3, 15)
_DIFFER_AT_MOST = 0.002


def rounded_alike(
    form: NormalForm, x: Array, decode: Callable[[Array], Any]
) -> Iterator[NormalForm]:
    """Rounded forms that decide alike on `x` (n, width), coarsest first.

    decode: raw outputs (n, m) to decisions; real outputs never come out exactly alike.
    """
    wanted = decode(form.run(x))
    for digits in _DIGITS:
        made = rounded(form, digits)
        differs = (decode(made.run(x)) != wanted).reshape(len(x), -1).any(1)
        if differs.mean() <= _DIFFER_AT_MOST:
            yield made


def rounded(form: NormalForm, digits: int) -> NormalForm:
    """Every affine map with weights of at most `digits` binary digits and one power of two."""
    builder = Builder(form.input_width)
    places = [0]
    for node in form.nodes[1:]:
        if isinstance(node, Elementwise):
            sources = (places[s] for s in node.sources)
            places.append(builder.elementwise(node.function, *sources))
        else:
            assert isinstance(node, Affine)
            places.append(_rounded_map(builder, node, places, digits))
    return builder.build(places[form.output])


def _rounded_map(builder: Builder, node: Affine, places: list[int], digits: int) -> int:
    largest = max((float(np.abs(m).max(initial=0.0)) for _, m in node.terms), default=0.0)
    if largest == 0.0:
        return builder.affine([(places[s], m) for s, m in node.terms], node.bias)
    step = 2.0 ** (np.floor(np.log2(largest)) + 1 - digits)
    terms = [(places[s], np.rint(m / step)) for s, m in node.terms]
    whole = builder.affine(terms, np.rint(node.bias / step))
    return builder.affine([(whole, step * np.eye(len(node.bias)))], np.zeros(len(node.bias)))
