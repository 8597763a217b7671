"""The forms that a finished program is exported to, for deployment and for papers."""

from __future__ import annotations

from collections.abc import Callable

from distill.distillation import Distillation, Distilled
from distill.errors import BadInput
from distill.export.array_source import numpy_source, torch_source
from distill.export.c import c_source
from distill.export.onnx_graph import onnx_model
from distill.export.python import claim_text
from distill.export.smtlib import smtlib_source
from dsl.algebra import Unsupported
from dsl.meanings.steps import Steps, steps_of
from dsl.meanings.sympy_ import to_latex

_STEPS_AT_MOST = 200_000

Form = Callable[[Distillation, list[str]], str | bytes]


def _of_steps(write: Callable[[Steps, list[str]], str | bytes]) -> Form:
    def form(found: Distillation, told: list[str]) -> str | bytes:
        steps = steps_of(found.program, found.domain)
        if len(steps.order) > _STEPS_AT_MOST:
            raise Unsupported(f"it takes more than {_STEPS_AT_MOST:,} operations")
        return write(steps, told)

    return form


def _smtlib(found: Distillation, told: list[str]) -> str:
    return smtlib_source(found.program, found.domain, told)


def _latex(found: Distillation, told: list[str]) -> str:
    return to_latex(found.program) + "\n"


FORMS: dict[str, tuple[str, Form]] = {
    "python": ("py", lambda found, _: found.to_python()),
    "numpy": ("py", _of_steps(numpy_source)),
    "torch": ("py", _of_steps(torch_source)),
    "onnx": ("onnx", _of_steps(onnx_model)),
    "c": ("c", _of_steps(c_source)),
    "smt2": ("smt2", _smtlib),
    "latex": ("tex", _latex),
}
"""Name of a form: the ending of its file, and how it is written."""


def require_form(form: str) -> str:
    """The ending of a form's files. Raises: BadInput."""
    if form not in FORMS:
        raise BadInput(f"there is no form {form!r}: give one of {', '.join(FORMS)}.")
    return FORMS[form][0]


def exported(found: Distilled, form: str) -> str | bytes:
    """The text of a program in a form of `FORMS`; a model's bytes for "onnx".

    Raises:
        BadInput: there is no such form, or it can't say what the program does.
    """
    require_form(form)
    if not isinstance(found, Distillation):
        if form == "python":
            return found.to_python()
        raise BadInput(f"a loop has no {form} form yet: export it as python.")
    try:
        return FORMS[form][1](found, told(found))
    except Unsupported as error:
        raise BadInput(f"the program has no {form} form: {error}.") from None


def told(found: Distilled) -> list[str]:
    """What a file says of where it comes from, a line each."""
    evidence = found.evidence
    return [
        "A program distilled from a neural network.",
        f"Network sha256 {evidence.hashes['network']}.",
        f"Domain: {evidence.domain}",
        f"Output: {evidence.output}",
        f"Evidence: {evidence.verdict} ({evidence.method}).",
        "Program and network: " + claim_text(evidence.program_vs_deployed),
        "Deployed and original network: " + claim_text(evidence.deployed_vs_original),
    ]
