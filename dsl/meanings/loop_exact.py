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
    state = exact_start(loop)
    outputs: list[Any] = []
    for item in items:
        output, state = step_loop_exact(loop, state, item)
        outputs.append(output)
    return outputs[-1] if loop.at_end else outputs


def exact_start(loop: Loop) -> dict[str, Any]:
    """What the registers hold before the first item."""
    return {r.name: r.start.value for r in loop.registers}


def step_loop_exact(
    loop: Loop, state: dict[str, Any], item: tuple[Any, ...]
) -> tuple[Any, dict[str, Any]]:
    """The output for one item, a value per field, and what the registers hold after it.

    Raises:
        Unsupported, Undefined: as `dsl.meanings.exact.run_exact`.
    """
    ops, scope = Exact(), dict(state)
    for (name, kind), value in zip(loop.inputs, item, strict=True):
        scope[name] = const(value, kind).value
    for name, value in loop.lets:
        scope[name] = evaluate(value, ops, scope, strict=True)
    output = evaluate(loop.output, ops, scope, strict=True)
    return output, {r.name: evaluate(r.update, ops, scope, strict=True) for r in loop.registers}
