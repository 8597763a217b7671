"""A function on a domain, and the plot that suits its type: a curve, a table, maps, or slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.load.examples import column_names
from distill.reporting.axes import figure
from distill.reporting.curve import curve
from distill.reporting.filters import pictures
from distill.reporting.heat_map import heat_map, region_map
from distill.reporting.markup import Markup, tag
from distill.reporting.truth_table import LARGEST, truth_table
from distill.walkthrough import shown
from dsl.domain import Columns, Domain, rows
from dsl.types import BOOL, INT, REAL, Category, Type, Vector, element

Array = NDArray[Any]
_TRIED = 256
_SCALARS = 64
"""Scalars of a domain up to which it is tried which of them matter."""
_PIXELS = 9
_POINTS = 201
_CELLS = 56
_SLICES = 4
_PANELS = 3
_SAMPLE = 12
_FEW = 8
"""Whole numbers up to which an output is shown by names instead of shades."""


@dataclass(frozen=True, eq=False)
class Plotted:
    """run and network: columns to values (n, ...); network None where nothing stands behind.

    base: values of the scalars (scalars,) at which those that aren't plotted are held; points:
    inputs to mark, as scalars, with the id that each links to; examples: some inputs to show where
    no plot shows all.
    """

    name: str
    domain: Domain
    type: Type
    run: Callable[[Columns], Array]
    network: Callable[[Columns], Array] | None
    base: NDArray[np.float64]
    points: tuple[tuple[NDArray[np.float64], str], ...] = ()
    examples: Columns | None = None


def middle(domain: Domain) -> NDArray[np.float64]:
    """The middle of a domain's box, whole where it has to be, (scalars,)."""
    low, high = domain.value_box()
    found = (low + high) / 2
    return np.where(domain.integral(), np.floor(found), found)


def plot(one: Plotted) -> Markup:
    """The plot, or plots, of a function."""
    used = _used(one)
    if used is None:
        return _sampled(one)
    if not used:
        value = shown(
            _plain(one.type, np.asarray(one.run(one.domain.unflatten(one.base[None])))[0])
        )
        return tag("p", "It has one value everywhere: ", tag("code", value), ".")
    sizes = _choices(one.domain)
    listed = [sizes[i] for i in used]
    if all(listed) and np.prod([float(s or 0) for s in listed]) <= LARGEST:
        return _table(one, sorted(used))
    if len(used) == 1:
        return _curve(one, used[0], used)
    if _image(one.domain) and len(used) > 2:
        return _sampled(one)
    small = sorted(used)
    numeric = not any(isinstance(_field(one.domain, i).item, Category) for i in used)
    if len(used) == 2 and numeric:
        return _maps(one, small, used)
    wide = [i for i, s in zip(used, listed, strict=True) if s is None or s > 4]
    if len(wide) < 2 or not numeric:
        return _sampled(one)
    if element(one.type) == REAL:
        return tag("div", (_curve(one, i, used) for i in wide[:_SLICES]), class_="row")
    return _maps(one, sorted(wide[:2]), used)


def _used(one: Plotted) -> list[int] | None:
    """The scalars that change the function's value, by trial, those that do most often first;
    None where there are too many."""
    count = one.domain.scalars
    if count > (_PIXELS if _image(one.domain) else _SCALARS):
        return None
    rng = np.random.default_rng(0)
    drawn = one.domain.sample(rng, _TRIED)
    first, second = one.domain.flatten(drawn), one.domain.flatten(one.domain.sample(rng, _TRIED))
    second = second[: len(first)]
    first = first[: len(second)]
    before = np.asarray(one.run(one.domain.unflatten(first)))
    changed = np.repeat(first[None], count, 0)
    for place in range(count):
        changed[place, :, place] = second[:, place]
    after = np.asarray(one.run(one.domain.unflatten(changed.reshape(-1, count))))
    after = after.reshape(count, *before.shape)
    same = (before == after) | ((before != before) & (after != after))
    found = dict(enumerate((~same).reshape(count, -1).sum(1).tolist()))
    return sorted((i for i, n in found.items() if n), key=lambda i: (-found[i], i))


def _choices(domain: Domain) -> list[int | None]:
    return [f.choices for f in domain.fields for _ in range(f.scalars)]


def _field(domain: Domain, place: int) -> Any:
    return next(f for f, n in zip(domain.fields, _ends(domain), strict=True) if place < n)


