"""The check of claims about loops: right ones are confirmed, all that was tampered with isn't."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.rnn.networks import network
from benchmarks.rnn.references import REFERENCES
from distill.checker.finding import verdict_of
from distill.checker.induction import induction_finding
from distill.checker.loops import loop_findings
from distill.checker.packed import unpacked_floats, unpacked_rows
from distill.checker.sequences import CLOSE
from distill.checker.tree import Refused
from distill.evidence import Claim
from distill.loops import make_oracle
from distill.recurrent import RecurrentNetwork, cell_of_layers
from distill.recurrent_target import Oracle
from distill.target import parse_output
from distill.verify.cells import cells_claim
from distill.verify.exceptions import excepted_claim
from distill.verify.hulls import boxes_claim, closed_claim
from distill.verify.linear_loops import linear_claim
from distill.verify.packed import packed_floats, packed_rows
from distill.verify.words import words_claim
from dsl.loop_text import parse_loop
from dsl.sequences import parse_sequences

READ = [([[1.0]], [0.0])]
COUNT = """loop predict(x: int) -> seq(int)
  start total: int = 0
  out total + x
  next total = total + x
"""
SECOND = """loop predict(x: int) -> seq(int)
  start previous: int = 0
  out previous
  next previous = x
"""
PARITY = """loop predict(x: bool) -> seq(bool)
  start odd: bool = false
  out odd xor x
  next odd = odd xor x
