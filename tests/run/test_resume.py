"""A run that goes on ends as one that was never ended; what it remembers is believed no further
than it may be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import distill
from benchmarks.resume import ENDED, Job, job_of, result_of, trial, undisturbed
from benchmarks.structure.networks import Glue, layers
from distill import cli
from distill.export import place
from distill.load import network_from_normal_form
from distill.normal_form import Builder, NormalForm
from distill.pipeline import Outcome, distil
from distill.run import memory as memories
from distill.run.budget import Budget
from distill.run.memory import Drawer, Memory
from distill.run.packed import pack, unpack
from distill.standing import Settings
from distill.target import Target, make_target, parse_output
from dsl.domain_text import parse_domain

ROOT = Path(__file__).resolve().parents[2]
LARGEST = str(ROOT / "examples" / "largest" / "model.onnx")
MAJORITY = str(ROOT / "examples" / "majority" / "model.onnx")
PLANE = "a: real(-1,1) * b: real(-1,1)"


def larger_form() -> NormalForm:
    """The larger of two numbers: a + relu(b - a)."""
    builder = Builder(2)
    bent = builder.elementwise("relu", builder.affine([(0, np.array([[-1.0, 1.0]]))], np.zeros(1)))
    first = np.array([[1.0, 0.0]])
    return builder.build(builder.affine([(0, first), (bent, np.eye(1))], np.zeros(1)))


def target_of(form: NormalForm, inputs: str = PLANE, outputs: str = "real") -> Target:
    return make_target(network_from_normal_form(form), parse_domain(inputs), parse_output(outputs))


def told(outcome: Outcome, budget: Budget) -> tuple:
    claims = outcome.program_vs_deployed, outcome.deployed_vs_original, outcome.program_vs_original
    plain = [None if c is None else replace(c, seconds=0.0).to_json() for c in claims]
    others = [(str(j.candidate.program), j.candidate.bits, j.error) for j in outcome.others]
    pieces = [(str(p.body), p.claim.verdict) for p in outcome.pieces]
    return str(outcome.chosen.program), plain, others, pieces, outcome.finished, budget.spent


def run(target: Target, memory: Memory, steps: int = 60_000, **more: object) -> tuple:
    budget = Budget(steps, 3600.0)
    return told(distil(target, Settings(memory=memory, **more), budget), budget)  # type: ignore[arg-type]


def joined_form() -> NormalForm:
    """Two modules of three units, and one that takes what they give."""
    glue = Glue(Builder(4), np.random.default_rng(1))
    modules = [layers(glue.rng, 2, 3, 1) for _ in range(2)]
    wire = glue.beside(0, modules, [[0, 1], [2, 3]])
    return glue.builder.build(glue.beside(wire, [layers(glue.rng, 2, 3, 1)], [[0, 1]]))


def wide_form() -> NormalForm:
    """A layer that no short program is."""
    glue = Glue(Builder(2), np.random.default_rng(2))
    return glue.builder.build(glue.beside(0, [layers(glue.rng, 2, 8, 1)], [[0, 1]]))


CASES = {
    "found": (larger_form(), PLANE, "real", 60_000, False),
    "pieces": (joined_form(), "x: real(-1,1)[4]", "real", 4_000, True),
    "simplified": (wide_form(), "x: real(-1,1)[2]", "real", 20_000, False),
}


@pytest.mark.parametrize("name", list(CASES))
def test_remembered_stages_give_the_same_outcome_and_steps(name: str) -> None:
    form, inputs, outputs, steps, exact = CASES[name]
    target, drawer = target_of(form, inputs, outputs), Drawer()
    alone = Memory()
    plain = run(target, alone, steps, exact=exact)
    # the output's claim is the same whether the values that it takes are wanted closely or not
    assert alone.tally.known == ({"claim": 1} if name == "pieces" else {})
    first = Memory((drawer,))
    assert run(target, first, steps, exact=exact) == plain
    assert first.tally.known == alone.tally.known
    again = Memory((drawer,))
    assert run(target, again, steps, exact=exact) == plain
    assert again.tally.made == {}
    kinds = {"search", "claim"} | ({"networks"} if name == "simplified" else set())
    assert set(again.tally.known) == kinds


def test_any_part_of_what_was_remembered_gives_the_same_outcome() -> None:
    target, whole = target_of(larger_form()), Drawer()
    wanted = run(target, Memory((whole,)))
    for key in whole.found:
        part = Drawer({k: v for k, v in whole.found.items() if k != key})
        memory = Memory((part,))
        assert run(target, memory) == wanted
        assert sum(memory.tally.made.values()) == 1
        assert part.found.keys() == whole.found.keys()


def test_results_of_other_contents_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    drawer = Drawer()
    target = target_of(larger_form())
    run(target, Memory((drawer,)))
    others = [
        (replace(target, tolerance=target.tolerance / 2), {}),
        (target_of(larger_form(), "a: real(-1,1) * b: real(-1,2)"), {}),
        (replace(target, soft=False), {}),
        (target, {"seed": 1}),
        (target, {"steps": 50_000}),
    ]
    for other, more in others:
        memory = Memory((Drawer(dict(drawer.found)),))
        run(other, memory, **more)
        assert "search" not in memory.tally.known, more
        if other is not target:
            assert memory.tally.known == {}
    monkeypatch.setattr(memories, "code_hash", lambda: "another version")
    memory = Memory((Drawer(dict(drawer.found)),))
    run(target, memory)
    assert memory.tally.known == {}


def test_what_the_clock_cut_short_is_not_kept() -> None:
    drawer, ticks = Drawer(), iter(range(10**9))
    budget = Budget(60_000, 5.0, clock=lambda: float(next(ticks)))
    distil(target_of(larger_form()), Settings(memory=Memory((drawer,))), budget)
    assert budget.timed_out
    assert drawer.found == {}


def changed(drawer: Drawer, place: str, value: object) -> Drawer:
    """The same results, one part of each that has it exchanged."""
    found = {}
    for key, raw in drawer.found.items():
        data, arrays = unpack(raw)
        if isinstance(data["result"], dict) and place in data["result"]:
            data["result"][place] = value
        found[key] = pack(data, arrays)
    return Drawer(found)


def test_a_program_that_was_remembered_is_judged_again() -> None:
    target, drawer = target_of(larger_form()), Drawer()
    wanted = run(target, Memory((drawer,)), exact=True)
    wrong = changed(drawer, "found", [["min(a, b)", "enumerated"]])
    found = run(target, Memory((wrong,)), exact=True)
    assert found[0] != wanted[0]
    assert "min(a, b)" not in found[0]  # it is a candidate, and it doesn't hold


@pytest.mark.parametrize(
    "found", [[["max(a, ", "x"]], [["q + 1", "x"]], [3], None, [["a && 1", 2]]]
)
def test_a_search_that_cannot_be_read_is_done_again(found: object) -> None:
    target, drawer = target_of(larger_form()), Drawer()
    wanted = run(target, Memory((drawer,)))
    memory = Memory((changed(drawer, "found", found),))
    assert run(target, memory) == wanted
    assert memory.tally.made["search"] == 1


def test_loops_are_remembered_too() -> None:
    model = str(ROOT / "examples" / "addition" / "model.onnx")
    memory = Memory((Drawer(),))
    first, again = (
        distill.distill(
            model, "seq(a: bool * b: bool, 1..4)", steps=1_000, budget=600, cache=memory
        )
        for _ in range(2)
    )
    assert str(first.program) == str(again.program)
    assert first.evidence.steps == again.evidence.steps
    assert first.evidence.program_vs_deployed == again.evidence.program_vs_deployed
    assert memory.tally.known == memory.tally.made


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return job_of(tmp_path_factory.mktemp("job"), joined_form(), steps=4_000)


def test_killed_runs_go_on_and_end_alike(job: Job, tmp_path: Path) -> None:
    wanted, stages, seconds = undisturbed(job, tmp_path / "out")
    for share in (0.8,):
        found = trial(job, tmp_path / "out", share * seconds, wanted)
        assert found.left.whole
        assert found.same
        assert found.known >= len(found.left.keys)
        assert found.made <= stages - len(found.left.keys) or not found.left.killed


def test_a_kill_between_two_renames_loses_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old result is put back, or the new one is there: a folder is never half of something."""
    target = tmp_path / "out"
    with place.staged(target) as staging:
        (staging.draft / place.MARK).write_text("old")
        (staging.draft / "mine.txt").write_text("mine")
        staging.publish()
    for renames in (1, 2):
        left = [renames]

        def rename(self: Path, to: Path, real=Path.rename, left=left) -> Path:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return real(self, to)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            patched.setattr(place.shutil, "rmtree", lambda *_, **__: None)
            with pytest.raises(KeyboardInterrupt):
                publish_and_die(target)
        with place.staged(target):
            pass
        assert (target / place.MARK).read_text() == ("old" if renames == 1 else "new")
        assert (target / "mine.txt").read_text() == "mine"
        assert [p.name for p in tmp_path.iterdir()] == ["out"]


