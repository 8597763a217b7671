"""Cases of which relus are on: bounds that hold, proofs of what is so, none of what isn't."""

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from bounds_cases import KINKED, random_form
from test_lockstep import beside, moved, relu_network
from test_milp import size_form, square_of

from distill.checker.finding import verdict_of
from distill.checker.folder import square_findings
from distill.checker.phases import cases_top
from distill.checker.relus import canonical as canonical_again
from distill.checker.relus import digest, relus_of
from distill.checker.tree import Refused
from distill.literal import literal_program
from distill.normal_form import Builder
from distill.verify.boxes import bounds_claim
from distill.verify.canonical import canonical
from distill.verify.exact import run_exact
from distill.verify.packed import packed_floats
from distill.verify.phases import leaf_top, ranges_of, searched
from distill.verify.phases_claim import both_ways, phases_claim
from distill.verify.square import Square

SQUARE = -np.ones(2), np.ones(2)


def forms(seed):
    rng = np.random.default_rng(seed)
    yield random_form(rng, KINKED, inputs=2, wide=seed % 2 == 0)
    network = relu_network(rng, (2, 6, 5, 1))
    yield beside(network, moved(rng, network, 0.01))


def value(system, point):
    """The outputs of a system, and what goes into its relus."""
    units, before = [Fraction(float(x)) for x in point], []
    for row in (*system.rows, *system.outputs):
        total = row.constant + sum((w * units[u] for u, w in row.weights.items()), Fraction(0))
        before.append(total)
        if len(before) <= len(system.rows):
            units.append(max(total, Fraction(0)))
    return before[len(system.rows) :], before[: len(system.rows)]


@pytest.mark.parametrize("seed", range(10))
def test_both_rooms_number_the_same_relus_of_the_same_function(seed):
    for form in forms(seed):
        ours, theirs = canonical(form), canonical_again(relus_of(form))
        assert ours is not None and ours.digest == digest(theirs)
        assert all(theirs.depth[k] <= theirs.depth[k + 1] for k in range(len(theirs.depth) - 1))
        for point in np.random.default_rng(seed).uniform(-1, 1, size=(3, 2)):
            assert value(ours, point)[0] == run_exact(form, point)


def kinked(functions, pairs):
    """sum of f(row . x) for pairs (f, row)."""
    builder = Builder(2)
    parts = []
    for name, row in pairs:
        wire = builder.affine([(0, np.array([row]))], np.array([0.25 * row[0]]))
        parts.append(builder.elementwise(functions[name], wire))
    return builder.build(builder.affine([(p, np.eye(1)) for p in parts], np.zeros(1)))


def test_turned_and_scaled_relus_are_one():
    names = {"relu": "relu", "abs": "abs"}
    form = kinked(names, [("relu", [1.5, -1.0]), ("relu", [-3.0, 2.0]), ("abs", [6.0, -4.0])])
    found = canonical(form)
    assert found is not None and len(found.rows) == 1
    assert found.digest == digest(canonical_again(relus_of(form)))


def test_what_cancels_leaves_no_relus():
    gap = beside(size_form(), size_form())
    found = canonical(gap)
    assert found is not None and not found.rows and not found.outputs[0].weights


@pytest.mark.parametrize("seed", range(20))
def test_any_multipliers_bound_the_outputs_where_relus_are_so(seed):
    rng = np.random.default_rng(seed)
    for form in forms(seed):
        system = canonical(form)
        assert system is not None
        box = [(Fraction(-1), Fraction(1))] * 2
        for point in rng.uniform(-1, 1, size=(4, 2)):
            outputs, before = value(system, point)
            chosen = [k for k in range(len(before)) if rng.random() < 0.5]
            phases = {k: before[k] > 0 for k in chosen}
            multipliers = rng.uniform(0, 1, size=len(before))
            multipliers[chosen] *= 10.0 ** rng.integers(-3, 3)
            ranges = ranges_of(system, phases, box)
            assert all(a <= z <= b for z, (a, b) in zip(before, ranges, strict=True))
            assert leaf_top(system, phases, box, ranges, 0, multipliers) >= outputs[0]


@pytest.mark.parametrize("gap", [1e-1, 1e-6, 1e-12])
def test_planted_differences_are_never_bounded_away(gap):
    for seed in range(6):
        for form in forms(seed):
            system = canonical(form)
            assert system is not None
            point = np.random.default_rng(seed).uniform(-1, 1, 2)
            worst = run_exact(form, point)[0]
            goal = float(worst - abs(worst) * Fraction(gap)) - 1e-300
            assert searched(system, *SQUARE, goal, 60).trouble


def test_a_search_shows_what_is_so_and_ends_at_what_is_not():
    form = relu_network(np.random.default_rng(3), (3, 8, 1))
    system = canonical(form)
    box = -np.ones(3), np.ones(3)
    assert system is not None
    most = searched(system, *box, 1e9, 10)
    assert not most.trouble and len(most.leaves) == 1
    points = np.random.default_rng(0).uniform(-1, 1, (20_000, 3))
    top = form.run(points).max()
    tree = searched(system, *box, float(top) + 0.1, 400)
    assert not tree.trouble and top <= float(tree.top) <= top + 0.1
    short = searched(system, *box, float(top) - 0.01, 400)
    assert short.trouble == "exceeded" and short.point is not None
    assert form.run(short.point[None])[0, 0] > top - 0.01
    assert searched(system, *box, float(top) + 1e-4, 1).trouble == "too many cases"


