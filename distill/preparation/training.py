"""A network is trained on: sparser from stage to stage, then on a coarser grid.

The network as it was is the only teacher. Each stage pulls weights that are about to go towards
zero, and those between clusters with them; takes them away (those whose absence changes the loss
least: Le Cun, Denker and Solla, Optimal brain damage, 1990, with the Fisher information for the
second derivatives); and trains what is left. A stage whose network decides too much otherwise on
the rows held back is undone, and the next takes less away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from distill.decompose.clusters import louvain
from distill.normal_form import Affine, Array, NormalForm
from distill.preparation.frame import Frame
from distill.preparation.module import FormModule, with_weights
from distill.preparation.penalties import (
    Tensor,
    cut_sides,
    grid_step,
    l0,
    l1,
    minimum_cut,
    normalised_cut,
    quantised,
)
from distill.preparation.wiring import Wiring, wiring_of
from distill.simplify.fold import fold_constants
from distill.simplify.graph import replaced
from distill.simplify.hidden import hidden_layers, mixed_units, rows_of
from distill.simplify.lesson import Lesson
from distill.simplify.units import drop_dead

BATCHES = 32
"""Batches of an epoch."""

_BATCH = 256
_FIRST_RATE, _LAST_RATE = 3e-3, 2e-4
_SELDOM = 4
"""Penalties are dear beside a batch: they count at every fourth one, four times."""

_NEW_CUTS = 4
"""Minimum cuts are found anew, and pulled at, in every fourth stage."""

_ROUNDS = 24
_KEPT = 0.7
_GIVEN_UP = 0.97
_SPARSE_SHARE = 0.7
_LEVELS = (127, 63, 31, 15, 7, 5, 3, 2)
Tick = Callable[[], None]


@dataclass(frozen=True)
class Strengths:
    """What penalties weigh beside the fit, whose unit is nats (or, for reals, spreads squared).

    zeros: all weights that aren't zero; sizes: a weight of typical size each; cut: the normalised
    cut a cluster; minimum: minimum cuts as a part of all weights; grid: a grid step's square.
    """

    zeros: float = 0.05
    sizes: float = 0.01
    cut: float = 0.1
    minimum: float = 0.03
    grid: float = 0.05


NONE = Strengths(0.0, 0.0, 0.0, 0.0, 0.0)
"""Plain training."""


@dataclass(frozen=True, eq=False)
class Studio:
    """What stays the same while a network is trained.

    lesson: inputs and the network's own answers there; frame: how inputs are moved for training;
    seed: of batches; strengths: of the penalties; tick: told of every batch, may raise Stopped.
    """

    lesson: Lesson
    frame: Frame
    seed: int
    strengths: Strengths
    tick: Tick

    def inputs(self) -> Tensor:
        """The lesson's inputs, in the frame."""
        return torch.as_tensor(self.lesson.inputs / np.float32(self.frame.unit))


@dataclass(frozen=True, eq=False)
class _Stage:
    """One stretch of training: its number, its batches, how many weights stay, and the grid."""

    number: int
    batches: int
    kept: float = 1.0
    levels: int | None = None


def plainly(studio: Studio, form: NormalForm, epochs: int) -> NormalForm:
    """The form trained as long with no penalty and nothing taken away."""
    return _trained(replace(studio, strengths=NONE), form, _Stage(0, epochs * BATCHES))


