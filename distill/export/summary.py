"""summary.txt: the program, what is known about it, how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.evidence import NOT_LOOKED_FOR
from distill.export.python import claim_text
from dsl.loop import Loop
from dsl.meanings.loop_python import loop_python
from dsl.meanings.python import to_python
from dsl.program import Program

if TYPE_CHECKING:
    from distill.distillation import Distilled

_LINES = 60
_COLUMNS = 160


def summary(d: Distilled) -> str:
    """The distillation as text."""
    evidence, bits = d.evidence, d.evidence.bits
    share = 100 * bits["program"] / bits["network"] if bits["network"] else 0.0
    lines = [
        *_shortened(plain_python(d.program).rstrip().splitlines()),
        "",
        f"domain    {evidence.domain}",
        f"output    {evidence.output}",
        f"verdict   {evidence.verdict} ({evidence.method})",
        f"program   {claim_text(evidence.program_vs_deployed)}",
    ]
    if evidence.hashes["network"] != evidence.hashes["original"]:
        lines.append(f"deployed  {claim_text(evidence.deployed_vs_original)}")
    if evidence.program_vs_original is not None:
        lines.append(f"whole     {claim_text(evidence.program_vs_original)}")
    if evidence.variables:
        asked = " (distill locate DIR)" if evidence.variables == NOT_LOOKED_FOR else ""
        lines.append(f"variables {evidence.variables}{asked}")
    lines.append(
        f"size      {bits['program']:,.0f} bits; the network's own {bits['network']:,.0f} "
        f"({f'{share:.2g}' if share < 100 else f'{share:,.0f}'} %)"
    )
    lines.append(f"time      {evidence.seconds:.1f} s, {evidence.steps:,} steps")
    lines += [f"meaning   {x.name}: {ascii(x.told)[1:-1]}" for x in d.labels.meant]
    if d.labels.aside:
        names = ", ".join(ascii(x.name)[1:-1] for x in d.labels.aside)
        lines.append(f"aside     no function here does what these labels are for: {names}")
    if d.note:
        lines.append(f"note      {d.note}")
    return "\n".join(lines)


def plain_python(program: Program | Loop) -> str:
    """Python without the checks and the evidence of program.py."""
    return loop_python(program) if isinstance(program, Loop) else to_python(program)


def _shortened(lines: list[str]) -> list[str]:
    """A long program's beginning; program.py holds all of it."""
    shown = [line if len(line) <= _COLUMNS else line[:_COLUMNS] + " ..." for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"... ({len(lines) - _LINES} more lines in program.py)")
    return shown
