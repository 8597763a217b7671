"""Trials of feed-forward squares: a random network, a program, and what is true of the two.

Two thirds are true by construction (the program is the network rewritten). In the others a
difference is planted at a point that is known; `judge` evaluates it exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.evidence.exact import ORDERS, Doubles, Term, network_in_float32, program_at
from benchmarks.evidence.networks import KINKED, SMOOTH, STYLES, Bump, base, cone, point
from benchmarks.evidence.programs import (
    ZERO,
    as_program,
    constant,
    negative,
    rewritten,
    scalars,
    scaled,
    total,
)
from distill.literal import literal_program
from distill.load.normal import network_from_normal_form
from distill.normal_form import Affine, Builder, NormalForm
from distill.target import make_target, resolve_output
from distill.verify.square import Square
from dsl.domain import Domain
from dsl.domain_text import parse_domain

GAPS = (0.7, 1e-1, 1e-2, 1e-3, 1e-6, 1e-9, 1e-12)
Row = tuple[Any, ...]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Trial:
    """A square with its own text.

    planted: whether the claim |network - program| <= tolerance (equality of decisions) fails at
    one of `points`, each a value for every field of the domain; term: the program.
    """

    kind: str
    planted: bool
    square: Square
    form: NormalForm
    term: Term
    points: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Sides:
    """A network under construction and its rewriting: `inputs` are the program's scalars."""

    domain: Domain
    builder: Builder
    output: int
    scores: list[Term]
    inputs: list[Term]

    def with_bump(self, bump: Bump, heights: list[float], rng: Rng, where: str) -> Sides:
        """The sides with a bump added to the outputs of the network, the program or both."""
        builder, output, scores = self.builder, self.output, self.scores
        column = np.array(heights, dtype=np.float32).astype(float)
        if where in ("network", "both"):
            encoding = self.domain.encoding_map()
            assert encoding is not None
            wire, one = bump.wire(builder, encoding, rng.random() < 0.5), np.eye(len(column))
            terms = [(output, one), (wire, column[:, None])]
            output = builder.affine(terms, np.zeros(len(column)))
        if where in ("program", "both"):
            term = bump.term(self.inputs)
            pairs = zip(scores, column, strict=True)
            scores = [("sum", s, scaled(float(h), term)) if h else s for s, h in pairs]
        return Sides(self.domain, builder, output, scores, self.inputs)


def sides(domain: str, outputs: int, rng: Rng, style: str, functions: tuple[str, ...]) -> Sides:
    """A random network on a domain, and its outputs rewritten as a program's."""
    parsed = parse_domain(domain)
    builder = Builder(parsed.width)
    output = base(builder, outputs, rng, style, functions)
    inputs = scalars(parsed)
    return Sides(
        parsed, builder, output, rewritten(builder.build(output), seen(parsed, inputs), rng), inputs
    )


def seen(domain: Domain, inputs: list[Term]) -> list[Term]:
    """What the network sees of the program's scalars."""
    found, place = [], 0
    for field in domain.fields:
        for _ in range(field.scalars):
            value, place = inputs[place], place + 1
            if field.encoding.kind == "onehot":
                found += [_indicator(value, choice) for choice in range(field.choices or 0)]
            elif field.encoding.kind == "signed":
                found.append(("sum", scaled(2.0, value), constant(-1.0)))
            elif field.encoding.kind == "affine":
                shift = constant(float(field.encoding.shift))
                found.append(("sum", scaled(float(field.encoding.scale), value), shift))
            else:
                found.append(value)
    return found


def _indicator(value: Term, choice: int) -> Term:
    """1 where a whole number is the choice, else 0."""
    apart = ("abs", ("sum", value, constant(-float(choice))))
    return ("relu", ("sum", constant(1.0), negative(apart)))


