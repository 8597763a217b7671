"""The square that a verifier looks at, and the comparison of both ways round it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.band import Part, beyond, words
from distill.target import Target
from dsl.domain import Columns, rows
from dsl.meanings.array import run
from dsl.program import Program

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Square:
    """A program and the target it stands for.

    margin: decisions closer than it are exempt, measured on the network's outputs or, where
    `guard` is given, by that program: how far an input is from where the program jumps.
    parts: with them the band is in both, and rows are compared by how far they are outside of it.
    """

    target: Target
    program: Program
    margin: float
    guard: Program | None = None
    parts: tuple[Part, ...] = ()

    @property
    def band(self) -> str:
        """What the margin is measured on."""
        if self.parts:
            return "both"
        return "network" if self.guard is None else "program"

    @property
    def widths(self) -> list[dict[str, Any]]:
        """The parts as plain data."""
        return [part.to_json() for part in self.parts]

    @property
    def exempt(self) -> str | None:
        """The condition on which nothing is claimed, in words."""
        if self.parts and self.guard is not None:
            return words(self.parts, self.guard)
        return exemption(self.margin, self.guard)

    def compare(self, columns: Columns) -> Difference:
        """Run network and program on columns of n rows."""
        if not self.parts or self.guard is None:
            return compare(self.target, self.program, columns, self.guard)
        found = compare(self.target, self.program, columns)
        guard = np.asarray(run(self.guard, columns), float)
        scalars = self.target.domain.flatten(columns)
        return replace(found, margin=beyond(self.parts, scalars, found.margin, guard))


@dataclass(frozen=True, eq=False)
class Difference:
    """Row by row: how far the values are apart (n,) and how far from a decision (n,).

    For discrete outputs the distance is 0 or 1; where the program is undefined it is infinite.
    `scale` is the largest size of the network's outputs.
    """

    distance: Array
    margin: Array
    network: NDArray[Any]
    program: NDArray[Any]
    scale: float

    def wrong(self, tolerance: float, margin: float) -> NDArray[np.bool_]:
        """Rows that refute the claim."""
        return (self.distance > tolerance) & (self.margin > margin)


def compare(
    target: Target, program: Program, columns: Columns, guard: Program | None = None
) -> Difference:
    """Run network and program on columns of n rows; `guard` replaces the network's margin."""
    raw = target.raw(columns)
    ours = target.output.decode(raw)
    with np.errstate(all="ignore"):
        theirs = np.asarray(run(program, columns))
    if target.output.discrete:
        apart = (ours != theirs).reshape(rows(columns), -1).any(1).astype(np.float64)
    else:
        gap = np.abs(ours - theirs).reshape(rows(columns), -1)
        apart = np.where(np.isnan(gap), np.inf, gap).max(1)
    largest = float(np.abs(raw).max(initial=0.0))
    margin = target.output.margin(raw) if guard is None else np.asarray(run(guard, columns), float)
    return Difference(apart, margin, ours, theirs, largest)


def counterexample(square: Square, columns: Columns, difference: Difference, row: int) -> dict:
    """Inputs and both values of one row, as plain data."""
    names = [f.name for f in square.target.domain.fields]
    values = square.target.domain.row(columns, row)
    return {
        "inputs": dict(zip(names, values, strict=True)),
        "network": difference.network[row].tolist(),
        "program": difference.program[row].tolist(),
    }


def tolerance(target: Target) -> float:
    """The distance allowed between values: 0 for discrete outputs."""
    return 0.0 if target.output.discrete else target.tolerance


def exemption(margin: float, guard: Program | None = None) -> str | None:
    """The condition on which nothing is claimed, in words."""
    if margin <= 0:
        return None
    if guard is None:
        return f"network's decision margin <= {margin:.4g}"
    return f"program's {guard.main.body} <= {margin:.4g}"
