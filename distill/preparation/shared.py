"""Networks whose weights stand at many places, as filters do: trained on with what they share.

A network's own tensors are trained, through where each of their numbers stands in the normal form,
so that a filter stays a filter. Step by step their grids get coarser until weights are few small
whole numbers. Where only positive factors pass between layers (relus, largest ones, means), grid
steps are divided out: the weights are the whole numbers themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from distill.network import Network
from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.preparation.module import FormModule

Tensor = torch.Tensor
Ints = NDArray[np.int64]

_WEIGHTED = frozenset({"Conv", "Gemm", "MatMul"})
_HOMOGENEOUS = frozenset({"relu", "abs", "max", "min"})
_BATCH = 256
_RATE, _LAST_RATE = 4e-3, 1e-4
_SMALL = 0.1
"""Tensors with less of all weights than this have finer grids: they are cheap."""

_STAGES = ((31, 0.5), *((7, 1.0),) * 4, *((3, 1.5),) * 3, *((1, 2.0),) * 3)
"""Levels above zero of each stage's grid, and how long it is beside others."""

_SPARSER = 0.85
"""Of the weights other than zero so many stay in each further stage on the coarsest grid."""


@dataclass(frozen=True, eq=False)
class Shared:
    """A network with where its weights stand.

    names: of its tensors of weights and, for each, of the bias added to what it gives, or ""; in
    the order of layers; values: numbers of all of them, one after the other; starts: where each
    begins; form: the normal form; places: for each of its matrices, and then of its biases, the
    number in `values` of every entry, -1 where the entry is fixed; whole: whether the scale of a
    layer passes through what follows.
    """

    network: Network
    names: tuple[tuple[str, str], ...]
    starts: dict[str, int]
    values: Array
    form: NormalForm
    matrices: tuple[Ints, ...]
    biases: tuple[Ints, ...]
    whole: bool

    def slice_of(self, name: str) -> slice:
        """Where a tensor's numbers stand in `values`."""
        return slice(self.starts[name], self.starts[name] + self.network.constants[name].size)

    def with_values(self, values: Array) -> Network:
        """The network with other weights."""
        given = self.network.constants
        changed = {
            name: values[self.slice_of(name)].reshape(given[name].shape).astype(given[name].dtype)
            for name in self.starts
        }
        return replace(self.network, constants={**given, **changed})


