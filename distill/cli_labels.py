"""The commands that give names and words to a program: `label` and `describe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from distill import cli_views as views
from distill.cli_options import Folder
from distill.errors import BadInput

if TYPE_CHECKING:
    from distill.distillation import Distilled
    from distill.labels import Labels


def label(
    folder: Folder,
    which: Annotated[
        str | None,
        typer.Argument(metavar="[FUNCTION[=NAME]]", help="Of the program; predict is the whole."),
    ] = None,
    meaning: Annotated[
        str | None, typer.Argument(metavar="[MEANING]", help="What it means, in words.")
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Forget the function's meaning.")
    ] = False,
) -> None:
    """Name a function of a finished run's program, and say what it means; alone: list all.

    Every export has the name and the meaning, and a later run to the same folder gives them to the
    function that does the same.
    """
    from distill.export.folder import read_folder

    found = read_folder(Path(folder))
    if which is None:
        _list(found)
        return
    function, _, name = which.partition("=")
    if remove:
        if meaning is not None or name:
            raise BadInput("--remove takes the function alone.")
        meaning = ""
    elif meaning is None and not name:
        raise BadInput("Say what it means, or how to name it: f1=full_adder 'adds three truths'.")
    made = found.label(function, meaning, name or None)
    made.save(folder)
    _list(made)


def describe(
    folder: Folder,
    endpoint: Annotated[
        str, typer.Option(metavar="URL", help="Of an OpenAI-compatible service: 'http://.../v1'.")
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="The language model to ask.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="VARIABLE", help="The environment variable that holds the key."),
    ] = None,
) -> None:
    """Let a language model say what the functions without a meaning mean; marked as unverified.

    Nothing is sent unless you name an ENDPOINT; it is sent the program's text.
    """
    from distill.describe import Service, described, key_of
    from distill.export.folder import read_folder

    found = read_folder(Path(folder))
    made = described(found, Service(endpoint, model, key_of(key)))
    made.save(folder)
    _list(made)


def labels_in(target: Path) -> Labels:
    """The labels of the folder that a run is going to replace.

    Raises:
        BadInput: they can't be read.
    """
    from distill.export.folder import read_labels

    return read_labels(target)


def with_labels(found: Distilled, labels: Labels) -> Distilled:
    """A new result with an earlier one's labels, at the functions that do the same."""
    if not labels.all:
        return found
    from distill.distillation import relabelled
    from distill.labels import carried

    return relabelled(found, *carried(found.program, labels))


def _list(found: Distilled) -> None:
    from distill.labels import names_of

    told = {one.name: one.told for one in found.labels.here}
    views.print_rows((name, told.get(name, "")) for name in names_of(found.program))
    for one in found.labels.aside:
        views.print_text(f"without a function here: {one.name}: {one.told}")


def add_to(app: typer.Typer) -> None:
    """Give an app the commands."""
    app.command()(label)
    app.command()(describe)
