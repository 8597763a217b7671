"""Convolutions found in dense layers: few filters moved over a grid, however rows are ordered.

Where the order of the inputs is that of a grid, every row is a filter at a place: what a row looks
like from its first weight on is the same for all rows of a filter. Where the inputs are shuffled as
well, the weights themselves say which of a filter's taps an input is seen by; that input p is seen
by tap t of window w then says x_p = y_w + o_t for unknown places x, y and offsets o. Solutions of
all these equations are the grid up to a linear map, which is undone by asking that the inputs fill
a box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from distill.normal_form import Array

Ints = NDArray[np.int64]

_EXACT = 1e-9
"""Weights below this part of the largest one are zeros where many are."""
_ROWS_A_FILTER = 3
_LINKED_AT_MOST = 2_000
"""Unknown places, at most, that shuffled inputs are solved for."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A dense layer (m, n) as filters with biases (k,), moved over a grid of inputs.

    filters: (k, *window), or (k, channels, *window) where inputs are several grids, one behind the
    other; grid: its shape, 1-d or 2-d; inputs (n,): the layer's input at each cell, line by line;
    filter_of (m,) and place (m, d): of each row its filter and where its window begins, negative
    where it begins in the padding; stride (d,) between windows; error: how far the layer's weights
    are from those that this gives, at most, as a part of the largest.
    """

    filters: Array
    bias: Array
    grid: tuple[int, ...]
    inputs: Ints
    filter_of: Ints
    place: Ints
    stride: tuple[int, ...]
    error: float
    channels: int = 1

    @property
    def window(self) -> tuple[int, ...]:
        """Shape of a filter on one grid."""
        return self.filters.shape[-len(self.grid) :]

    @property
    def padding(self) -> tuple[int, ...]:
        """Cells of zeros that windows begin before the grid."""
        return tuple(int(v) for v in np.maximum(-self.place.min(0), 0))

    @property
    def in_order(self) -> bool:
        """Whether the inputs are the grid line by line."""
        return bool((self.inputs == np.arange(len(self.inputs))).all())

    def dense(self) -> Array:
        """The layer's matrix (m, n), as the filters give it."""
        found = np.zeros((len(self.place), len(self.inputs)))
        cells = self.inputs.reshape(self.channels, *self.grid)
        filters = self.filters.reshape(-1, self.channels, *self.window)
        for row, (kind, place) in enumerate(zip(self.filter_of, self.place, strict=True)):
            taps = [slice(max(-p, 0), g - p) for p, g in zip(place, self.grid, strict=True)]
            some = filters[kind][(slice(None), *taps)]
            begin = np.maximum(place, 0)
            seen = [slice(b, b + s) for b, s in zip(begin, some.shape[1:], strict=True)]
            found[row, cells[(slice(None), *seen)]] = some
        return found


def find_convolution(weight: Array, bias: Array, noise: float = 0.0) -> Convolution | None:
    """The layer `weight` (m, n), `bias` (m,) as a convolution; None where it isn't one.

    noise: by how much of its size a weight may be off.
    """
    matrix = _cleaned(weight)
    if matrix is None or len(matrix) < _ROWS_A_FILTER:
        return None
    share = max(4.0 * noise, 1e-5)
    inputs = np.arange(matrix.shape[1])
    tried = (_on_grid(matrix, bias, grid, inputs, share) for grid in _grids(len(inputs)))
    found = [one for one in tried if one is not None]
    if not found or len(set(min(found, key=_size).stride)) > 1:  # channels cell by cell look so
        found += _on_channels(matrix, bias, share)
    if not found:
        shuffled = _on_shuffled(matrix, bias, share)
        found = [] if shuffled is None else [shuffled]
    return min(found, key=_size, default=None)


def _size(one: Convolution) -> tuple[int, ...]:
    """What is told of two readings of one layer: few weights, one stride, few axes."""
    return one.filters.size, len(set(one.stride)), len(one.grid)


