"""Names and meanings that people, or language models, give to the functions of a program.

A name replaces the function's own in the program, so every export has it; meanings stand beside it
and are never taken for evidence. A label belongs to what its function computes, not to its place:
in a later run it goes to the function that does the same.
"""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

from distill.errors import BadInput
from dsl.algebra import Undefined, Unsupported
from dsl.expand import functions_renamed
from dsl.library import name_fault, same_function, standing_alone
from dsl.loop import Loop
from dsl.meanings.exact import run_exact
from dsl.program import Definition, Program
from dsl.text import ParseError, parse_program, shortened
from dsl.types import BOOL, INT, REAL, Category, Type, TypeMismatch, Vector

LONGEST_NAME = 60
LONGEST_MEANING = 500
_LISTED = 4096
_DRAWS = 200


@dataclass(frozen=True)
class Label:
    """What one function is called and means.

    name: of the function in the program; meaning: in words, may be empty; function: its text,
    standing alone; by: the language model that wrote the meaning, empty for a person.
    """

    name: str
    meaning: str
    function: str
    by: str = ""

    @property
    def told(self) -> str:
        """The meaning with who is to be held to it."""
        return f"{self.meaning} (unverified, by {self.by})" if self.by else self.meaning

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Any) -> Label:
        """Undo `to_json`.

        Raises:
            BadInput: it isn't what `to_json` gives.
        """
        names = ("name", "meaning", "function", "by")
        good = isinstance(data, dict) and sorted(data) == sorted(names)
        if not good or not all(isinstance(data[n], str) for n in names):
            raise BadInput("a label has to have name, meaning, function and by, each a text")
        _check_meaning(data["meaning"])
        if len(data["name"]) > LONGEST_NAME or len(data["by"]) > LONGEST_MEANING:
            raise BadInput("a label's name or author is too long")
        return Label(**data)


@dataclass(frozen=True)
class Labels:
    """Those of a program's functions, and those of an earlier run without a function here."""

    here: tuple[Label, ...] = ()
    aside: tuple[Label, ...] = ()

    @property
    def meant(self) -> list[Label]:
        """Those that say what a function means."""
        return [label for label in self.here if label.meaning]

    @property
    def all(self) -> tuple[Label, ...]:
        """Both."""
        return self.here + self.aside

    def to_json(self) -> dict[str, Any]:
        """Plain data in the form of labels.json."""
        lists = {"labels": self.here, "aside": self.aside}
        return {"schema": 1, **{key: [x.to_json() for x in some] for key, some in lists.items()}}

    @staticmethod
    def from_json(data: Any) -> Labels:
        """Undo `to_json`.

        Raises:
            BadInput: it isn't what `to_json` gives.
        """
        if not isinstance(data, dict) or data.get("schema") != 1:
            raise BadInput("it has to be a record of schema 1")
        lists: list[tuple[Label, ...]] = []
        for key in ("labels", "aside"):
            some = data.get(key)
            if not isinstance(some, list):
                raise BadInput(f"it has to hold a list of {key}")
            lists.append(tuple(map(Label.from_json, some)))
        return Labels(*lists)


NO_LABELS = Labels()


def functions_of(program: Program) -> list[Definition]:
    """The functions that can be labelled, each standing alone; the whole is the last.

    Raises:
        ParseError: one of them would fill pages.
    """
    return list(standing_alone(program.definitions))


def names_of(program: Program | Loop) -> list[str]:
    """The names of the functions that can be labelled, the whole last."""
    return [program.name] if isinstance(program, Loop) else [d.name for d in program.definitions]


def labelled(
    program: Program | Loop,
    labels: Labels,
    function: str,
    name: str | None = None,
    meaning: str | None = None,
    by: str = "",
) -> tuple[Program | Loop, Labels]:
    """The program and its labels with one more: `function` renamed, or given a meaning, or both.

    Raises:
        BadInput: there is no such function, the name can't be one or is taken, or the meaning is
            too long.
    """
    known = names_of(program)
    if function not in known:
        raise BadInput(
            f"the program has no function {shortened(function, 40)!r}; it has {', '.join(known)}"
        )
    if meaning is not None:
        _check_meaning(meaning)
    if name is not None and name != function:
        _check_name(name, known, function == known[-1])
        assert isinstance(program, Program)  # a loop has no function but itself
        program = functions_renamed(program, {function: name})
    now = name or function
    before = next((one for one in labels.here if one.name == function), None)
    said = meaning if meaning is not None else (before.meaning if before else "")
    author = by if meaning is not None else (before.by if before else "")
    text = _text_of(program, now)
    rest = [one for one in labels.here if one.name != function]
    return program, replace(labels, here=(*rest, Label(now, said, text, author)))


