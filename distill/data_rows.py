"""The user's examples beside a finished distillation: what program and network answer on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.load.data import read_shaped
from distill.replace import differ, of_domain
from dsl.domain import Columns, taken
from dsl.meanings.array import run
from dsl.meanings.coverage import Coverage, coverage, loop_coverage
from dsl.meanings.loop_array import run_loop
from dsl.sequences import folded

Values = NDArray[Any]
DEFAULT_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class DataRows:
    """Examples that lie in the domain.

    columns: theirs, (n, ...), of sequences (n, T, ...); numbers: which rows of the data they are;
    total: how many the data has; labels: those of these rows, as they stand in the data.
    """

    columns: Columns
    numbers: NDArray[np.int64]
    total: int
    labels: Values | None = None

    def place(self, number: int) -> int:
        """Where row `number` of the data is among these.

        Raises:
            BadInput: there is no such row, or it lies outside the domain.
        """
        if not 0 <= number < self.total:
            raise BadInput(
                f"there is no example {number}; the data has rows 0 to {self.total - 1:,}"
            )
        found = np.flatnonzero(self.numbers == number)
        if not len(found):
            raise BadInput(f"example {number} lies outside the domain, where the program is silent")
        return int(found[0])


@dataclass(frozen=True, eq=False)
class Agreement:
    """Decoded outputs on examples: of the program, of the network that it explains, of the given
    one where that is another, (n, ...); differing: examples, by place, on which the first two
    differ (real outputs: by more than the tolerance)."""

    program: Values
    network: Values
    original: Values | None
    differing: NDArray[np.int64]


def read_data(found: Distillation | LoopDistillation, data: Any) -> DataRows:
    """The examples of an array, of a pair (x, y), of a .npz or .csv that lie in the domain.

    Raises:
        BadInput: they can't be read, don't fit, or none of them lies in the domain.
    """
    x, y = read_shaped(data)
    if isinstance(found, LoopDistillation):
        columns, inside = _sequences(found, x)
    else:
        rows = x.reshape(len(x), -1)
        if rows.shape[1] != found.domain.width:
            raise BadInput(
                f"the data has {rows.shape[1]} columns, and the network takes {found.domain.width}"
            )
        columns, inside = found.domain.decode(rows), of_domain(found.domain, rows)
    if not inside.any():
        raise BadInput(f"no row of the data lies in the domain '{found.evidence.domain}'")
    kept = np.flatnonzero(inside)
    return DataRows(taken(columns, kept), kept, len(x), None if y is None else y[kept])


def _sequences(found: LoopDistillation, x: Values) -> tuple[Columns, NDArray[np.bool_]]:
    domain, item = found.domain, found.domain.item
    x = x[:, :, None] if x.ndim == 2 and item.width == 1 else x
    if x.ndim != 3 or x.shape[2] != item.width:
        raise BadInput(
            f"the data must be sequences (n, T, {item.width}) for the domain '{domain}'; "
            f"got {x.shape}"
        )
    count, length = x.shape[:2]
    items = x.reshape(count * length, -1)
    inside = of_domain(item, items).reshape(count, length).all(1)
    fits = domain.shortest <= length <= (domain.longest or length)
    return folded(item.decode(items), length), inside & fits


def agreement(found: Distillation | LoopDistillation, columns: Columns) -> Agreement:
    """What program and network answer on examples of the domain."""
    original = None
    if isinstance(found, LoopDistillation):
        program, network = run_loop(found.program, columns), found.oracle.values(columns)
        if found.program.at_end:
            program, network = program[:, -1], network[:, -1]
    else:
        inputs, read = found.domain.encode(columns), found.output.decode
        program = np.asarray(run(found.program, columns))
        network = read(np.asarray(found.network.run(inputs), dtype=np.float64))
        if found.original is not found.network:
            original = read(np.asarray(found.original.run(inputs), dtype=np.float64))
    first, second = (
        np.asarray(v, dtype=np.float64).reshape(len(v), -1) for v in (program, network)
    )
    tolerance = found.evidence.program_vs_deployed.tolerance or DEFAULT_TOLERANCE
    differing = np.flatnonzero(differ(first, second, found.output, tolerance))
    return Agreement(program, network, original, differing)


def covered(found: Distillation | LoopDistillation, columns: Columns) -> Coverage:
    """Which examples take which side of the program's decisions."""
    if isinstance(found, LoopDistillation):
        return loop_coverage(found.program, columns)
    return coverage(found.program, columns)


def opened(found: Any) -> Distillation | LoopDistillation:
    """A distillation, or the one in a folder.

    Raises:
        BadInput: the folder isn't a finished distillation.
    """
    if not isinstance(found, str | Path):
        return found
    from distill.export.folder import read_folder

    return read_folder(Path(found))
