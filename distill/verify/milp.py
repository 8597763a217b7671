"""Mixed-integer programs: the largest output of a piecewise-linear form, by HiGHS in floats.

A relu that may be on or off is a binary number with big-M constraints (Tjeng, Xiao and Tedrake,
ICLR 2019), M from rigorous bounds. HiGHS works within tolerances and has had wrong answers, so
nothing here is ever more than proved to the solver's tolerance, and what is known otherwise is
held against every answer: a bound below a value that is attained, or an optimum that isn't, makes
all answers void.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.normal_form import Affine, Array, Elementwise, NormalForm
from distill.run.budget import Stop, spend
from distill.run.limited import Failure, Limits, run_limited
from distill.verify.crown import enclose
from distill.verify.rounding import Mask

MARGIN = 1e-6
"""Taken off every bound, relative to numbers above 1: HiGHS's own tolerance."""

_SAMPLES = 2_000
_PROCESS = Limits(seconds=120.0, mebibytes=4096)
NODE_PRICE = 2_000
"""Steps of a node of the search tree, about two milliseconds."""


@dataclass(frozen=True, eq=False)
class Answer:
    """bounds: (m,), what no output exceeds, to the solver's tolerance; points: (k, n), where it
    says outputs are largest; trouble: why the bounds are void, empty where they aren't."""

    bounds: Array
    points: Array
    trouble: str = ""


@dataclass(eq=False)
class Problem:
    """Rows `low <= matrix @ variables <= high`, and what is known of each variable."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def variable(self, low: float, high: float, whole: bool) -> int:
        """A new variable's number."""
        self.lower.append(low)
        self.upper.append(high)
        self.whole.append(whole)
        return len(self.lower) - 1


@dataclass(frozen=True, eq=False)
class Sum:
    """`constant + sum(weights[v] * variable v)`."""

    weights: dict[int, float]
    constant: float = 0.0

    def plus(self, other: Sum, times: float) -> Sum:
        """This sum and `times` the other one."""
        found = dict(self.weights)
        for name, weight in other.weights.items():
            found[name] = found.get(name, 0.0) + times * weight
        return Sum(found, self.constant + times * other.constant)


def largest(
    form: NormalForm, lower: Array, upper: Array, whole: Mask, nodes: int, stop: Stop | None = None
) -> Answer:
    """Upper bounds of all outputs of a layered form over a box (n,), (n,), `nodes` for each."""
    problem, outputs = encoded(form, lower, upper, whole)
    count = len(problem.lower)
    objectives = np.zeros((len(outputs), count))
    for place, output in enumerate(outputs):
        for name, weight in output.weights.items():
            objectives[place, name] = weight
    parts = _columns(problem, count)
    found = run_limited(solved, objectives, *parts, nodes, limits=_PROCESS, stop=stop)
    empty = np.zeros((0, len(lower)))
    if isinstance(found, Failure):
        return Answer(np.full(len(outputs), np.inf), empty, found.text)
    spend(stop, NODE_PRICE * sum(1 + answer[3] for answer in found))
    constants = np.array([output.constant for output in outputs])
    return _judged(form, lower, upper, whole, constants, found)


def encoded(form: NormalForm, lower: Array, upper: Array, whole: Mask) -> tuple[Problem, list[Sum]]:
    """The form as a mixed-integer program, and its outputs as sums of variables."""
    problem, ranges = Problem(), enclose(form, lower[None], upper[None]).ranges
    wires: dict[int, list[Sum]] = {}
    ends = zip(lower, upper, whole, strict=True)
    wires[0] = [Sum({problem.variable(float(a), float(b), bool(w)): 1.0}) for a, b, w in ends]
    for index in sorted(ranges):
        node = form.nodes[index]
        if isinstance(node, Affine):
            wires[index] = _affine(node, wires)
        elif isinstance(node, Elementwise):
            before = wires[node.sources[0]]
            low, high = (end[0] for end in ranges[node.sources[0]])
            add = _relu if node.function == "relu" else _step
            triples = zip(before, low, high, strict=True)
            wires[index] = [add(problem, z, float(a), float(b)) for z, a, b in triples]
    return problem, wires[form.output]


def _affine(node: Affine, wires: dict[int, list[Sum]]) -> list[Sum]:
    found = []
    for place, bias in enumerate(node.bias):
        total = Sum({}, float(bias))
        for source, matrix in node.terms:
            for column in np.flatnonzero(matrix[place]):
                total = total.plus(wires[source][column], float(matrix[place, column]))
        found.append(total)
    return found