def structured(
    studio: Studio, form: NormalForm, epochs: int, good: Callable[[NormalForm], bool]
) -> Iterator[NormalForm]:
    """Ever sparser forms, then ever coarser ones, all of them `good`; the last is the best.

    form: in the frame. The same seed and epochs give the same forms.
    """
    total = epochs * BATCHES
    rounds, length = _split(int(_SPARSE_SHARE * total), _ROUNDS)
    best, kept = balanced(form), _KEPT
    for number in range(rounds):
        if kept > _GIVEN_UP:
            break
        stage = _Stage(number, length, kept, _LEVELS[0])
        tried = _cleaned(_trained(studio, best, stage))
        if good(tried):
            best, kept = balanced(tried), max(_KEPT, kept**1.4)
            yield tried
        else:
            kept = kept**0.5
    coarser, length = _split(total - rounds * length, len(_LEVELS) - 1)
    for number, levels in enumerate(_LEVELS[1 : 1 + coarser]):
        tried = _cleaned(_trained(studio, best, _Stage(_ROUNDS + number, length, 1.0, levels)))
        if not good(tried):
            break
        best = tried
        yield tried


def _split(batches: int, most: int) -> tuple[int, int]:
    """How many stages, and batches of each: at most so many, and none too short to be of use."""
    stages = min(max(batches // BATCHES, 1), most)
    return stages, max(batches // stages, 1)


def _trained(studio: Studio, form: NormalForm, stage: _Stage) -> NormalForm:
    """The form after one stage; zeros stay."""
    module = FormModule(form)
    masks = [(m != 0).float() for m in module.matrices]
    pull = _Pull(studio.strengths, stage, wiring_of(form), module, studio.seed)
    rng = np.random.default_rng([studio.seed, 71, stage.number])
    optimizer = torch.optim.Adam(module.parameters(), _FIRST_RATE, fused=True)
    inputs, targets = studio.inputs(), torch.as_tensor(studio.lesson.targets)
    for batch in range(stage.batches):
        if stage.kept < 1 and batch == stage.batches // 2:
            masks = _pruned(studio, module, masks, stage.kept, inputs, targets)
        share = batch / stage.batches
        for group in optimizer.param_groups:
            group["lr"] = _LAST_RATE + (_FIRST_RATE - _LAST_RATE) * 0.5 * (
                1 + np.cos(np.pi * share)
            )
        chosen = torch.as_tensor(rng.integers(len(inputs), size=_BATCH))
        outputs = module.run(inputs[chosen], pull.used(module, share), list(module.biases))
        loss = misfit(studio.lesson, outputs, targets[chosen]) + pull.loss(module, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for matrix, mask in zip(module.matrices, masks, strict=True):
                matrix *= mask
        studio.tick()
    return with_weights(form, pull.used(module, 1.0), list(module.biases))


class _Pull:
    """The penalties of one stage: clusters and cuts are found anew when it begins."""

    def __init__(
        self, strengths: Strengths, stage: _Stage, wiring: Wiring, module: FormModule, seed: int
    ) -> None:
        self.strengths, self.stage, self.wiring = strengths, stage, wiring
        self.count = max(sum(int((m != 0).sum()) for m in module.matrices), 1)
        self.widths = [_size(m, 1 - stage.kept) for m in module.matrices]
        self.typical = [_size(m, 0.5) for m in module.matrices]
        self.steps: list[float] = []
        self.labels, self.sides = torch.zeros(0), torch.zeros(0)
        if strengths.cut or strengths.minimum:
            units = wiring.adjacency([m.detach() for m in module.matrices])
            now = bool(strengths.minimum) and stage.number % _NEW_CUTS == 0
            self.sides = cut_sides(units) if now else torch.zeros((0, len(units)))
            self.labels = torch.as_tensor(louvain(units.double().numpy(), seed))

    def used(self, module: FormModule, share: float) -> list[Tensor]:
        """The weights as the network uses them: on the stage's grid, if it has one, from half way
        on, while gradients go straight through (Bengio, Leonard and Courville, 2013)."""
        matrices = list(module.matrices)
        if self.stage.levels is None or share < 0.5:
            return matrices
        self.steps = self.steps or [grid_step(m, self.stage.levels) for m in matrices]
        return [
            m + ((m / step).round() * step - m).detach()
            for m, step in zip(matrices, self.steps, strict=True)
        ]

    def loss(self, module: FormModule, batch: int) -> Tensor:
        """All penalties, growing over the first half of the stage."""
        strengths, grown = self.strengths, min(1.0, 2 * batch / self.stage.batches)
        if strengths == NONE or batch % _SELDOM:
            return torch.zeros(())
        total, matrices = torch.zeros(()), list(module.matrices)
        if self.stage.kept < 1:
            for matrix, width, size in zip(matrices, self.widths, self.typical, strict=True):
                total = total + strengths.zeros * l0(matrix, width) / self.count
                total = total + strengths.sizes * l1(matrix) / (size * self.count)
        if len(self.labels):
            units = self.wiring.adjacency(matrices)
            number = int(self.labels.max()) + 1
            least = len(units) * minimum_cut(units, self.sides) / (units.sum() + 1e-12)
            total = total + strengths.cut * normalised_cut(units, self.labels) / number
            total = total + strengths.minimum * least
        if strengths.grid and self.stage.levels:
            parts = [quantised(m, self.stage.levels) for m in matrices]
            total = total + strengths.grid * sum(parts, start=torch.zeros(()))
        return _SELDOM * grown * total


def _size(matrix: Tensor, share: float) -> float:
    """The size that this share of the weights other than zero stays below."""
    sizes = matrix.detach().abs()[matrix != 0]
    return float(sizes.quantile(share)) if len(sizes) else 1.0


def misfit(lesson: Lesson, outputs: Tensor, targets: Tensor) -> Tensor:
    """How far outputs are from the lesson's soft targets."""
    reading = lesson.reading
    if reading.kind == "category":
        return torch.nn.functional.cross_entropy(outputs / lesson.temperature, targets)
    if reading.kind == "bool":
        return torch.nn.functional.binary_cross_entropy_with_logits(
            (outputs - reading.level) / lesson.temperature, targets
        )
    return ((outputs / lesson.temperature - targets) ** 2).mean()


def _pruned(
    studio: Studio, module: FormModule, masks: list[Tensor], kept: float,
    inputs: Tensor, targets: Tensor,
) -> list[Tensor]:  # fmt: skip
    """Masks that keep this share of the weights: those that the loss would miss most."""
    squares = [torch.zeros_like(m) for m in module.matrices]
    rng = np.random.default_rng([studio.seed, 72])
    for _ in range(64):
        chosen = torch.as_tensor(rng.integers(len(inputs), size=16))
        loss = misfit(studio.lesson, module(inputs[chosen]), targets[chosen])
        for total, slope in zip(
            squares, torch.autograd.grad(loss, list(module.matrices)), strict=True
        ):
            total += slope**2
    missed = [
        m.detach() ** 2 * s * k for m, s, k in zip(module.matrices, squares, masks, strict=True)
    ]
    everything = torch.cat([m.flatten() for m in missed])
    alive = int(sum(float(k.sum()) for k in masks))
    limit = everything.topk(max(int(kept * alive), 1)).values[-1]
    return [(m >= limit).float() * k for m, k in zip(missed, masks, strict=True)]


def balanced(form: NormalForm) -> NormalForm:
    """The same function with relu units scaled so that what comes into each has length 1."""
    for layer in hidden_layers(form):
        node = form.nodes[layer.affine]
        if layer.function not in ("relu", "abs") or not isinstance(node, Affine):
            continue
        lengths: Array = np.sqrt((rows_of(form, layer)[:, :-1] ** 2).sum(1))
        lengths = np.where(lengths > 0, lengths, 1.0)
        terms = tuple((s, m / lengths[:, None]) for s, m in node.terms)
        form = replaced(form, {layer.affine: Affine(terms, node.bias / lengths)})
        form = mixed_units(form, layer, np.diag(lengths))
    return form


def _cleaned(form: NormalForm) -> NormalForm:
    """Without units that are read by nothing or read nothing."""
    return drop_dead(fold_constants(form))
