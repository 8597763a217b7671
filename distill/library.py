"""A user's library file: functions of finished distillations, for later runs.

The file is text in the written form; nothing in it is executed. It is written whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from distill.errors import BadInput
from distill.export.folder import FAULTS, read_folder, shortened
from distill.export.place import shown
from dsl.library import added, name_fault, read_library, renamed, show_library, standing_alone
from dsl.program import Definition, Program
from dsl.text import ParseError
from dsl.types import TypeMismatch

_LARGEST = 1 << 20
"""Bytes of a library file."""


def load_library(path: str | Path) -> tuple[Definition, ...]:
    """The functions of a library file, as they stand there.

    Raises:
        BadInput: it can't be read, or isn't a library.
    """
    place = Path(path)
    try:
        if place.stat().st_size > _LARGEST:
            raise BadInput(f"{shown(place)} has more than {_LARGEST:,} bytes; a library has fewer")
        text = place.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it isn't text").lower()
        raise BadInput(f"can't read the library {shown(place)} ({reason})") from None
    try:
        return read_library(text)
    except (ParseError, TypeMismatch, *FAULTS) as error:
        raise BadInput(f"{shown(place)} isn't a library: {shortened(error)}") from None


def functions_for(
    library: str | Path | Sequence[Definition], names: Sequence[str]
) -> tuple[Definition, ...]:
    """Functions that stand alone, of a library file or a sequence, for a run whose inputs have
    these names.

    Raises:
        BadInput: it isn't a library, or one of its names is an input's.
    """
    given = load_library(library) if isinstance(library, str | Path) else tuple(library)
    for definition in given:
        fault = name_fault(definition.name)
        if definition.name in names:
            fault = f"the library's {definition.name!r} has the name of an input; rename one"
        if fault is not None:
            raise BadInput(fault)
    try:
        return standing_alone(given)
    except ParseError as error:
        raise BadInput(str(error)) from None


def save_functions(
    folder: str | Path, path: str | Path, names: Sequence[str] = ()
) -> tuple[Definition, ...]:
    """Add functions of a finished distillation to a library file, which is made if it is missing.

    names: of functions in the program, `NAME=NEW` for another name; all that it defines beside its
    last if left out. Those that the library has, up to names and order of parameters, aren't added.
    Returns what was added.

    Raises:
        BadInput: the folder or the file isn't what it should be, a function isn't there, or its
            name is taken.
    """
    program = read_folder(Path(folder)).program
    if not isinstance(program, Program):
        raise BadInput(f"{shown(folder)} holds a loop; save functions of programs")
    target = Path(path)
    known = load_library(target) if os.path.lexists(target) else ()
    try:
        alone = {d.name: d for d in standing_alone(program.definitions)}
        chosen = [_chosen(alone, name) for name in names]
        chosen = chosen or [alone[d.name] for d in program.definitions[:-1]]
        found = added(known, chosen)
    except (ParseError, ValueError) as error:
        raise BadInput(str(error)) from None
    if not chosen:
        raise BadInput(
            f"the program in {shown(folder)} defines no function beside its last; save that one "
            f"with --function {program.main.name}=NAME"
        )
    if len(found) > len(known):
        _write(target, show_library(found))
    return found[len(known) :]


def _chosen(functions: dict[str, Definition], asked: str) -> Definition:
    name, equals, other = (part.strip() for part in asked.partition("="))
    if name not in functions:
        known = ", ".join(functions)
        raise ValueError(f"the program has no function {name!r}; it has: {known}")
    if equals and not other.isidentifier():
        raise ValueError(f"{other!r} is no name for a function; give NAME=NEW, NEW being a word")
    return renamed(functions[name], other) if equals else functions[name]


def _write(target: Path, text: str) -> None:
    """Put a text in a file's place, in one step."""
    try:
        descriptor, draft = tempfile.mkstemp(prefix=".distill-", dir=target.resolve().parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(draft, 0o644)
            os.replace(draft, target.resolve())
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise BadInput(f"can't write to {shown(target)} ({error.strerror})") from None
