"""Prepare a network: read the data, train on within the loss, write what came out, measure both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from distill.decompose.links import links_of
from distill.errors import BadInput
from distill.literal import literal_program
from distill.load import load
from distill.load.assemble import assemble
from distill.load.normal import network_from_normal_form
from distill.network import Network
from distill.normal_form import Affine, Array, NormalForm
from distill.preparation.frame import Frame
from distill.preparation.report import Measures, Preparation, links_count, structure_of
from distill.preparation.shared import Course, Shared, coarser, shared_of
from distill.preparation.training import (
    BATCHES,
    Strengths,
    Studio,
    Tick,
    misfit,
    plainly,
    structured,
)
from distill.propose import propose_domain
from distill.run.budget import Budget, Progress
from distill.run.interrupt import interruptible
from distill.simplify.cloud import near
from distill.simplify.exact import simplify_exact
from distill.simplify.lesson import Lesson, make_lesson
from distill.simplify.reading import Reading, make_reading
from distill.simplify.scales import feature_scales
from distill.simplify.size import estimated_bits
from distill.simplify.training import Stopped
from distill.target import Output, resolve_output, without_last
from dsl.cost import program_bits
from dsl.domain import Domain
from dsl.types import BOOL, INT, Category

EPOCHS = 60
"""How long a network is trained on, unless told otherwise; most of it is over in seconds."""

_POINTS = 49_152
_HELD_BACK = 3
Rows = NDArray[np.intp]
_FEWEST_ROWS = 12
_NEAR, _CLOSER = 4_000, 4.0
"""Points near the rows held back, and how much more may be lost on them."""


@dataclass(frozen=True, eq=False)
class Task:
    """A network to be prepared: its form up to a last softmax or sigmoid, how that is read, rows
    (n, d), labels (n, ...) or None, the loss allowed, and the seed."""

    network: Network
    form: NormalForm
    output: Output
    x: Array
    y: Array | None
    domain: Domain
    loss: float
    seed: int

    @property
    def reading(self) -> Reading:
        """How outputs are read and compared."""
        kind = "real"
        if isinstance(self.output.type, Category):
            kind = "category"
        elif self.output.scalar == BOOL:
            kind = "bool"
        return make_reading(kind, self.output.level, self.form.run(self.x))

    @property
    def parts(self) -> tuple[Rows, Rows]:
        """Numbers of the rows to train from, and of a third held back."""
        order = np.random.default_rng([self.seed, 70]).permutation(len(self.x))
        cut = len(self.x) // _HELD_BACK
        return order[cut:], order[:cut]

    def agreement(self, form: NormalForm, rows: Rows) -> float:
        """The share of rows decided as by the network, or of their variance that is met."""
        x = self.x[rows]
        return self._alike(form.run(x), self.form.run(x))

    def accuracy(self, form: NormalForm, rows: Rows) -> float | None:
        """The same beside the labels; None without any."""
        if self.y is None:
            return None
        ours, wanted = form.run(self.x[rows]), self.y[rows]
        if self.output.discrete:
            return 1.0 - float(self._differ(self.output.decode(ours), wanted))
        return _explained(ours, wanted)

    @staticmethod
    def _differ(first: Array, second: Array) -> float:
        differs = np.not_equal(first, second.reshape(first.shape)).reshape(len(first), -1)
        return float(differs.any(1).mean())

    def lost(self, form: NormalForm, rows: Rows) -> float:
        """How much of the accuracy is lost on rows: beside labels, else beside the network."""
        if self.y is None:
            return 1.0 - self.agreement(form, rows)
        return (self.accuracy(self.form, rows) or 0.0) - (self.accuracy(form, rows) or 0.0)

    def good(self, form: NormalForm) -> bool:
        """Whether no more than allowed is lost, on rows trained from and on those held back.

        Rows held back that are too few to show a loss as small as that are joined by points near
        them: there, where decisions are closer, four times as many may be decided otherwise.
        """
        with np.errstate(all="ignore"):
            finite = bool(np.isfinite(form.run(self.x)).all())
            kept = finite and all(self.lost(form, rows) <= self.loss + 1e-12 for rows in self.parts)
            few = len(self.parts[1]) * self.loss < 1
            return kept and (not few or self._near_alike(form))

    @cached_property
    def _near(self) -> tuple[Array, Array]:
        """Points near the rows held back, and the network's outputs there."""
        rng = np.random.default_rng([self.seed, 74])
        points = near(self.x[self.parts[1]], _NEAR, rng)
        return points, self.form.run(points)

    def _near_alike(self, form: NormalForm) -> bool:
        points, theirs = self._near
        return 1.0 - self._alike(form.run(points), theirs) <= _CLOSER * self.loss + 1e-12

    def _alike(self, ours: Array, theirs: Array) -> float:
        if self.output.discrete:
            return 1.0 - float(self._differ(self.output.decode(ours), self.output.decode(theirs)))
        return _explained(ours, theirs)

    def measured(self, form: NormalForm) -> Measures:
        """A form of this task, measured on the rows held back."""
        held_back = self.parts[1]
        weights, units, modular, cut = structure_of(form, self.x, self.seed)
        return Measures(
            weights,
            1.0 - weights / max(links_count(links_of(self.form)), 1),
            units,
            modular,
            cut,
            self.agreement(form, held_back),
            self.accuracy(form, held_back),
            program_bits(literal_program(form, self.domain, self.output)),
        )


