"""Functions with several registers, lists and machines are found from their behaviour alone."""

import numpy as np
import pytest

import distill
from distill.load.recurrent import load_recurrent
from distill.loops import make_oracle
from distill.synthesize.loops.search import search_loops
from dsl.meanings.loop_array import run_loop

NEXT = np.array([[1, 3, 0], [2, 0, 0], [0, 1, 1], [2, 2, 3]])


def best_sum(h, x):
    """The largest sum of a run of items so far: (sum that ends here, best)."""
    ending = np.maximum(h[:, 0] + x[:, 0], x[:, 0])
    return np.stack([ending, np.maximum(h[:, 1], ending)], 1)


def longest_run(h, x):
    run = np.where(x[:, 0] > 0, h[:, 0] + 1, 0)
    return np.stack([run, np.maximum(h[:, 1], run)], 1)


def second_largest(h, x):
    return np.stack(
        [np.maximum(h[:, 0], x[:, 0]), np.maximum(h[:, 1], np.minimum(h[:, 0], x[:, 0]))], 1
    )


def machine(h, x):
    return NEXT[h[:, :1].astype(int), x.astype(int)].astype(float)


def distinct(h, x):
    """Which of four items have come, and how many: (4 + 1 numbers)."""
    seen = np.maximum(h[:, :4], x == np.arange(4))
    return np.concatenate([seen, seen.sum(1, keepdims=True)], 1)


def remember(h, x):
    """All items so far: their number, then the items."""
    new, rows = h.copy(), np.arange(len(h))
    new[rows, 1 + h[:, 0].astype(int)] = x[:, 0]
    new[:, 0] += 1
    return new


def is_palindrome(h):
    lengths = h[:, 0].astype(int)
    seen = [row[1 : 1 + n] for row, n in zip(h, lengths, strict=True)]
    return np.array([[float((s == s[::-1]).all())] for s in seen])


def test_what_needs_all_items_remembers_them_as_digits():
    network = load_recurrent(distill.Recurrent(remember, is_palindrome, np.zeros(16), item_width=1))
    oracle = make_oracle(network, "seq(x: bool)", "seq(bool)", 9)
    found = search_loops(oracle)[0].loop
    longer = oracle.domain.words(12, 0, 2**12)
    assert (run_loop(found, longer) == oracle.values(longer)).all()


@pytest.mark.parametrize(
    ("step", "start", "inputs", "registers"),
    [
        (best_sum, [-3.0, -3.0], "seq(x: int(-3,3))", 2),
        (longest_run, [0.0, 0.0], "seq(x: bool)", 2),
        (second_largest, [0.0, 0.0], "seq(x: int(0,9))", 2),
        (machine, [0.0], "seq(x: int(0,2))", 1),
        (distinct, [0.0] * 5, "seq(x: int(0,3))", 2),
    ],
    ids=["best sum", "longest run", "second largest", "machine", "distinct"],
)
def test_a_function_with_a_state_is_found(step, start, inputs, registers):
    network = load_recurrent(distill.Recurrent(step, lambda h: h[:, -1:], np.array(start)))
    oracle = make_oracle(network, inputs, "seq(int)", 8)
    found = search_loops(oracle)[0].loop
    assert len(found.registers) <= registers
    fresh = oracle.domain.sample(np.random.default_rng(77), 2_000, 12)
    assert (run_loop(found, fresh) == oracle.values(fresh)).all()


def test_a_name_of_a_field_is_no_register():
    def step(h, x):
        return (h + x[:, :1]) * (1 - x[:, 1:])

    network = load_recurrent(distill.Recurrent(step, lambda h: h, np.zeros(1)))
    oracle = make_oracle(network, "seq(total: int(0,3) * r: bool)", "seq(int)", 8)
    found = search_loops(oracle)[0].loop
    assert {r.name for r in found.registers}.isdisjoint({"total", "r"})
    fresh = oracle.domain.sample(np.random.default_rng(78), 500, 12)
    assert (run_loop(found, fresh) == oracle.values(fresh)).all()
