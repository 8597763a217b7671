"""Functions in processes of their own: what ends one is a failure, and the run goes on."""

import os
import sys

import numpy as np
import pytest

from distill.run.budget import Budget
from distill.run.limited import Failure, Limits, run_limited

SHORT = Limits(seconds=0.5, mebibytes=1024)


def doubled(values):
    return 2 * values


def exits():
    os._exit(3)


def allocates():
    return len([np.empty(1 << 24) for _ in range(64)])


def runs_on():
    while True:
        pass


def raises():
    raise KeyError("wanted")


def tries_to_read_input():
    return sys.stdin.read()


def test_a_result_comes_back():
    assert run_limited(doubled, np.arange(3), limits=SHORT).tolist() == [0, 2, 4]
    assert run_limited(tries_to_read_input, limits=SHORT) == ""


@pytest.mark.parametrize(
    ("function", "reason"),
    [(exits, "crash"), (allocates, "memory"), (runs_on, "time"), (raises, "crash")],
)
def test_what_ends_the_process_is_a_failure(function, reason):
    found = run_limited(function, limits=SHORT)
    assert isinstance(found, Failure)
    assert found.reason == reason


def test_what_cannot_be_sent_is_a_failure():
    found = run_limited(lambda: 1, limits=SHORT)
    assert isinstance(found, Failure) and found.reason == "crash"


def test_a_run_that_ends_ends_its_process():
    stage = Budget(steps=10, seconds=0.0).stage(1.0)
    found = run_limited(runs_on, limits=Limits(seconds=60.0), stop=stage)
    assert isinstance(found, Failure) and found.reason == "stopped"
