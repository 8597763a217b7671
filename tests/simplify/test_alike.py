"""Whether a changed network may speak for its original."""

from __future__ import annotations

import numpy as np

from distill.load import network_from_normal_form
from distill.normal_form import Builder, NormalForm
from distill.simplify.alike import decision_shares, likeness
from distill.target import Output, Target, make_target
from dsl.domain_text import parse_domain
from dsl.types import BOOL, REAL


def line(slope: float, bias: float) -> NormalForm:
    builder = Builder(1)
    return builder.build(builder.affine([(0, np.array([[slope]]))], np.array([bias])))


def target_of(output: Output, data: np.ndarray | None = None) -> Target:
    network = network_from_normal_form(line(1.0, 0.0))
    columns = None if data is None else (data,)
    return make_target(network, parse_domain("x: real(-1,1)"), output, data=columns)


def test_decisions_may_differ_only_close_to_the_original_s_own():
    alike = likeness(target_of(Output(BOOL)), 0)
    assert alike is not None
    assert alike(line(5.0, 0.0))
    assert alike(line(1.0, 0.003))
    assert not alike(line(1.0, 0.02))
    assert not alike(line(-1.0, 0.0))


def test_real_outputs_may_differ_by_half_of_the_tolerance():
    alike = likeness(target_of(Output(REAL)), 0)
    assert alike is not None
    assert alike(line(1.0, 0.009))
    assert not alike(line(1.0, 0.011))


def test_with_data_only_what_is_near_them_counts():
    alike = likeness(target_of(Output(BOOL), np.linspace(0.4, 0.9, 50)), 0)
    assert alike is not None
    assert alike(line(1.0, 0.02))
    assert not alike(line(1.0, -0.6))


def test_points_near_a_decision_count_most():
    shares = decision_shares(target_of(Output(BOOL)), np.array([[0.01], [-0.5], [0.9]]))
    assert shares[0] > 3 * shares[1] > 3 * shares[2]
    assert np.isclose(shares.mean(), 1)
