"""The causal benchmark's hand-wired networks compute their programs, and are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.evidence import causal
from benchmarks.evidence.causal import align_pair, aligned, pair_rows, told_apart, variables_of
from benchmarks.evidence.wired import COUNTER, NETWORKS, PAIRS, counter, mixed
from distill.target import make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.text import parse_program

EVERY = [*NETWORKS, *(side for pair in PAIRS for side in (pair.first, pair.second))]


@pytest.mark.parametrize("wired", EVERY, ids=[w.name for w in EVERY])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_network_computes_its_program(wired, seed: int) -> None:
    network, domain = mixed(wired, seed), parse_domain(wired.domain)
    target = make_target(network, domain, resolve_output(network, wired.output))
    columns = domain.sample(np.random.default_rng(0), 3000)
    wanted = np.asarray(run(parse_program(wired.text), columns)).astype(float)
    assert np.abs(target.values(columns).astype(float) - wanted).max() < 1e-4
    assert np.ptp(wanted) > 0


@pytest.mark.parametrize("pair", PAIRS, ids=[p.name for p in PAIRS])
def test_both_of_a_pair_compute_one_function(pair) -> None:
    domain = parse_domain(pair.first.domain)
    columns = domain.sample(np.random.default_rng(1), 3000)
    values = [np.asarray(run(parse_program(s.text), columns)) for s in (pair.first, pair.second)]
    assert np.allclose(*(v.astype(float) for v in values))


def test_the_counter_counts() -> None:
    items = np.random.default_rng(0).integers(0, 2, (50, 12, 1)).astype(float)
    outputs = counter(0).run(items)[1]
    assert np.array_equal(np.rint(outputs[..., 0]), np.cumsum(items[..., 0], 1) % 3)
    assert "% 3" in COUNTER


def test_a_wired_networks_variables_are_located_and_controls_are_not() -> None:
    wired = next(w for w in NETWORKS if w.name == "product by a table")
    (found,) = variables_of(aligned(wired, wired, 0))
    assert found["located"]
    told = found["interchange"]
    assert told["where_it_matters"]["passed"] >= 0.99 * told["where_it_matters"]["trials"]
    for control in ("random", "shuffled"):
        assert told[control]["passed"] <= 0.75 * told[control]["trials"]


def test_a_pair_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causal, "SAMPLES", 200)
    pair = next(p for p in PAIRS if p.name.startswith("maximum"))
    entry = align_pair(pair, 0)
    assert told_apart(entry)
    text = pair_rows(entry)
    assert text.count("1 of 1: m") == 2
    assert text.count("0 of 1") == 2
