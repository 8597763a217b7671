"""Whether our run of a network equals its source framework's on random inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.network import Network
from distill.operations.kind import Tensor

Oracle = Callable[[Tensor], Mapping[str, Tensor]]
"""Inputs (n, *input wire shape) to values (n, ...) of some wires, the output among them."""

EXAMPLES = 1000
TOLERANCE = 1e-5

RESOLUTION = 1e-6
"""Share of the largest output that runtimes' approximations of sigmoid and tanh are off by."""

ROUNDINGS = 8.0
"""How many times the network's own rounding error another order of summing may differ by."""


def random_inputs(network: Network, count: int = EXAMPLES, seed: int = 0) -> Tensor:
    """Examples (count, input_width): normal ones of several sizes, and uniform on [0, 1]."""
    rng = np.random.default_rng(seed)
    shape = (count, network.input_width)
    wire = network.wires_by_name[network.input]
    if wire.dtype == "bool" or "int" in wire.dtype:
        return rng.integers(0, 2, shape).astype(wire.dtype)
    normal = rng.normal(size=shape) * rng.choice([0.3, 1.0, 3.0], size=(count, 1))
    mixed = np.where(rng.random((count, 1)) < 0.5, normal, rng.random(shape))
    return mixed.astype(wire.dtype)


def require_agreement(network: Network, oracle: Oracle, x: Tensor | None = None) -> None:
    """Raise BadInput, naming the first wire, when our values and the source's differ.

    They may differ by 1e-5 of the example's largest number, by 1e-6 of the largest of all
    examples, by a few times the rounding error of the network itself (sums cancel), and at
    a jump on one example in 200.
    `x` (n, input_width) replaces the standard examples where the network's units are known.
    """
    x = random_inputs(network) if x is None else x
    theirs = oracle(x.reshape(len(x), *network.wires_by_name[network.input].shape))
    ours, exact = network.wires(x), in_double(network).wires(x)
    compared = [o for op in network.operations for o in op.outputs if o in ours and o in theirs]
    wrong = [
        n
        for n in dict.fromkeys([*compared, network.output])
        if not agrees(ours[n], theirs[n], exact[n], network.jumps)
    ]
    if network.output not in wrong:
        return
    kinds = {o: op.kind for op in network.operations for o in op.outputs}
    gap = _gap(ours[wrong[0]], theirs[wrong[0]])
    raise BadInput(
        f"Our run of the network and its own framework's differ by {gap:.2g} "
        f"at the tensor {quoted(wrong[0])} (operation {kinds.get(wrong[0], 'input')}); "
        "the model can't be explained safely."
    )


def in_double(network: Network) -> Network:
    """The same weights computed with in float64, to see how much the network's type rounds."""

    def wide(dtype: str) -> str:
        return "float64" if dtype.startswith("float") else dtype

    wires = {k: replace(w, dtype=wide(w.dtype)) for k, w in network.wires_by_name.items()}
    constants = {k: v.astype(wide(str(v.dtype))) for k, v in network.constants.items()}
    operations = tuple(
        replace(op, attributes={**op.attributes, "to": wide(op.attributes["to"])})
        if op.kind == "Cast"
        else op
        for op in network.operations
    )
    return replace(network, operations=operations, wires_by_name=wires, constants=constants)


def agrees(ours: Tensor, theirs: Tensor, exact: Tensor, jumps: bool) -> bool:
    """Whether the numbers of one wire agree, each (n, ...)."""
    if ours.size != theirs.size:
        return False
    ours, theirs, exact = _rows(ours), _rows(theirs), _rows(exact)
    with np.errstate(invalid="ignore"):
        rounding = np.abs(ours - exact)
        slack = ROUNDINGS * (_largest(rounding) + _usual(rounding))
        size = TOLERANCE * _largest(theirs) + RESOLUTION * _largest(theirs).max(initial=0)
        near = np.abs(ours - theirs) <= size + slack
    equal = near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    wrong = int((~equal.all(axis=1)).sum())
    return wrong <= (len(ours) // 200 if jumps else 0)


def _largest(rows: Tensor) -> Tensor:
    """The largest finite size in each example, (n, 1)."""
    return np.abs(np.where(np.isfinite(rows), rows, 0)).max(axis=1, initial=0, keepdims=True)


def _usual(rounding: Tensor) -> float:
    """A rounding error that all but one example in a hundred stay below."""
    finite = rounding[np.isfinite(rounding)]
    return float(np.quantile(finite, 0.99)) if finite.size else 0.0


def _gap(ours: Tensor, theirs: Tensor) -> float:
    if ours.size != theirs.size:
        return float("nan")
    return float(np.nanmax(np.abs(_rows(ours) - _rows(theirs))))


def _rows(values: Tensor) -> Tensor:
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