def _explained(ours: Array, wanted: Array) -> float:
    wanted = wanted.reshape(ours.shape)
    spread = float(((wanted - wanted.mean(0)) ** 2).mean())
    return 1.0 - float(((ours - wanted) ** 2).mean()) / max(spread, 1e-12)


def make_task(
    model: Any, x: Array, y: Array | None, outputs: str | None, loss_allowed: float, seed: int,
    domain: Domain | None = None,
) -> Task:  # fmt: skip
    """The task of preparing a model on rows x (n, width), with labels y (n, ...) or None.

    Raises:
        BadInput: model, data or output type can't be used, or don't fit each other.
    """
    network = load(model)
    core, output = without_last(network, resolve_output(network, outputs))
    form = core.normal_form()
    if x.shape[1] != network.input_width:
        raise BadInput(
            f"the data has {x.shape[1]} columns, and the network takes {network.input_width} inputs"
        )
    if len(x) < _FEWEST_ROWS:
        raise BadInput(f"the data has {len(x)} rows; preparing needs at least {_FEWEST_ROWS}")
    if not any(isinstance(n, Affine) and n.terms for n in form.nodes):
        raise BadInput("the network has no weights that could be trained")
    if output.scalar == INT or (isinstance(output.type, Category) and core.output_width < 2):
        raise BadInput("a network that outputs whole numbers can't be trained on; use its scores")
    with np.errstate(all="ignore"):
        raw = form.run(x)
    if not np.isfinite(raw).all():
        raise BadInput("the network's outputs on the data must be finite numbers, and some aren't")
    if y is not None and y.size != output.decode(raw).size:
        raise BadInput(
            f"the labels are {y.shape}, and the outputs '{output}' for these rows "
            f"{output.decode(raw).shape}; for class labels give outputs such as 'category(3)'"
        )
    return Task(network, form, output, x, y, domain or propose_domain(x), loss_allowed, seed)


def studio_of(task: Task, strengths: Strengths, tick: Tick) -> tuple[Studio, NormalForm]:
    """What the task's network is trained in, and the network there."""
    rows = task.x[task.parts[0]]
    scale = feature_scales(rows)
    rng = np.random.default_rng([task.seed, 73])
    lesson = make_lesson(task.form.run, rows, scale, task.reading, _POINTS, rng)
    unit = float(2.0 ** np.rint(np.log2(max(lesson.spread, 1e-9))))
    frame = Frame(scale, lesson.middle, unit, rows.std(0) > 0)
    inside = frame.inside(simplify_exact(task.form, None, None))
    return Studio(lesson, frame, task.seed, strengths, tick), inside


