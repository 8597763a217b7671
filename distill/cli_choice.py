"""The commands about another program than the one found: `choose` and `why`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distill import cli_views as views
from distill.cli_options import Folder, Seed, Tolerance
from distill.errors import BadInput

if TYPE_CHECKING:
    from distill.distillation import Distilled

Seconds = Annotated[float, typer.Option("--budget", metavar="SECONDS", help="Stop proofs after.")]


def choose(
    folder: Folder,
    which: Annotated[
        str,
        typer.Argument(metavar="WHICH", help="A number of 'show --front', or a program's file."),
    ],
    tolerance: Tolerance = None,
    budget: Seconds = 60.0,
    seed: Seed = 0,
) -> None:
    """Put another program into a finished run's folder: one of its front, or your own.

    Its evidence is made anew, beside the network that was given. A program that is refuted is not
    taken, and the folder stays as it is.
    """
    from distill.another import chosen

    _check(tolerance, budget, seed)
    found = chosen(_read(folder), which, tolerance, budget, seed)
    claim = found.evidence.program_vs_deployed
    if claim.verdict == "refuted":
        views.print_claim(claim)
        raise typer.Exit(4)
    found.save(folder)
    views.print_text(found.summary())


def why(folder: Folder, budget: Seconds = 60.0, seed: Seed = 0) -> None:
    """Why nothing shorter was found: the closest shorter program, and where it differs."""
    from distill.another import closest_shorter

    _check(None, budget, seed)
    found = _read(folder)
    bits = found.evidence.bits["program"]
    views.print_text(f"the program has {bits:,.0f} bits")
    shorter = closest_shorter(found, budget, seed)
    if shorter is None:
        views.print_text("no shorter program that was tried came near enough to be kept")
        return
    one = shorter.program
    views.print_text(
        f"the closest shorter one is number {shorter.number} of the front: "
        f"{one.bits:,.0f} bits, error {one.error:.4g}"
    )
    views.print_lines(f"    {line}" for line in views.cut(str(one.program)))
    views.print_claim(shorter.claim)
    if shorter.claim.verdict != "refuted":
        views.print_text(f"it may do as well: distill choose {folder} {shorter.number}")


def check_program(folder: str, path: str, tolerance: float | None, budget: float, seed: int) -> str:
    """Print what is known about a person's program beside the network of a run: its verdict."""
    from distill.another import beside, read_for, read_program_file

    _check(tolerance, budget, seed)
    found = _read(folder)
    made = beside(found, read_for(found, read_program_file(path)), tolerance, budget, seed)
    views.print_claim(made.evidence.program_vs_deployed)
    return made.evidence.program_vs_deployed.verdict


def _read(folder: str) -> Distilled:
    from distill.export.folder import read_folder

    return read_folder(Path(folder))


def _check(tolerance: float | None, budget: float, seed: int) -> None:
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise BadInput(f"--tolerance is {tolerance}; it must be a finite number of at least 0.")
    if not 0 < budget < float("inf"):
        raise BadInput(f"--budget is {budget}; it must be a finite number above 0.")
    if seed < 0:
        raise BadInput(f"--seed is {seed}; it must be at least 0.")


def add_to(app: typer.Typer) -> None:
    """Give an app the commands."""
    app.command()(choose)
    app.command()(why)
