"""The relational rung for literal programs: network and program are the same arithmetic.

A literal program denotes its normal form exactly, so only rounding separates the two:
the network's in float32 and the program's in float64, both bounded over the whole domain.
"""

from __future__ import annotations

import time

import numpy as np

from distill.evidence import Claim
from distill.literal import literal_program
from distill.verify.envelope import FLOAT64, SPARE, float_error
from distill.verify.square import Square, exemption
from distill.verify.wording import ARITHMETIC
from dsl.domain import Domain, DomainError
from dsl.expand import written_out


def relational(square: Square) -> Claim | None:
    """The claim about a literal program; None where the program isn't that of the network."""
    target, begin = square.target, time.perf_counter()
    literal = literal_program(target.form, target.domain, target.output)
    box = input_box(target.domain)
    if literal.main.body is not written_out(square.program).main.body or box is None:
        return None
    low, high = (end[None] for end in box)
    error = float(
        (float_error(target.form, low, high) + float_error(target.form, low, high, FLOAT64)).max()
    )
    if not np.isfinite(error):
        return None
    error *= SPARE
    discrete = target.output.discrete
    margin = max(square.margin, 2.0 * error)
    holds = discrete or error <= target.tolerance
    return Claim(
        "proved" if holds else "unknown",
        "relational",
        "the program is the network's own arithmetic; only rounding separates them",
        tolerance=None if discrete else target.tolerance,
        achieved=0.0 if discrete else error,
        exempt=exemption(margin) if discrete else None,
        margin=margin if discrete else 0.0,
        arithmetic=ARITHMETIC,
        seconds=time.perf_counter() - begin,
    )


def input_box(domain: Domain) -> tuple[np.ndarray, np.ndarray] | None:
    """Bounds of the network's inputs (width,) on a domain; None where a field has none."""
    try:
        low, high = domain.value_box()
    except DomainError:
        return None
    pair = domain.encoding_map()
    if pair is None:
        return _mixed_box(domain)
    ends = np.stack([pair[0] * low + pair[1], pair[0] * high + pair[1]])
    return ends.min(0), ends.max(0)


def _mixed_box(domain: Domain) -> tuple[np.ndarray, np.ndarray]:
    """Where some field is one-hot or bits: the hull of what each field can give."""
    lows, highs = [], []
    for field in domain.fields:
        inner = (
            input_box(Domain((field,))) if field.encoding.kind not in ("onehot", "bits") else None
        )
        one = inner or (np.zeros(field.width), np.ones(field.width))
        lows.append(one[0])
        highs.append(one[1])
    return np.concatenate(lows), np.concatenate(highs)
