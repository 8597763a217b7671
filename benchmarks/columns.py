"""Batches of a benchmark's input domain: enumerate, sample, encode for the network.

Reads the part of the domain syntax that the tasks use, on purpose without
`dsl.domain`: the judge shares no code with what it judges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Columns

_FIELD = re.compile(
    r"(?:(?P<name>\w+)\s*:\s*)?(?P<kind>bool|int|real)"
    r"(?:\((?P<low>[^,()]+),(?P<high>[^,()]+)\))?(?:\[(?P<count>\d+)\])?"
    r"(?:\s+as\s+(?P<encoding>[\w/\-]+)(?:\((?P<bits>\d+)\))?)?"
)

_IMAGE = re.compile(r"(?P<name>\w+\s*:\s*)?image\((?P<height>\d+),(?P<width>\d+),(?P<item>.+)\)")


@dataclass(frozen=True)
class Field:
    """One field: `count` items (None: one plain value) of one kind, with bounds and encoding.

    `shape`: height and width, where the items are the pixels of an image.
    """

    name: str
    kind: str
    low: float
    high: float
    count: int | None
    encoding: str
    bits: int
    shape: tuple[int, ...] = ()

    @property
    def items(self) -> int:
        """How many plain values the field holds."""
        return 1 if self.count is None else self.count

    @property
    def choices(self) -> int | None:
        """Number of values of one item; None for reals."""
        return None if self.kind == "real" else int(self.high - self.low) + 1

    def from_flat(self, values: NDArray) -> NDArray:
        """The column of (n, items) raw values: typed, and (n,) for a single value."""
        typed = values.astype({"bool": np.bool_, "int": np.int64, "real": np.float64}[self.kind])
        if self.shape:
            return typed.reshape(len(typed), *self.shape)
        return typed[:, 0] if self.count is None else typed

    def encode(self, column: NDArray) -> NDArray[np.float64]:
        """The (n, width) matrix that the network sees."""
        values = column.reshape(len(column), -1)
        if self.encoding == "onehot":
            levels = np.arange(self.low, self.high + 1)
            return (values[:, :, None] == levels).astype(np.float64).reshape(len(values), -1)
        if self.encoding == "bits":
            shifts = np.arange(self.bits - 1, -1, -1)
            return ((values[:, :, None] >> shifts) & 1).astype(np.float64).reshape(len(values), -1)
        numbers = values.astype(np.float64)
        return 2.0 * numbers - 1.0 if self.encoding == "-1/1" else numbers


def fields(domain: str) -> tuple[Field, ...]:
    """Parse a domain string; raises ValueError for syntax that no task uses."""
    return tuple(_field(text.strip(), i) for i, text in enumerate(domain.split(" * ")))


def _field(text: str, index: int) -> Field:
    image = _IMAGE.fullmatch(text)
    if image is not None:
        height, width = int(image["height"]), int(image["width"])
        flat = f"{image['name'] or ''}{image['item']}[{height * width}]"
        return replace(_field(flat, index), shape=(height, width))
    match = _FIELD.fullmatch(text)
    if match is None:
        raise ValueError(f"cannot read the field {text!r}; expected e.g. 'x: int(0,7) as bits(3)'")
    part = match.groupdict()
    return Field(
        name=part["name"] or f"x{index}",
        kind=part["kind"],
        low=float(part["low"] or 0),
        high=float(part["high"] or 1),
        count=None if part["count"] is None else int(part["count"]),
        encoding=part["encoding"] or "plain",
        bits=int(part["bits"] or 0),
    )


def size(domain: str) -> int | None:
    """Number of inputs in the domain; None when it holds a real."""
    total = 1
    for field in fields(domain):
        if field.choices is None:
            return None
        total *= field.choices**field.items
    return total


def enumerate_all(domain: str) -> Columns:
    """Every input of a finite domain, first item slowest."""
    total, period = size(domain), 1
    if total is None:
        raise ValueError("a domain with reals cannot be enumerated; draw a sample instead")
    index, period, columns = np.arange(total), total, []
    for field in fields(domain):
        values = np.empty((total, field.items))
        for item in range(field.items):
            period //= field.choices or 1
            values[:, item] = field.low + index // period % (field.choices or 1)
        columns.append(field.from_flat(values))
    return tuple(columns)


def sample(domain: str, n: int, rng: np.random.Generator) -> Columns:
    """`n` independent uniform inputs."""
    columns = []
    for field in fields(domain):
        shape = (n, field.items)
        if field.choices is None:
            values = rng.uniform(field.low, field.high, shape)
        else:
            values = rng.integers(int(field.low), int(field.high), shape, endpoint=True)
        columns.append(field.from_flat(values))
    return tuple(columns)


def encode(domain: str, columns: Columns) -> NDArray[np.float64]:
    """The (n, width) matrix that the network sees, fields in order."""
    parts = [field.encode(column) for field, column in zip(fields(domain), columns, strict=True)]
    return np.concatenate(parts, axis=1)
