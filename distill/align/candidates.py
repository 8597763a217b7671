"""Places at one site that may hold a variable, written down without any search.

Single neurons; all neurons that are functions of the variable; the directions in which the mean
activation moves with the variable (for k values the k - 1 of the class means); the directions of
the linear decoder; and decoder and means together, which is what slanted directions need: reading
by the decoder and writing along the pattern that belongs to it (Haufe et al., On the
interpretation of weight vectors of linear models, NeuroImage 87, 2014), as it is correlated with
the activations, or as they regress on it and on the other variables in the same place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from distill.align.decode import Coded
from distill.align.place import (
    Array,
    Place,
    Site,
    Spread,
    directions,
    neurons,
    paired,
    spread_of,
)

_SINGLE = 4
_MOST_DIRECTIONS = 8
_OWN = 0.98
"""Share of a neuron's variance that the variable explains where the neuron is a function of it."""


def candidates(site: Site, activations: Array, values: Coded, context: Array) -> Iterator[Place]:
    """Places at a site, from activations (n, d) and the variable's values in the same rows.

    context: numbers (n, m) that tell the other variables which may share the place.
    """
    centred = activations - activations.mean(0)
    yield from _neurons(site, _explained(centred, values))
    spread = spread_of(activations)
    yield from _directions(site, centred, values.features, context, spread)
    if values.classes is None:
        yield from _directions(site, centred, values.curves, context, spread)


def _directions(
    site: Site, centred: Array, features: Array, context: Array, spread: Spread
) -> Iterator[Place]:
    features = features - features.mean(0)
    means = centred.T @ features / len(features)
    decoder = spread.whiten(centred).T @ features / len(features)
    pattern = _pattern(centred, features, context)
    for dimension in _dimensions(min(np.linalg.matrix_rank(features), len(spread.scale))):
        yield directions(site, _leading(means, dimension))
        yield directions(site, spread.axes / spread.scale @ _leading(decoder, dimension))
        yield spread.place(site, _leading(decoder, dimension))
        pair = paired(site, spread.reader(_leading(decoder, dimension)), pattern)
        if pair is not None:
            yield pair


def _pattern(centred: Array, features: Array, context: Array) -> Array:
    """What each feature adds to the activations (d, m), all else that is known being equal."""
    rows = np.column_stack([features, context - context.mean(0)])
    added = np.linalg.lstsq(rows, centred, rcond=1e-9)[0]
    return np.asarray(added[: features.shape[1]].T, dtype=np.float64)


def readable(site: Site, spread: Spread) -> Place:
    """The place that is everything that varies at a site."""
    return spread.place(site, np.eye(len(spread.scale)))


def _explained(centred: Array, values: Coded) -> Array:
    """Share of every neuron's variance (d,) that the variable explains."""
    total = np.maximum((centred**2).mean(0), 1e-30)
    curves = np.column_stack([np.ones(len(centred)), values.curves])
    guess = curves @ np.linalg.lstsq(curves, centred, rcond=1e-9)[0]
    constant = np.ptp(centred, axis=0) < 1e-9
    return np.where(constant, 0.0, (guess**2).mean(0) / total)


def _neurons(site: Site, explained: Array) -> Iterator[Place]:
    order = np.argsort(-explained, kind="stable")
    for number in order[:_SINGLE]:
        yield neurons(site, [int(number)])
    own = np.sort(np.flatnonzero(explained > _OWN))
    if len(own) > 1:
        yield neurons(site, own.tolist())


def _dimensions(rank: int) -> list[int]:
    return sorted({d for d in (1, 2, 3, 4, 6, _MOST_DIRECTIONS, rank) if 1 <= d <= rank})


def _leading(columns: NDArray[np.float64], dimension: int) -> Array:
    """An orthonormal basis (d, k) of what the columns (d, m) hold most of."""
    return np.linalg.svd(columns, full_matrices=False)[0][:, :dimension]
