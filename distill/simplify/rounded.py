"""The same network with weights rounded to few digits: whole numbers times one scale a layer.

No retraining and no change of shape: what is tried where no smaller network behaves alike.
Every layer gets the fewest digits with which the whole still behaves alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from distill.normal_form import Affine, Array, NormalForm
from distill.run.budget import spend
from distill.simplify.compensated import compensated

_MOST = (10, 14)
"""Digits to begin with; more where the first aren't enough."""

_FEWEST = 1
Alike = Callable[[NormalForm], bool]
_LOOKED_AT = 12
"""Points on which likeness is looked at, for each that layers are kept close on, about."""

_MULTIPLY_ADDS_A_STEP = 4000


def rounded_alike(
    form: NormalForm,
    x: Array,
    shares: Array,
    alike: Alike,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[NormalForm]:
    """Rounded forms that are `alike`, the one of the fewest digits first.

    x: inputs (n, width) on which layers are kept close; shares: how much each counts (n,),
    those near a decision most. Stopped early, digits that weren't tried stay.
    """
    wanted, price = form.wires(x), _price(form, len(x))

    def made(digits: list[int]) -> NormalForm:
        spend(should_stop, price)
        return compensated(form, x, shares, digits, wanted)

    sizes = [_size(n) for n in form.nodes if isinstance(n, Affine)]
    for most in _MOST:
        digits = [most] * len(sizes)
        found = made(digits)
        if should_stop() or not alike(found):
            continue
        for place in np.argsort([-s for s in sizes], kind="stable"):
            found = _fewest(made, digits, int(place), alike, should_stop) or found
        yield found
        more = made([min(d + 1, most) for d in digits])
        if alike(more):
            yield more
        return


def _fewest(
    made: Callable[[list[int]], NormalForm],
    digits: list[int],
    place: int,
    alike: Alike,
    should_stop: Callable[[], bool],
) -> NormalForm | None:
    """Lower one layer's entry of `digits` by bisection as far as the form stays alike."""
    best, low, high = None, _FEWEST, digits[place]
    while low < high and not should_stop():
        middle = (low + high) // 2
        digits[place] = middle
        form = made(digits)
        if alike(form):
            best, high = form, middle
        else:
            low = middle + 1
    digits[place] = high
    return best


def _price(form: NormalForm, count: int) -> int:
    """Steps of rounding once: every layer's metric, and the outputs on the points looked at."""
    affine = [node for node in form.nodes if isinstance(node, Affine)]
    metrics = sum(sum(m.shape[1] for _, m in node.terms) ** 2 for node in affine)
    total = metrics + _LOOKED_AT * form.multiply_adds
    return 1 + count * total // _MULTIPLY_ADDS_A_STEP


def _size(node: Affine) -> int:
    return sum(matrix.size for _, matrix in node.terms)