def _ends(domain: Domain) -> list[int]:
    return np.cumsum([f.scalars for f in domain.fields]).tolist()


def _values(one: Plotted, scalars: Array) -> tuple[Array, Array | None]:
    """Values (n, k) as floats of the function and of the network, not a number off the domain."""
    columns = one.domain.unflatten(scalars)
    inside = np.broadcast_to(one.domain.contains(columns), (len(scalars),))

    def numbers(call: Callable[[Columns], Array]) -> Array:
        found = np.asarray(call(columns), dtype=np.float64)
        flat = np.array(np.broadcast_to(found, (len(scalars), *found.shape[1:])))
        flat = flat.reshape(len(scalars), -1)
        flat[~inside] = np.nan
        return flat

    with np.errstate(all="ignore"):
        return numbers(one.run), None if one.network is None else numbers(one.network)


def _held(one: Plotted, used: Sequence[int], shown_: Sequence[int]) -> str:
    """Where the other scalars that matter are held, in words."""
    names = column_names(one.domain)
    others = [f"{names[i]} = {shown(float(one.base[i]))}" for i in used if i not in shown_]
    more = f" and {len(others) - 4} more" if len(others) > 4 else ""
    return f" with {', '.join(others[:4])}{more}" if others else ""


def _parts(one: Plotted) -> list[str]:
    count = one.type.shape[0] if isinstance(one.type, Vector) else 1
    return [f"[{i}]" for i in range(count)] if count > 1 else [""]


def _curve(one: Plotted, place: int, used: Sequence[int]) -> Markup:
    low, high = (float(v[place]) for v in one.domain.value_box())
    choices = _choices(one.domain)[place]
    whole = choices is not None and choices <= 4 * _POINTS
    x = np.arange(low, high + 1) if whole else np.linspace(low, high, _POINTS)
    scalars = np.repeat(one.base[None], len(x), 0)
    scalars[:, place] = x
    program, network = _values(one, scalars)
    name = column_names(one.domain)[place]
    drawn = curve(x, program, network, (name, one.name), _parts(one))
    behind = "" if network is None else "; the wide pale band is the network's own output"
    return figure(drawn, f"{one.name} over {name}{_held(one, used, [place])}{behind}")


def _maps(one: Plotted, pair: list[int], used: list[int]) -> Markup:
    across, up = pair
    low, high = one.domain.value_box()
    sides = [_steps(one.domain, place) for place in pair]
    grid = np.repeat(one.base[None], len(sides[0]) * len(sides[1]), 0)
    grid[:, across] = np.tile(sides[0], len(sides[1]))
    grid[:, up] = np.repeat(sides[1], len(sides[0]))
    program, network = _values(one, grid)
    names = column_names(one.domain)
    ends = (float(low[across]), float(high[across]), float(low[up]), float(high[up]))
    shape = (len(sides[1]), len(sides[0]))
    points = [(float(p[across]), float(p[up]), link) for p, link in one.points]
    panels = []
    for place, part in list(enumerate(_parts(one)))[:_PANELS]:
        both = [program[:, place]] + ([] if network is None else [network[:, place]])
        for values, who in zip(both, ("program", "network"), strict=False):
            panels.append(
                _panel(one, values.reshape(shape), both, ends, (names[across], names[up]),
                       f"{who} {part}".strip(), points)
            )  # fmt: skip
    gap = ""
    if network is not None and element(one.type) == REAL:
        gap = f"; the two differ by {np.nanmax(np.abs(program - network)):.3g} at most here"
    caption = f"{one.name} over {names[across]} and {names[up]}{_held(one, used, pair)}{gap}"
    return figure(tag("div", panels, class_="row"), caption)


def _steps(domain: Domain, place: int) -> Array:
    low, high = (float(v[place]) for v in domain.value_box())
    choices = _choices(domain)[place]
    if choices is not None and choices <= _CELLS:
        return np.arange(low, high + 1)
    half = (high - low) / (2 * _CELLS)
    found = np.linspace(low + half, high - half, _CELLS)
    return found if choices is None else np.rint(found)


