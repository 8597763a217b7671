"""What each stage of the pipeline must do with what the one before it gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from distill import pipeline
from distill import standing as standings
from distill.evidence import IDENTICAL, Claim
from distill.load import network_from_normal_form
from distill.normal_form import Builder
from distill.pipeline import distil, whole_claim
from distill.run.budget import Budget
from distill.standing import Settings, first_standing, tidied, verified
from distill.synthesize.candidate import candidate, of_program
from distill.synthesize.judge import judging_points
from distill.synthesize.loop import Pool, Vocabulary
from distill.target import Target, make_target, resolve_output
from dsl.domain_text import parse_domain
from dsl.meanings.array import run
from dsl.program import Expression, primitives_of, program
from dsl.text import parse
from dsl.types import BOOL, REAL

BOX = "x: real(-1,1) * y: real(-1,1)"


def target_of(
    layers: Sequence[tuple[Sequence[Sequence[float]], Sequence[float]]],
    output: str = "real",
    domain: str = BOX,
    margin: float = 0.0,
) -> Target:
    """A network of affine layers with relus between them."""
    builder, wire = Builder(len(layers[0][0][0])), 0
    for place, (weights, bias) in enumerate(layers):
        wire = builder.affine([(wire, np.array(weights))], np.array(bias))
        wire = builder.elementwise("relu", wire) if place < len(layers) - 1 else wire
    network = network_from_normal_form(builder.build(wire))
    read = resolve_output(network, output)
    return make_target(network, parse_domain(domain), read, margin=margin)


def tangled(width: int = 6, seed: int = 0, output: str = "real") -> Target:
    """A random network that no short program explains."""
    rng = np.random.default_rng(seed)
    first = (rng.normal(size=(width, 2)).tolist(), rng.normal(size=width).tolist())
    second = (rng.normal(size=(1, width)).tolist(), [0.1])
    return target_of([first, second], output)


def body(target: Target, text: str) -> Expression:
    return parse(text, dict(target.domain.parameters))


def settings(target: Target, *hints: str, exact: bool = True) -> Settings:
    return Settings(exact=exact, hints=tuple(body(target, h) for h in hints))


LONG = "n + 1 - 1 + 2 - 2 + 3 - 3 + 4 - 4 + 5 - 5 + 6 - 6 + 7 - 7 + 8 - 8 + 9 - 9"


@pytest.fixture
def linear() -> Target:
    return target_of([([[1.0, 1.0]], [0.0])])


def test_a_counterexample_sends_the_next_best_to_the_verifier(monkeypatch: pytest.MonkeyPatch):
    """The shortest that passed every judging point is wrong on one input of 150,001."""
    target = target_of([([[1.0]], [0.0])], "int", "n: int(0,150000)")
    pool = Pool(target, judging_points(target, 0))
    for text in ("if n == 99999 then 7 else n", "max(n // 2 * 2, n, 3 * n - 300000, n // 7 * 7)"):
        judged = pool.offer(body(target, text), "hint")
        assert judged is not None
        assert judged.holds
    long = of_program(program(target.domain.parameters, body(target, LONG)), "literal")
    seen = []

    def watched(*given):
        square, claim = verified(*given)
        seen.append(claim.verdict)
        return square, claim

    monkeypatch.setattr(standings, "verified", watched)
    standing = first_standing(pool, long, Settings(), Budget(5_000_000, 60.0))
    assert standing is not None
    assert seen[0] == "refuted"
    assert standing[1].verdict != "refuted"
    assert "99999" not in str(standing[2].program)


def test_when_every_candidate_is_refuted_none_stands():
    target = target_of([([[1.0]], [0.0])], "int", "n: int(0,150000)")
    pool = Pool(target, judging_points(target, 0))
    for place in (99999, 99998, 12345):
        pool.offer(body(target, f"if n == {place} then 7 else n"), "hint")
    assert sum(j.holds for j in pool.judged.values()) >= 2
    literal = of_program(program(target.domain.parameters, body(target, LONG)), "literal")
    assert first_standing(pool, literal, Settings(), Budget(5_000_000, 60.0)) is None


def test_where_nothing_shorter_holds_the_literal_program_is_the_answer():
    target = tangled()
    outcome = distil(target, settings(target), Budget(2000, 20.0))
    assert outcome.literal
    assert outcome.chosen.route == "literal"
    assert outcome.program_vs_deployed.verdict in ("proved", "tested")
    assert outcome.deployed is target.network


def test_a_wrong_hint_is_never_the_answer(linear: Target):
    outcome = distil(linear, settings(linear, "x - y", "x", "0"), Budget(1, 20.0))
    assert str(outcome.chosen.program.main.body) in ("x + y", "y + x")


def test_a_hint_of_another_type_is_passed_over(linear: Target):
    outcome = distil(linear, settings(linear, "x > y"), Budget(1, 20.0))
    assert outcome.program_vs_deployed.verdict == "proved"


def test_the_whole_is_the_sum_of_its_parts_or_a_direct_proof(monkeypatch: pytest.MonkeyPatch):
    target = replace(target_of([([[1.0, 1.0]], [0.0])]), tolerance=0.1)
    made = candidate(target.domain.parameters, body(target, "x + y + 0.02"), REAL, "hint")
    parts = [
        Claim("tested", "sampling", "s", tolerance=0.1, achieved=a, count=9) for a in (0.05, 0.03)
    ]
    budget = Budget(100_000, 20.0)
    claim = whole_claim(target, made, (parts[0], parts[1]), Settings(), budget)
    assert claim is not None
    assert (claim.verdict, claim.method) == ("proved", "bounds")
    assert 0.02 <= (claim.achieved or 0.0) <= 0.03
    looser = replace(parts[0], achieved=0.09)
    monkeypatch.setattr(pipeline, "verify", lambda *_: looser)
    claim = whole_claim(target, made, (parts[0], parts[1]), Settings(), budget)
    assert claim is not None
    assert (claim.method, claim.verdict) == ("composition", "tested")
    assert claim.achieved == pytest.approx(0.08)
    unknown = replace(parts[0], verdict="unknown")
    assert whole_claim(target, made, (unknown, parts[1]), Settings(), budget) is None


@pytest.mark.parametrize("output", ["real", "bool"])
def test_exact_never_changes_the_weights(output: str, monkeypatch: pytest.MonkeyPatch):
    asked = []

    monkeypatch.setattr(pipeline, "kept_behaviour", lambda *given: asked.append(given))
    monkeypatch.setattr(pipeline, "first_standing", lambda *given: None)
    target = tangled(output=output)
    outcome = distil(target, settings(target), Budget(2000, 20.0))
    assert not asked
    assert outcome.deployed is target.network
    assert outcome.deployed_vs_original is IDENTICAL
    distil(target, settings(target, exact=False), Budget(2000, 20.0))
    assert asked


def test_a_margin_that_leaves_out_every_example_ends_in_a_program():
    target = target_of([([[1.0, 1.0]], [0.0])], "bool", margin=100.0)
    outcome = distil(target, settings(target), Budget(2000, 20.0))
    assert outcome.program_vs_deployed.verdict != "refuted"


def test_an_interrupt_keeps_what_was_found(linear: Target):
    budget = Budget(60_000_000, 20.0)
    budget.interrupted = True
    outcome = distil(linear, settings(linear, "x + y"), budget)
    assert str(outcome.chosen.program.main.body) == "x + y"
    assert outcome.program_vs_deployed.verdict in ("proved", "tested")


def test_an_interrupt_before_anything_was_found_leaves_the_literal_program():
    target = tangled()
    budget = Budget(60_000_000, 20.0)
    budget.interrupted = True
    outcome = distil(target, settings(target), budget)
    assert outcome.literal
    assert not outcome.finished


def test_forbidden_primitives_are_in_no_program_that_is_found():
    target = target_of([([[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
    forbidden = frozenset({"abs", "max", "min"})
    asked = Settings(exact=True, vocabulary=Vocabulary(forbidden=forbidden))
    found = [distil(target, one, Budget(20_000, 5.0)) for one in (Settings(exact=True), asked)]
    assert str(found[0].chosen.program.main.body) in ("abs(x - y)", "abs(y - x)")
    for made in (found[1].chosen, *(j.candidate for j in found[1].others)):
        assert forbidden.isdisjoint(primitives_of(made.program.main.body))


def test_the_explained_networks_arithmetic_is_kept_with_the_outcome(linear: Target):
    outcome = distil(linear, settings(linear), Budget(1, 20.0))
    values = outcome.target.domain.sample(np.random.default_rng(0), 20)
    wanted = linear.values(values)
    assert np.allclose(np.asarray(run(outcome.own, values)), wanted, atol=1e-6)
    assert outcome.network_bits > outcome.chosen.bits


def test_tidying_keeps_the_value_of_a_candidate(linear: Target):
    made = candidate(linear.domain.parameters, body(linear, "-x < y + 0.25"), BOOL, "hint")
    neat = tidied(made)
    values = linear.domain.sample(np.random.default_rng(0), 500)
    assert str(neat.program.main.body) == "x + y > -0.25"
    assert np.array_equal(run(made.program, values), run(neat.program, values))