def copied(seed, size, tolerance):
    rng = np.random.default_rng(seed)
    plain = square_of(relu_network(rng, (2, 6, 1)), "x: real(-1,1)[2]", "0.0", "real", tolerance)
    target = plain.target
    near = literal_program(moved(rng, target.form, size), target.domain, target.output)
    return Square(target, near, 0.0)


def checked(square, claim):
    rng = np.random.default_rng(5)
    return verdict_of(square_findings(square.target, square.program, claim, rng))


def test_a_claim_is_confirmed_and_what_is_cut_off_or_about_other_relus_is_not():
    square = copied(1, 1e-3, 0.05)
    claim = phases_claim(square, 400)
    assert claim is not None and (claim.verdict, claim.method) == ("proved", "phases")
    assert claim.count > 1 and claim.achieved <= 0.05
    assert checked(square, claim) == "holds"
    part = claim.certificate["pieces"][0]

    def spoiled(**changes):
        return replace(claim, certificate={"kind": "phases", "pieces": [{**part, **changes}]})

    nodes = part["nodes"]
    for wrong in (
        spoiled(nodes=nodes[:-1]),
        spoiled(nodes=[*nodes, -1]),
        spoiled(nodes=[nodes[0], *nodes]),
        spoiled(nodes=[-1]),
        spoiled(nodes=[999 if n >= 0 else n for n in nodes]),
        spoiled(relus="0" * 64),
        spoiled(multipliers=packed_floats(np.zeros((1, 1)))),
        replace(claim, achieved=claim.achieved / 2),
        replace(claim, certificate={"kind": "phases", "pieces": []}),
        replace(claim, certificate={"kind": "phases"}),
    ):
        assert checked(square, wrong) == "unknown"
    other = Square(square.target, copied(2, 2e-3, 0.05).program, 0.0)
    assert checked(other, claim) != "holds"


def test_a_negative_multiplier_is_refused():
    form = relu_network(np.random.default_rng(3), (2, 6, 1))
    system = canonical(form)
    assert system is not None
    tree = searched(both_ways(system), *SQUARE, 1e3, 10)
    rows = np.concatenate([leaf.multipliers for leaf in tree.leaves])
    part = {"relus": system.digest, "nodes": tree.nodes, "multipliers": packed_floats(rows)}
    top = cases_top(relus_of(form), part, *SQUARE)
    assert top == tree.top
    with pytest.raises(Refused):
        cases_top(relus_of(form), {**part, "multipliers": packed_floats(rows - 1e-9)}, *SQUARE)
    steep = packed_floats(rows + 1.5)
    with pytest.raises(Refused):
        cases_top(relus_of(form), {**part, "multipliers": steep}, *SQUARE)


def test_a_difference_that_shows_refutes():
    square = copied(2, 0.05, 0.001)
    claim = phases_claim(square, 400)
    assert claim is not None and claim.verdict == "refuted"
    example = claim.counterexample
    assert abs(example["network"] - example["program"]) > 0.001


def test_truths_are_listed_and_curves_are_left_alone():
    builder = Builder(2)
    z = builder.affine([(0, np.array([[1.0, 1.0], [1.0, -1.0]]))], np.zeros(2))
    relus = builder.elementwise("relu", z)
    form = builder.build(builder.affine([(relus, np.ones((1, 2)))], np.zeros(1)))
    text = "(if b then max(0, x + 1) + max(0, x - 1) else max(0, x) + max(0, x))"
    square = square_of(form, "x: real(-2,2) * b: bool", text, "real", 1e-3)
    claim = phases_claim(square, 50)
    assert claim is not None and claim.verdict == "proved"
    assert len(claim.certificate["pieces"]) == 2 and checked(square, claim) == "holds"
    builder = Builder(1)
    curved = builder.build(builder.elementwise("tanh", 0))
    assert phases_claim(square_of(curved, "x: real(-1,1)", "x", "real", 1.0), 50) is None


def test_a_solver_that_fails_is_unknown(monkeypatch):
    from distill.run.limited import Failure
    from distill.verify import phases_claim as room

    monkeypatch.setattr(room, "run_limited", lambda *a, **k: Failure("memory", "out of memory"))
    claim = phases_claim(copied(1, 1e-3, 0.05), 400)
    assert claim is not None and claim.verdict == "unknown" and "memory" in claim.statement


def test_a_claim_in_lockstep_without_pairs_is_checked_as_others_are():
    builder = Builder(1)
    relu = builder.elementwise("relu", builder.affine([(0, np.eye(1))], np.array([-0.5])))
    form = builder.build(builder.affine([(relu, np.eye(1))], np.zeros(1)))
    square = square_of(form, "x: real(-1,1)", "max(0, x - 1 / 2) / 2", "real", 0.3)
    claim = bounds_claim(square, 200)
    assert claim is not None and claim.verdict == "proved"
    assert checked(square, replace(claim, method="lockstep")) == "holds"
    short = replace(claim, method="lockstep", achieved=0.2)
    assert checked(square, short) != "holds"
