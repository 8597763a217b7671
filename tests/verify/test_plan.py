"""The ladder asks verifiers from a list: rungs don't blur, and every attempt is written down."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_lockstep import moved, relu_network
from test_milp import size_form, square_of

from distill.evidence import IDENTICAL, Attempt, Claim, Evidence
from distill.export.evidence_shape import shape_fault
from distill.literal import literal_program
from distill.verify import ladder, plan
from distill.verify.ladder import verify
from distill.verify.plan import PROOFS, Asking, Effort, Verifier
from distill.verify.square import Square

LITTLE = Effort(boxes=600, nodes=4, draws=2000)


def sure(square, seed, effort):
    return Claim("proved", "milp", "surely", achieved=0.0)


def within(tolerance, slope=1.0, text="abs(x[0] - x[1])"):
    return square_of(size_form(slope), "x: real(-1,1)[2]", text, "real", tolerance)


@pytest.mark.parametrize("rung", ["tested", "proved_to_solver_tolerance"])
def test_no_verifier_gets_above_its_rung(rung):
    asking = Asking(0, LITTLE)
    claim = asking.ask(Verifier("boaster", rung, lambda _: True, sure), within(0.1))
    assert claim is not None and claim.verdict == rung
    assert [(a.name, a.verdict) for a in asking.attempts] == [("boaster", rung)]


def test_rungs_are_verdicts():
    with pytest.raises(ValueError, match="no rung"):
        Verifier("boaster", "certain", lambda _: True, sure)


def test_only_floating_point_solvers_stay_below_proved():
    assert [v.name for v in PROOFS if v.rung != "proved"] == ["milp"]


def test_who_was_asked_is_written_down_up_to_the_proof():
    claim = verify(within(0.1), 0, replace(LITTLE, boxes=60_000))
    names = [attempt.name for attempt in claim.attempts]
    assert claim.verdict == "proved" and names[-2:] == ["bounds", "sampling"]
    assert [a.verdict for a in claim.attempts if a.name == "bounds"] == ["proved"]


def test_a_proof_of_a_larger_eps_is_told(monkeypatch):
    cheap = tuple(v for v in PROOFS if v.name == "bounds")
    monkeypatch.setattr(ladder, "PROOFS", cheap)
    network = relu_network(np.random.default_rng(5), (2, 8, 8, 1))
    square = square_of(network, "x: real(-1,1)[2]", "0.0", "real", 1.0)
    top = max(abs(network.run(np.random.default_rng(0).uniform(-1, 1, (4000, 2)))).max(), 1e-6)
    tight = replace(square.target, tolerance=float(1.0001 * top))
    claim = verify(replace(square, target=tight), 0, replace(LITTLE, boxes=40))
    assert claim.verdict in ("tested", "refuted")
    assert claim.verdict == "refuted" or "proved for eps = " in claim.statement


def test_a_solvers_proof_is_not_a_proof(monkeypatch):
    monkeypatch.setattr(ladder, "PROOFS", PROOFS[-1:])
    claim = verify(within(0.01), 0, LITTLE)
    assert (claim.verdict, claim.method) == ("proved_to_solver_tolerance", "milp")


def test_a_rounded_copy_is_proved_and_a_moved_one_refuted(monkeypatch):
    monkeypatch.setattr(ladder, "PROOFS", tuple(v for v in PROOFS if v.name == "lockstep"))
    rng = np.random.default_rng(0)
    network = relu_network(rng, (3, 12, 12, 1))
    plain = square_of(network, "x: real(-1,1)[3]", "0.0", "real", 0.05)
    target = plain.target
    near = literal_program(moved(rng, target.form, 1e-4), target.domain, target.output)
    far = literal_program(moved(rng, target.form, 0.1), target.domain, target.output)
    claim = verify(Square(target, near, 0.0), 0, replace(LITTLE, boxes=3000))
    assert (claim.verdict, claim.method) == ("proved", "lockstep")
    assert verify(Square(target, far, 0.0), 0, LITTLE).verdict == "refuted"


def test_attempts_are_kept_in_evidence_and_old_evidence_has_none():
    claim = replace(IDENTICAL, attempts=(Attempt("smt", "unknown", None, 0.5, 3, "no answer"),))
    sizes = {"program": 1.0, "network": 2.0, "version": 1.0}
    hashes = {"program": "", "network": "", "original": ""}
    evidence = Evidence(
        claim, IDENTICAL, "x: bool", "bool", sizes, 1.0, 1, 0, {}, hashes, attempts=claim.attempts
    )
    data = json.loads(json.dumps(evidence.to_json()))
    assert shape_fault(data) is None and Evidence.from_json(data) == evidence
    assert "attempts" not in data["program_vs_deployed"]
    assert evidence.attempts[0].line == "smt: unknown, 3 looked at, 0.50 s: no answer"
    odd = {**data, "attempts": [{**data["attempts"][0], "verdict": "certain"}]}
    assert shape_fault(odd) == "must give attempts[0].verdict as a verdict"
    del data["attempts"]
    assert shape_fault(data) is None and Evidence.from_json(data).attempts == ()


def test_effort_stays_where_callers_import_it():
    assert ladder.Effort is plan.Effort