def trial(kind: str, planted: bool, made: Sides, output: str, tolerance: float, margin: float,
          points: list[Row]) -> Trial:  # fmt: skip
    """The square of two sides whose outputs are read as `output`."""
    form = made.builder.build(made.output)
    network = network_from_normal_form(form)
    read = resolve_output(network, output)
    term = made.scores[0]
    if output.startswith("category"):
        term = ("first", *made.scores)
    elif output == "bool":
        term = ("less", ZERO, term)
    elif output.startswith("real["):
        term = ("vector", *made.scores)
    target = make_target(network, made.domain, read, tolerance, margin)
    square = Square(target, as_program(term, made.domain, read.type), margin)
    return Trial(kind, planted, square, form, term, tuple(points))


def as_row(domain: Domain, values: np.ndarray) -> Row:
    """Scalars (s,) as a value for every field."""
    return domain.row(domain.unflatten(np.asarray(values, dtype=float)[None]), 0)


FINITE = (
    "b: bool[{n}]",
    "b: bool[{n}] as -1/1",
    "i: int(0,65535)",
    "i: int(-128,127) * j: int(0,255)",
    "i: int(0,15)[4]",
    "c: category(4)[8] as index",
    "c: category(16) as index * b: bool[12]",
    "c: category(3)[4]",
    "c: category(5) * b: bool[4] as -1/1",
)


def finite(rng: Rng, planted: bool) -> Trial:
    """A finite domain, up to 2 ** 16 points; the sides differ at one of them."""
    domain = FINITE[int(rng.integers(len(FINITE)))].format(n=int(rng.integers(3, 17)))
    output = ("real", "real", "bool", "int", "category(3)")[int(rng.integers(5))]
    many = 3 if output.startswith("category") else 1
    made = sides(domain, many, rng, "whole", KINKED)
    low, high = made.domain.value_box()
    centre = np.array([rng.integers(a, b + 1) for a, b in zip(low, high, strict=True)], dtype=float)
    row = as_row(made.domain, centre)
    where = ("network", "program")[int(rng.integers(2))] if planted else "both"
    heights, tolerance = _heights(made, output, row, rng)
    if made.domain.encoding_map() is None:
        where = "program" if planted else "neither"
    made = made.with_bump(point(centre), heights, rng, where)
    return trial("finite", planted, made, output, tolerance, 0.0, [row])


def _heights(made: Sides, output: str, row: Row, rng: Rng) -> tuple[list[float], float]:
    """How high a bump must be for another value there, and the tolerance."""
    scores = [float(_score(made, t, row)) for t in made.scores]
    if output == "real":
        tolerance = float(rng.choice([0.5, 0.1, 1.0]))
        share = 1 + float(rng.choice([1e-6, 1e-3, 1.5, 3.0]))
        return [float(np.float32(tolerance * share))], tolerance
    if output == "int":
        return [float(rng.choice([-2, -1, 1, 2]))], 0.0
    if output == "bool":
        height = 1.0 - scores[0] if scores[0] <= 0 else -scores[0] - float(rng.integers(0, 3))
        return [height], 0.0
    order = np.argsort(np.array(scores), kind="stable")
    heights = [0.0] * len(scores)
    heights[int(order[0])] = max(scores) - scores[int(order[0])] + 1.0
    return heights, 0.0


def _score(made: Sides, term: Term, row: Row) -> Any:
    names = [f.name for f in made.domain.fields]
    return program_at(term, dict(zip(names, row, strict=True)))


REALS = (
    "x: real(-1,1)",
    "x: real(-2,1.5) * y: real(-1,1)",
    "x: real(-1,1)[2]",
    "x: real(0,1)[3]",
    "x: real(-1,1)[4]",
    "x: real(-1,1) * b: bool",
    "x: real(-1,1)[2] * c: category(3) as index",
    "x: real(0,1) * i: int(-3,4)",
    "x: real(-1,1) as affine(0.5,1) * y: real(-4,4)",
)


