"""What the user gets back for a recurrent network: a loop, its evidence, and other forms of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.distillation import Alternative, Printed, variables_told
from distill.errors import BadInput
from distill.evidence import Evidence
from distill.labels import NO_LABELS, Labels
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from distill.run.budget import Progress, silent
from distill.target import Output
from dsl.domain import Columns
from dsl.loop import Loop
from dsl.meanings.loop_array import run_loop
from dsl.sequences import Sequences

if TYPE_CHECKING:
    from distill.align.report import AlignmentReport


@dataclass(frozen=True, eq=False, repr=False)
class LoopDistillation(Printed):
    """A loop that stands for a recurrent network, with the evidence for it.

    length: how long the sequences of the search were; front: other loops that agreed with the
    network on its traces; found: False where the budget ended the search and the program is the
    network's own arithmetic; literal: that arithmetic as a loop; model: the cell as the ONNX file
    that the evidence is about. The others are as of `Distillation`.
    """

    program: Loop
    evidence: Evidence
    network: RecurrentNetwork
    domain: Sequences
    output: Output
    length: int
    front: tuple[Alternative, ...] = ()
    found: bool = True
    literal: Loop | None = None
    note: str = ""
    interrupted: bool = False
    timed_out: bool = False
    model: bytes = field(default=b"", repr=False)
    located: dict[str, Any] | None = None
    labels: Labels = NO_LABELS

    @cached_property
    def source(self) -> str:
        """The text of program.py."""
        from distill.export.loop_module import loop_module

        return loop_module(self)

    @property
    def oracle(self) -> Oracle:
        """The network on the domain, its outputs decoded."""
        at_end, allowed = self.program.at_end, self.evidence.program_vs_deployed.tolerance
        return Oracle(self.network, self.domain, self.output, self.length, at_end, allowed or 0.0)

    def __call__(self, items: Sequence[Any]) -> Any:
        """The loop's outputs for one sequence, or its output at the end where it has only that.

        Items are scalars, or tuples where they have several fields or are vectors.

        Raises:
            BadInput: the items don't fit the domain.
        """
        found = run_loop(self.program, one_sequence(self.domain, items))[0].tolist()
        return found[-1] if self.program.at_end else found

    def batch(self, inputs: Any) -> np.ndarray:
        """The loop's outputs (n, T, ...), or (n, ...) at the end, for network inputs (n, T, d)."""
        rows = np.asarray(inputs, dtype=np.float64)
        count, length = rows.shape[:2]
        columns = self.domain.item.decode(rows.reshape(count * length, -1))
        folded = tuple(c.reshape(count, length, *c.shape[1:]) for c in columns)
        found = run_loop(self.program, folded)
        return found[:, -1] if self.program.at_end else found

    def to_python(self) -> str:
        """Python source with domain checks, as in program.py."""
        return self.source

    def to_english(self) -> str:
        """The loop in words."""
        from dsl.meanings.loop_english import loop_english

        return loop_english(self.program)

    def expand(self, depth: int = 1) -> Loop:
        """The loop `depth` levels down; below the last one is the network's own arithmetic."""
        return self.program if depth < 1 or self.literal is None else self.literal

    def locate(
        self, samples: int = 1000, seed: int = 0, progress: Progress | None = None
    ) -> AlignmentReport:
        """Where the loop's registers and lets live in the network, by interchange interventions.

        samples: pairs of sequences for each accuracy. The report has `summary()` and `to_json()`;
        the evidence stays as it is.

        Raises:
            BadInput: `samples` isn't a number of pairs.
        """
        from distill.align.alignment import align_loop

        return align_loop(self.program, self.oracle, samples, seed, progress or silent)

    def with_variables(self, report: AlignmentReport) -> LoopDistillation:
        """The same distillation with a report of `locate` in its evidence and its folder."""
        return replace(self, **variables_told(self, report))

    def save(self, folder: str | Path) -> Path:
        """Write the output folder; see docs/contracts.md for its files.

        Raises:
            BadInput: the folder exists and isn't the output of a distillation, or can't be written.
        """
        from distill.export.loop_folder import save

        return save(self, Path(folder))

    @staticmethod
    def load(folder: str | Path) -> LoopDistillation:
        """Read an output folder; program.py is never executed.

        Raises:
            BadInput: a file is missing or isn't what it should be.
        """
        from distill.export.loop_folder import load_loop_distillation

        return load_loop_distillation(Path(folder))


def one_sequence(domain: Sequences, items: Sequence[Any]) -> Columns:
    """Columns (1, T, ...) of one sequence of plain values.

    Raises:
        BadInput: an item isn't of the domain, or the sequence is too short or too long.
    """
    try:
        columns = domain.item.column(*(_values(domain, item) for item in items))
    except (ValueError, TypeError, IndexError, OverflowError):
        raise BadInput(f"the items don't have the shapes of the domain '{domain}'") from None
    count = len(columns[0])
    if not domain.shortest <= count <= (domain.longest or count):
        raise BadInput(f"a sequence of {count} items lies outside the domain '{domain}'")
    inside = domain.item.contains(columns)
    if not inside.all():
        place = int(np.argmin(inside))
        raise BadInput(f"item {place}, {items[place]!r}, lies outside the domain '{domain}'")
    return tuple(c[None] for c in columns)


def _values(domain: Sequences, item: Any) -> tuple[Any, ...]:
    """A value per field. Raises ValueError or TypeError where there isn't one."""
    count = len(domain.item.fields)
    values = (item,) if count == 1 else tuple(item)
    if len(values) != count or isinstance(item, str):
        raise ValueError
    return values
