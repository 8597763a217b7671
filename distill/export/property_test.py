"""test_program.py: a pytest + hypothesis test of program.py against network.onnx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.domain_text import show_domain

if TYPE_CHECKING:
    from distill.distillation import Distillation

_TEMPLATE = '''"""Property test of program.py against network.onnx."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings

from distill.band import Part, beyond
from distill.guard import guard_of
from distill.load import load
from distill.target import make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.text import parse_program

HERE = Path(__file__).parent
DOMAIN = parse_domain({domain!r})
NETWORK = load(HERE / "network.onnx")
TARGET = make_target(
    NETWORK, DOMAIN, resolve_output(NETWORK, {output!r}), tolerance={tolerance!r}
)
MARGIN = {margin!r}
PROGRAM = parse_program((HERE / "program.dsl").read_text(encoding="utf-8"))
GUARD = guard_of(PROGRAM) if {band!r} != "network" else None
PARTS = [Part(**part) for part in {widths!r}]
ALLOWED = {allowed!r}
NAMESPACE = {{"__name__": "program"}}
exec(compile((HERE / "program.py").read_text(encoding="utf-8"), "program.py", "exec"), NAMESPACE)


@settings(deadline=None, max_examples=300)
@given(DOMAIN.strategy())
def test_program_agrees_with_network(example):
    columns = DOMAIN.column(example)
    raw = TARGET.raw(columns)
    distance = TARGET.output.margin(raw)
    if PARTS:
        distance = beyond(PARTS, DOMAIN.flatten(columns), distance, run(GUARD, columns))
    elif GUARD is not None:
        distance = run(GUARD, columns)
    if distance[0] <= MARGIN:
        return
    wanted = np.asarray(TARGET.output.decode(raw)[0], dtype=float)
    given = np.asarray(NAMESPACE["predict"](*example), dtype=float)
    assert np.all(np.abs(wanted - given) <= ALLOWED), (example, wanted, given)
'''


def property_test(d: Distillation) -> str:
    """The text of test_program.py for a distillation."""
    claim = d.evidence.program_vs_deployed
    allowed = 1e-9 if d.output.discrete else max(claim.tolerance or 0.0, claim.achieved or 0.0)
    return _TEMPLATE.format(
        domain=show_domain(d.domain),
        output=str(d.output),
        tolerance=claim.tolerance or 0.01,
        margin=claim.margin,
        band=claim.band,
        widths=claim.widths,
        allowed=allowed,
    )
