"""The network's own arithmetic in a loop: the same numbers, and bounds of its rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import distill
from distill.literal_loop import literal_loop
from distill.load.recurrent import load_recurrent
from distill.loops import make_oracle
from distill.normal_form_moves import without_moves
from distill.verify.unrolled import unrolled, unrolled_claim
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop
from tests.loops.networks import DRIFTS, PAIR, PARITY


def of_torch(kind, hidden):
    torch.manual_seed(4)
    names = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell}
    readout = torch.nn.Linear(hidden, 2)
    return load_recurrent(distill.Recurrent(names[kind](3, hidden), readout, np.full(hidden, 0.3)))


@pytest.mark.parametrize("network", [PARITY, PAIR, of_torch("rnn", 4), of_torch("gru", 3)])
@pytest.mark.parametrize("plain", [False, True])
def test_it_computes_what_the_network_computes(network, plain):
    width = network.input_width
    oracle = make_oracle(network, f"seq(real(-1,1)[{width}])", "category(2)", 6) if (
        network.output_width == 2
    ) else make_oracle(network, "seq(real(-1,1))", "seq(bool above 0.1)", 6)  # fmt: skip
    loop = literal_loop(network, oracle.domain.item, oracle.output, oracle.at_end, plain)
    assert parse_loop(str(loop)) == loop
    columns = oracle.domain.sample(np.random.default_rng(1), 500, 6)
    clear = oracle.margins(oracle.raw(columns)) > 1e-4
    assert clear.mean() > 0.9
    assert (run_loop(loop, columns) == oracle.values(columns))[clear].all()


@pytest.mark.parametrize("network", [PAIR, of_torch("rnn", 4), of_torch("gru", 3)])
def test_moves_are_gone_and_nothing_else(network):
    form = network.cell.normal_form()
    small = without_moves(form)
    assert len(small.nodes) < len(form.nodes)
    x = np.random.default_rng(0).normal(size=(100, form.input_width))
    np.testing.assert_allclose(small.run(x), form.run(x), rtol=1e-12, atol=1e-12)


def test_a_whole_sequence_is_one_normal_form():
    network = of_torch("gru", 3)
    items = np.random.default_rng(2).normal(size=(50, 4, 3))
    given = unrolled(network, 4).run(items.reshape(50, -1)).reshape(50, 4, 2)
    np.testing.assert_allclose(given, network.run(items)[1], atol=1e-5)


def test_the_margin_covers_the_rounding():
    oracle = make_oracle(of_torch("rnn", 4), "seq(real(-1,1)[3])", "seq(bool[2])", 8)
    claim = unrolled_claim(oracle)
    assert claim is not None
    assert (claim.verdict, claim.length_bound) == ("proved_to_length", 8)
    form = unrolled(oracle.network, 8)
    columns = oracle.domain.sample(np.random.default_rng(3), 500, 8)
    inputs = oracle.domain.encode(columns)
    exact = form.run(inputs.astype(np.float32).astype(np.float64).reshape(500, -1))
    apart = np.abs(exact - oracle.raw(columns).reshape(500, -1)).max()
    assert 0 < apart < claim.margin / 2


def test_where_rounding_may_grow_too_far_the_claim_ends_early():
    claim = unrolled_claim(make_oracle(DRIFTS, "seq(bool)", None, 30))
    assert claim is not None
    assert (claim.length_bound or 30) < 30
