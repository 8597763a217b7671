"""The denotation of a loop: exact numbers, one item after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsl.algebra import Exact
from dsl.loop import Loop
from dsl.meanings.fold import evaluate
from dsl.program import const


def run_loop_exact(loop: Loop, items: Iterable[tuple[Any, ...]]) -> Any:
    """Outputs for a sequence of items, each a tuple with a value per field; or the last one.

    Raises:
        Unsupported, Undefined: as `dsl.meanings.exact.run_exact`.
    """
    ops = Exact()
    state = {r.name: r.start.value for r in loop.registers}
    outputs: list[Any] = []
    for item in items:
        scope = dict(state)
        for (name, kind), value in zip(loop.inputs, item, strict=True):
            scope[name] = const(value, kind).value
        for name, value in loop.lets:
            scope[name] = evaluate(value, ops, scope, strict=True)
        outputs.append(evaluate(loop.output, ops, scope, strict=True))
        state = {r.name: evaluate(r.update, ops, scope, strict=True) for r in loop.registers}
    return outputs[-1] if loop.at_end else outputs
