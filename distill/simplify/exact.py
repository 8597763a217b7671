"""Rewrites that keep a normal form's meaning over the reals, until none helps any more.

Their arithmetic is float64, so a weight may change by its rounding; what is verified
afterwards is compared with the network as it was loaded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.normal_form import Affine, NormalForm
from distill.simplify.fold import fold_affine, fold_constants
from distill.simplify.phases import drop_settled
from distill.simplify.units import drop_dead, merge_repeated, rescale_to_whole

Array = NDArray[np.float64]
_ROUNDS = 8


def simplify_exact(form: NormalForm, lower: Array | None, upper: Array | None) -> NormalForm:
    """The same function on the box `lower`, `upper` ((n,), network-input units), written shorter.

    Without a box, or with one that isn't finite, only rewrites that hold everywhere are made.

    Raises:
        BadInput: the box doesn't fit the network's input.
    """
    box = _box(form, lower, upper)
    size = _size(form)
    for _ in range(_ROUNDS):
        form = _round(form, box)
        last, size = size, _size(form)
        if size == last:
            break
    return rescale_to_whole(form)


def _round(form: NormalForm, box: tuple[Array, Array] | None) -> NormalForm:
    form = drop_dead(fold_constants(fold_affine(form)))
    if box is not None:
        form = drop_settled(form, *box)
    return merge_repeated(form)


def _size(form: NormalForm) -> tuple[int, int]:
    affine = [n for n in form.nodes if isinstance(n, Affine)]
    return len(form.nodes), sum(int(np.count_nonzero(m)) for n in affine for _, m in n.terms)


def _box(form: NormalForm, lower: Array | None, upper: Array | None) -> tuple[Array, Array] | None:
    if lower is None or upper is None:
        return None
    low, high = np.asarray(lower, np.float64), np.asarray(upper, np.float64)
    if low.shape != (form.input_width,) or high.shape != low.shape:
        raise BadInput(
            f"The box has shapes {low.shape} and {high.shape}; both have to be "
            f"({form.input_width},)."
        )
    finite = np.isfinite(low).all() and np.isfinite(high).all()
    return (low, high) if finite else None
