"""A variable of a loop beside a recurrent network: one step is changed, all later ones run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.align.decode import coded
from distill.align.feed_forward import LARGEST, cut
from distill.align.gradient import differentiable
from distill.align.place import Array, Site, same_up_to_affine
from distill.align.setting import Outputs, Rows
from distill.align.variables import FORCED, Values, Variable, forced_loop, register_variables
from distill.errors import BadInput
from distill.recurrent_target import Oracle
from distill.target import Output
from dsl.loop import Loop
from dsl.meanings.loop_array import start_of, step_loop
from dsl.program import var
from dsl.types import Type

STATE = "state"
"""The site that carries registers: all numbers that go from one step to the next."""


@dataclass(frozen=True, eq=False)
class InSequences:
    """One register or let of a loop, and the network, on sequences of `length` items.

    Rows are (step, *columns): steps (n,) at which the intervention is made, items (n, T, ...). A
    register is changed in the state behind its step, so outputs behind that count; a let in the
    cell's wires, so the step's own output counts too. Base and source are taken at the same step,
    with `any_step` at any two: what only depends on the step has no other value at the same one.
    """

    loop: Loop
    variable: Variable
    oracle: Oracle
    length: int
    sites: tuple[Site, ...]
    any_step: bool = False

    @property
    def type(self) -> Type:
        """The variable's type."""
        return self.variable.type

    @property
    def output(self) -> Output:
        """How the network's numbers are read."""
        return self.oracle.output

    @property
    def tolerance(self) -> float:
        """Largest difference of equal real outputs."""
        return self.oracle.tolerance

    def draw(self, rng: np.random.Generator, count: int) -> Rows:
        """Sequences of uniform items; the steps take turns, or are drawn too."""
        columns = self.oracle.domain.sample(rng, count, self.length)
        number = self.length - self._register
        steps = rng.integers(number, size=count) if self.any_step else np.arange(count) % number
        return (steps, *columns)

    def values(self, rows: Rows) -> Values:
        """What the variable is worth in, or behind, the step."""
        return self._follow(rows, None)[1]

    def program(self, rows: Rows) -> Outputs:
        """The loop's outputs (n, T, ...)."""
        return self._follow(rows, None)[0]

    def forced(self, rows: Rows, values: Values) -> Outputs:
        """The loop's outputs where the variable has other values in the step."""
        return self._follow(rows, values)[0]

    def context(self, rows: Rows) -> Array:
        """What the other registers hold behind the step: as numbers and, if few, one by one."""
        own = coded(self.values(rows), self.type).features
        found = [np.zeros((len(rows[0]), 0))]
        for register in self.loop.registers:
            for other in register_variables(register):
                values = coded(replace(self, variable=other).values(rows), other.type)
                if not same_up_to_affine(values.features, own):
                    found += [
                        values.features,
                        *([] if values.numbers is None else [values.numbers]),
                    ]
        return np.column_stack(found)

    def activations(self, rows: Rows) -> dict[str, Array]:
        """The state behind the step, or the cell's wires in it, by wire."""
        step, items = rows[0], self._items(rows)
        each = np.arange(len(step))
        if self._register:
            return {STATE: self.oracle.network.run(items)[0][each, step]}
        given = np.concatenate([self._before(rows), items[each, step]], 1)
        found = self.oracle.network.cell.wires(given)
        return {
            site.wire: found[site.wire].reshape(len(step), -1).astype(np.float64)
            for site in self.sites
        }

    def patched(self, rows: Rows, wire: str, activations: Array) -> Outputs:
        """The network's decoded outputs where the state or a wire is another in the step."""
        step, items = rows[0], self._items(rows)
        network, cell = self.oracle.network, self.oracle.network.cell
        state = np.broadcast_to(network.initial, (len(step), network.hidden))
        outputs = []
        for place in range(self.length):
            here = step == place
            given = np.concatenate([state, items[:, place]], 1)
            both = np.asarray(cell.run(given), dtype=np.float64)
            if self._register:
                both[here, : network.hidden] = activations[here]
            elif here.any():
                both[here] = cell.run(given[here], {wire: activations[here]})
            state = both[:, : network.hidden]
            outputs.append(both[:, network.hidden :])
        return self._masked(rows, self.oracle.read(np.stack(outputs, 1)))

    def raw(self, rows: Rows, wire: str, activations: Any) -> Any:
        """The network's numbers (n, T, k) as a tensor; zero before the change."""
        import torch

        order = np.argsort(rows[0], kind="stable")
        step, items = rows[0][order], torch.as_tensor(self._items(rows)[order])
        hidden, changed = self.oracle.network.hidden, activations[torch.as_tensor(order)]
        state = changed if self._register else torch.as_tensor(self._before(rows)[order])
        outputs = []
        for place in range(self.length):
            past = int((step < place).sum())
            now = past if self._register else int((step <= place).sum())
            given = torch.cat([state[:now], items[:now, place]], 1)
            both = [self._run(None)(given[:past])]
            if now > past:
                here = torch.cat([given[past:], changed[past:now]], 1)
                both.append(self._run(wire)(here))
            after = torch.cat(both)
            state = torch.cat([after[:, :hidden], state[now:]])
            rest = after.new_zeros((len(step) - now, after.shape[1] - hidden))
            outputs.append(torch.cat([after[:, hidden:], rest]))
        return torch.stack(outputs, 1)[torch.as_tensor(np.argsort(order))]

    def counted(self, rows: Rows) -> NDArray[np.bool_]:
        """Outputs (n, T) that the change can reach and the network is asked for."""
        places = np.arange(self.length)[None]
        return (places >= rows[0][:, None] + self._register) & self.oracle.counts(self.length)

    @property
    def follows_step(self) -> bool:
        """Whether the variable only depends on the step, on draws."""
        rows = self.draw(np.random.default_rng(0), 16 * self.length)
        values = self.values(rows).reshape(len(rows[0]), -1).astype(np.float64)
        return not any(np.ptp(values[rows[0] == s], axis=0).any() for s in np.unique(rows[0]))

    @property
    def _register(self) -> bool:
        return self.variable.kind == "register"

    def _before(self, rows: Rows) -> Array:
        """States (n, H) before the step."""
        step, network = rows[0], self.oracle.network
        states = network.run(self._items(rows))[0][np.arange(len(step)), step - 1]
        return np.where((step > 0)[:, None], states, network.initial)

    def _items(self, rows: Rows) -> Array:
        return self.oracle.domain.encode(rows[1:])

    def _run(self, wire: str | None) -> Callable[[Any], Any]:
        cell = self.oracle.network.cell
        if wire not in self._runs:
            form = (cell if wire is None else cut(cell, wire)).normal_form()
            if form.multiply_adds > LARGEST:
                raise BadInput("the network is too large to be differentiated here")
            self._runs[wire] = differentiable(form)
        return self._runs[wire]

    @cached_property
    def _runs(self) -> dict[str | None, Callable[[Any], Any]]:
        return {}

    @cached_property
    def _step(self) -> Callable[..., tuple[Values, Values, dict[str, Values]]]:
        """Output, the variable's value and next registers of a step, the value forced or not."""
        loop, variable = self.loop, self.variable
        if self._register:
            return lambda state, items, z: _register_step(loop, variable, state, items, z)
        probe = replace(loop, output=var(variable.name, variable.type))
        other = forced_loop(loop, variable)
        return lambda state, items, z: _let_step((loop, probe, other), state, items, z)

    def _follow(self, rows: Rows, values: Values | None) -> tuple[Outputs, Values]:
        step, columns = rows[0], rows[1:]
        state = start_of(self.loop, len(step))
        outputs, seen = [], None
        for place in range(self.length):
            here = step == place
            items = tuple(c[:, place] for c in columns)
            forced = None if values is None else (here, values)
            output, value, state = self._step(state, items, forced)
            outputs.append(output)
            seen = value.copy() if seen is None else seen
            seen[here] = value[here]
        assert seen is not None
        return self._masked(rows, np.stack(outputs, 1)), seen

    def _masked(self, rows: Rows, outputs: Outputs) -> Outputs:
        mask = self.counted(rows)
        return np.where(mask.reshape(*mask.shape, *[1] * (outputs.ndim - 2)), outputs, 0)


Forced = tuple[NDArray[np.bool_], Values] | None


def _register_step(
    loop: Loop, variable: Variable, state: dict[str, Values], items: Rows, forced: Forced
) -> tuple[Values, Values, dict[str, Values]]:
    output, after = step_loop(loop, state, items)
    value = variable.part(after[variable.name])
    if forced is not None:
        value = _chosen(*forced, value)
        after[variable.name] = variable.replaced(after[variable.name], value)
    return output, value, after


def _let_step(
    loops: tuple[Loop, Loop, Loop], state: dict[str, Values], items: Rows, forced: Forced
) -> tuple[Values, Values, dict[str, Values]]:
    loop, probe, other = loops
    value = step_loop(probe, state, items)[0]
    if forced is None:
        output, after = step_loop(loop, state, items)
        return output, value, after
    value = _chosen(*forced, value)
    output, after = step_loop(other, {**state, FORCED: value}, items)
    after.pop(FORCED)
    return output, value, after


def _chosen(here: NDArray[np.bool_], values: Values, others: Values) -> Values:
    return np.where(here.reshape(-1, *[1] * (others.ndim - 1)), values, others)
