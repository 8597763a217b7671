"""summary.txt: the program, what is known about it, how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.export.python import claim_text
from dsl.domain_text import show_domain
from dsl.meanings.python import to_python

if TYPE_CHECKING:
    from distill.distillation import Distillation


def summary(d: Distillation) -> str:
    """The distillation as text."""
    bits = d.evidence.bits
    share = 100 * bits["program"] / bits["network"] if bits["network"] else 0.0
    lines = [
        to_python(d.program).rstrip(),
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
