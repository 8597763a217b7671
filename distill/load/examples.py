"""data.csv: the inputs that a claim was made on, a column per scalar of the domain."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path

import numpy as np

from distill.errors import BadInput
from dsl.domain import Columns, Domain, rows

NAME = "data.csv"


def write_examples(path: Path, domain: Domain, columns: Columns) -> None:
    """Write columns of n rows as n lines under a header; numbers are written exactly."""
    header = ",".join(column_names(domain))
    lines = (",".join(map(_number, row)) for row in domain.flatten(columns).tolist())
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8", newline="\n")


def read_examples(path: Path, domain: Domain) -> Columns:
    """Undo `write_examples`.

    Raises:
        BadInput: the file can't be read, or its columns or numbers aren't the domain's.
    """
    wanted = column_names(domain)
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        if header.split(",") != wanted:
            raise BadInput(f"{NAME} must have the domain's columns {', '.join(wanted)}")
        table = np.array([[float(v) for v in line.split(",")] for line in lines])
        columns = domain.unflatten(table.reshape(len(lines), -1))
        if table.shape != (len(lines), len(wanted)) or not domain.contains(columns).all():
            raise ValueError
        return columns
    except (OSError, ValueError, UnicodeDecodeError):
        raise BadInput(
            f"{NAME} in '{path.parent}' must hold one line of {len(wanted)} numbers in the domain "
            "per example"
        ) from None


def examples_hash(domain: Domain, columns: Columns) -> str:
    """sha256 of the scalars (n, scalars) as little-endian doubles."""
    table = np.ascontiguousarray(domain.flatten(columns), dtype="<f8")
    return hashlib.sha256(f"{rows(columns)} ".encode() + table.tobytes()).hexdigest()


def column_names(domain: Domain) -> list[str]:
    """A name per scalar: `x`, or `x[0]`, `x[1]` for a vector; indices are joined by blanks."""
    found: list[str] = []
    for field in domain.fields:
        places = product(*map(range, field.shape))
        found += [field.name + (f"[{' '.join(map(str, p))}]" if p else "") for p in places]
    return found


def _number(value: float) -> str:
    return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