def _relu(problem: Problem, before: Sum, low: float, high: float) -> Sum:
    if low >= 0:
        return before
    if high <= 0:
        return Sum({})
    value, on = problem.variable(0.0, high, False), problem.variable(0.0, 1.0, True)
    above = before.plus(Sum({value: 1.0}), -1.0)
    problem.rows.append((above.weights, -np.inf, -above.constant))
    most = above.plus(Sum({on: 1.0}), low)
    problem.rows.append((most.weights, low - most.constant, np.inf))
    problem.rows.append(({value: 1.0, on: -high}, -np.inf, 0.0))
    return Sum({value: 1.0})


def _step(problem: Problem, before: Sum, low: float, high: float) -> Sum:
    """1 above 0, 0 below; exactly at 0 it may be either, but for sums of whole numbers."""
    if low > 0 or high <= 0:
        return Sum({}, float(low > 0))
    on = problem.variable(0.0, 1.0, True)
    gap = 1.0 if _is_whole(problem, before) else 0.0
    at_least = before.plus(Sum({on: 1.0}), low - gap)
    problem.rows.append((at_least.weights, low - at_least.constant, np.inf))
    at_most = before.plus(Sum({on: 1.0}), -high)
    problem.rows.append((at_most.weights, -np.inf, -at_most.constant))
    return Sum({on: 1.0})


def _is_whole(problem: Problem, total: Sum) -> bool:
    weights = (w == round(w) and problem.whole[name] for name, w in total.weights.items())
    return total.constant == round(total.constant) and all(weights)


Columns = tuple[Array, Array, NDArray[np.int64], Array, Array, Array]


def _columns(problem: Problem, count: int) -> Columns:
    """Bounds and integrality of variables, a dense matrix of rows, bounds of rows."""
    matrix = np.zeros((len(problem.rows), count))
    for place, (weights, _, _) in enumerate(problem.rows):
        for name, weight in weights.items():
            matrix[place, name] = weight
    ends = np.array([(low, high) for _, low, high in problem.rows]).reshape(-1, 2)
    whole = np.array(problem.whole, dtype=np.int64)
    return np.array(problem.lower), np.array(problem.upper), whole, matrix, ends[:, 0], ends[:, 1]


Solution = tuple[int, float, Array | None, int]
"""scipy's status, the dual bound of the largest value, the best variables, nodes."""


def solved(
    objectives: Array,
    lower: Array,
    upper: Array,
    whole: NDArray[np.int64],
    matrix: Array,
    low: Array,
    high: Array,
    nodes: int,
) -> list[Solution]:
    """Maximize every objective (m, variables) under the constraints; runs in its own process."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    ends: tuple[Any, ...] = low, high, lower, upper
    rows: Any = LinearConstraint(csr_array(matrix), *ends[:2]) if len(matrix) else None
    found: list[Solution] = []
    for objective in objectives:
        options = {"node_limit": nodes, "mip_rel_gap": 0.0}
        bounds = Bounds(*ends[2:])
        got = milp(-objective, integrality=whole, bounds=bounds, constraints=rows, options=options)
        dual = got.mip_dual_bound
        if dual is None and got.status == 0 and not whole.any():
            dual = got.fun  # nothing to branch on: the optimum is its own bound
        bound = np.inf if dual is None else -float(dual)
        count = int(got.mip_node_count or 0)
        ended = got.status == 4 and "limit" in got.message  # of nodes: scipy has no code for it
        found.append((1 if ended else int(got.status), bound, got.x, count))
    return found


def _judged(
    form: NormalForm,
    lower: Array,
    upper: Array,
    whole: Mask,
    constants: Array,
    found: list[Solution],
) -> Answer:
    """The solver's answers held against values that the form takes."""
    bounds = np.array([solution[1] for solution in found]) + constants
    impossible = any(s[0] not in (0, 1) for s in found) or bool(np.isnan(bounds).any())
    bounds = np.where(impossible | np.isnan(bounds), np.inf, bounds)
    bounds = bounds + MARGIN * np.maximum(1.0, np.abs(bounds))
    inputs = len(lower)
    points = [np.clip(s[2][:inputs], lower, upper) for s in found if s[2] is not None]
    points = [np.where(whole, np.rint(point), point) for point in points]
    reached = np.array(points).reshape(-1, inputs)
    drawn = np.random.default_rng(0).uniform(lower, upper, size=(_SAMPLES, inputs))
    drawn = np.where(whole, np.clip(np.rint(drawn), lower, upper), drawn)
    attained = form.run(np.concatenate([reached, drawn])).max(axis=0)
    trouble = ""
    if impossible:
        trouble = "the solver calls the question itself impossible"
    elif (attained > bounds).any():
        trouble = "the solver's bound is below a value that is attained"
    return Answer(bounds, reached, trouble)
