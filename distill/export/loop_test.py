"""test_program.py of a loop: a pytest + hypothesis test of program.py against network.onnx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distill.evidence import Claim
from distill.recurrent_target import show_reading

if TYPE_CHECKING:
    from distill.distillation_loop import LoopDistillation

_HEAD = '''"""Property test of program.py against network.onnx, on sequences{claimed}."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.load.recurrent import load_recurrent
from distill.recurrent_target import Oracle, parse_reading
from distill.verify.exceptions import closest_so_far
from dsl.sequences import parse_sequences

HERE = Path(__file__).parent
DOMAIN = parse_sequences({domain!r})
OUTPUT, AT_END = parse_reading({output!r})
LONGEST = {longest!r}
MARGIN = {margin!r}
{allowed}NETWORK = load_recurrent(HERE / "network.onnx", HERE / "initial_state.npy")
ORACLE = Oracle(NETWORK, DOMAIN, OUTPUT, LONGEST, AT_END)
NAMESPACE = {{"__name__": "program"}}
exec(compile((HERE / "program.py").read_text(encoding="utf-8"), "program.py", "exec"), NAMESPACE)


def plain(columns, row):
    """A sequence as predict takes it."""
    items = zip(*(c[row].tolist() for c in columns))
    return [item if len(columns) > 1 else item[0] for item in items]


def near(given, wanted):
    """Where two outputs are the same{within}."""
    return {near}


def different(columns):
    """Sequences on which program and network differ where the claim says that they agree."""
    raw = ORACLE.raw(columns)
    wanted, clear = ORACLE.read(raw), closest_so_far(ORACLE, raw) > MARGIN
    found = []
    for row in range(len(raw)):
        items = plain(columns, row)
        given = np.asarray(NAMESPACE["predict"](items))
        if AT_END:
            same = near(given, wanted[row, -1]).all() or not clear[row, -1]
        else:
            same = near(given, wanted[row])[clear[row]].all()
        if not same:
            found.append(items)
    return found

'''

_EVERY = """
@settings(deadline=None, max_examples=200)
@given(st.lists(DOMAIN.item.strategy(), min_size=DOMAIN.shortest, max_size=LONGEST))
def test_program_agrees_with_network(items):
    columns = tuple(c[None] for c in DOMAIN.item.column(*items))
    assert different(columns) == []
"""

_TESTED = """
@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_program_agrees_with_network_on_uniform_sequences(seed):
    # the claim is one about uniform draws, so these are drawn too; of 512 a few may differ
    columns = DOMAIN.sample(np.random.default_rng(seed), 512, LONGEST)
    assert len(found := different(columns)) <= ALLOWED, found[:3]
"""


def loop_test(d: LoopDistillation) -> str:
    """The text of test_program.py for a loop, as far as its claim reaches."""
    claim = d.evidence.program_vs_deployed
    tested = claim.verdict in ("tested", "unknown", "refuted")
    longest = claim.length_bound or d.length
    longest = min(longest, d.domain.longest or longest)
    head = _HEAD.format(
        claimed=f" of {longest} items" if tested else f" of up to {longest} items",
        domain=str(d.domain),
        output=show_reading(d.output, d.program.at_end),
        longest=longest,
        margin=claim.margin,
        within="" if d.output.discrete else f", within {claim.tolerance:.4g}",
        near="given == wanted"
        if d.output.discrete
        else f"abs(given - wanted) <= {_least(claim)!r}",
        allowed=f"ALLOWED = {_allowed(claim)}\n" if tested else "",
    )
    return head + (_TESTED if tested else _EVERY)


def _least(claim: Claim) -> float:
    """What outputs may be apart: the tolerance, and rounding in another order."""
    return (claim.tolerance or 0.0) * (1 + 1e-9)


def _allowed(claim: Claim) -> int:
    """How many of 512 uniform sequences may differ; chance seldom makes it more."""
    share = claim.left_out if claim.margin == 0 else 0.0
    expected = 512 * share
    return 1 + int(expected + 5 * expected**0.5)