def shared_of(network: Network) -> Shared | None:
    """The network with where its weights stand; None where no convolution shares any, or what it
    is made of isn't a chain of layers, activations and poolings."""
    layers = _layers(network)
    if not layers or not any(kind == "Conv" for kind, _, _ in layers):
        return None
    names = tuple((weight, bias) for _, weight, bias in layers)
    tensors = [n for pair in names for n in pair if n]
    if len(set(tensors)) < len(tensors):
        return None
    sizes = [network.constants[n].size for n in tensors]
    starts = dict(zip(tensors, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
    values = np.concatenate([network.constants[n].ravel() for n in tensors]).astype(np.float64)
    form = network.normal_form()
    affine = [n for n in form.nodes if isinstance(n, Affine)]
    if any(len(n.terms) != 1 for n in affine) or len(values) >= 2**22:
        return None
    bare = Shared(network, names, starts, values, form, (), (), _whole(form))
    codes = np.arange(1.0, len(values) + 1)
    first, twice = (bare.with_values(c).normal_form() for c in (codes, 2 * codes))
    once = [_entries(a, b) for a, b in zip(_affine(first), _affine(twice), strict=True)]
    found = replace(bare, matrices=tuple(m for m, _ in once), biases=tuple(b for _, b in once))
    again = _filled(found, values)
    same = all(
        np.array_equal(a.terms[0][1], m) and np.array_equal(a.bias, b)
        for a, (m, b) in zip(affine, again, strict=True)
    )
    return found if same else None


def _affine(form: NormalForm) -> list[Affine]:
    return [n for n in form.nodes if isinstance(n, Affine)]


def _entries(first: Affine, twice: Affine) -> tuple[Ints, Ints]:
    """Entries that double with the codes are numbers of the network's tensors."""
    found = []
    for a, b in ((first.terms[0][1], twice.terms[0][1]), (first.bias, twice.bias)):
        linked = (a != 0) & (b == 2 * a) & (a == np.rint(a))
        found.append(np.where(linked, np.rint(a).astype(np.int64) - 1, -1))
    return found[0], found[1]


def _filled(shared: Shared, values: Array) -> list[tuple[Array, Array]]:
    """Matrix and bias of every affine node, with other values."""
    found = []
    for node, m, b in zip(_affine(shared.form), shared.matrices, shared.biases, strict=True):
        matrix = np.where(m < 0, node.terms[0][1], values[np.maximum(m, 0)])
        found.append((matrix, np.where(b < 0, node.bias, values[np.maximum(b, 0)])))
    return found


def _whole(form: NormalForm) -> bool:
    functions = {n.function for n in form.nodes if isinstance(n, Elementwise)}
    return functions <= _HOMOGENEOUS


def _layers(network: Network) -> list[tuple[str, str, str]]:
    """Kind, weights and bias of every layer in order; none where the network is no chain."""
    found, wire = [], network.input
    for operation in network.operations:
        if operation.inputs[0] != wire:
            return []
        wire = operation.outputs[0]
        names = [*operation.inputs[1:], "", ""]
        held = [n if n in network.constants else "" for n in names[:2]]
        if operation.kind in _WEIGHTED and held[0]:
            if (
                operation.attributes.get("alpha", 1) != 1
                or operation.attributes.get("beta", 1) != 1
            ):
                return []
            found.append((operation.kind, held[0], held[1]))
        elif operation.kind == "Add" and held[0] and found and not found[-1][2]:
            found[-1] = (*found[-1][:2], held[0])
        elif held[0] and operation.kind not in ("Reshape", "Flatten"):
            return []
    return found


# --- training


@dataclass(frozen=True, eq=False)
class Course:
    """What stays the same while a network is trained on.

    lesson: of a stage's number, inputs (n, width) in the network's own units and what it should
    give there, as `misfit` compares it with outputs; scores: whether the outputs' common scale is
    free; seed: of batches; tick: told of every batch, may raise Stopped.
    """

    shared: Shared
    lesson: Callable[[int], tuple[Tensor, Tensor]]
    misfit: Callable[[Tensor, Tensor], Tensor]
    scores: bool
    seed: int
    tick: Callable[[], None]


def coarser(course: Course, batches: int, good: Callable[[Network], bool]) -> Iterator[Network]:
    """Networks with ever coarser grids, then with ever fewer weights, all of them `good`.

    The last one is the best. The same seed and batches give the same networks.
    """
    whole = sum(length for _, length in _STAGES)
    pupil, best = _Pupil(course), None
    for number, (levels, length) in enumerate(_STAGES):
        kept = _SPARSER if number and _STAGES[number - 1][0] == levels else 1.0
        before = pupil.state()
        pupil.train(number, max(round(batches * length / whole), 1), levels, kept)
        found = pupil.network()
        if good(found):
            best = found
            yield best
        elif best is not None and number > 0 and _STAGES[number - 1][0] == levels:
            pupil.back_to(before)
            return


class _Pupil:
    """Weights under way: each tensor of weights in units of its typical size."""

    def __init__(self, course: Course) -> None:
        self.course, shared = course, course.shared
        self.module = FormModule(shared.form)
        self.fixed = [_masked(shared.form, shared)[0], _masked(shared.form, shared)[1]]
        self.where = [
            [torch.as_tensor(np.maximum(m, 0)) for m in some]
            for some in (shared.matrices, shared.biases)
        ]
        self.free = [
            [torch.as_tensor(m >= 0).float() for m in some]
            for some in (shared.matrices, shared.biases)
        ]
        self.sizes = torch.as_tensor(_typical(shared), dtype=torch.float32)
        self.theta = torch.nn.Parameter(
            torch.as_tensor(shared.values, dtype=torch.float32) / self.sizes
        )
        self.alive = torch.ones_like(self.theta)
        self.levels = 0
        self.steps: dict[str, float] = {}

    def state(self) -> tuple[Tensor, Tensor, int, dict[str, float]]:
        """What `back_to` takes."""
        return self.theta.detach().clone(), self.alive.clone(), self.levels, dict(self.steps)

    def back_to(self, state: tuple[Tensor, Tensor, int, dict[str, float]]) -> None:
        """The weights as they were."""
        with torch.no_grad():
            self.theta.copy_(state[0])
        _, self.alive, self.levels, self.steps = state

    def train(self, number: int, batches: int, levels: int, kept: float) -> None:
        """One stage: on this grid, with this share of the weights that aren't zero."""
        course = self.course
        rng = np.random.default_rng([course.seed, 75, number])
        optimizer = torch.optim.Adam([self.theta], _RATE, fused=True)
        self.levels = levels
        inputs, targets = course.lesson(number)
        for batch in range(batches):
            if batch % _FIT_STEPS == 0:
                self.fit_steps()
            if kept < 1 and batch == 0:
                self.drop(kept)
            wave = 0.5 * (1 + np.cos(np.pi * batch / batches))
            optimizer.param_groups[0]["lr"] = _LAST_RATE + (_RATE - _LAST_RATE) * wave
            chosen = torch.as_tensor(rng.integers(len(inputs), size=_BATCH))
            outputs = self.run(inputs[chosen])
            loss = course.misfit(outputs, targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                self.theta *= self.alive
            course.tick()
        self.fit_steps()

    def run(self, inputs: Tensor) -> Tensor:
        """Outputs with the weights as the grid has them."""
        values = self.used()
        made = [
            [f + values[w] * m for f, w, m in zip(*parts, strict=True)]
            for parts in zip(self.fixed, self.where, self.free, strict=True)
        ]
        return self.module.run(inputs, made[0], made[1])

    def used(self) -> Tensor:
        """All numbers on their grids; gradients go straight through (Bengio et al., 2013)."""
        values = self.theta * self.sizes
        with torch.no_grad():
            rounded = values.clone()
            for name, step, most in self.grids():
                part = self.course.shared.slice_of(name)
                rounded[part] = (values[part] / step).round().clamp(-most, most) * step
        return values + (rounded - values).detach()

    def grids(self) -> Iterator[tuple[str, float, float]]:
        """Of every tensor its grid's step, and how many steps it reaches."""
        shared, total = self.course.shared, 1.0
        for weight, bias in shared.names:
            step = self.steps[weight]
            total = total * step if shared.whole else step / 4
            yield weight, step, self.levels_of(weight)
            if bias:
                yield bias, total, float("inf")

    def levels_of(self, weight: str) -> int:
        """Levels of a tensor: more where it is small beside the others."""
        shared = self.course.shared
        count = sum(shared.network.constants[w].size for w, _ in shared.names)
        small = shared.network.constants[weight].size < _SMALL * count
        return 2 * self.levels + 1 if small else self.levels

    def fit_steps(self) -> None:
        """The steps with which weights are nearest to their grids."""
        values = (self.theta * self.sizes).detach().double().numpy()
        for weight, _ in self.course.shared.names:
            part = values[self.course.shared.slice_of(weight)]
            self.steps[weight] = _nearest_step(
                part, self.levels_of(weight), powers=not self.course.shared.whole
            )

    def drop(self, kept: float) -> None:
        """Zero from now on: what is smallest beside its tensor's step."""
        for weight, _ in self.course.shared.names:
            part = self.course.shared.slice_of(weight)
            now = (self.theta * self.sizes)[part].detach().abs()
            count = int((now >= 0.5 * self.steps[weight]).sum() * kept)
            limit = now.topk(max(count, 1)).values[-1]
            self.alive[part] *= (now >= limit).float()

    def network(self) -> Network:
        """The network with the weights on their grids; steps are divided out where they may be."""
        shared = self.course.shared
        values, total = self.used().detach().double().numpy(), 1.0
        found = values.copy()
        for (weight, bias), last in zip(
            shared.names, [False] * (len(shared.names) - 1) + [True], strict=True
        ):
            if not shared.whole:
                break
            total *= self.steps[weight]
            back = total if last and not self.course.scores else 1.0
            part = shared.slice_of(weight)
            found[part] = np.rint(values[part] / self.steps[weight]) * back
            if bias:
                part = shared.slice_of(bias)
                found[part] = np.rint(values[part] / total) * back
        return shared.with_values(found)


_FIT_STEPS = 16


def _masked(form: NormalForm, shared: Shared) -> tuple[list[Tensor], list[Tensor]]:
    """Matrices and biases with zeros where they are the network's own numbers."""
    matrices, biases = [], []
    for node, m, b in zip(_affine(form), shared.matrices, shared.biases, strict=True):
        matrices.append(torch.as_tensor(np.where(m < 0, node.terms[0][1], 0.0)).float())
        biases.append(torch.as_tensor(np.where(b < 0, node.bias, 0.0)).float())
    return matrices, biases


def _typical(shared: Shared) -> Array:
    """For every number the root mean square of its tensor, of biases at least a small one."""
    found = np.ones(len(shared.values))
    for name in shared.starts:
        part = shared.slice_of(name)
        found[part] = max(float(np.sqrt((shared.values[part] ** 2).mean())), 1e-3)
    return found


def _nearest_step(values: Array, levels: int, powers: bool) -> float:
    """The step of a grid of so many levels of each sign that is nearest to the values."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return 1.0
    tried = largest / levels * np.geomspace(0.15, 1.0, 24)
    if powers:
        tried = np.unique(2.0 ** np.rint(np.log2(tried)))
    apart = [
        float(((np.clip(np.rint(values / s), -levels, levels) * s - values) ** 2).sum())
        for s in tried
    ]
    return float(tried[int(np.argmin(apart))])