def _text_of(program: Program | Loop, name: str) -> str:
    if isinstance(program, Loop):
        return str(program)
    try:
        place = [d.name for d in program.definitions].index(name)
        alone = standing_alone(program.definitions[: place + 1])[-1]
    except ParseError as error:
        raise BadInput(f"{shortened(name, 40)!r} can't be labelled: {error}") from None
    return str(Program((alone,)))


def _check_meaning(meaning: str) -> None:
    if len(meaning) > LONGEST_MEANING:
        raise BadInput(
            f"a meaning has at most {LONGEST_MEANING} characters, and this has {len(meaning):,}"
        )


def _check_name(name: str, known: Sequence[str], main: bool) -> None:
    if main:
        raise BadInput("the program itself keeps its name; give it a meaning only")
    if len(name) > LONGEST_NAME or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise BadInput(
            f"{shortened(name, 40)!a} can't be a function's name: take up to {LONGEST_NAME} "
            "letters, digits and _, a letter first"
        )
    fault = name_fault(name)
    if fault is not None or keyword.iskeyword(name):
        raise BadInput(fault or f"{name!r} can't be a function's name")
    if name in known:
        raise BadInput(f"the program has a function {name!r} already")


def carried(program: Program | Loop, labels: Labels) -> tuple[Program | Loop, Labels]:
    """Another program with the labels of those functions that it has too.

    Functions are the same where they are written so up to names, or give the same values on all
    inputs of a small domain, or on draws; loops where they are written so.
    """
    if isinstance(program, Loop):
        same = tuple(label for label in labels.all if label.function == str(program))
        return program, Labels(same, tuple(label for label in labels.all if label not in same))
    kept: list[Label] = []
    left: list[Label] = []
    for label in labels.all:
        found = _partner(program, label, {one.name for one in kept})
        if found is None:
            left.append(label)
            continue
        taken = {d.name for d in program.definitions}
        if found != label.name and found != program.main.name and label.name not in taken:
            program = functions_renamed(program, {found: label.name})
            found = label.name
        kept.append(replace(label, name=found, function=_text_of(program, found)))
    return program, Labels(tuple(kept), tuple(left))


def _partner(program: Program, label: Label, taken: set[str]) -> str | None:
    """The name of the program's function that does what the label's did."""
    try:
        wanted = parse_program(label.function).main
        alone = functions_of(program)
    except (ParseError, TypeMismatch, RecursionError):
        return None
    free = [d for d in alone if d.name not in taken]
    # the whole is no part: a label of one goes to none of the other kind
    free = free[-1:] if label.name == "predict" else [d for d in free if d is not alone[-1]]
    for test in (same_function, _same_values):
        for one in free:
            if test(wanted, one):
                return one.name
    return None


def _same_values(one: Definition, other: Definition) -> bool:
    """Whether functions of the same types agree on all inputs, if few, or on draws."""
    types = [t for _, t in one.parameters]
    if types != [t for _, t in other.parameters] or one.result != other.result:
        return False
    return all(_value(one, row) == _value(other, row) for row in _rows(types))


def _value(definition: Definition, row: tuple[Any, ...]) -> Any:
    try:
        return run_exact(Program((definition,)), row)
    except (Undefined, Unsupported) as error:
        return type(error)


def _rows(types: Sequence[Type]) -> Iterator[tuple[Any, ...]]:
    count = 1
    for item in types:
        count *= _size(item)
    if count <= _LISTED:
        yield from itertools.product(*(list(_all(item)) for item in types))
        return
    import random

    rng = random.Random(0)
    yield from (tuple(_drawn(item, rng) for item in types) for _ in range(_DRAWS))


def _size(item: Type) -> int:
    if isinstance(item, Vector):
        scalars = 1
        for width in item.shape:
            scalars *= width
        return min(_size(item.item) ** min(scalars, 20), _LISTED + 1)
    return 2 if item == BOOL else item.size if isinstance(item, Category) else _LISTED + 1


def _all(item: Type) -> Iterator[Any]:
    if isinstance(item, Vector):
        inner = item.item if len(item.shape) == 1 else Vector(item.item, item.shape[1:])
        yield from itertools.product(list(_all(inner)), repeat=item.shape[0])
    elif item == BOOL:
        yield from (False, True)
    elif isinstance(item, Category):
        yield from range(item.size)


def _drawn(item: Type, rng: Any) -> Any:
    if isinstance(item, Vector):
        inner = item.item if len(item.shape) == 1 else Vector(item.item, item.shape[1:])
        return tuple(_drawn(inner, rng) for _ in range(item.shape[0]))
    if item == BOOL:
        return rng.random() < 0.5
    if isinstance(item, Category):
        return rng.randrange(item.size)
    if item == INT:
        return rng.randint(-9, 9)
    if item == REAL:
        return Fraction(rng.randint(-256, 256), 64)
    raise Unsupported(f"no draws of {item}")
