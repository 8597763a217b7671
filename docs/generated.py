"""Pages of the reference that are made from what the code declares: commands and primitives.

A Sphinx extension; `pages()` returns the same texts to the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx looks for sources."""
    app.connect("config-inited", lambda *_: write())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write() -> None:
    """Every page that changed, so that the others aren't built again."""
    for name, text in pages().items():
        file = HERE / "reference" / f"{name}.md"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def pages() -> dict[str, str]:
    """Text by name of the page."""
    return {"commands": "\n".join(commands()), "primitives": "\n".join(primitives())}


def commands() -> Iterator[str]:
    """Every command with its options, from the declarations of the command line."""
    import typer

    from distill.cli import app

    main: Any = typer.main.get_command(app)
    yield from ("# Commands", "", main.help, "", main.epilog or "")
    for name, command in main.commands.items():
        yield from ("", f"## distill {name}", "", escaped(command.help or ""), "")
        yield from ("| option | what it is |", "| --- | --- |")
        for option in command.params:
            if option.param_type_name == "argument":
                yield f"| `{option.metavar or option.name}` | {cell(getattr(option, 'help', ''))} |"
            elif "--help" not in option.opts:
                flags = ", ".join(f"`{flag}`" for flag in option.opts)
                yield f"| {flags} | {cell(option.help)} |"
    yield ""


def primitives() -> Iterator[str]:
    """The vocabulary by family, each with its laws, its Python and examples that tests run."""
    import dsl.primitives  # noqa: F401  (fills the registry)
    from distill.cli_views import family, show_example, signature
    from dsl.primitive import REGISTRY

    yield from ("# Primitives", "", _PRIMITIVES)
    ordered = sorted(REGISTRY.values(), key=lambda p: (family(p), p.name))
    for name, members in groupby(ordered, key=family):
        yield from (
            "",
            f"## {name}",
            "",
            "| written | what it is | examples |",
            "| --- | --- | --- |",
        )
        for one in members:
            shown = "<br>".join(
                f"`{escaped_pipe(show_example(one, k))}`" for k in range(len(one.examples))
            )
            yield f"| `{escaped_pipe(signature(one))}` | {cell(one.doc)} | {shown} |"
    yield ""


def cell(text: str | None) -> str:
    """Text within a table."""
    return escaped(text or "").replace("|", "\\|")


def escaped(text: str) -> str:
    """Plain words as Markdown, on one line."""
    plain = " ".join(text.split())
    for sign in "\\`*_<[":
        plain = plain.replace(sign, "\\" + sign)
    return plain


def escaped_pipe(text: str) -> str:
    """Code within a table."""
    return text.replace("|", "\\|")


_PRIMITIVES = """\
The language's functions. Each is declared once (`dsl/primitives/`), with a meaning on batches and
one on single examples; numpy, torch, exact fractions, z3, sympy, outward-rounded intervals and
Python source follow from these and are compared with each other in the tests. `distill primitives
NAME` also prints laws and the Python that it becomes."""