def missed(rng: Rng, planted: bool) -> Trial:
    """A broad cone on one side; the tolerance is its height, missed or met by a known share."""
    domain = REALS[int(rng.integers(len(REALS)))]
    style = STYLES[int(rng.integers(2))]
    made = sides(domain, 1 + int(rng.random() < 0.2), rng, style, KINKED)
    radius = float(rng.choice([0.25, 0.5, 1.0, 2.0]))
    return _coned("missed", rng, planted, made, radius, float(rng.choice(GAPS)))


def smooth(rng: Rng, planted: bool) -> Trial:
    """The same for networks of tanh and sigmoid units."""
    made = sides(REALS[int(rng.integers(4))], 1, rng, "plain", (*SMOOTH, "relu"))
    return _coned("smooth", rng, planted, made, 0.5, float(rng.choice(GAPS[:4])))


def pyramid(rng: Rng, planted: bool) -> Trial:
    """A bump of radius 0.02 in a box of four inputs; as high as 1.5 to 6 tolerances."""
    made = sides("x: real(-1,1)[4]", 1, rng, STYLES[int(rng.integers(2))], KINKED)
    low, high = made.domain.value_box()
    bump, height = cone(rng, low, high, 0.02), float(rng.choice([1.0, 0.25]))
    where = ("network", "program")[int(rng.integers(2))] if planted else "both"
    made = made.with_bump(bump, [height], rng, where)
    share = float(rng.choice([1.5, 2.5, 6.0]))
    row = as_row(made.domain, bump.centre)
    return trial("pyramid", planted, made, "real", height / share, 0.0, [row])


def _coned(kind: str, rng: Rng, planted: bool, made: Sides, radius: float, gap: float) -> Trial:
    low, high = made.domain.value_box()
    bump = cone(rng, low, high, radius)
    whole = made.domain.integral()
    bump = Bump(np.where(whole[:, None] | whole[None], np.eye(len(whole)), bump.directions),
                bump.steepness, np.where(whole, np.rint(bump.centre), bump.centre))  # fmt: skip
    height = float(np.float32(10.0 ** rng.uniform(-3, 1)))
    where = ("network", "program")[int(rng.integers(2))]
    many = len(made.scores)
    made = made.with_bump(bump, [0.0] * (many - 1) + [height], rng, where)
    tolerance, output = height * (1 - gap if planted else 1 + gap), f"real[{many}]"
    return trial(kind, planted, made, "real" if many == 1 else output, tolerance, 0.0,
                 [as_row(made.domain, bump.centre)])  # fmt: skip


def wild(rng: Rng, planted: bool) -> Trial:
    """Weights from 1e-11 to 1e4; the tolerance is just below a difference at a drawn point."""
    made = sides(REALS[int(rng.integers(5))], 1, rng, "wild", KINKED)
    low, high = made.domain.value_box()
    rows = [
        as_row(made.domain, p.astype(np.float32)) for p in rng.uniform(low, high, (16, len(low)))
    ]
    corner = np.where(rng.random((8, len(low))) < 0.5, low, high)
    rows += [as_row(made.domain, p) for p in corner]
    size = max(abs(float(_score(made, made.scores[0], r))) for r in rows) + 1e-6
    if not planted:
        return trial("wild", False, made, "real", 1e-2 * size, 0.0, rows)
    slope = scaled(float(size * 10.0 ** rng.uniform(-4, 0)), made.inputs[0])
    moved = Sides(made.domain, made.builder, made.output,
                  [("sum", made.scores[0], ("relu", slope))], made.inputs)  # fmt: skip
    worst = max(float(_score(moved, ("relu", slope), r)) for r in rows)
    tolerance = max(worst * (1 - float(rng.choice(GAPS))), 1e-12)
    return trial("wild", worst > 0, moved, "real", tolerance, 0.0, rows)


