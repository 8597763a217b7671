"""What the user gets back: the program, its evidence, and doors to every other form."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from distill.evidence import Evidence
from distill.labels import NO_LABELS, Labels
from distill.network import Network
from distill.run.budget import Progress, silent
from distill.target import Output
from dsl.domain import Columns, Domain
from dsl.loop import Loop
from dsl.meanings.array import run
from dsl.program import Program

if TYPE_CHECKING:
    import torch

    from distill.align.report import AlignmentReport
    from distill.another import Shorter
    from distill.piece import Piece


@dataclass(frozen=True)
class Alternative:
    """Another program or loop: its description length in bits against its error."""

    program: Program | Loop
    bits: float
    error: float
    route: str = ""


class Distilled(Protocol):
    """What results for feed-forward and for recurrent networks share; printing reads only this."""

    @property
    def program(self) -> Program | Loop:
        """What was found."""
        ...

    @property
    def literal(self) -> Program | Loop | None:
        """The network's own arithmetic."""
        ...

    @property
    def evidence(self) -> Evidence:
        """What is known about the program."""
        ...

    @property
    def front(self) -> tuple[Alternative, ...]:
        """Other programs."""
        ...

    @property
    def found(self) -> bool:
        """False where the budget ended the search with the literal program."""
        ...

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search."""
        ...

    @property
    def timed_out(self) -> bool:
        """Whether seconds, not steps, ended something."""
        ...

    @property
    def note(self) -> str:
        """What else a reader should know."""
        ...

    def to_python(self) -> str:
        """The text of program.py."""
        ...

    def export(self, form: str) -> str | bytes:
        """The program in a form for deployment."""
        ...

    def expand(self, depth: int = 1) -> Program | Loop:
        """The program some levels down."""
        ...

    def summary(self) -> str:
        """The program, its evidence and its sizes as text."""
        ...

    def locate(
        self, samples: int = 1000, seed: int = 0, progress: Progress | None = None
    ) -> AlignmentReport:
        """Where the program's inner variables live in the network."""
        ...

    @property
    def labels(self) -> Labels:
        """Names and meanings that were given to functions."""
        ...

    def label(
        self, function: str, meaning: str | None = None, name: str | None = None, by: str = ""
    ) -> Distilled:
        """The same with a function renamed, or its meaning said."""
        ...

    @property
    def located(self) -> dict[str, Any] | None:
        """What `locate` found, as located.json has it; None where it wasn't asked."""
        ...

    def with_variables(self, report: AlignmentReport) -> Distilled:
        """The same with a report on its variables in its evidence."""
        ...

    def save(self, folder: str | Path) -> Path:
        """Write the output folder."""
        ...

    def _repr_html_(self) -> str: ...


def variables_told(found: Distilled, report: AlignmentReport) -> dict[str, Any]:
    """The fields that a report on its variables changes in a result."""
    hashes = {key: found.evidence.hashes[key] for key in ("program", "network")}
    told = replace(found.evidence, variables=report.headline)
    return {"evidence": told, "located": {**report.to_json(), "sha256": hashes}}


def relabelled(found: Any, program: Program | Loop, labels: Labels) -> Any:
    """A result whose program has other names, which changes no claim: the hashes follow."""
    digest = hashlib.sha256(str(program).encode()).hexdigest()
    hashes = {**found.evidence.hashes, "program": digest}
    located = found.located
    if located is not None:
        located = {**located, "sha256": {**located["sha256"], "program": digest}}
    evidence = replace(found.evidence, hashes=hashes)
    return replace(found, program=program, evidence=evidence, located=located, labels=labels)


class Printed:
    """The printed forms that both kinds of result have."""

    def summary(self: Distilled) -> str:
        """The program, its evidence and its sizes as text."""
        from distill.export.summary import summary

        return summary(self)

    def export(self: Distilled, form: str) -> str | bytes:
        """The program as a file for deployment: text, for onnx bytes.

        form: python, numpy, torch, onnx, c, smt2 or latex; see docs/contracts.md for what they
        take, give and refuse.

        Raises:
            BadInput: there is no such form, or it can't carry this program.
        """
        from distill.export.forms import exported

        return exported(self, form)

    def choose(
        self: Distilled,
        which: str | int | Program | Loop,
        tolerance: float | None = None,
        budget: float = 60.0,
        seed: int = 0,
    ) -> Distilled:
        """The same with another program in its place and evidence for that, refuted where it is.

        It is put beside the network that was given. which: a number of the front as `distill show
        --front` counts them, a program, or the path of a program.dsl.

        Raises:
            BadInput: there is no such program, or it takes or returns something else.
        """
        from distill.another import beside, chosen

        if isinstance(which, Program | Loop):
            return beside(self, which, tolerance, budget, seed)
        return chosen(self, str(which), tolerance, budget, seed)

    def label(
        self: Distilled,
        function: str,
        meaning: str | None = None,
        name: str | None = None,
        by: str = "",
    ) -> Distilled:
        """The same with a function of the program renamed, or its meaning said, or both.

        function: as the program names it, `predict` for the whole; by: the language model that
        wrote the meaning, which every print then calls unverified; empty for a person.

        Raises:
            BadInput: there is no such function, or the name or the meaning can't be used.
        """
        from distill.labels import labelled

        program, labels = labelled(self.program, self.labels, function, name, meaning, by)
        return relabelled(self, program, labels)

    def why(self: Distilled, budget: float = 60.0, seed: int = 0) -> Shorter | None:
        """The closest shorter program, and where it differs; None where none was kept."""
        from distill.another import closest_shorter

        return closest_shorter(self, budget, seed)

    def __repr__(self: Distilled) -> str:
        return self.summary()

    def _repr_html_(self: Distilled) -> str:
        from distill.reporting.notebook import result_html

        return result_html(self)