def prepared(
    task: Task, epochs: int, strengths: Strengths, progress: Progress, budget: Budget | None = None
) -> Preparation:
    """The task's network made easier to read; Ctrl-C ends it with what was found so far."""
    budget = budget or Budget(max(epochs * BATCHES, 1), float("inf"))
    tick = _ticker(budget, progress)
    core, _ = without_last(task.network, task.output)
    shared = shared_of(core)
    steps = _matrices(task, epochs, strengths, tick)
    if shared is not None:
        steps = _filters(task, shared, epochs, tick)
    found: _Step | None = None
    with interruptible(budget), _one_thread():
        try:
            for step in steps:
                found = step
        except Stopped:
            pass
    network, form = (task.network, task.form) if found is None else found()
    return Preparation(
        network,
        form,
        task.measured(task.form),
        task.measured(form),
        str(task.output),
        task.loss,
        found is not None,
        (len(task.parts[0]), len(task.parts[1])),
        epochs,
        task.seed,
        budget.interrupted,
    )


_Step = Callable[[], tuple[Network, NormalForm]]
"""A network that is good enough, to be written out if no better one follows, and its form."""


def _matrices(task: Task, epochs: int, strengths: Strengths, tick: Tick) -> Iterator[_Step]:
    """Ever sparser and coarser networks of matrices."""
    studio, inside = studio_of(task, strengths, tick)

    def outside(form: NormalForm) -> NormalForm:
        return studio.frame.outside(form, task.x, estimated_bits)

    def written(form: NormalForm) -> tuple[Network, NormalForm]:
        final = outside(form)
        return network_of(task, final), final

    for form in structured(studio, inside, epochs, lambda f: task.good(outside(f))):
        yield partial(written, form)


def _filters(task: Task, shared: Shared, epochs: int, tick: Tick) -> Iterator[_Step]:
    """Ever coarser networks whose weights stay at the places that share them."""
    first = _lesson(task, 0)
    course = Course(
        shared,
        partial(_taught, task),
        partial(misfit, first),
        isinstance(task.output.type, Category) and shared.network.output_width > 1,
        task.seed,
        tick,
    )

    def written(network: Network) -> tuple[Network, NormalForm]:
        changed = {name: network.constants[name] for name in shared.starts}
        whole = replace(task.network, constants={**task.network.constants, **changed})
        return whole, network.normal_form()

    for network in coarser(course, epochs * BATCHES, lambda n: task.good(n.normal_form())):
        yield partial(written, network)


def _lesson(task: Task, number: int) -> Lesson:
    """Points in the network's own units, new ones for every stage."""
    rng = np.random.default_rng([task.seed, 73, number])
    ones = np.ones(task.x.shape[1])
    return make_lesson(task.form.run, task.x[task.parts[0]], ones, task.reading, _POINTS, rng)


def _taught(task: Task, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A stage's inputs and what the network says of them, softly."""
    lesson = _lesson(task, number)
    inputs = lesson.inputs + lesson.middle.astype(np.float32)
    return torch.as_tensor(inputs), torch.as_tensor(lesson.targets)


def plain(task: Task, epochs: int) -> NormalForm:
    """The task's network trained for as long on the same targets, with no penalty."""
    studio, inside = studio_of(task, Strengths(), lambda: None)
    with _one_thread():
        found = plainly(studio, inside, epochs)
    return studio.frame.exactly(found)


def network_of(task: Task, form: NormalForm) -> Network:
    """The network of a form, with the softmax or sigmoid that the task's ends with."""
    core, _ = without_last(task.network, task.output)
    given = task.network
    flat = network_from_normal_form(form, given.input_name, core.output_name)
    ending = given.operations[len(core.operations) :]
    if not ending:
        return flat
    constants = {**flat.constants, **given.constants}
    source = flat.wires_by_name[flat.input]
    return assemble([*flat.operations, *ending], constants, source, given.output, batched=True)


def _ticker(budget: Budget, progress: Progress) -> Tick:
    def tick() -> None:
        budget.spent += 1
        progress("preparing", min(budget.spent / budget.steps, 1.0))
        if budget.late():
            raise Stopped

    return tick


class _one_thread:
    """Small matrices gain nothing by threads, and sums must not depend on how many there are."""

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        torch.set_num_threads(self.before)