def rounding(rng: Rng, planted: bool) -> Trial:
    """Equal over the reals; float32 (or a program's float64) loses digits to a large number."""
    count = int(rng.integers(1, 4))
    domain = parse_domain(f"x: real(-1,1)[{count}]")
    builder, inputs = Builder(count), scalars(domain)
    matrix = rng.integers(1, 8, size=(1, count)) / 8.0
    large = 2.0 ** float(rng.integers(6, 20))
    terms = [scaled(float(w), x) for w, x in zip(matrix[0], inputs, strict=True)]
    if rng.random() < 0.6:
        inner = builder.elementwise("relu", builder.affine([(0, matrix)], np.array([large])))
        output, step = builder.affine([(inner, np.eye(1))], np.array([-large])), large * 2.0**-24
        score = total(terms)
    else:
        large *= 2.0**30
        inner = builder.elementwise("relu", builder.affine([(0, matrix)], np.array([float(count)])))
        output = builder.affine([(inner, np.eye(1))], np.array([-float(count)]))
        score = ("sum", ("sum", total(terms), constant(large)), constant(-large))
        step = large * 2.0**-53
    made = Sides(domain, builder, output, [score], inputs)
    rows = [as_row(domain, p.astype(np.float32)) for p in rng.uniform(-1, 1, (24, count))]
    worst = max(_float_gap(builder.build(output), domain, score, r) for r in rows)
    share = float(rng.choice([0.95, 0.2, 0.2]))
    tolerance = worst * share if planted else 32.0 * step * (1 + count) + 1e-5
    return trial("rounding", planted and worst > 0, made, "real", max(tolerance, 1e-30), 0.0, rows)


def _float_gap(form: NormalForm, domain: Domain, term: Term, row: Row) -> float:
    """How far both sides are apart in floats, in the worst order of summation."""
    names = [f.name for f in domain.fields]
    found = domain.encode(domain.column(row))[0].astype(np.float32).tolist()
    ours = [network_in_float32(form, found, order)[0] for order in ORDERS]
    theirs = program_at(term, dict(zip(names, row, strict=True)), Doubles)
    return max(abs(o - theirs) for o in ours)


def literal(rng: Rng, planted: bool) -> Trial:
    """The network's own arithmetic: only rounding separates the two."""
    output = ("real", "bool")[int(rng.integers(2))]
    made = sides(REALS[int(rng.integers(7))], 1, rng, "plain", (*KINKED, *SMOOTH))
    low, high = made.domain.value_box()
    drawn = rng.uniform(low, high, (20, len(low)))
    rows = [as_row(made.domain, np.where(made.domain.integral(), np.rint(p), p.astype(np.float32)))
            for p in drawn]  # fmt: skip
    form = made.builder.build(made.output)
    worst = max(_float_gap(form, made.domain, made.scores[0], row) for row in rows)
    found = trial("literal", planted, made, output, 0.5 * worst if planted else 1e-4, 0.0, rows)
    target = found.square.target
    own = literal_program(target.form, target.domain, target.output)
    return replace(found, square=replace(found.square, program=own))


def decision(rng: Rng, planted: bool) -> Trial:
    """Truths and categories over the reals: a bump turns the decision where it isn't close."""
    domain = REALS[int(rng.integers(len(REALS)))]
    output, many = (("bool", 1), ("category(3)", 3), ("category(2)", 2))[int(rng.integers(3))]
    style = STYLES[int(rng.integers(2))]
    made = sides(domain, many, rng, style, (*KINKED, *SMOOTH[:1]))
    low, high = made.domain.value_box()
    bump = cone(rng, low, high, float(rng.choice([0.02, 0.1, 0.5])))
    whole = made.domain.integral()
    bump = Bump(
        np.eye(len(whole)), bump.steepness, np.where(whole, np.rint(bump.centre), bump.centre)
    )
    row = as_row(made.domain, bump.centre)
    margin = float(rng.choice([0.0, 1e-3, 1e-2]))
    if not planted:
        return trial("decision", False, made, output, 0.01, margin, [row])
    heights, _ = _heights(made, output, row, rng)
    heights = [h * 1.5 for h in heights]
    if output == "bool":  # a turned decision that is as clear as the other one
        score = float(_score(made, made.scores[0], row))
        heights = [-2.0 * score - (0.01 if score > 0 else -0.01)]
    made = made.with_bump(bump, heights, rng, "program")
    return trial("decision", True, made, output, 0.01, margin, [row])


