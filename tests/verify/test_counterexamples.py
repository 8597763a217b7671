"""Counterexamples: one for every region that fails, each run again in every arithmetic there is."""

import json
from dataclasses import replace

import numpy as np
import pytest

from distill.checker.replay import more_findings, replay_finding
from distill.cli_views import counterexample_lines
from distill.evidence import Claim
from distill.load import load, network_from_normal_form, write_onnx
from distill.load.framework import of_written
from distill.normal_form import Builder
from distill.standing import counterexamples
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool
from distill.target import make_target, resolve_output
from distill.verify.boxes import bounds_claim
from distill.verify.exhaustive import exhaustive
from distill.verify.failing import regions_of
from distill.verify.gap import tuned_claim
from distill.verify.ladder import Effort, verify
from distill.verify.refutation import finished
from distill.verify.replay import BOTH, NONE, OPEN, REALS_ONLY, RUN_ONLY, framework_of, replay
from distill.verify.smt import smt_claim
from distill.verify.square import Square
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import program
from dsl.text import parse

LITTLE = Effort(boxes=3000, draws=4000, tuned_boxes=3000, nodes=2)
PLANE = "x: real(-1,1) * y: real(-1,1)"
FAR = 2.0**25
"""float32 numbers of this size are 4 apart."""


def square_of(network, inputs, text, output="real", tolerance=None, margin=0.0):
    domain = parse_domain(inputs)
    read = resolve_output(network, output)
    target = make_target(network, domain, read, tolerance, margin)
    body = parse(text, dict(domain.parameters))
    return Square(target, program(domain.parameters, body, target.output.type), margin)


def bumpy(centres, width=0.06, height=0.3, slope=1.0):
    """slope * x with a bump of this height around every centre in y."""
    builder, count = Builder(2), len(centres)
    shifts = np.concatenate([np.array([c - width, c, c + width]) for c in centres])
    first = np.vstack([np.tile([[0.0, 1.0]], (3 * count, 1)), [[1.0, 0.0], [-1.0, 0.0]]])
    bias = np.concatenate([-shifts, [0.0, 0.0]])
    inner = builder.elementwise("relu", builder.affine([(0, first)], bias))
    last = np.concatenate([np.tile([1.0, -2.0, 1.0], count) * height / width, [slope, -slope]])
    return network_from_normal_form(
        builder.build(builder.affine([(inner, last[None])], np.zeros(1)))
    )


def far_and_back():
    """relu(x + FAR) - FAR: x over the reals, and 0 in float32 for small x."""
    builder = Builder(1)
    inner = builder.elementwise("relu", builder.affine([(0, np.eye(1))], np.array([FAR])))
    return network_from_normal_form(
        builder.build(builder.affine([(inner, np.eye(1))], np.array([-FAR])))
    )


def inputs_of(claim):
    return [tuple(one["inputs"].values()) for one in claim.counterexamples]


def near(points, centres, width):
    """Every centre has a counterexample within its bump, and there are no others."""
    ys = np.array([p[1] for p in points])
    return len(ys) == len(centres) and all(np.abs(ys - c).min() < width for c in centres)


@pytest.mark.parametrize("centres", [(0.5,), (-0.5, 0.4), (-0.7, 0.0, 0.6)])
def test_every_bump_gives_a_counterexample_and_a_condition(centres):
    square = square_of(bumpy(centres), PLANE, "x", tolerance=0.05)
    claim = finished(square, verify(square, 0, LITTLE), 0)
    assert claim.verdict == "refuted"
    assert claim.counterexample == claim.counterexamples[0]
    assert near(inputs_of(claim), centres, 0.06)
    assert {one["kind"] for one in claim.counterexamples} == {BOTH}
    held = 0
    for region in claim.regions:
        condition = parse(region["condition"], dict(square.target.domain.parameters))
        made = program(square.target.domain.parameters, condition)
        columns = counterexamples(square.target, claim)
        held += int(np.broadcast_to(run(made, columns), len(columns[0])).sum())
    assert held >= len(centres)
    assert {r["condition"] for r in claim.regions if r["differing"] > 0.9}


def test_branch_and_bound_gives_the_points_that_it_finds():
    centres = (-0.512, 0.375)
    square = square_of(bumpy(centres, 0.004), PLANE, "x", tolerance=0.05)
    claim = bounds_claim(square, 4000)
    assert claim is not None
    assert claim.verdict == "refuted"
    assert near(inputs_of(claim), centres, 0.004)


def test_tuned_slopes_end_with_the_first_that_is_found():
    square = square_of(bumpy((-0.512, 0.375), 0.004), PLANE, "x", tolerance=0.05)
    claim = tuned_claim(square, 4000)
    assert claim is not None
    assert claim.verdict == "refuted"
    assert near(inputs_of(claim), (0.375,), 0.004) or near(inputs_of(claim), (-0.512,), 0.004)


