"""The forms in which a result is deployed: Python, numpy, torch, ONNX, C, SMT-LIB, LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill.errors import BadInput
from distill.export.identifiers import quoted
from dsl.algebra import Unsupported
from dsl.domain import Domain
from dsl.loop import Loop
from dsl.meanings.fold import conjunction, evaluate
from dsl.meanings.straight import Constraint, Straight, straight_loop, straight_program
from dsl.sequences import Sequences
from dsl.types import REAL

if TYPE_CHECKING:
    from distill.distillation import Distilled


class Target(StrEnum):
    """The languages that `export` writes."""

    python = "python"
    numpy = "numpy"
    torch = "torch"
    onnx = "onnx"
    c = "c"
    smt2 = "smt2"
    latex = "latex"


ENDINGS = {
    Target.python: ".py", Target.numpy: "_numpy.py", Target.torch: "_torch.py",
    Target.onnx: "_program.onnx", Target.c: ".c", Target.smt2: ".smt2", Target.latex: ".tex",
}  # fmt: skip


def exported(found: Distilled, form: str) -> str | bytes:
    """A result in one of the forms; bytes for onnx.

    Raises:
        BadInput: there is no such form, or it can't carry this program.
    """
    if form not in list(Target):
        raise BadInput(f"there is no form {form!r} to export; known: {', '.join(Target)}")
    if form == Target.python:
        return found.to_python()
    try:
        return _SYMBOLIC[form](found) if form in _SYMBOLIC else _straight(found, form)
    except Unsupported as error:
        raise BadInput(f"this program can't be written as {form}: {error}") from None


def default_name(folder: str, form: Target) -> str:
    """`NAME.c` for the folder NAME.distilled."""
    return Path(folder).resolve().stem + ENDINGS[form]


def _domain(found: Any) -> Domain:
    return found.domain.item if isinstance(found.domain, Sequences) else found.domain


def _straight(found: Any, form: str) -> str | bytes:
    code = straight(found.program, found.domain)
    head = header(found)
    if form == Target.onnx:
        from distill.export.onnx_graph import onnx_file

        return onnx_file(code, "\n".join(head))
    lengths = (1, None)
    if isinstance(found.domain, Sequences):
        lengths = (found.domain.shortest, found.domain.longest)
    from distill.export.array_source import numpy_source, torch_source
    from distill.export.c_source import c_source

    write = {Target.numpy: numpy_source, Target.torch: torch_source, Target.c: c_source}
    return write[Target(form)](code, head, lengths)


def straight(program: Any, domain: Domain | Sequences) -> Straight:
    """A program or loop as straight-line code with its domain's checks.

    Raises:
        Unsupported: a number in it leaves int64 or float64.
    """
    if isinstance(domain, Sequences):
        return straight_loop(program, inside(domain.item))
    return straight_program(program, inside(domain))


def inside(domain: Domain) -> Constraint:
    """The truth that values, one per field, lie in a domain; reals without bounds aren't NaN."""

    def constraint(ops: Any, values: tuple[Any, ...]) -> Any:
        from dsl.algebra import leaves

        truths = [domain.constraint(ops, values)]
        for field, value in zip(domain.fields, values, strict=True):
            if field.item == REAL and field.low is None:
                truths += [ops.equal(leaf, leaf) for leaf in leaves(value)]
        if domain.where is not None:
            named = {f.name: v for f, v in zip(domain.fields, values, strict=True)}
            truths.append(evaluate(domain.where, ops, named))
        return conjunction(ops, *truths)

    return constraint


def header(found: Distilled) -> list[str]:
    """Lines for the comment at the top: network, domain, output, evidence; all of them escaped."""
    told = found.evidence
    return [
        "A program distilled from a neural network.",
        f"Network sha256 {quoted(told.hashes['network'])[1:-1]}.",
        f"Domain: {quoted(told.domain)}",
        f"Output: {quoted(told.output)}",
        f"Evidence: {quoted(told.verdict)} by {quoted(told.method)}.",
        *(f"Meaning of {quoted(x.name)[1:-1]}: {quoted(x.told)}" for x in found.labels.meant),
    ]


def _smt(found: Any) -> str:
    from distill.export.smt import smt_script

    if isinstance(found.program, Loop):
        raise Unsupported("a loop has no length that a script could say")
    return smt_script(found.program, found.domain, header(found))


def _latex(found: Any) -> str:
    from distill.export.latex import latex_file

    if isinstance(found.program, Loop):
        raise Unsupported("a loop isn't one formula; 'show --as english' says it in words")
    return latex_file(found.program, header(found))


_SYMBOLIC: dict[str, Callable[[Any], str]] = {Target.smt2: _smt, Target.latex: _latex}