def publish_and_die(target: Path) -> None:
    with place.staged(target) as staging:
        (staging.draft / place.MARK).write_text("new")
        staging.publish()
        raise KeyboardInterrupt


def line(*more: str) -> list[str]:
    return ["run", LARGEST, "--inputs", PLANE, "--steps", "60000", "--budget", "600", *more]


def test_an_interrupted_run_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.answer(line("--out", "whole")) == 0
    kept = memories.Memory.recall

    def interrupted(self: Memory, kind: str, content, budget: Budget, *rest):
        found = kept(self, kind, content, budget, *rest)
        budget.interrupted = True  # as Ctrl-C does
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Memory, "recall", interrupted)
        assert cli.answer(line("--out", "out")) == cli.INTERRUPTED
    assert "--resume" in capsys.readouterr().err
    assert Path(".out.unfinished").is_dir()
    assert cli.answer(line("--out", "out", "--resume")) == 0
    said = capsys.readouterr().err
    assert "going on with 1 finished stage" in said
    assert "1 stages were known" in said
    assert result_of(Path("out")) == result_of(Path("whole"))
    assert not Path(".out.unfinished").exists()
    assert cli.answer(line("--out", "out", "--resume", "--quiet")) in ENDED


def test_the_cache_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "cache"))

    def shown(*words: str) -> str:
        assert cli.answer(["cache", *words]) == 0
        return capsys.readouterr().out

    majority = ["run", MAJORITY, "--inputs", "x: bool[5]", "--outputs", "bool", "--out", "out"]
    assert cli.answer([*majority, "--no-cache", "--quiet"]) == 0
    assert "results  0" in shown()
    assert cli.answer([*majority, "--quiet"]) == 0
    first = result_of(Path("out"))
    assert str(tmp_path / "cache") in shown()
    assert "results  2" in shown()
    assert cli.answer([*majority, "--quiet"]) == 0
    assert result_of(Path("out")) == first
    assert "of at most 3 MiB" in shown("--limit", "3")
    assert "of at most 3 MiB" in shown()
    assert "results  0" in shown("--clear")
    (tmp_path / "cache" / "results.sqlite").write_bytes(b"nothing that sqlite knows" * 50)
    assert cli.answer(["cache"]) == cli.BAD_INPUT
    assert "--clear" in capsys.readouterr().err
    assert cli.answer([*majority, "--quiet"]) == 0
    assert capsys.readouterr().err.count("the run goes on without") == 1
    assert "results  0" in shown("--clear")
    assert cli.answer(["cache", "--limit", "0"]) == cli.BAD_INPUT
    monkeypatch.setenv("DISTILL_CACHE", "")
    assert cli.answer(["cache"]) == cli.BAD_INPUT