def test_branch_and_bound_refutes_beside_listed_truths():
    """A piece's points are put back among the scalars of the domain."""
    square = square_of(bumpy((0.5,), 0.01), "b: bool * y: real(-1,1)", "0.0", tolerance=1.1)
    claim = bounds_claim(square, 4000)
    assert claim is not None
    assert claim.verdict == "refuted"
    assert claim.counterexamples[0]["inputs"]["b"] is True


def test_z3s_model_refutes_once_it_was_run():
    square = square_of(bumpy((0.5,), 0.004), PLANE, "x", tolerance=0.05)
    claim = smt_claim(square)
    assert claim is not None
    assert (claim.verdict, claim.method) == ("refuted", "smt")
    assert near(inputs_of(claim), (0.5,), 0.004)


def test_a_box_that_decides_otherwise_refutes():
    square = square_of(bumpy((0.5,), 0.2), PLANE, "x > 2", "bool", margin=0.05)
    claim = bounds_claim(square, 4000)
    assert claim is not None
    assert claim.verdict == "refuted"
    assert claim.counterexamples[0]["network"] is True


def test_a_difference_over_the_reals_only_is_told_and_refutes_nothing():
    square = square_of(far_and_back(), "x: real(0,1)", "0.0", tolerance=0.1)
    assert replay(square, (np.array([0.75]),)).kind == REALS_ONLY
    claim = finished(square, verify(square, 0, LITTLE), 0)
    assert claim.verdict == "tested"
    assert claim.counterexample is None
    assert {one["kind"] for one in claim.counterexamples} == {REALS_ONLY}
    assert "over the reals they differ" in claim.statement
    shown = claim.counterexamples[0]
    assert shown["exact"]["network"] == [shown["inputs"]["x"]]
    assert shown["network"] == 0.0


def test_a_difference_in_float32_only_is_told():
    square = square_of(far_and_back(), "x: real(0,1)", "x", tolerance=0.1)
    claim = verify(square, 0, LITTLE)
    assert claim.verdict == "refuted"
    assert {one["kind"] for one in claim.counterexamples} == {RUN_ONLY}


def test_decisions_are_replayed_over_the_reals():
    square = square_of(far_and_back(), "x: real(0,1)", "x > 0.5", "bool above 0.5")
    assert replay(square, (np.array([0.75]),)).kind == RUN_ONLY
    assert replay(square, (np.array([0.25]),)).kind == NONE
    other = square_of(far_and_back(), "x: real(0,1)", "x > 2", "bool above 0.5")
    assert replay(other, (np.array([0.75]),)).kind == REALS_ONLY
    exempt = replace(other, margin=0.3)
    assert replay(exempt, (np.array([0.75]),)).kind == NONE


def test_functions_without_rationals_are_enclosed():
    square = square_of(bumpy((0.5,)), PLANE, "sin(x)", tolerance=0.05)
    assert replay(square, (np.array([1.0]), np.array([0.0]))).kind == BOTH
    exactly_there = replace(square.target, tolerance=float(abs(1.0 - np.sin(np.float64(1.0)))))
    edge = replay(replace(square, target=exactly_there), (np.array([1.0]), np.array([0.0])))
    assert edge.kind in (NONE, OPEN)


def test_the_original_framework_is_asked(tmp_path):
    write_onnx(bumpy((0.5,)), tmp_path / "model.onnx")
    network = load(tmp_path / "model.onnx")
    square = square_of(network, PLANE, "x", tolerance=0.05)
    claim = finished(square, verify(square, 0, LITTLE), 0)
    theirs = claim.counterexamples[0]["framework"]
    assert theirs["name"] in ("onnxruntime", "onnx's reference")
    assert theirs["differs"]
    assert abs(theirs["network"] - claim.counterexamples[0]["network"]) < 1e-5
    lines = list(counterexample_lines(claim))
    assert any(line.startswith("framework: ") and theirs["name"] in line for line in lines)
    json.dumps(claim.to_json())


def test_torch_is_asked_in_eval_mode():
    torch = pytest.importorskip("torch")
    layers = torch.nn.Linear(2, 4), torch.nn.Dropout(0.9), torch.nn.Linear(4, 1)
    model = torch.nn.Sequential(*layers).train()
    network = load(model)
    runner = framework_of(network)
    assert runner is not None
    assert runner[0] == "torch"
    x = np.array([[0.5, -0.25]])
    assert np.allclose(runner[1](x), network.run(x), atol=1e-6)
    assert model.training