@dataclass(frozen=True, eq=False, repr=False)
class Distillation(Printed):
    """A program that stands for a network, with the evidence for it.

    network: the one that the program explains (deploy this one); original: the one that was
    given; front: shorter or more exact programs; found: False where the budget ended the search
    and the program is the network's own arithmetic; interrupted: by Ctrl-C; timed_out: seconds, not
    steps, ended it; note: what else a
    reader should know; data: the user's examples, where a claim was made on them; located: what
    `locate` found, once `with_variables` has taken it in; pieces: what the program was put together
    from, where the network falls apart; labels: names and meanings that were given to functions.
    """

    program: Program
    evidence: Evidence
    network: Network
    original: Network
    domain: Domain
    output: Output
    front: tuple[Alternative, ...] = ()
    found: bool = True
    literal: Program | None = None
    note: str = ""
    interrupted: bool = False
    timed_out: bool = False
    data: Columns | None = None
    located: dict[str, Any] | None = None
    pieces: tuple[Piece, ...] = ()
    labels: Labels = NO_LABELS

    @cached_property
    def source(self) -> str:
        """The text of program.py."""
        from distill.export.python import module_source

        return module_source(self)

    def __call__(self, *values: Any) -> Any:
        """The program's value for one example: one argument per field, or all scalars in one.

        Raises:
            BadInput: the values don't fit the domain.
        """
        from distill.export.values import one_example, plain_value

        columns = one_example(self.domain, values)
        return plain_value(run(self.program, columns)[0])

    def batch(self, inputs: Any) -> np.ndarray:
        """The program's values (n, ...) for rows of network inputs (n, width)."""
        rows = np.asarray(inputs, dtype=np.float64)
        return np.asarray(run(self.program, self.domain.decode(rows)))

    def to_python(self) -> str:
        """Python source with domain checks, as in program.py."""
        return self.source

    def to_torch(self) -> torch.nn.Module:
        """A module that takes the network's inputs (n, width) and returns the program's values."""
        from distill.export.torch_module import to_torch

        return to_torch(self.program, self.domain)

    def to_sympy(self) -> Any:
        """The program as a sympy expression, or a list of them."""
        from dsl.meanings.sympy_ import to_sympy

        return to_sympy(self.program)

    def to_latex(self) -> str:
        """The program as LaTeX."""
        from dsl.meanings.sympy_ import to_latex

        return to_latex(self.program)

    def to_english(self) -> str:
        """The program in words."""
        from dsl.meanings.english import to_english

        return to_english(self.program)

    def expand(self, depth: int = 1) -> Program:
        """The program `depth` levels down; below the last one is the network's own arithmetic.

        Each level writes out the definitions that are called and the innermost named values. A
        level that would fill pages is left out, and so are those between it and the network. The
        last but one of a program that was put together has the network's own arithmetic for each
        of its pieces.
        """
        return list(islice(self.levels(), max(depth, 0) + 1))[-1]

    def levels(self) -> Iterator[Program]:
        """All levels that `expand` knows, the program first."""
        from distill.piece import all_levels

        return all_levels(self.program, self.pieces, self.literal)

    def locate(
        self, samples: int = 1000, seed: int = 0, progress: Progress | None = None
    ) -> AlignmentReport:
        """Where the program's inner variables live in the network, by interchange interventions.

        samples: pairs of inputs for each accuracy. The report has `summary()` and `to_json()`;
        the evidence stays as it is.

        Raises:
            BadInput: `samples` isn't a number of pairs.
        """
        from distill.align.alignment import align_program
        from distill.target import make_target

        tolerance = self.evidence.program_vs_deployed.tolerance
        target = make_target(self.network, self.domain, self.output, tolerance)
        return align_program(self.program, target, samples, seed, progress or silent)

    def with_variables(self, report: AlignmentReport) -> Distillation:
        """The same distillation with a report of `locate` in its evidence and its folder."""
        return replace(self, **variables_told(self, report))

    def save(self, folder: str | Path) -> Path:
        """Write the output folder; see docs/contracts.md for its files.

        Raises:
            BadInput: the folder exists and isn't the output of a distillation, or can't be written.
        """
        from distill.export.folder import save

        return save(self, Path(folder))

    @staticmethod
    def load(folder: str | Path) -> Distillation:
        """Read an output folder; program.py is never executed.

        Raises:
            BadInput: a file is missing or isn't what it should be.
        """
        from distill.export.folder import load_distillation

        return load_distillation(Path(folder))
