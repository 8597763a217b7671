"""Networks glued from modules whose function is known: comparators, adders, clips, small trained
ones. Hidden units are scaled and shuffled; what a module gives is multiplied into its readers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch

from benchmarks.structure.networks import Layer
from distill.normal_form import Builder, NormalForm
from dsl.cost import bits
from dsl.domain import Columns
from dsl.meanings.array import run_expression
from dsl.program import Expression
from dsl.text import parse
from dsl.types import BOOL, REAL, Type

Array = np.ndarray
Source = tuple[int, int]
"""An input (-1, place), or an output (module, place)."""


@dataclass(frozen=True, eq=False)
class Module:
    """Layers with relus between them, of numbers or of truths as 0 and 1; bodies: what each output
    is of `a`, `b`, ... ."""

    name: str
    layers: tuple[Layer, ...]
    bodies: tuple[str, ...]
    item: Type = REAL

    @property
    def inputs(self) -> int:
        """How many numbers it reads."""
        return self.layers[0][0].shape[1]

    @property
    def programs(self) -> list[Expression]:
        """The bodies as expressions."""
        scope = dict.fromkeys("abcd"[: self.inputs], self.item)
        return [parse(body, scope) for body in self.bodies]

    def run(self, given: Columns) -> Columns:
        """What each output is, a column (n,) for each, by its body."""
        named = dict(zip("abcd", given, strict=False))
        found = [run_expression(program, named) for program in self.programs]
        return tuple(np.broadcast_to(one, given[0].shape) for one in found)


def _layers(*given: tuple[list[list[float]], list[float]]) -> tuple[Layer, ...]:
    return tuple((np.array(weights, float), np.array(bias, float)) for weights, bias in given)


def _real_modules() -> list[Module]:
    less, more = [[1.0, -1.0]], [[-1.0, 1.0]]
    first, second = [[1.0, 0.0], [-1.0, 0.0]], [[0.0, 1.0], [0.0, -1.0]]
    three = [[1.0, -1.0, 0.0], *([0.0, s, 0.0] for s in (1.0, -1.0)),
             *([0.0, 0.0, s] for s in (1.0, -1.0))]  # fmt: skip
    both, pair = [0.0] * 2, [0.0] * 3
    return [
        Module("larger", _layers((less + second, pair), ([[1, 1, -1]], [0])), ("max(a, b)",)),
        Module("smaller", _layers((less + first, pair), ([[-1, 1, -1]], [0])), ("min(a, b)",)),
        Module("distance", _layers((less + more, both), ([[1, 1]], [0])), ("abs(a - b)",)),
        Module("clip", _layers(([[1], [1]], [0.5, -0.5]), ([[1, -1]], [-0.5])),
               ("clip(a, -0.5, 0.5)",)),
        Module("dead zone", _layers(([[1], [-1]], [-0.25, -0.25]), ([[1, -1]], [0])),
               ("a - clip(a, -0.25, 0.25)",)),
        Module("sort", _layers((less + second + first, [0.0] * 5),
                               ([[-1, 0, 0, 1, -1], [1, 1, -1, 0, 0]], both)),
               ("min(a, b)", "max(a, b)")),
        Module("largest of three",
               _layers((three, [0.0] * 5),
                       ([[1, 1, -1, -1, 1], [0, 0, 0, 1, -1], [0, 0, 0, -1, 1]], pair),
                       ([[1, 1, -1]], [0])),
               ("max(max(a, b), c)",)),
    ]  # fmt: skip


def _bool_modules() -> list[Module]:
    def made(
        name: str, *args: tuple[list[list[float]], list[float]], bodies: tuple[str, ...]
    ) -> Module:
        return Module(name, _layers(*args), bodies, BOOL)

    count = [[1.0] * 3] * 3
    return [
        made("or", ([[1, 1]] * 2, [0, -1]), ([[1, -1]], [0]), bodies=("a or b",)),
        made("xor", ([[1, 1]] * 2, [0, -1]), ([[1, -2]], [0]), bodies=("a xor b",)),
        made("majority", (count[:2], [-1, -2]), ([[1, -1]], [0]),
             bodies=("a and b or a and c or b and c",)),
        made("adder", (count, [0, -1, -2]), ([[1, -2, 2], [0, 1, -1]], [0, 0]),
             bodies=("a xor b xor c", "a and b or a and c or b and c")),
        made("choice", ([[1, 1, 0], [-1, 0, 1]], [-1, 0]), ([[1, 1]], [0]),
             bodies=("if a then b else c",)),
        made("comparator", ([[2, 1, -2, -1]] * 2, [0, -1]), ([[1, -1]], [0]),
             bodies=("a and not c or (a or not c) and b and not d",)),
    ]  # fmt: skip


@cache
def modules(item: Type) -> tuple[Module, ...]:
    """All modules of numbers or of truths, the last ones trained."""
    if item == BOOL:
        made = _bool_modules()
        by_name = {m.name: m for m in made}
        return (*made, *(_trained(by_name[name], 8) for name in ("xor", "majority", "choice")))
    made = _real_modules()
    return (*made, _trained(made[2], 6), _trained(made[0], 6))


def _trained(module: Module, width: int) -> Module:
    """A module of one hidden layer that learned the function of another one, to 1 % of a truth or
    of the largest number."""
    for seed in range(50):
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(module.inputs, width), torch.nn.ReLU(),
                                    torch.nn.Linear(width, 1))  # fmt: skip
        if module.item == BOOL:
            x = np.array(list(product((0.0, 1.0), repeat=module.inputs)))
            wanted = module.run(tuple((x > 0.5).T))[0]
        else:
            x = np.random.default_rng(seed).uniform(-1, 1, (512, module.inputs))
            wanted = module.run(tuple(x.T))[0]
        given, taught = torch.tensor(x).float(), torch.tensor(np.array(wanted, float)).float()
        optimizer = torch.optim.Adam(model.parameters(), 0.02)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
        off = torch.tensor(1.0)
        for _ in range(1500):
            off = (model(given)[:, 0] - taught).abs()
            optimizer.zero_grad()
            (off**2).mean().backward()
            optimizer.step()
            slower.step()
        if float(off.detach().max()) <= 0.01:
            layers = tuple(
                (np.array(part.weight.detach(), float), np.array(part.bias.detach(), float))
                for part in model if isinstance(part, torch.nn.Linear)
            )  # fmt: skip
            return Module(f"{module.name}, trained", layers, module.bodies, module.item)
    raise RuntimeError(f"no network learned {module.name}")


@dataclass(frozen=True, eq=False)
class Plan:
    """Modules in order with what each reads; outputs: the numbers that the network gives."""

    kind: str
    item: Type
    inputs: int
    modules: tuple[tuple[Module, tuple[Source, ...]], ...]
    outputs: tuple[Source, ...]

    def run(self, x: Array) -> Array:
        """What the network is to give (n, outputs) on inputs (n, width)."""
        given = {(-1, i): (x[:, i] > 0.5 if self.item == BOOL else x[:, i])
                 for i in range(self.inputs)}  # fmt: skip
        for number, (module, reads) in enumerate(self.modules):
            for place, found in enumerate(module.run(tuple(given[r] for r in reads))):
                given[number, place] = found
        return np.column_stack([given[o] for o in self.outputs])

    @property
    def bits(self) -> float:
        """Bits of all modules' bodies together, each function counted once."""
        bodies = {p for module, _ in self.modules for p in module.programs}
        return sum(bits(body) for body in bodies)

    @property
    def wires(self) -> int:
        """Different numbers that modules take from modules."""
        return len({r for _, reads in self.modules for r in reads if r[0] >= 0})


