"""Listed states of float32, checked again: every item leads from each of them to one of them.

From the first state on nothing else is then reached, by sequences of any length, and each output
was compared. The step is this room's own, in the order that the claim states: sums from the first
term to the last, then the bias, every product rounded or fused with its sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.finding import Finding
from distill.checker.induction import FAULTS
from distill.checker.machine import EDGES, Machine, TooMany, items_of, machine_of
from distill.checker.packed import unpacked_rows
from distill.checker.sides import decoded
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.normal_form import Affine, Array, Elementwise, Input, NormalForm
from distill.recurrent_target import Oracle
from dsl.algebra import Undefined, Unsupported
from dsl.cost import loop_bits
from dsl.domain import DomainError
from dsl.loop import Loop
from dsl.types import BOOL, INT

_RUNS, _AT_ONCE = 1 << 22, 1 << 14
_WORK = 2e7
"""Bits of program times states and items that the exact meaning is run on, at most."""

_ORDERS = {
    (("rounded", "fused"),): "rounded or fused at every item",
    (("rounded",), ("fused",)): "all rounded or all fused",
}
_SAID = (
    "network in float32, sums from first term to last and then the bias, products {}; program in "
    "whole numbers"
)
_FUNCTIONS = {
    "relu": lambda x: np.where(x > 0, x, np.float32(0.0)),
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
}
Floats = NDArray[np.float32]


def float_states_finding(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    """Whether the claim's certificate shows it."""
    try:
        return _shown(oracle, loop, claim)
    except (Refused, TooMany, Undefined, Unsupported, DomainError) as reason:
        return Finding("unknown", f"the listed states aren't confirmed: {str(reason)[:200]}")
    except FAULTS as fault:
        kind = type(fault).__name__
        return Finding("unknown", f"the certificate of the listed states is malformed ({kind})")


def _shown(oracle: Oracle, loop: Loop, claim: Claim) -> Finding:
    if oracle.output.scalar not in (INT, BOOL) or oracle.network.cell.opaque:
        raise Refused("only whole numbers and truth values of known cells are followed.")
    certificate = claim.certificate
    if not isinstance(certificate, dict) or certificate.get("kind") != "floats":
        raise Refused("there is no certificate of its kind.")
    parts = tuple(tuple(run["products"]) for run in certificate["runs"])
    if parts not in _ORDERS or claim.arithmetic != _SAID.format(_ORDERS[parts]):
        raise Refused("the claim is about other arithmetic than the certificate.")
    items = items_of(oracle.domain.item, EDGES)
    seen = oracle.domain.item.encode(oracle.domain.item.points(0, len(items)))
    form = oracle.network.cell.normal_form()
    if not oracle.representable(seen):
        raise Refused("items or the first state aren't numbers of float32.")
    _check_form(form)
    machine = machine_of(loop, items, None, min(EDGES, int(_WORK / loop_bits(loop))))
    tried = 0
    for run, ways in zip(certificate["runs"], parts, strict=True):
        states, hidden = _listed(run["states"], oracle.network.hidden, len(machine.next))
        if (tried + len(states)) * len(items) > _RUNS:
            raise Refused(f"there are more than {_RUNS:,} steps to run.")
        tried += len(states)
        for way in ways:
            _check_closed(oracle, machine, form, (states, hidden, seen), way == "fused")
    if claim.count != tried * len(items):
        raise Refused(f"{claim.count:,} steps are claimed, and {tried * len(items):,} are listed.")
    return Finding(
        "holds",
        f"{tried:,} listed states of float32 beside {len(machine.next):,} states of the program "
        f"lead to each other with equal outputs under all {len(items):,} items (products "
        f"{_ORDERS[parts]})",
    )


def _listed(text: Any, hidden: int, count: int) -> tuple[NDArray[np.int64], Floats]:
    """States of the program (n,) and hidden states (n, H). Raises: Refused."""
    rows = unpacked_rows(text, 1 + hidden)
    bits = rows[:, 1:]
    if not ((rows[:, 0] >= 0) & (rows[:, 0] < count)).all():
        raise Refused("a state is listed that the program hasn't.")
    if not ((bits >= -(1 << 31)) & (bits < 1 << 31)).all():
        raise Refused("a hidden state isn't of float32.")
    floats = np.ascontiguousarray(bits.astype(np.int32)).view(np.float32)
    if not np.isfinite(floats).all():
        raise Refused("a hidden state isn't finite.")
    return rows[:, 0], floats + np.float32(0.0)


