"""Rounded networks: few digits, the same decisions."""

from __future__ import annotations

import numpy as np

from distill.normal_form import Affine, Builder, NormalForm
from distill.simplify.rounded import rounded, rounded_alike


def network(seed: int = 0) -> NormalForm:
    rng = np.random.default_rng(seed)
    builder = Builder(3)
    hidden = builder.affine([(0, rng.normal(size=(8, 3)))], rng.normal(size=8))
    out = builder.affine(
        [(builder.elementwise("tanh", hidden), rng.normal(size=(2, 8)))], np.ones(2)
    )
    return builder.build(out)


def test_more_digits_come_closer():
    form, x = network(), np.random.default_rng(1).normal(size=(200, 3))
    gaps = [np.abs(rounded(form, d).run(x) - form.run(x)).max() for d in (4, 8, 16)]
    assert gaps[0] > gaps[1] > gaps[2]


def test_weights_are_whole_numbers_of_few_digits_times_a_power_of_two():
    maps = [n for n in rounded(network(), 5).nodes if isinstance(n, Affine)]
    whole = [m for n in maps[::2] for _, m in n.terms]
    assert all((m == np.rint(m)).all() and np.abs(m).max() <= 32 for m in whole)
    assert all((m == m[0, 0] * np.eye(len(m))).all() for n in maps[1::2] for _, m in n.terms)


def test_only_forms_that_decide_alike_are_offered():
    form, x = network(3), np.random.default_rng(2).normal(size=(500, 3))
    decide = lambda raw: raw.argmax(1)  # noqa: E731
    found = list(rounded_alike(form, x, decide))
    assert found
    assert all((decide(f.run(x)) != decide(form.run(x))).mean() <= 0.002 for f in found)