def planned(seed: int) -> Plan:
    """2 to 4 modules: on inputs of their own, on the same ones, in a chain with fresh inputs, or
    all but one before the last; of numbers and of truths in turn."""
    rng = np.random.default_rng([seed, 51])
    kind = ("apart", "same inputs", "chain", "before one")[seed % 4]
    item = (REAL, BOOL)[seed // 4 % 2]
    known, count = modules(item), int(rng.integers(2, 5))
    if kind == "same inputs":
        some = [m for m in known if m.inputs <= 3]
        chosen = [some[i] for i in rng.permutation(len(some))[:count]]
        read = [tuple((-1, int(p)) for p in rng.permutation(3)[: m.inputs]) for m in chosen]
        return _plan(kind, item, 3, chosen, read, set())
    chosen = [known[i] for i in rng.integers(0, len(known), count)]
    if kind == "before one":
        some = [m for m in known if 2 <= m.inputs <= 3]
        chosen[-1] = some[rng.integers(len(some))]
        chosen[:-1] = chosen[: chosen[-1].inputs]
    fresh, used, reads = 0, set[Source](), []
    for number, module in enumerate(chosen):
        mine: list[Source] = []
        if kind == "chain" and number:
            mine = [(number - 1, i) for i in range(len(chosen[number - 1].bodies))]
        if kind == "before one" and number == len(chosen) - 1:
            mine = [(n, 0) for n in range(number)]
        mine = mine[: module.inputs]
        used |= set(mine)
        mine += [(-1, fresh + i) for i in range(module.inputs - len(mine))]
        fresh += sum(r[0] < 0 for r in mine)
        reads.append(tuple(mine[i] for i in rng.permutation(len(mine))))
    return _plan(kind, item, fresh, chosen, reads, used)


def _plan(
    kind: str, item: Type, inputs: int, chosen: list[Module], reads: list[tuple[Source, ...]],
    used: set[Source],
) -> Plan:  # fmt: skip
    given = [(n, i) for n, m in enumerate(chosen) for i in range(len(m.bodies))]
    outputs = tuple(g for g in given if g not in used)
    read = sorted({r[1] for some in reads for r in some if r[0] < 0})
    place = {old: new for new, old in enumerate(read)}
    moved = [tuple((-1, place[r[1]]) if r[0] < 0 else r for r in some) for some in reads]
    return Plan(kind, item, len(place), tuple(zip(chosen, moved, strict=True)), outputs)


LAYOUTS = ("side by side", "chain", "grid")


def many(layout: str, count: int, seed: int = 0) -> Plan:
    """So many modules of two numbers that give one, in one of the `LAYOUTS`; in a grid of as many
    rows as columns each reads two of the row before."""
    rng = np.random.default_rng([seed, 53])
    some = [m for m in _real_modules() if (m.inputs, len(m.bodies)) == (2, 1)]
    width = {"side by side": count, "chain": 1, "grid": round(count**0.5)}[layout]
    reads, used, fresh = [], set[Source](), 0
    for number in range(count):
        above = number // width * width - width
        mine: list[Source] = []
        if above >= 0:
            mine = [(number - width, 0), (above + (number + 1) % width, 0)][: min(width, 2)]
        used |= set(mine)
        mine += [(-1, fresh + i) for i in range(2 - len(mine))]
        fresh += sum(r[0] < 0 for r in mine)
        reads.append(tuple(mine))
    chosen = [some[i] for i in rng.integers(0, len(some), count)]
    return _plan(layout, REAL, fresh, chosen, reads, used)


def network_of(plan: Plan, seed: int = 0) -> tuple[NormalForm, list[int]]:
    """The network of a plan, and the module of every hidden unit: units of all modules that are
    equally far from the inputs stand in one layer, shuffled and scaled."""
    rng, builder = np.random.default_rng([seed, 52]), Builder(plan.inputs)
    drawn = _Drawn(plan, rng)
    labels: list[int] = []
    wires = {-1: 0}
    for level in range(max(drawn.levels) + 1):
        mine = [(n, d) for n, first in enumerate(drawn.first) for d in drawn.depths(n)
                if first + d == level]  # fmt: skip
        units = [(n, d, i) for n, d in mine for i in range(len(plan.modules[n][0].layers[d][0]))]
        units = [units[i] for i in rng.permutation(len(units))]
        scales = np.exp(rng.uniform(-1, 1, len(units)))
        rows = [drawn.row(n, d, i) for n, d, i in units]
        drawn.place |= {
            u: (level, i, s) for i, (u, s) in enumerate(zip(units, scales, strict=True))
        }
        terms, bias = drawn.terms(rows, builder, wires)
        wire = builder.affine([(w, scales[:, None] * m) for w, m in terms], scales * bias)
        wires[level] = builder.elementwise("relu", wire)
        labels += [n for n, _, _ in units]
    last = [drawn.given(source) for source in plan.outputs]
    terms, bias = drawn.terms(last, builder, wires)
    return builder.build(builder.affine(terms, bias)), labels


Row = tuple[dict[object, float], float]


class _Drawn:
    """Where units stand: `place` says level, place and scale of (module, layer, unit)."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self.plan = plan
        self.place: dict[tuple[int, int, int], tuple[int, int, float]] = {}
        self.first: list[int] = []
        for _, reads in plan.modules:
            before = [self.levels[r[0]] + 1 for r in reads if r[0] >= 0]
            self.first.append(max(before, default=0))

    @property
    def levels(self) -> list[int]:
        """The level of each module's last hidden layer."""
        return [f + len(m.layers) - 2 for f, (m, _) in zip(self.first, self.plan.modules,
                                                           strict=False)]  # fmt: skip

    def depths(self, number: int) -> range:
        """The hidden layers of a module."""
        return range(len(self.plan.modules[number][0].layers) - 1)

    def row(self, number: int, depth: int, unit: int) -> Row:
        """What a unit adds up, of units and inputs."""
        module, reads = self.plan.modules[number]
        weights, bias = module.layers[depth]
        found: dict[object, float] = defaultdict(float)
        shift = float(bias[unit])
        for i, weight in enumerate(weights[unit].tolist()):
            if not weight:
                continue
            if depth:
                found[number, depth - 1, i] += weight
                continue
            terms, more = self.given(reads[i])
            shift += weight * more
            for key, inner in terms.items():
                found[key] += weight * inner
        return found, shift

    def given(self, source: Source) -> Row:
        """An input or a module's output, of units and inputs."""
        if source[0] < 0:
            return {source: 1.0}, 0.0
        number, unit = source
        return self.row(number, len(self.plan.modules[number][0].layers) - 1, unit)

    def terms(
        self, rows: list[Row], builder: Builder, wires: dict[int, int]
    ) -> tuple[list[tuple[int, Array]], Array]:
        """Rows as matrices on the wires that they read, and their bias."""
        found: dict[int, Array] = {}
        for number, (terms, _) in enumerate(rows):
            for key, weight in terms.items():
                level, place, scale = self.place.get(key, (*key, 1.0))  # pyright: ignore
                if level not in found:
                    found[level] = np.zeros((len(rows), builder.width(wires[level])))
                found[level][number, place] += weight / scale
        return [(wires[k], found[k]) for k in sorted(found)], np.array([b for _, b in rows])