def copy(rng: Rng, planted: bool) -> Trial:
    """A ReLU network and its own arithmetic with rounded weights; planted: a narrow bump, one
    weight changed, or a tolerance just below what a drawn point shows."""
    parsed = parse_domain(REALS[int(rng.integers(4))])
    builder = Builder(parsed.width)
    output = base(builder, 1, rng, "plain", ("relu",))
    form = builder.build(output)
    theirs = rounded(form, int(rng.integers(2, 4)))
    low, high = parsed.value_box()
    corners = np.where(rng.random((6, len(low))) < 0.5, low, high)
    points = [p.astype(np.float32) for p in (*rng.uniform(low, high, (14, len(low))), *corners)]
    bump = cone(rng, low, high, float(rng.choice([0.05, 0.2, 0.5])))
    which = int(rng.integers(3)) if planted else 2
    if which == 0:
        height = np.full((1, 1), np.float32(10.0 ** rng.uniform(-2, 0)), dtype=float)
        encoding = parsed.encoding_map()
        assert encoding is not None
        wire = bump.wire(builder, encoding, True)
        form = builder.build(builder.affine([(output, np.eye(1)), (wire, height)], np.zeros(1)))
        points.append(bump.centre)
    elif which == 1:
        theirs = with_one_changed(theirs, rng)
    rows = [as_row(parsed, p) for p in points]
    score = rewritten(theirs, seen(parsed, scalars(parsed)), rng)[0]
    worst = max(_float_gap(form, parsed, score, row) for row in rows)
    share = 1 - float(rng.choice(GAPS)) if planted else float(rng.choice([1.001, 1.5, 3.0]))
    network = network_from_normal_form(form)
    target = make_target(
        network, parsed, resolve_output(network, "real"), max(share * worst, 1e-12), 0.0
    )
    own = literal_program(theirs, parsed, target.output)
    return Trial("copy", planted, Square(target, own, 0.0), form, score, tuple(rows))


def rounded(form: NormalForm, digits: int) -> NormalForm:
    """The same maps with weights of so many decimals."""
    return _each_affine(
        form, lambda _, node: Affine(
            tuple((s, np.round(m, digits)) for s, m in node.terms), np.round(node.bias, digits)
        )
    )  # fmt: skip


def with_one_changed(form: NormalForm, rng: Rng) -> NormalForm:
    """One weight of the first map is moved by up to a half."""
    chosen = next(i for i, node in enumerate(form.nodes) if isinstance(node, Affine))
    step = float(np.round(rng.uniform(0.05, 0.5), 2))

    def moved(place: int, node: Affine) -> Affine:
        if place != chosen:
            return node
        (source, matrix), *more = node.terms
        changed = matrix.copy()
        changed[rng.integers(len(matrix)), rng.integers(matrix.shape[1])] += step
        return Affine(((source, changed), *more), node.bias)

    return _each_affine(form, moved)


def _each_affine(form: NormalForm, change: Callable[[int, Affine], Affine]) -> NormalForm:
    nodes = tuple(
        change(place, node) if isinstance(node, Affine) else node
        for place, node in enumerate(form.nodes)
    )
    return NormalForm(nodes, form.output)


KINDS: dict[str, Callable[[Rng, bool], Trial]] = {
    "finite": finite, "missed": missed, "pyramid": pyramid, "wild": wild, "rounding": rounding,
    "smooth": smooth, "decision": decision, "literal": literal,
    "copy": copy,
}  # fmt: skip


def random_trial(kind: str, seed: int, number: int) -> Trial:
    """Trial number `number` of a kind; every third has a planted difference."""
    rng = np.random.default_rng([seed, number, list(KINDS).index(kind)])
    return KINDS[kind](rng, number % 3 == 0)