def _check_closed(
    oracle: Oracle,
    machine: Machine,
    form: NormalForm,
    listed: tuple[NDArray[np.int64], Floats, Array],
    fused: bool,
) -> None:
    """Raises: Refused, unless the first state is listed and every step leads to a listed one."""
    states, hidden, items = listed
    known = _keys(states, hidden)
    first = oracle.network.initial.astype(np.float32)[None] + np.float32(0.0)
    if not _keys(np.zeros(1, dtype=np.int64), first) <= known:
        raise Refused("the first state isn't listed.")
    count, width = len(items), hidden.shape[1]
    size = max(_AT_ONCE // count, 1)
    for start in range(0, len(states), size):
        rows = slice(start, start + size)
        held = np.repeat(hidden[rows], count, 0)
        given = np.tile(items.astype(np.float32), (len(states[rows]), 1))
        with np.errstate(all="ignore"):
            found = _step(form, np.concatenate([held, given], 1), fused)
        if not np.isfinite(found).all():
            raise Refused("a step leads to a number that isn't finite.")
        outputs, _ = decoded(found[:, width:].astype(np.float64), oracle.output)
        wanted = machine.outputs[states[rows]].reshape(len(outputs), -1)
        if (outputs != wanted).any():
            raise Refused("an output of a listed state is another one than the program's.")
        after = machine.next[states[rows]].ravel()
        if not _keys(after, found[:, :width]) <= known:
            raise Refused("a step leads to a state that isn't listed.")


def _keys(states: NDArray[np.int64], hidden: Floats) -> set[bytes]:
    """Equal for equal pairs alone."""
    rows = np.column_stack([states.astype(np.float64), hidden.astype(np.float64) + 0.0])
    return {row.tobytes() for row in np.ascontiguousarray(rows)}


def _check_form(form: NormalForm) -> None:
    """Raises: Refused, where float32 doesn't have its numbers, or a function is approximated."""
    for node in form.nodes:
        if isinstance(node, Affine):
            for values in (node.bias, *(matrix for _, matrix in node.terms)):
                with np.errstate(over="ignore"):
                    if (values.astype(np.float32).astype(np.float64) != values).any():
                        raise Refused("a weight isn't a number of float32.")
        elif isinstance(node, Elementwise) and node.function not in _FUNCTIONS:
            raise Refused(f"float32 has no one result for {node.function}.")


def _step(form: NormalForm, inputs: Floats, fused: bool) -> Floats:
    values: list[Floats] = []
    for node in form.nodes:
        if isinstance(node, Input):
            values.append(inputs)
        elif isinstance(node, Affine):
            sums = np.zeros((len(inputs), len(node.bias)), dtype=np.float32)
            for source, matrix in node.terms:
                for column, weights in zip(values[source].T, matrix.T, strict=True):
                    sums = _added(sums, column[:, None], weights.astype(np.float32), fused)
            values.append(sums + node.bias.astype(np.float32))
        else:
            values.append(_FUNCTIONS[node.function](*(values[s] for s in node.sources)))
    return values[form.output] + np.float32(0.0)


def _added(sums: Floats, left: Floats, right: Floats, fused: bool) -> Floats:
    """sums + left * right: each rounded, or the exact value rounded once.

    Rounding to float64 and then to float32 goes wrong only where the float64 number lies halfway
    between two of float32 and isn't the exact value, whose side then decides.
    """
    if not fused:
        return np.asarray(sums + left * right, dtype=np.float32)
    exact, other = left.astype(np.float64) * right.astype(np.float64), sums.astype(np.float64)
    total = exact + other
    moved = total - other
    lost = (other - (total - moved)) + (exact - moved)
    near = total.astype(np.float32)
    toward = np.where(total > near, np.inf, -np.inf).astype(np.float32)
    beside = np.nextafter(near, toward)
    halfway = (near != total) & (near.astype(np.float64) + beside.astype(np.float64) == 2 * total)
    sided = np.where(lost > 0, np.maximum(near, beside), np.minimum(near, beside))
    return np.where(halfway & (lost != 0), sided, near).astype(np.float32)
