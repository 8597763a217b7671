"""The commands that show a finished run to people: `report` and `explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from distill import cli_views as views
from distill.cli_options import Folder
from distill.errors import BadInput

Rows = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="Examples: .npz with x (and labels y), or .csv."),
]


def report(
    folder: Folder,
    data: Rows = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Where to; default report.html in DIR."),
    ] = None,
) -> None:
    """Write one page about a finished run: program, network, evidence, plots; loads nothing.

    With --data also how many examples come to every line, and which ones nearly take another way.
    """
    from distill.reporting.write import report as written

    views.print_text(f"written to {written(folder, data, out)}")


def explain(
    folder: Folder,
    data: Rows = None,
    example: Annotated[
        int | None, typer.Option("--example", metavar="K", help="Which row of the data, from 0.")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option("--input", metavar="VALUES", help="A value per field: '0.5, true'."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Walk one example through the program, beside the network's activations.

    With --data alone: which data drives which line, and lines that no example comes to.
    """
    from distill.walkthrough import explain as walked

    if example is None and given is None and data is not None:
        if as_json:
            raise BadInput("--json goes with --example or --input")
        _drives(folder, data)
        return
    if example is not None and given is not None:
        raise BadInput("give either --example or --input")
    found = walked(folder, data if given is None else None, example, given)
    views.print_text(json.dumps(found.to_json(), indent=1) if as_json else found.summary())


def _drives(folder: str, data: str) -> None:
    from distill.data_rows import covered, opened, read_data
    from distill.decided import decided_text

    found = opened(Path(folder))
    rows = read_data(found, data)
    views.print_text(decided_text(found.program, covered(found, rows.columns), rows))


def add_to(app: typer.Typer) -> None:
    """Give an app both commands."""
    app.command()(report)
    app.command()(explain)
