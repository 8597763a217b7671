"""summary.txt: the program, what is known about it, how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.export.python import claim_text
from dsl.domain_text import show_domain
from dsl.meanings.python import to_python

if TYPE_CHECKING:
    from distill.distillation import Distillation

_LINES = 60
_COLUMNS = 160


def summary(d: Distillation) -> str:
    """The distillation as text."""
    bits = d.evidence.bits
    share = 100 * bits["program"] / bits["network"] if bits["network"] else 0.0
    lines = [
        *_shortened(to_python(d.program).rstrip().splitlines()),
        "",
        f"domain    {show_domain(d.domain)}",
        f"output    {d.output}",
        f"verdict   {d.evidence.verdict} ({d.evidence.method})",
        f"program   {claim_text(d.evidence.program_vs_deployed)}",
    ]
    if d.network is not d.original:
        lines.append(f"deployed  {claim_text(d.evidence.deployed_vs_original)}")
    lines.append(
        f"size      {bits['program']:,.0f} bits; the network's own {bits['network']:,.0f} "
        f"({share:.2g} %)"
    )
    lines.append(f"time      {d.evidence.seconds:.1f} s, {d.evidence.steps:,} steps")
    if d.note:
        lines.append(f"note      {d.note}")
    return "\n".join(lines)


def _shortened(lines: list[str]) -> list[str]:
    """A long program's beginning; program.py holds all of it."""
    shown = [line if len(line) <= _COLUMNS else line[:_COLUMNS] + " ..." for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"... ({len(lines) - _LINES} more lines in program.py)")
    return shown