def test_a_framework_speaks_for_no_other_network(tmp_path):
    write_onnx(bumpy((0.5,)), tmp_path / "model.onnx")
    network = load(tmp_path / "model.onnx")
    assert network.framework is not None
    inner = network.up_to(network.operations[0].outputs[0])
    assert inner.framework is None
    assert replace(network, constants=dict(network.constants)).framework is None
    assert of_written(inner).run(np.zeros((1, 2))).shape == (1, inner.output_width)


def test_a_difference_that_the_framework_lacks_is_told():
    network = bumpy((0.5,))
    made = of_written(network)
    other = replace(made, run=lambda x: np.asarray(x)[:, :1], constants=network.constants)
    square = square_of(replace(network, source=other), PLANE, "x", tolerance=0.05)
    claim = finished(square, verify(square, 0, LITTLE), 0)
    assert claim.verdict == "refuted"
    assert "at the edge of rounding" in claim.statement
    assert not claim.counterexamples[0]["framework"]["differs"]


def test_a_listed_domain_gives_several_too():
    builder = Builder(1)
    square = square_of(
        network_from_normal_form(builder.build(builder.affine([(0, np.eye(1))], np.zeros(1)))),
        "n: int(0,99)",
        "if n == 12 or n == 13 or n == 70 then 5.0 else n",
        tolerance=0.5,
    )
    claim = exhaustive(square)
    assert claim is not None
    assert inputs_of(claim) == [(12,), (70,)]


def test_regions_of_truths_are_told_by_single_steps():
    domain = parse_domain("b: bool[4]")

    def differs(columns):
        return np.ones(len(columns[0]), dtype=bool)

    points = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 0]], dtype=float)
    assert regions_of(domain, differs, points).tolist() == [0, 0, 1, 1]


def test_a_ring_is_one_region_and_its_middle_none():
    domain = parse_domain(PLANE)

    def differs(columns):
        return np.abs(np.hypot(*columns) - 0.7) < 0.15

    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = 0.7 * np.column_stack([np.cos(turns), np.sin(turns)])
    assert set(regions_of(domain, differs, ring)) == {0}
    assert regions_of(domain, differs, ring[[0, 8]]).tolist() == [0, 1]


def test_all_counterexamples_go_back_to_the_pool():
    """A program that is wrong at the second bump only no longer holds; one that is right does."""
    square = square_of(bumpy((-0.5, 0.4), 0.004), PLANE, "x", tolerance=0.05)
    claim = bounds_claim(square, 4000)
    assert claim is not None
    columns = counterexamples(square.target, claim)
    assert len(columns[0]) == 2
    points = judging_points(square.target, 0)
    pool = Pool(square.target, tuple(c[:50] for c in points))
    bump = "max(0.0, 1.0 - abs(y {} ) / 0.004) * 0.3"
    half, whole = (
        " + ".join(["x", *(bump.format(b) for b in some)])
        for some in (["+ 0.5"], ["+ 0.5", "- 0.4"])
    )
    fields = dict(square.target.domain.parameters)
    made = [pool.offer(parse(text, fields), "hint") for text in ("x", half, whole)]
    assert all(one is not None and one.holds for one in made)
    pool.learn(columns)
    holds = [pool.judged[parse(text, fields)].holds for text in ("x", half, whole)]
    assert holds == [False, False, True]
    assert pool.learned is not None
    assert len(pool.points[0]) == 52


def test_the_check_runs_all_of_them_again():
    square = square_of(bumpy((-0.5, 0.4)), PLANE, "x", tolerance=0.05)
    claim = finished(square, verify(square, 0, LITTLE), 0)
    first = replay_finding(square.target, square.program, claim)
    rest = list(more_findings(square.target, square.program, claim))
    assert first.state == "refuted"
    assert [f.state for f in rest].count("refuted") == 1
    assert [f.state for f in rest].count("note") == len(claim.regions) >= 1
    wrong = {**claim.regions[0], "inputs": {"x": 0.0, "y": 0.9}}
    odd = replace(claim, regions=[wrong], counterexamples=claim.counterexamples[:1])
    assert [f.state for f in more_findings(square.target, square.program, odd)] == ["unknown"]
    torn = replace(odd, regions=[{**wrong, "condition": "while true"}])
    assert [f.state for f in more_findings(square.target, square.program, torn)] == ["unknown"]


def test_old_evidence_has_only_the_one():
    claim = Claim("refuted", "sampling", "s", counterexample={"inputs": {"x": 1}})
    data = claim.to_json()
    del data["counterexamples"]
    assert Claim.from_json(data).counterexamples == []
    assert list(counterexample_lines(Claim.from_json(data))) == ["inputs: {'x': 1}"]
