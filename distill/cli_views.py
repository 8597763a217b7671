"""What the command line prints. Text from models and files is shown plain, never as markup."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from distill.errors import BadInput

if TYPE_CHECKING:
    from distill.align.report import AlignmentReport
    from distill.distillation import Alternative, Distilled
    from distill.evidence import Claim, Evidence
    from dsl.loop import Loop
    from dsl.primitive import Primitive
    from dsl.program import Program

Report = Callable[[str, "float | None"], None]
"""Takes the stage's name and the share that is done, 0..1, if it is known."""


class Form(StrEnum):
    """The forms in which `show` prints a program."""

    text = "text"
    python = "python"
    sympy = "sympy"
    latex = "latex"
    english = "english"


def safe(text: str) -> str:
    """`text` with control and direction characters escaped; line ends and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def print_text(text: str) -> None:
    """Print to standard output as it is, unwrapped."""
    print(safe(text))


def print_lines(lines: Iterable[str]) -> None:
    """Print each line; nothing where there is none."""
    if text := "\n".join(lines):
        print_text(text)


def print_error(sentence: str) -> None:
    """Print one line to standard error."""
    print("distill: " + safe(" ".join(sentence.split())), file=sys.stderr)


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print labels with their texts below each other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(safe(label)), Text(safe(str(text))))
    _console().print(table)


def print_vocabulary(primitives: Iterable[Primitive]) -> None:
    """Print a line per primitive, by family."""
    table = Table("family", "written", "what it is", "example", box=None, header_style="bold")
    for primitive in sorted(primitives, key=lambda p: (family(p), p.name)):
        example = show_example(primitive, 0) if primitive.examples else ""
        cells = (family(primitive), signature(primitive), primitive.doc, example)
        table.add_row(*map(Text, cells))
    _console().print(table)


def print_primitive(primitive: Primitive) -> None:
    """Print everything that is declared about one primitive."""
    rows = [
        ("written", signature(primitive)),
        ("family", family(primitive)),
        ("what it is", primitive.doc),
        ("in words", primitive.english),
        ("laws", ", ".join(sorted(primitive.laws)) or "none declared"),
        ("lifted over vectors", "yes" if primitive.elementwise else "no"),
        ("exact on rationals", "yes" if primitive.exact else "no"),
        ("partial", "yes" if primitive.precondition else "no, defined everywhere"),
    ]
    if isinstance(primitive.python, str):
        rows.append(("python", primitive.python))
    examples = [("example", show_example(primitive, i)) for i in range(len(primitive.examples))]
    print_rows(rows + examples)


def signature(primitive: Primitive) -> str:
    """How the primitive is written: `max(x, y)` or `x + y`."""
    named = primitive.parameters or _letters(primitive)
    if primitive.symbol is None:
        return f"{primitive.name}({', '.join(named)})"
    if len(named) == 1:
        space = " " if primitive.symbol.isalpha() else ""
        return f"{primitive.symbol}{space}{named[0]}"
    return f" {primitive.symbol} ".join(named)


def family(primitive: Primitive) -> str:
    """The family that declares the primitive."""
    if primitive.family:
        return primitive.family
    homes = [str(m.__module__) for m in (primitive.array, primitive.infer, primitive.scalar)]
    rooms = [h.rpartition(".")[2] for h in homes if h.startswith("dsl.primitives.")]
    return next((room for room in rooms if room not in ("arrays", "signatures")), "own")


def show_example(primitive: Primitive, index: int) -> str:
    """One example as a line: `max(1, 2) = 2`."""
    example = primitive.examples[index]
    arguments = ", ".join(map(_value, example.arguments))
    return f"{primitive.name}({arguments}) = {_value(example.result)}"


def print_front(front: Iterable[Alternative]) -> None:
    """Print the programs of a front, numbered, under their bits and errors; long ones cut."""
    from distill.another import ranked

    for number, point in enumerate(ranked(front), 1):
        print_text(f"{number}: {point.bits:,.0f} bits, error {point.error:.4g}")
        print_lines(f"    {line}" for line in cut(str(point.program)))


def print_alignment(found: AlignmentReport) -> None:
    """Print a line for each variable of a program: where it lives, and what was tried there."""
    from distill.align.report import HEAD

    if found.variables:
        table = Table(*HEAD, box=None, header_style="bold")
        for variable in found.variables:
            table.add_row(*(Text(safe(cell), overflow="fold") for cell in variable.cells()))
        _console().print(table)
    print_lines(found.remarks())


def cut(text: str, lines: int = 12, width: int = 92) -> list[str]:
    """The first lines of a text, each at most `width` long, with dots for what is left out."""
    found = [ln if len(ln) <= width else ln[: width - 4] + " ..." for ln in text.splitlines()]
    return found if len(found) <= lines else [*found[: lines - 1], "..."]


def print_claim(claim: Claim) -> None:
    """Print a claim: its verdict and statement, its counterexamples, and where it fails."""
    print_text(f"{claim.verdict} ({claim.method}): {claim.statement}")
    print_lines(f"    {line}" for line in counterexample_lines(claim))


def counterexample_lines(claim: Claim) -> Iterator[str]:
    """What refutes a claim, a line for each value, and where the two sides differ."""
    first = [] if claim.counterexample is None else [claim.counterexample]
    for shown in claim.counterexamples or first:
        for label, value in shown.items():
            text = _replayed(label, value)
            if text:
                yield f"{label}: {text}"
    for region in claim.regions:
        yield (
            f"where {region['condition']}: {100 * region['covers']:.3g} % of the differences, "
            f"{100 * region['differing']:.3g} % of what lies there, as {region['inputs']}"
        )


def _replayed(label: str, value: Any) -> str:
    """A part of a counterexample in words; empty where there is nothing to say."""
    if value is None:
        return ""
    if label == "exact":
        return f"network {value['network']}, program {value['program']} over the reals"
    if label == "framework":
        return f"{value['network']} ({value['name']})"
    return str(value)


def print_evidence(evidence: Evidence) -> None:
    """Print both claims, then a line for every verifier that was asked about the program."""
    print_text("program and deployed network:")
    print_claim(evidence.program_vs_deployed)
    print_lines(f"    asked {attempt.line}" for attempt in evidence.attempts)
    print_text("deployed and original network:")
    print_claim(evidence.deployed_vs_original)
    if evidence.program_vs_original is not None:
        print_text("program and original network:")
        print_claim(evidence.program_vs_original)
    if evidence.variables:
        print_text(f"inner variables of the program: {evidence.variables}")


def program_as(found: Distilled, form: Form, depth: int = 0) -> str:
    """The program of a distillation in one of the forms, its parts opened `depth` levels down.

    Raises:
        BadInput: a loop has no such form.
    """
    program = found.expand(depth)
    if form is Form.text:
        return str(program).rstrip()
    if form is Form.english:
        said = [f"{x.name} means: {x.told}" for x in found.labels.meant]
        return "\n".join([str(_other_form(program, form)).rstrip(), *said])
    if form is Form.python:
        return (_plain_python(program) if depth else found.to_python()).rstrip()
    return str(_other_form(program, form)).rstrip()


def _plain_python(program: Program | Loop) -> str:
    """Without the checks and the evidence of program.py, which are about another program."""
    from distill.export.summary import plain_python

    return plain_python(program)


def _other_form(program: Program | Loop, form: Form) -> Any:
    from dsl.loop import Loop
    from dsl.meanings.english import to_english
    from dsl.meanings.loop_english import loop_english
    from dsl.meanings.sympy_ import to_latex, to_sympy

    if not isinstance(program, Loop):
        return {Form.sympy: to_sympy, Form.latex: to_latex, Form.english: to_english}[form](program)
    if form is Form.english:
        return loop_english(program)
    raise BadInput(f"A loop can't be written as {form}; use text, python or english.")


@contextmanager
def progress(*, show: bool) -> Iterator[Report | None]:
    """A function for stages to report to; draws on standard error where that is a terminal."""
    from distill.run.progress import displayed

    with displayed(show=show) as display:
        yield display


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, width=None if _terminal() else 160)


def _terminal() -> bool:
    return sys.stdout.isatty()


def _letters(primitive: Primitive) -> tuple[str, ...]:
    count = len(primitive.examples[0].arguments) if primitive.examples else 1
    return tuple("xyzuvw"[:count]) if count <= 6 else ("x", "...")


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
