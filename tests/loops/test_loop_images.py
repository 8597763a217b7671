"""Images of boxes under a step: no point that float32 computes lies outside, in any coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from distill.checker.frame import frame_of
from distill.checker.images import Boxes
from distill.checker.images import Stepper as Second
from distill.checker.loops import loop_findings
from distill.checker.machine import items_of, machine_of, with_memory
from distill.load import network_from_normal_form
from distill.loops import make_oracle
from distill.normal_form import Builder
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.recurrent_target import Oracle
from distill.target import parse_output
from distill.verify.cells import cells_claim
from distill.verify.frames import Frame
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.images import Stepper
from distill.verify.machine import remembering, steps_of
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences

ANY = "loop predict(x: int) -> seq(int)\n  start last: int = 0\n  out last\n  next last = x\n"
LATCH = """loop predict(s: bool, r: bool) -> seq(bool)
  start on: bool = false
  let now = s or on and not r
  out now
  next on = now
"""


def random_cell(seed: int, activation: str, hidden: int = 3) -> RecurrentNetwork:
    rng = np.random.default_rng(seed)

    def layer(rows: int, columns: int):
        parts = rng.normal(0, 0.8, (rows, columns)), rng.normal(0, 0.3, rows)
        weights, bias = (part.astype(np.float32).astype(np.float64) for part in parts)
        return weights, bias

    step = [layer(6, hidden + 1), layer(hidden, 6)]
    return RecurrentNetwork(cell_of_layers(step, [layer(1, hidden)], activation), np.zeros(hidden))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("seed", range(4))
def test_points_stay_inside_the_bounds_of_prover_and_checker(activation: str, seed: int):
    """Outputs are bounded as well: a box is refused unless they are near what is wanted."""
    network, rng = random_cell(seed, activation), np.random.default_rng(seed + 50)
    oracle = Oracle(network, parse_sequences("seq(int(0,2))"), parse_output("int"), 5)
    loop = parse_loop(ANY)
    matrix = rng.normal(0, 2.0, (3, 3))
    back = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    low = rng.normal(0, 0.5, (20, 3)).astype(np.float32) @ matrix.T
    high = low + rng.uniform(0, 0.2, low.shape)
    inside = low[:, None] + rng.uniform(0, 1, (20, 200, 3)) * (high - low)[:, None]
    states = (inside @ back.T).astype(np.float32).astype(np.float64)
    seen = states @ matrix.T
    kept = np.all((seen >= low[:, None]) & (seen <= high[:, None]), axis=2)
    steps = steps_of(loop, oracle)
    assert steps is not None
    mine = Stepper(oracle, steps, Frame(matrix, back))
    machine = machine_of(loop, items_of(oracle.domain.item, 10))
    cell = network.cell.normal_form()
    theirs = Second(cell, frame_of(matrix, 3), mine.items, machine, oracle.output)
    for item in range(3):
        ours = mine._bounded(*_with_rest(mine.frame, low, high, mine.items[item]))
        boxes = Boxes(np.zeros(20, dtype=np.int64), np.full(20, item), low, high)
        parts = [(a, b) for _, _, a, b in theirs.images(boxes)]
        other = tuple(np.concatenate(side) for side in zip(*parts, strict=True))
        for box in range(20):
            points = states[box][kept[box]]
            items = np.broadcast_to(mine.items[item], (len(points), 1))
            after, out = network.step(points, items)
            found = np.concatenate([after @ matrix.T, out], 1)
            assert (found >= ours[0][box]).all()
            assert (found <= ours[1][box]).all()
            assert (found[:, :3] >= other[0][box]).all()
            assert (found[:, :3] <= other[1][box]).all()
    assert kept.any()


def _with_rest(frame: Frame, low, high, item):
    largest = max(float(np.abs(low).max()), float(np.abs(high).max()))
    wide = np.broadcast_to(frame.rest(largest), low.shape)
    items = np.broadcast_to(item, (len(low), 1))
    return np.concatenate([low, -wide, items], 1), np.concatenate([high, wide, items], 1)


def test_prover_and_checker_number_states_alike():
    oracle = Oracle(
        random_cell(0, "relu"), parse_sequences("seq(int(0,2))"), parse_output("int"), 5
    )
    loop = parse_loop(ANY)
    machine = machine_of(loop, items_of(oracle.domain.item, 10))
    for memory in (0, 1, 2, 3):
        steps = steps_of(loop, oracle)
        assert steps is not None
        mine, theirs = remembering(steps, memory), with_memory(machine, memory)
        assert mine is not None
        assert (mine.next == theirs.next).all()
        assert (mine.outputs == theirs.outputs[:, :, 0]).all()
        assert len(mine.next) == {0: 3, 1: 4, 2: 13, 3: 40}[memory]


def tanh_latch(keep: float) -> RecurrentNetwork:
    """Its one number keeps its sign unless it is set or reset."""
    builder = Builder(3)
    held = builder.elementwise(
        "tanh", builder.affine([(0, np.array([[keep, 12, -6]]))], np.zeros(1))
    )
    return _twice(builder, held, -1.0)


def gated_latch(drift: float) -> RecurrentNetwork:
    """A gated unit: h' = h + z (n - h)."""
    builder = Builder(3)
    gate = builder.affine([(0, np.array([[0.0, 40, 40]]))], np.array([-20.0]))
    new = builder.affine([(0, np.array([[drift, 12.0, 0]]))], np.array([-4.0]))
    gate, new = builder.elementwise("sigmoid", gate), builder.elementwise("tanh", new)
    change = builder.affine([(new, np.eye(1)), (0, np.array([[-1.0, 0, 0]]))], np.zeros(1))
    product = builder.elementwise("mul", gate, change)
    held = [(product, np.eye(1)), (0, np.array([[1.0, 0, 0]]))]
    return _twice(builder, builder.affine(held, np.zeros(1)), -1.0)


def _twice(builder: Builder, wire: int, start: float) -> RecurrentNetwork:
    both = builder.affine([(wire, np.ones((2, 1)))], np.zeros(2))
    cell = network_from_normal_form(builder.build(both), "cell")
    return RecurrentNetwork(cell, np.array([start]))


@pytest.mark.parametrize(
    ("network", "verdict"),
    [(tanh_latch(3.0), "proved"), (tanh_latch(0.5), None), (gated_latch(0.0), "proved_to_length")],
)
def test_smooth_cells_are_proved_as_far_as_they_hold(
    network: RecurrentNetwork, verdict: str | None
):
    oracle = make_oracle(network, "seq(s: bool * r: bool)", "seq(bool above 0)", 10)
    loop = parse_loop(LATCH)
    claim = closed_claim(loop, oracle) or boxes_claim(loop, oracle)
    assert (claim and claim.verdict) == verdict or verdict is None
    if verdict is None:  # it forgets: true by its sign only, ever closer to 0
        assert claim is None or claim.verdict != "proved"
        return
    assert claim is not None
    for finding in loop_findings(oracle, loop, claim, np.random.default_rng(1)):
        assert finding.state == "holds", finding.text
    wrong = parse_loop(LATCH.replace("not r", "r"))
    for prove in (closed_claim, cells_claim, boxes_claim):
        assert prove(wrong, oracle) is None
