"""A domain proposed from data: what the columns look like they hold. Used only when confirmed."""

from __future__ import annotations

import itertools
import keyword
import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from dsl.domain import Domain, Encoding, Field
from dsl.primitive import REGISTRY
from dsl.text import KEYWORDS
from dsl.types import BOOL, INT, REAL

_WHOLE_RANGE_AT_MOST = 64
_NAMED_AT_MOST = 16
_LONGEST_NAME = 30


def propose_domain(rows: NDArray[np.float64], names: Sequence[str] = ()) -> Domain:
    """A domain for rows (n, width): one vector where all columns look alike, else a field each.

    names: of the columns, if they have any; up to 16 of them are fields' names.

    Raises:
        BadInput: there are no rows, or some value isn't finite.
    """
    if not len(rows) or not np.isfinite(rows).all():
        raise BadInput("a domain is proposed from at least one row of finite numbers")
    width = rows.shape[1]
    if len(names) == width <= _NAMED_AT_MOST:
        return Domain(tuple(_field(n, rows[:, i]) for i, n in enumerate(field_names(names))))
    fields = [_field(f"x{i}", rows[:, i]) for i in range(width)]
    kinds = {(f.item, f.encoding) for f in fields}
    if (len(fields) > 4 and len(kinds) == 1) or len(fields) == 1:
        return Domain((_merged(fields),))
    return Domain(tuple(fields))


def field_names(names: Sequence[str]) -> list[str]:
    """Names of the language for columns' names: `petal length (cm)` is `petal_length_cm`."""
    found: list[str] = []
    for name in names:
        words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST_NAME] or "x"
        base = words if words[0].isalpha() else f"x_{words}"
        if base in REGISTRY or base in KEYWORDS or keyword.iskeyword(base):
            base = f"{base}_"
        numbered = (f"{base}_{i}" for i in itertools.count(2))
        found.append(next(n for n in itertools.chain([base], numbered) if n not in found))
    return found


def _field(name: str, column: NDArray[np.float64]) -> Field:
    values = set(np.unique(column)[:3].tolist())
    if values <= {0.0, 1.0}:
        return Field(name, BOOL)
    if values <= {-1.0, 1.0} and len(np.unique(column)) <= 2:
        return Field(name, BOOL, encoding=Encoding("signed"))
    low, high = float(column.min()), float(column.max())
    whole = bool(np.all(column == np.rint(column)))
    if whole and high - low <= _WHOLE_RANGE_AT_MOST:
        return Field(name, INT, Fraction(int(low)), Fraction(int(high)))
    return Field(name, REAL, _outward(low, high, math.floor), _outward(high, low, math.ceil))


def _outward(value: float, other: float, rounding: Callable[[Fraction], int]) -> Fraction:
    """A short decimal at or beyond `value`, seen from `other`: two digits of the range."""
    spread = abs(value - other) or abs(value) or 1.0
    digits = max(0, 2 - math.floor(math.log10(spread)))
    scale = 10**digits
    return Fraction(rounding(Fraction(value) * scale), scale)


def _merged(fields: list[Field]) -> Field:
    first = fields[0]
    shape = () if len(fields) == 1 else (len(fields),)
    if first.low is None:
        return Field("x", first.item, shape=shape, encoding=first.encoding)
    low = min(f.low for f in fields if f.low is not None)
    high = max(f.high for f in fields if f.high is not None)
    return Field("x", first.item, low, high, shape, first.encoding)