def _panel(
    one: Plotted, values: Array, pair: list[Array], ends: tuple[float, float, float, float],
    names: tuple[str, str], title: str, points: list[tuple[float, float, str]],
) -> Markup:  # fmt: skip
    both = np.concatenate(pair)
    both = both[np.isfinite(both)]
    item = element(one.type)
    few = np.unique(both) if item == INT else np.array([])
    if isinstance(item, Category) or item == BOOL or 0 < len(few) <= _FEW:
        if isinstance(item, Category):
            called = list(item.labels) or [str(i) for i in range(item.size)]
        else:
            called = ["false", "true"] if item == BOOL else [str(int(v)) for v in few]
        filled = np.nan_to_num(values, nan=0.0)
        numbers = np.searchsorted(few, filled) if len(few) else filled.astype(np.int64)
        numbers = np.clip(numbers, 0, len(called) - 1)
        return region_map(ends, numbers, called, names, title, points)
    span = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    return heat_map(ends, values, span, names, title, points)


def _table(one: Plotted, used: list[int]) -> Markup:
    low = one.domain.value_box()[0]
    sizes = [int(_choices(one.domain)[i] or 1) for i in used]
    digits = np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), 1)
    scalars = np.repeat(one.base[None], len(digits), 0)
    scalars[:, used] = digits + low[used]
    held = _held(one, range(one.domain.scalars), used) if len(used) < one.domain.scalars else ""
    said = (
        tag("p", f"The other inputs change nothing; the rows are those{held}.", class_="note")
        if held
        else None
    )
    return tag("div", said, _rows(one, scalars, used))


def _sampled(one: Plotted) -> Markup:
    """Some inputs of a domain that no plot shows whole."""
    drawn = one.domain.sample(np.random.default_rng(0), _SAMPLE)
    if one.examples is not None:
        drawn = tuple(c[:_SAMPLE] for c in one.examples)
    if _image(one.domain):
        return _pictures(one, drawn)
    scalars = one.domain.flatten(drawn)
    used = list(range(min(one.domain.scalars, _SCALARS)))
    if one.domain.scalars > 16:
        return tag("p", f"{one.domain.scalars} inputs: too many for a plot.", class_="note")
    count = one.domain.count
    whole = "infinitely many" if count is None else f"{count:,}"
    note = tag("p", f"{rows(drawn)} of {whole} inputs, {_whence(one)}.", class_="note")
    return tag("div", note, _rows(one, scalars, used))


def _whence(one: Plotted) -> str:
    return "drawn at random" if one.examples is None else "the first of the data"


def _image(domain: Domain) -> bool:
    """Whether all inputs are one picture."""
    return len(domain.fields) == 1 and len(domain.fields[0].shape) >= 2


def _pictures(one: Plotted, columns: Columns) -> Markup:
    """Some pictures with what the function says of them."""
    images = columns[0].astype(np.float64)
    own = _list(one.type, one.run(columns), len(images))
    other = own if one.network is None else _list(one.type, one.network(columns), len(images))
    names = [
        shown(a) if shown(a) == shown(b) else f"{shown(a)} ≠ {shown(b)}"
        for a, b in zip(own, other, strict=True)
    ]
    flat = images.reshape(len(images), -1, images.shape[-1])
    says = f"{len(images)} inputs, {_whence(one)}, with the program's value; ≠ the network's where"
    return figure(pictures(flat, names), f"{says} they differ")


def _rows(one: Plotted, scalars: Array, used: list[int]) -> Markup:
    columns = one.domain.unflatten(scalars)
    inside = np.broadcast_to(one.domain.contains(columns), (len(scalars),))
    scalars, columns = scalars[inside], tuple(c[inside] for c in columns)
    names = column_names(one.domain)
    given = [[_scalar(_field(one.domain, i).item, row[i]) for i in used] for row in scalars]
    own = _list(one.type, one.run(columns), len(scalars))
    other = None if one.network is None else _list(one.type, one.network(columns), len(scalars))
    return truth_table([names[i] for i in used], given, own, other)


def _list(item: Type, values: Array, count: int) -> list[Any]:
    found = np.asarray(values)
    found = np.broadcast_to(found, (count, *found.shape[1:]))
    return [_plain(item, v) for v in found]


def _plain(item: Type, value: Array) -> Any:
    found = np.asarray(value).tolist()
    if isinstance(item, Category) and item.labels:
        return item.labels[int(found)]
    return found


def _scalar(item: Type, value: float) -> Any:
    if item == BOOL:
        return bool(value)
    if isinstance(item, Category) and item.labels:
        return item.labels[int(value)]
    return float(value) if item == REAL else int(value)