"""


def recurrent(step, readout, initial) -> RecurrentNetwork:
    layers = [
        [(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in part]
        for part in (step, readout)
    ]
    return RecurrentNetwork(cell_of_layers(layers[0], layers[1]), np.array(initial, dtype=float))


def parity(drift: float = 0.0, initial: float = 0.0) -> RecurrentNetwork:
    step = [([[1, 1], [1, 1]], [0, -1]), ([[1, -2]], [drift])]
    return recurrent(step, READ, [initial])


def delay(weight: float = 1.0, initial: float = 0.0) -> RecurrentNetwork:
    step = [([[0, 0, weight], [1, 0, 0]], [0, 0])]
    return recurrent(step, [([[0.0, 1.0]], [0.0])], [initial, initial])


def summing(weight: float = 1.0, initial: float = 0.0) -> RecurrentNetwork:
    return recurrent([([[weight, 1]], [0])], READ, [initial])


def turned(weight: float = 1.0, initial: float = 0.0) -> RecurrentNetwork:
    """`delay`, its hidden numbers added to and subtracted from each other."""
    step = [([[0.5, 0.5, weight], [-0.5, -0.5, weight]], [0, 0])]
    return recurrent(step, [([[0.5, -0.5]], [0.0])], [initial, initial])


DIV_3 = str(REFERENCES["rnn_div_3_numerical"])

KINDS = {
    "hulls": (SECOND, delay, "seq(int(0,5))", "int", closed_claim),
    "layers": (PARITY, lambda: parity(0.004), "seq(bool)", "bool above 0.5", cells_claim),
    "memory": (
        DIV_3,
        lambda: network("rnn_div_3_numerical"),
        "seq(bool)",
        "bool above 0.5",
        boxes_claim,
    ),
    "cells": (SECOND, delay, "seq(int(0,5))", "int", cells_claim),
    "boxes": (PARITY, parity, "seq(bool)", "bool above 0.5", boxes_claim),
    "linear": (COUNT, summing, "seq(int(0,9))", "int", linear_claim),
    "fading": (SECOND, lambda: turned(1.001), "seq(int(0,5))", "int", linear_claim),
    "listed": (PARITY, parity, "seq(bool)", "bool above 0.5", words_claim),
    "sampled": (COUNT, summing, "seq(int(0,9))", "int", words_claim),
}


@cache
def asked(kind: str):
    """The loop, the oracle and the claim of one kind."""
    text, make, inputs, outputs, prove = KINDS[kind]
    loop = parse_loop(text)
    oracle = make_oracle(make(), inputs, f"seq({outputs})", 10)
    if kind == "listed":
        claim = Claim("proved_to_length", "exhaustive", "", count=2**10, length_bound=10)
    elif kind == "sampled":
        claim = Claim("tested", "sampling", "", count=5000, length_bound=10)
    else:
        claim = prove(loop, oracle)
    assert claim is not None
    return loop, oracle, Claim.from_json(json.loads(json.dumps(claim.to_json())))


def verdict(loop, oracle, claim) -> str:
    return verdict_of(loop_findings(oracle, loop, claim, np.random.default_rng(3)))


@pytest.mark.parametrize("kind", KINDS)
def test_right_claims_are_confirmed(kind: str):
    assert verdict(*asked(kind)) == "holds"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "change", [("= 0", "= 1"), ("= false", "= true"), ("out ", "out not "), ("out ", "out 1 + ")]
)
def test_other_programs_are_refuted(kind: str, change: tuple[str, str]):
    loop, oracle, claim = asked(kind)
    text = str(loop)
    if change[0] not in text or ("not" in change[1]) != ("bool" in text):
        return
    assert verdict(parse_loop(text.replace(*change, 1)), oracle, claim) == "refuted"


@pytest.mark.parametrize("kind", ["cells", "boxes"])
def test_a_program_that_draws_miss_is_still_not_confirmed(kind: str):
    loop, oracle, claim = asked(kind)
    rare = {
        "cells": ("next previous = x", "next previous = if x == 3 then x + 1 else x"),
        "boxes": ("next odd = odd xor x", "next odd = odd or x"),
    }
    assert (
        induction_finding(oracle, parse_loop(str(loop).replace(*rare[kind])), claim).state
        == "unknown"
    )


OTHERS = {
    "cells": (delay(1.05), delay(1.0, 0.625)),
    "boxes": (parity(0.04), parity(0.0, 0.625)),
    "linear": (summing(1.01), summing(1.0, 0.625)),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("which", [0, 1])
def test_proofs_of_other_networks_and_first_states_are_not_confirmed(kind: str, which: int):
    loop, oracle, claim = asked(kind)
    other = replace(oracle, network=OTHERS[kind][which])
    assert verdict(loop, other, claim) != "holds"


def with_certificate(claim: Claim, **changed) -> Claim:
    return replace(claim, certificate={**(claim.certificate or {}), **changed})


def test_no_cell_and_no_box_can_be_left_out():
    listed = (("cells", "cells", 3), ("layers", "cells", 3), ("hulls", "states", 1),
              ("boxes", "states", 2), ("memory", "states", 2))  # fmt: skip
    for kind, place, width in listed:
        loop, oracle, claim = asked(kind)
        rows = unpacked_rows((claim.certificate or {})[place], width)
        for left in range(0, len(rows), max(len(rows) // 5, 1)):
            rest = {place: packed_rows(np.delete(rows, left, 0))}
            if place == "states":
                ends = unpacked_floats((claim.certificate or {})["ends"], 2 * oracle.network.hidden)
                rest["ends"] = packed_floats(np.delete(ends, left, 0))
            assert verdict(loop, oracle, with_certificate(claim, **rest)) == "unknown"


WIDTHS = [[0.1, 0.1], [1e-9, 1e-9], [1e9, 1e9], [1.0], [0, 1], [-1.0, 1.0], [float("nan"), 1],
          [float("inf"), 1], [10**400, 1], "", None, [[1, 1]], {"a": 1}]  # fmt: skip


@pytest.mark.parametrize("widths", WIDTHS)
def test_other_widths_are_not_confirmed(widths):
    loop, oracle, claim = asked("cells")
    assert verdict(loop, oracle, with_certificate(claim, widths=widths)) == "unknown"


@pytest.mark.parametrize("kind", ["cells", "boxes"])
@pytest.mark.parametrize(
    "value", [None, 3, "", "!", "AAAA", [], {}, float("nan"), 10**400, "eJw" * 9]
)
def test_what_is_no_certificate_is_a_sentence(kind: str, value):
    loop, oracle, claim = asked(kind)
    certificate = claim.certificate or {}
    for name in certificate:
        changed = with_certificate(claim, **{name: value})
        assert verdict(loop, oracle, changed) == "unknown"
    for name in ("matrix", "memory"):
        assert verdict(loop, oracle, with_certificate(claim, **{name: value})) == "unknown"
    wrong = replace(claim, certificate=value)
    assert verdict(loop, oracle, wrong) == "unknown"


def test_packed_arrays_are_read_back_and_bombs_are_not():
    rows = np.array([[3, -7], [4, 2**35], [-5, 0]])
    assert (unpacked_rows(packed_rows(rows), 2) == rows).all()
    for bad in (np.full((2, 2), 2**62), np.full((1, 2), -(2**63))):
        with pytest.raises(Refused):
            unpacked_rows(packed_rows(bad), 2)
    with pytest.raises(Refused):
        unpacked_rows(packed_rows(np.zeros((1 << 23, 2), dtype=np.int64)), 2)
    with pytest.raises(Refused):
        unpacked_floats(packed_floats(np.array([[1.0, np.nan]])), 2)


@pytest.mark.parametrize("kind", ["boxes", "linear", "listed", "sampled", "cells"])
@pytest.mark.parametrize("length", [0, -1, 0.5, 10.0, 10**18, 1e300, True])
def test_strange_lengths_are_not_confirmed(kind: str, length):
    loop, oracle, claim = asked(kind)
    if length == 10 and kind == "sampled":
        return
    assert verdict(loop, oracle, replace(claim, length_bound=length)) != "holds"


def drifting() -> tuple[Oracle, Claim]:
    """Boxes end where an output is no longer certain."""
    oracle = make_oracle(parity(0.004), "seq(bool)", "seq(bool above 0.5)", 10)
    claim = boxes_claim(parse_loop(PARITY), oracle)
    assert claim is not None
    return oracle, claim


def test_no_proof_is_stretched_by_an_item():
    oracle, claim = drifting()
    longer = replace(claim, length_bound=(claim.length_bound or 0) + 1)
    assert verdict(parse_loop(PARITY), oracle, claim) == "holds"
    assert verdict(parse_loop(PARITY), oracle, longer) != "holds"
    network = summing(1.0004)
    oracle = make_oracle(network, "seq(int(0,9))", "seq(int)", 10)
    claim = linear_claim(parse_loop(COUNT), oracle)
    assert claim is not None
    longer = replace(claim, length_bound=(claim.length_bound or 0) + 1)
    assert verdict(parse_loop(COUNT), oracle, claim) == "holds"
    assert verdict(parse_loop(COUNT), oracle, longer) != "holds"


def test_no_proof_up_to_a_length_is_stretched_to_every_length():
    for weight, text in ((1.0, COUNT), (1.0004, COUNT)):
        oracle = make_oracle(summing(weight), "seq(int(0,9))", "seq(int)", 10)
        claim = linear_claim(parse_loop(text), oracle)
        assert claim is not None
        assert claim.verdict == "proved_to_length"
        ever = replace(claim, verdict="proved", length_bound=None)
        assert verdict(parse_loop(text), oracle, ever) != "holds"


def test_no_listing_is_stretched_beyond_the_first_difference():
    oracle = make_oracle(parity(0.05), "seq(bool)", "seq(bool above 0.5)", 6)
    claim = words_claim(parse_loop(PARITY), oracle, 0)
    assert (claim.method, verdict(parse_loop(PARITY), oracle, claim)) == ("exhaustive", "holds")
    length = (claim.length_bound or 0) + 1
    longer = replace(claim, length_bound=length, count=2**length)
    assert verdict(parse_loop(PARITY), oracle, longer) == "refuted"
    assert verdict(parse_loop(PARITY), oracle, replace(claim, count=claim.count + 1)) == "refuted"


@pytest.mark.parametrize(
    ("method", "word"),
    [("relational", "tested"), ("sampling", "proved"), ("smt", "proved"), ("induction", "tested")],
)
def test_methods_give_their_own_verdicts_only(method: str, word: str):
    loop, oracle, claim = asked("cells")
    assert verdict(loop, oracle, replace(claim, method=method, verdict=word)) == "refuted"


@pytest.mark.parametrize("kind", ["hulls", "layers", "memory"])
def test_every_kind_of_certificate_is_written(kind: str):
    certificate = asked(kind)[2].certificate or {}
    assert certificate["kind"] == {"memory": "boxes"}.get(kind, kind)
    assert certificate.get("memory", 0) == (kind == "memory")


def test_coordinates_in_which_states_are_thin_are_found_and_checked():
    loop = parse_loop(SECOND)
    oracle = make_oracle(turned(), "seq(int(0,30))", "seq(int)", 10)
    claim = closed_claim(loop, oracle)
    assert claim is not None
    matrix = np.array((claim.certificate or {})["matrix"])
    assert verdict(loop, oracle, claim) == "holds"
    for wrong in (matrix.T, 1.01 * matrix, matrix[:1], np.zeros((2, 2)), np.full((2, 2), np.nan),
                  np.full((2, 2), 1e-200), np.array([[1.0, 1], [1, 1 + 2.0**-52]])):  # fmt: skip
        changed = with_certificate(claim, matrix=wrong.tolist())
        assert verdict(loop, oracle, changed) == "unknown"
    for other in (turned(1.05), turned(1.0, 0.625)):
        assert verdict(loop, replace(oracle, network=other), claim) != "holds"


@pytest.mark.parametrize("listed", [True, False])
def test_networks_that_err_now_and_then_hold_with_what_is_left_out_only(listed: bool):
    domain, loop = parse_sequences("seq(int(0,3))"), parse_loop(COUNT)
    oracle = Oracle(summing(1.0065), domain, parse_output("int"), 8)
    drawn = domain.sample(np.random.default_rng(4), 65_536, 8)
    blocks = [domain.words(8, 0, 4**8) if listed else drawn]
    claim = excepted_claim(loop, oracle, blocks, listed, 0.0)
    assert claim is not None
    assert verdict(loop, oracle, claim) == "holds"
    half = claim.margin / 2
    for wrong in (replace(claim, left_out=claim.left_out / 3), replace(claim, exempt=None),
                  replace(claim, margin=half, exempt=CLOSE.format(half)),
                  replace(claim, margin=0.0, left_out=0.0, exempt=None)):  # fmt: skip
        assert verdict(loop, oracle, wrong) == "refuted"


def test_a_loop_whose_numbers_explode_ends_in_a_sentence():
    loop, oracle, claim = asked("cells")
    text = str(loop).replace("next previous = x", "next previous = square(previous) + x + 2")
    assert induction_finding(oracle, parse_loop(text), claim).state == "unknown"
