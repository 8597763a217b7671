"""Where recurrent networks depart from their programs, and the table of what is proved."""

from __future__ import annotations

import pytest
from test_loop_checker import PARITY, parity

from benchmarks.rnn.departures import FEW, departs_early, departs_late
from benchmarks.rnn.proofs import page, proved
from distill.loops import make_oracle
from dsl.loop_text import parse_loop

LOOP = parse_loop(PARITY)


def oracle(drift: float):
    return make_oracle(parity(drift), "seq(x: bool)", "seq(bool above 0.5)", 10)


def test_drift_is_seen_by_draws_or_by_following_the_worst_states():
    early, slow = oracle(0.02), oracle(0.0004)
    assert (departs_early(LOOP, early, FEW) or 999) < 60
    assert departs_early(LOOP, slow, FEW) is None  # 256 items aren't enough
    departs, followed = departs_late(LOOP, slow, 60.0)
    assert departs == followed
    assert 256 < followed < 5_000


def test_a_network_that_stays_is_followed_to_the_end_of_its_time():
    departs, followed = departs_late(LOOP, oracle(0.0), 0.2)
    assert departs is None
    assert followed >= 1_000


@pytest.mark.parametrize(("drift", "shown"), [(0.0, True), (0.02, False)])
def test_entries_say_what_is_proved_or_where_a_network_departs(drift, shown):
    entry = {"name": "parity", "hidden": 1} | proved(LOOP, oracle(drift))
    assert entry.get("proved", False) is shown
    assert ("departs" in entry) is not shown
    if shown:
        assert entry["checked"]
    text = page([entry], "")
    assert ("| up to 4 | 1 | 0 | 1 | 1 | 100 %" in text) is shown
