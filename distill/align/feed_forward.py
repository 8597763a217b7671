"""A variable of a program beside a feed-forward network: a wire is patched, the rest runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.align.decode import coded
from distill.align.gradient import differentiable
from distill.align.place import Array, Site, same_up_to_affine
from distill.align.setting import Outputs, Rows
from distill.align.variables import OpenProgram, Values, Variable
from distill.errors import BadInput
from distill.load.assemble import assemble
from distill.network import AFFINE_KINDS, Network, Operation, Wire
from distill.operations import KINDS
from distill.target import Output
from dsl.domain import Domain
from dsl.types import Type

WIDEST = 2048
"""Numbers of a wire up to which it is looked into."""
LARGEST = 2_000_000
"""Multiplications of a network up to which it is differentiated."""


@dataclass(frozen=True, eq=False)
class FeedForward:
    """One variable of an open program, and the network. Rows are the domain's columns."""

    program_: OpenProgram
    variable: Variable
    network: Network
    domain: Domain
    output: Output
    tolerance: float
    sites: tuple[Site, ...]

    @property
    def type(self) -> Type:
        """The variable's type."""
        return self.variable.type

    def draw(self, rng: np.random.Generator, count: int) -> Rows:
        """Uniform draws from the domain."""
        return self.domain.sample(rng, count)

    def values(self, rows: Rows) -> Values:
        """What the variable is worth, (n, ...)."""
        return self.program_.values(self.variable, rows)

    def program(self, rows: Rows) -> Outputs:
        """The program's outputs (n, ...)."""
        return self.program_.run(rows)

    def forced(self, rows: Rows, values: Values) -> Outputs:
        """The program's outputs where the variable has other values."""
        return self.program_.forced(self.variable, rows, values)

    def context(self, rows: Rows) -> Array:
        """What the program's other variables are worth, as numbers."""
        own = coded(self.values(rows), self.type).features
        found = [np.zeros((len(rows[0]), 0))]
        for other in self.program_.variables:
            values = coded(self.program_.values(other, rows), other.type).numbers
            if values is not None and not same_up_to_affine(values, own):
                found.append(values)
        return np.column_stack(found)

    def activations(self, rows: Rows) -> dict[str, Array]:
        """Activations (n, d) of every site."""
        found = self.network.wires(self.domain.encode(rows))
        return {site.wire: _flat(found[site.wire]) for site in self.sites}

    def patched(self, rows: Rows, wire: str, activations: Array) -> Outputs:
        """The network's decoded outputs where a wire has other activations."""
        raw = self.network.run(self.domain.encode(rows), {wire: activations})
        return self.output.decode(np.asarray(raw, dtype=np.float64))

    def raw(self, rows: Rows, wire: str, activations: Any) -> Any:
        """The network's numbers (n, k) as a tensor."""
        import torch

        if wire not in self._tails:
            form = cut(self.network, wire).normal_form()
            if form.multiply_adds > LARGEST:
                raise BadInput("the network is too large to be differentiated here")
            self._tails[wire] = differentiable(form)
        given = torch.as_tensor(self.domain.encode(rows), dtype=torch.float64)
        return self._tails[wire](torch.cat([given, activations], 1))

    def counted(self, rows: Rows) -> NDArray[np.bool_]:
        """All outputs count."""
        return np.ones(len(rows[0]), dtype=np.bool_)

    @cached_property
    def _tails(self) -> dict[str, Callable[[Any], Any]]:
        return {}


def _flat(values: NDArray[Any]) -> Array:
    return values.reshape(len(values), -1).astype(np.float64)


def sites_of(network: Network, x: Array, output: Array | None = None) -> tuple[Site, ...]:
    """The wires in which a variable can be found on inputs (n, width), from the input on.

    Left out are wires that hold the input, or the `output` (n, m), up to an affine map, where
    every program for the network would be found alike, and wires that repeat one before.
    """
    values = {name: _flat(v) for name, v in network.wires(x).items() if v[0].size <= WIDEST}
    kept: dict[str, Array] = {}
    for name, found in values.items():
        idle = not np.isfinite(found).all() or not np.ptp(found, axis=0).any()
        known = any(k.shape == found.shape and (k == found).all() for k in kept.values())
        if idle or known or name in (network.input, network.output) or same_up_to_affine(found, x):
            continue
        if output is None or not same_up_to_affine(found, output):
            kept[name] = found
    return labelled(network, {name: found.shape[1] for name, found in kept.items()})


def labelled(network: Network, widths: Mapping[str, int]) -> tuple[Site, ...]:
    """Sites for wires, called by the nonlinear operations that lie between them and the input."""
    depth: dict[str, int] = {}
    sums: set[str] = set()
    for operation in network.operations:
        below = max((depth.get(n, 0) for n in operation.inputs), default=0)
        moves = KINDS[operation.kind].shape_only or operation.kind == "Cast"
        linear = operation.kind in AFFINE_KINDS
        for name in operation.outputs:
            depth[name] = below + (not moves and not linear)
            if linear or (moves and sums & set(operation.inputs)):
                sums.add(name)
    labels: dict[str, str] = {}
    deepest = max(depth.values(), default=0)
    for name in widths:
        place = depth.get(name, 0)
        label = f"hidden layer {place}"
        if name in sums:
            label = f"the sums into layer {place + 1}" if place < deepest else "the last sums"
        labels[name] = label if label not in labels.values() else f"{label} ({name!a})"
    return tuple(Site(name, labels[name], width) for name, width in widths.items())


def cut(network: Network, wire: str) -> Network:
    """The network from (input, values of a wire), side by side, to its output.

    What computes the wire is cut off; other ways from the input to the output stay.
    """
    before, after = network.input_width, network.wires_by_name[wire].width
    taken = {*network.wires_by_name, *network.constants}
    source = next(n for n in map("both{}".format, range(len(taken) + 1)) if n not in taken)
    operations = [
        *_slice(source, 0, before, network.wires_by_name[network.input]),
        *_slice(source, before, before + after, network.wires_by_name[wire]),
        *(_without(operation, wire) for operation in network.operations),
    ]
    entry = Wire(source, (1, before + after), "float32")
    return assemble(operations, network.constants, entry, network.output, batched=True)


def _slice(source: str, start: int, stop: int, wire: Wire) -> list[Operation]:
    flat = f"{source}/{start}"
    ends = {"starts": np.array([start]), "ends": np.array([stop]), "axes": np.array([1])}
    return [
        Operation("Slice", (source,), (flat,), ends),
        Operation("Reshape", (flat,), (wire.name,), {"shape": np.array(wire.shape, dtype=int)}),
    ]


def _without(operation: Operation, wire: str) -> Operation:
    outputs = tuple("" if name == wire else name for name in operation.outputs)
    return replace(operation, outputs=outputs)