def _cleaned(weight: Array) -> Array | None:
    """The matrix with zeros where weights are tiny; None where hardly any are."""
    size, largest = np.abs(weight), float(np.abs(weight).max(initial=0.0))
    if largest == 0.0:
        return None
    tiny = size <= _EXACT * largest
    if tiny.mean() < 0.1:  # noise on the zeros as well: they end where the sizes leap
        values = np.sort(size.ravel())
        leaps = np.log(np.maximum(values[1:], 1e-12) / np.maximum(values[:-1], 1e-12))
        leaps[values[1:] > 0.2 * largest] = 0.0
        leaps[: len(values) // 10] = 0.0
        place = int(leaps.argmax()) if len(leaps) else 0
        if not len(leaps) or leaps[place] < np.log(3.0):
            return None
        tiny = size <= values[place]
    return np.where(tiny, 0.0, weight)


# --- inputs in the order of a grid


def _grids(count: int) -> Iterator[tuple[int, ...]]:
    yield (count,)
    for rows in range(2, count // 2 + 1):
        if count % rows == 0:
            yield rows, count // rows


def _on_channels(matrix: Array, bias: Array, share: float) -> Iterator[Convolution]:
    """The same over several grids, one behind the other or cell by cell: a grid with an axis of
    channels more, of which every window sees all."""
    count = matrix.shape[1]
    for channels in range(2, count // 4 + 1):
        if count % channels:
            continue
        for grid in _grids(count // channels):
            shape = (channels, *grid)
            last = np.moveaxis(np.arange(count).reshape(*grid, channels), -1, 0).ravel()
            for inputs in (np.arange(count), last):
                if all(_sees_all(row[inputs].reshape(shape)) for row in matrix[:3]):
                    found = _on_grid(matrix, bias, shape, inputs, share, channels)
                    if found is not None:
                        yield found


def _sees_all(image: Array) -> bool:
    """Whether a row's weights lie in all channels, and in half of the grid or less."""
    if not image.any():
        return False
    shape = _boxed(image).values.shape
    few = all(2 * s <= g for s, g in zip(shape[1:], image.shape[1:], strict=True))
    return shape[0] == len(image) and few


@dataclass(frozen=True, eq=False)
class _Row:
    """A row from its first weight on: where that is (d,), and the weights in the smallest box."""

    corner: Ints
    values: Array


def _on_grid(
    matrix: Array,
    bias: Array,
    grid: tuple[int, ...],
    inputs: Ints,
    share: float,
    channels: int = 1,
) -> Convolution | None:
    """The convolution over a grid whose cells, line by line, are these inputs; with several
    channels the first axis is theirs."""
    if not (matrix != 0).any(1).all():
        return None
    rows = [_boxed(row[inputs].reshape(grid)) for row in matrix]
    window = tuple(np.max([r.values.shape for r in rows], axis=0).tolist())
    first = int(channels > 1)
    sides = list(zip(window, grid, strict=True))[first:]
    if max(w for w, _ in sides) == 1 or any(2 * w > g for w, g in sides):
        return None
    if first and window[0] != channels:
        return None
    whole = [i for i, r in enumerate(rows) if r.values.shape == window]
    groups = _groups([rows[i].values for i in whole], bias[whole], share)
    sizes = [len(group) for group in groups]
    if len(whole) < _ROWS_A_FILTER * len(groups) or 2 * min(sizes) < max(sizes):
        return None
    filters = np.array([np.median([rows[whole[i]].values for i in g], axis=0) for g in groups])
    biases = np.array([np.median(bias[[whole[i] for i in g]]) for g in groups])
    kinds, places = np.full(len(rows), -1), np.zeros((len(rows), len(grid)), dtype=np.int64)
    for kind, group in enumerate(groups):
        for i in group:
            kinds[whole[i]], places[whole[i]] = kind, rows[whole[i]].corner
    for i in np.flatnonzero(kinds < 0):
        match = _cut_off(rows[i], bias[i], filters, biases, grid, share)
        if match is None:
            return None
        kinds[i], places[i] = match
    if first:
        grid, places = grid[1:], places[:, 1:]
    return _judged(matrix, filters, biases, grid, inputs, kinds, places, share, channels)


def _boxed(image: Array) -> _Row:
    places = np.argwhere(image != 0)
    low, high = places.min(0), places.max(0) + 1
    return _Row(low, image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])


def _alike(a: Array, b: Array, share: float) -> bool:
    return bool((np.abs(a - b) <= share * np.maximum(np.abs(a), np.abs(b)) + 1e-9).all())


def _bias_room(bias: Array, share: float) -> float:
    """How far apart equal biases may be."""
    return 1e-6 + share * float(np.abs(bias).max(initial=0.0))


def _groups(values: list[Array], bias: Array, share: float) -> list[list[int]]:
    """Places of weights, and biases, that are alike."""
    groups: list[list[int]] = []
    unit = _bias_room(bias, share)
    for i, value in enumerate(values):
        for group in groups:
            first = group[0]
            if abs(bias[first] - bias[i]) <= unit and _alike(values[first], value, share):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def _cut_off(
    row: _Row, bias: float, filters: Array, biases: Array, grid: tuple[int, ...], share: float
) -> tuple[int, Ints] | None:
    """A filter, and where it begins, of which a row is what lies within the grid."""
    window, shape = filters.shape[1:], row.values.shape
    unit = _bias_room(biases, share)
    for offset in product(*(range(w - s + 1) for w, s in zip(window, shape, strict=True))):
        place = row.corner - np.array(offset)
        if not _all_seen(place, window, offset, shape, grid):
            continue
        part = tuple(slice(o, o + s) for o, s in zip(offset, shape, strict=True))
        for kind, taps in enumerate(filters):
            if abs(bias - biases[kind]) <= unit and _alike(taps[part], row.values, share):
                return kind, place
    return None


def _all_seen(
    place: Ints,
    window: tuple[int, ...],
    offset: tuple[int, ...],
    shape: tuple[int, ...],
    grid: tuple[int, ...],
) -> bool:
    """Whether a window that begins there sees exactly a row's box of the grid."""
    axes = zip(place.tolist(), window, offset, shape, grid, strict=True)
    return all(max(-p, 0) == o and min(p + w, g) - max(p, 0) == s for p, w, o, s, g in axes)


def _judged(
    matrix: Array, filters: Array, biases: Array, grid: tuple[int, ...], inputs: Ints,
    kinds: Ints, places: Ints, share: float, channels: int,
) -> Convolution | None:  # fmt: skip
    """The convolution if it gives the matrix back."""
    steps = [np.diff(np.unique(places[:, axis])) for axis in range(len(grid))]
    stride = tuple(int(np.gcd.reduce(s)) if len(s) else 1 for s in steps)
    made = Convolution(filters, biases, grid, inputs, kinds, places, stride, 0.0, channels)
    error = float(np.abs(made.dense() - matrix).max() / np.abs(matrix).max())
    if error > share:
        return None
    return replace(made, error=error)


# --- shuffled inputs


def _on_shuffled(matrix: Array, bias: Array, share: float) -> Convolution | None:
    """The same where the inputs' order is unknown: first the grid, then as above."""
    windows = _windows(matrix)
    if windows is None:
        return None
    taps = _labelled(windows, share)
    if taps is None:
        return None
    for cells in _coordinates(windows, taps, matrix.shape[1]):
        grid = tuple((cells.max(0) + 1).tolist())
        inputs = np.argsort(np.ravel_multi_index(tuple(cells.T), grid))
        found = _on_grid(matrix, bias, grid, inputs, share)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, eq=False)
class _Windows:
    """Sets of inputs (w, t) that rows see, and the weights (w, t, k) of the rows that see them."""

    inputs: Ints
    weights: Array


def _windows(matrix: Array) -> _Windows | None:
    """The largest sets of inputs that as many rows each see; their rows in an order of filters."""
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, row in enumerate(matrix):
        rows[tuple(np.flatnonzero(row).tolist())].append(i)
    most = max(map(len, rows))
    whole = {seen: some for seen, some in rows.items() if len(seen) == most}
    kinds = max(map(len, whole.values()))
    whole = {seen: some for seen, some in whole.items() if len(some) == kinds}
    if len(whole) < _ROWS_A_FILTER or 2 * most > matrix.shape[1]:
        return None
    inputs = np.array(list(whole))
    weights = np.array([matrix[np.ix_(some, seen)].T for seen, some in whole.items()])
    return _Windows(inputs, _in_order(weights))


def _in_order(weights: Array) -> Array:
    """Rows of every window in the order of those of the first one that they are most like."""
    found, first = weights.copy(), np.sort(weights[0], axis=0)
    for i, one in enumerate(weights):
        apart = np.abs(np.sort(one, axis=0)[:, None, :] - first[:, :, None]).sum(0)
        found[i] = one[:, linear_sum_assignment(apart)[1]]
    return found


def _labelled(windows: _Windows, share: float) -> Ints | None:
    """Which input of each window (w, t) is seen by which tap of the first one; -1 for taps that are
    too much like others. None where windows differ."""
    first = windows.weights[0]
    room = share * np.maximum(np.abs(first[:, None]), np.abs(first[None])) + 1e-9
    near = (np.abs(first[:, None] - first[None]) <= 2 * room).all(2)
    unsure = near.sum(1) > 1
    found = np.zeros(windows.inputs.shape, dtype=np.int64)
    for i, one in enumerate(windows.weights):
        apart = np.abs(first[:, None] - one[None]).sum(2)
        taps, which = linear_sum_assignment(apart)
        if not _alike(first[taps], one[which], 2 * share):
            return None
        found[i, taps] = windows.inputs[i, which]
    found[:, unsure] = -1
    return found if (~unsure).sum() >= 2 else None


def _coordinates(windows: _Windows, taps: Ints, count: int) -> Iterator[Ints]:
    """Cells (n, d) of a grid, from 0 on every axis, that the inputs may lie on."""
    sure = np.flatnonzero(taps[0] >= 0)
    total = count + len(taps) + len(sure)
    if total > _LINKED_AT_MOST:
        return
    equations = np.zeros((len(taps) * len(sure), total))
    for number, (window, tap) in enumerate(product(range(len(taps)), range(len(sure)))):
        equations[number, taps[window, sure[tap]]] = 1.0
        equations[number, count + window] = -1.0
        equations[number, count + len(taps) + tap] = -1.0
    seen = np.zeros(count, dtype=np.bool_)
    seen[taps[:, sure].ravel()] = True
    fixed = np.zeros((1, total))
    fixed[0, count + len(taps)] = 1.0  # the first tap's offset is 0
    kept = np.r_[seen, np.ones(total - count, dtype=np.bool_)]
    system = np.concatenate([equations, fixed])[:, kept]
    _, sizes, lines = np.linalg.svd(system, full_matrices=len(system) < system.shape[1])
    free = lines[(sizes > 1e-9 * sizes[0]).sum() :]
    places = np.full((count, len(free)), np.nan)
    places[seen] = free[:, : int(seen.sum())].T
    starts = free[:, int(seen.sum()) : int(seen.sum()) + len(taps)].T
    spread = places[seen] - places[seen].mean(0)
    axes = np.linalg.svd(spread, full_matrices=False)[2]
    for size in (1, 2):
        if len(free) == size + 1:  # moving everything is the one that is left
            yield from _boxes(places @ axes[:size].T, starts @ axes[:size].T, windows, taps)


def _boxes(places: Array, starts: Array, windows: _Windows, taps: Ints) -> Iterator[Ints]:
    """Linear maps undone: whole coordinates with which the inputs fill a box."""
    steps = _steps(starts)
    count, size = places.shape
    for basis in _bases(steps, size):
        whole = np.linalg.solve(basis.T, (places - np.nanmin(places, 0)).T).T
        known = ~np.isnan(whole).any(1)
        origin = whole[known][0]
        cells = np.full((count, size), np.iinfo(np.int64).min)
        near = whole[known] - origin
        if np.abs(near - np.rint(near)).max() > 0.01:
            continue
        cells[known] = np.rint(near)
        begins = np.linalg.solve(basis.T, (starts - np.nanmin(places, 0)).T).T - origin
        cells = _unsure_placed(cells, np.rint(begins).astype(np.int64), windows, taps)
        if cells is None:
            continue
        cells = cells - cells.min(0)
        sides = cells.max(0) + 1
        if np.prod(sides) == count and len(np.unique(cells, axis=0)) == count:
            yield cells


def _steps(starts: Array) -> Array:
    """Differences between windows, each once, short ones first."""
    apart = (starts[:, None] - starts[None]).reshape(-1, starts.shape[1])
    apart = apart[np.linalg.norm(apart, axis=1) > 1e-9]
    keys = np.unique(np.round(apart / np.abs(apart).max(), 6), axis=0, return_index=True)[1]
    some = apart[keys]
    order = np.argsort(np.linalg.norm(some, axis=1))
    return some[order]


def _bases(steps: Array, size: int) -> Iterator[Array]:
    """Steps that may be one cell along each axis."""
    if size == 1:
        yield from (step[None] for step in steps[:4])
        return
    few = steps[:40]
    for i, j in product(range(len(few)), repeat=2):
        basis = few[[i, j]]
        if i < j and abs(np.linalg.det(basis)) > 1e-9 * np.linalg.norm(basis) ** 2:
            yield basis


def _unsure_placed(cells: Ints, begins: Ints, windows: _Windows, taps: Ints) -> Ints | None:
    """Inputs that no sure tap sees, where the windows that see them have room; None for no room."""
    missing = cells[:, 0] == np.iinfo(np.int64).min
    if not missing.any():
        return cells
    known = cells[~missing]
    low, high = known.min(0), known.max(0)
    free = set(product(*(range(a, b + 1) for a, b in zip(low, high, strict=True))))
    free -= set(map(tuple, known.tolist()))
    if len(free) != missing.sum():
        return None
    sure = taps[0] >= 0
    offsets = [cells[taps[0, t]] - begins[0] for t in np.flatnonzero(sure)]
    inside = np.min(offsets, 0), np.max(offsets, 0)
    found = cells.copy()
    sees = {int(p): set(np.flatnonzero((windows.inputs == p).any(1))) for p in
            np.flatnonzero(missing)}  # fmt: skip
    for place in free:
        where = np.array(place)
        mine = {w for w, b in enumerate(begins)
                if (where >= b + inside[0]).all() and (where <= b + inside[1]).all()}  # fmt: skip
        best = max(sees, key=lambda p: len(sees[p] & mine) - len(sees[p] ^ mine))
        found[best] = where
        del sees[best]
    return found
