"""Literal loops, again: the network's own arithmetic, so that rounding alone separates the two.

The loop must be written as the network's literal loop is. Then the cell, run item after item, is
one normal form from all items to all outputs; its rounding is bounded once in float32, once in
float64, and twice their sum must be within the margin that the claim leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.checker.finding import Finding, judged
from distill.checker.float_error import errors_within
from distill.checker.induction import FAULTS
from distill.checker.quick import quick_ranges, small
from distill.checker.same import input_box
from distill.checker.smooth import NoBound
from distill.evidence import Claim
from distill.normal_form import Affine, Builder, Elementwise, NormalForm
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from dsl.algebra import Unsupported
from dsl.domain import DomainError
from dsl.loop import Loop

_LONGEST = 1_000
_WORK = 1 << 24
"""Numbers of all wires squared, at most."""


def literal_findings(oracle: Oracle, loop: Loop, claim: Claim) -> Iterator[Finding]:
    """Whether the loop is the network's own, and rounding within the claim's margin."""
    from distill.literal_loop import literal_loop

    item, read = oracle.domain.item, oracle.output
    own = literal_loop(oracle.network, item, read, oracle.at_end)
    yield judged(
        str(own) == str(loop),
        "the program is written as the network's literal loop is",
        "the program isn't the network's literal loop",
    )
    try:
        yield _rounding(oracle, claim)
    except (NoBound, Unsupported, DomainError, *FAULTS) as fault:
        yield Finding("unknown", f"the rounding of both runs isn't bounded: {fault}"[:300])


def _rounding(oracle: Oracle, claim: Claim) -> Finding:
    length, margin = claim.length_bound or 0, claim.margin
    low, high = input_box(oracle.domain.item)
    if length > _LONGEST or not (np.isfinite(low).all() and np.isfinite(high).all()):
        return Finding("unknown", f"rounding isn't bounded over {length} items")
    form = _unrolled(oracle.network, length)
    if sum(form.widths()) ** 2 > _WORK:
        return Finding("unknown", f"{length} items are too many to bound their rounding")
    ranges = quick_ranges(form, np.tile(low, length)[None], np.tile(high, length)[None])
    error = [
        errors_within(form, ranges, start, 0)[form.output].max() for start in (len(form.nodes), 0)
    ]
    worst = 2.0 * float(sum(error)) * (1 + 1e-9)
    return judged(
        bool(small(ranges).all()) and worst <= margin,
        f"outputs differ by rounding alone, and twice its bound, {worst:.2g}, is within the "
        f"margin of {margin:.2g} up to item {length}",
        f"rounding is bounded by half of {worst:.2g} only; the margin is {margin:.2g}",
        "unknown",
    )


def _unrolled(network: RecurrentNetwork, length: int) -> NormalForm:
    """From all items (length * d,) to all outputs (length * k,)."""
    cell, hidden, width = network.cell.normal_form(), network.hidden, network.input_width
    builder = Builder(length * width)
    state, rows = builder.constant(network.initial), network.output_width
    outputs: list[tuple[int, np.ndarray]] = []
    for step in range(length):
        above, below = np.eye(hidden + width, hidden), np.zeros((hidden + width, length * width))
        below[hidden:, step * width : (step + 1) * width] = np.eye(width)
        wires = [builder.affine([(state, above), (0, below)], np.zeros(hidden + width))]
        for node in cell.nodes[1:]:
            if isinstance(node, Affine):
                wires.append(builder.affine([(wires[s], m) for s, m in node.terms], node.bias))
            elif isinstance(node, Elementwise):
                wires.append(builder.elementwise(node.function, *(wires[s] for s in node.sources)))
        both = wires[cell.output]
        state = builder.affine([(both, np.eye(hidden, hidden + rows))], np.zeros(hidden))
        place = np.zeros((length * rows, hidden + rows))
        place[step * rows : (step + 1) * rows, hidden:] = np.eye(rows)
        outputs.append((both, place))
    return builder.build(builder.affine(outputs, np.zeros(length * rows)))
