"""Whether our run of a network equals its source framework's on random inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from distill.errors import BadInput
from distill.load.assemble import quoted
from distill.network import Network
from distill.operations.kind import Tensor

Oracle = Callable[[Tensor], Mapping[str, Tensor]]
"""Inputs (n, *input wire shape) to values (n, ...) of some wires, the output among them."""

EXAMPLES = 1000
TOLERANCE = 1e-5


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

    They may differ by 1e-5 of the example's largest number or of a number that nine values
    in ten stay below; at a jump of the network, on one example in 200. `x` (n, input_width)
    replaces the standard examples where the network's units are known.
    """
    x = random_inputs(network) if x is None else x
    theirs = oracle(x.reshape(len(x), *network.wires_by_name[network.input].shape))
    ours = network.wires(x)
    reach = np.max([_largest(values) for values in ours.values()], axis=0)
    if _same(ours[network.output], theirs[network.output], network.jumps, reach):
        return
    names = [o for op in network.operations for o in op.outputs if o in ours and o in theirs]
    wrong = [n for n in names if not _same(ours[n], theirs[n], network.jumps, reach)]
    first = wrong[0] if wrong else network.output
    kinds = {o: op.kind for op in network.operations for o in op.outputs}
    gap = _gap(ours[first], theirs[first])
    raise BadInput(
        f"Our run of the network and its own framework's differ by {gap:.2g} "
        f"at the tensor {quoted(first)} (operation {kinds.get(first, 'input')}); "
        "the model can't be explained safely."
    )


def _same(ours: Tensor, theirs: Tensor, jumps: bool, reach: Tensor) -> bool:
    if ours.size != theirs.size:
        return False
    ours, theirs = _rows(ours), _rows(theirs)
    with np.errstate(invalid="ignore"):
        near = np.abs(ours - theirs) <= TOLERANCE * reach
    equal = near | (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    wrong = int((~equal.all(axis=1)).sum())
    return wrong <= (len(ours) // 200 if jumps else 0)


def _largest(values: Tensor) -> Tensor:
    """The largest finite size in each example, (n, 1)."""
    rows = _rows(values)
    return np.abs(np.where(np.isfinite(rows), rows, 0)).max(axis=1, initial=0, keepdims=True)


def _gap(ours: Tensor, theirs: Tensor) -> float:
    if ours.size != theirs.size:
        return float("nan")
    return float(np.nanmax(np.abs(_rows(ours) - _rows(theirs))))


def _rows(values: Tensor) -> Tensor:
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
