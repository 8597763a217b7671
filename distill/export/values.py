"""Plain Python values to columns and back, at the edge of the API."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill.errors import BadInput
from dsl.domain import Columns, Domain


def one_example(domain: Domain, values: tuple[Any, ...]) -> Columns:
    """Columns of one row from one value per field, or from one sequence of all scalars.

    Raises:
        BadInput: a wrong number of values, or values outside the domain.
    """
    if len(values) == 1 and len(domain.fields) > 1:
        values = _per_field(domain, values[0])
    if len(values) != len(domain.fields):
        names = ", ".join(f.name for f in domain.fields)
        raise BadInput(
            f"the program takes {len(domain.fields)} values ({names}), not {len(values)}"
        )
    try:
        columns = domain.column(tuple(values))
    except (ValueError, TypeError):
        raise BadInput(f"{values!r} doesn't have the shapes of the domain '{domain}'") from None
    if not domain.contains(columns)[0]:
        raise BadInput(f"{values!r} lies outside the domain '{domain}'")
    return columns


def _per_field(domain: Domain, value: Any) -> tuple[Any, ...]:
    flat = np.asarray(value, dtype=np.float64).reshape(1, -1)
    if flat.shape[1] != domain.scalars:
        raise BadInput(f"the domain '{domain}' has {domain.scalars} numbers, not {flat.shape[1]}")
    return tuple(c[0] for c in domain.unflatten(flat))


def plain_value(value: Any) -> Any:
    """A numpy value as bool, int, float or nested lists."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
