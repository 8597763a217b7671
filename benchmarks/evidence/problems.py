"""Networks beside programs that are close to them: problems for the verifiers, made by seed.

Every network is trained here in seconds on a function with kinks; its program is that function
or the network with its weights rounded to two decimals and its small ones left out. The question
is whether the two are within eps, a multiple of the largest deviation that draws and a hunt find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import softplus

from distill.literal import literal_program
from distill.load import load
from distill.normal_form import Affine, Array, NormalForm
from distill.target import Target, make_target, resolve_output
from distill.verify.sampling import hunt
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.program import Program, program
from dsl.text import parse

_BATCH = 256
_DRAWS = 100_000
_DROPPED = 0.02


@dataclass(frozen=True)
class Task:
    """A function to learn: on rows (b, n), as text of a program in `x`, and its inputs."""

    name: str
    function: Callable[[Array], Array]
    text: Callable[[int], str]
    item: str = "real(-1,1)"
    output: str = "real"
    steps: int = 1500


@dataclass(frozen=True, eq=False)
class Problem:
    """A square with its eps as tolerance; `found`: the largest deviation known."""

    name: str
    square: Square
    found: float


def _pairs(count: int) -> str:
    return " + ".join(f"abs(x[{i}] - x[{i + 1}])" for i in range(0, count, 2))


LARGEST = Task("max", lambda x: x.max(1), lambda n: "largest(x)")
SIZES = Task("abs", lambda x: np.abs(x).sum(1), lambda n: "sum(abs(x))")
APART = Task("differences", lambda x: np.abs(x[:, ::2] - x[:, 1::2]).sum(1), _pairs)
MAJORITY = Task(
    "majority",
    lambda x: np.clip(x.sum(1) - x.shape[1] // 2 - 0.5, -1.0, 1.0),
    lambda n: f"sum(as_int(x)) > {n // 2}",
    "bool",
    "bool",
    steps=6000,
)
TASKS = {task.name: task for task in (LARGEST, SIZES, APART, MAJORITY)}

SMALL = ((2, 8), (2, 16), (2, 16, 16), (4, 32))
LARGE = (8, 50, 50)


Make = Callable[[], Iterator[Problem]]
"""Trains one network and gives its problems; sent to workers, so it is a partial function."""


def small_problems() -> list[Make]:
    """Networks of up to 32 kinks, with 1.25 times the deviation found."""
    return [partial(problems, t.name, w, 0, 1.25) for w in SMALL for t in (LARGEST, SIZES)]


def large_problems(seeds: int = 5) -> list[Make]:
    """Networks of 100 kinks on 8 inputs, with 4 times the deviation found."""
    return [partial(problems, t.name, LARGE, s, 4.0) for s in range(seeds) for t in (SIZES, APART)]


def boolean_problems() -> list[Make]:
    """Majority of 20 and of 24 truths; decisions have to be equal."""
    return [partial(majority, count) for count in (20, 24)]


def majority(count: int) -> Iterator[Problem]:
    """A network of 32 relus that decides whether more than half of the inputs hold."""
    target = target_of(trained(MAJORITY, (count, 32), 0), MAJORITY, count)
    square = Square(target, written(MAJORITY, target, count), 0.0)
    yield Problem(f"{count}-32-1/majority", square, 0.0)


def problems(name: str, widths: tuple[int, ...], seed: int, times: float) -> Iterator[Problem]:
    """A network beside its task's function and beside its rounded self."""
    task = TASKS[name]
    target = target_of(trained(task, widths, seed), task, widths[0])
    label = f"{'-'.join(map(str, widths))}-1/{task.name}/{seed}"
    rounded = literal_program(with_rounded_weights(target.form), target.domain, target.output)
    for kind, made in (("function", written(task, target, widths[0])), ("rounded", rounded)):
        found = deviation(Square(target, made, 0.0))
        square = Square(replace(target, tolerance=times * found, soft=False), made, 0.0)
        yield Problem(f"{label}/{kind}", square, found)


def trained(task: Task, widths: tuple[int, ...], seed: int) -> torch.nn.Sequential:
    """A ReLU network of these widths and one output, trained with Adam on draws."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, *widths])
    pairs = list(pairwise(widths))
    layers = [m for pair in pairs for m in (torch.nn.Linear(*pair), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, task.steps)
    for _ in range(task.steps):
        inputs = rng.uniform(-1, 1, size=(_BATCH, widths[0]))
        if task.item == "bool":  # from few truths to many, since nearly all rows have about half
            level = np.where(rng.random((_BATCH, 1)) < 0.5, 0.0, rng.uniform(-1, 1, (_BATCH, 1)))
            inputs = (inputs > level).astype(float)
        wanted = torch.tensor(task.function(inputs), dtype=torch.float32)
        given = network(torch.tensor(inputs, dtype=torch.float32))[:, 0]
        decides = task.output == "bool"
        loss = softplus(-given * wanted.sign()) if decides else (given - wanted).square()
        loss = loss.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    return network


def target_of(network: torch.nn.Module, task: Task, count: int) -> Target:
    """The network on its task's domain."""
    loaded = load(network, input_shape=(count,))
    domain = parse_domain(f"x: {task.item}[{count}]")
    return make_target(loaded, domain, resolve_output(loaded, task.output))


def written(task: Task, target: Target, count: int) -> Program:
    """The task's function as a program."""
    parameters = target.domain.parameters
    return program(parameters, parse(task.text(count), dict(parameters)))


def with_rounded_weights(form: NormalForm) -> NormalForm:
    """Weights to two decimals, those below 0.02 left out."""

    def rounded(values: Array) -> Array:
        return np.where(np.abs(values) < _DROPPED, 0.0, np.round(values, 2))

    nodes = tuple(
        Affine(tuple((s, rounded(m)) for s, m in node.terms), rounded(node.bias))
        if isinstance(node, Affine)
        else node
        for node in form.nodes
    )
    return NormalForm(nodes, form.output)


def deviation(square: Square, seed: int = 0) -> float:
    """The largest difference that draws and a hunt find."""
    drawn = square.target.domain.sample(np.random.default_rng([seed, 8]), _DRAWS)
    parts = (drawn, hunt(square, seed))
    return max(float(square.compare(part).distance.max()) for part in parts)
