"""Every form that a program is exported to computes what the program computes."""

import ast
from fractions import Fraction

import numpy as np
import pytest
from running import COMPILER, by_c, by_numpy, by_onnx, by_torch, compiled, steps

import distill
from benchmarks.evidence import differential
from benchmarks.evidence.random_programs import random_program
from distill.cli import answer
from distill.errors import BadInput
from distill.export.forms import FORMS, exported
from distill.export.identifiers import comment, identifiers
from distill.export.smtlib import smtlib_source
from dsl.algebra import Unsupported
from dsl.domain_text import parse_domain
from dsl.text import parse_program

RUN = {"numpy": by_numpy, "torch": by_torch, "onnx": by_onnx, "c": by_c}
FORMS_RUN = [
    pytest.param(
        name, marks=pytest.mark.skipif(name == "c" and not COMPILER, reason="no C compiler here")
    )
    for name in RUN
]
FIXED = {
    "whole numbers round down": (
        "def p(a: int, b: int) -> int[2] = [a // b, a % b]",
        ([7, -7, 7, -7, 9], [2, 2, -2, -2, -1]),
        [[3, 1], [-4, 1], [-4, -1], [3, -1], [-9, 0]],
    ),
    "roots and divisors": (
        "def p(a: int, b: int) -> int[2] = [isqrt(a), gcd(a, b)]",
        ([0, 15, 16, 10**12], [0, 10, 12, 10**6]),
        [[0, 0], [3, 5], [4, 4], [10**6, 10**6]],
    ),
    "vectors of vectors": (
        "def p(x: real[2,3]) -> real[3] = [x[0][0], max(x[1][0], x[1][1]), sum(x[0])]",
        ([[[1.0, 2.0, 3.0], [4.0, 6.0, 5.0]]],),
        [[1.0, 6.0, 6.0]],
    ),
    "truths and constants": (
        "def p(a: bool, b: bool) -> bool[3] = [a xor b, not a, true]",
        ([True, False], [True, True]),
        [[False, False, True], [True, True, True]],
    ),
    "a branch that isn't taken": (
        "def p(a: int, b: int) -> int = if b == 0 then 0 else a // b",
        ([5, 6], [0, 3]),
        [0, 2],
    ),
}


@pytest.mark.parametrize("form", FORMS_RUN)
def test_random_programs_agree(form, monkeypatch):
    """Beside the outward-rounded interval of every point, as all other meanings are."""
    monkeypatch.setattr(differential, "_FLOATS", {form: _told_apart(RUN[form])})
    tally = differential.Tally()
    for number in range(45 if form == "c" else 60):
        differential.compared(random_program(7, number), number, tally, symbolic=False)
    counts = {o: n for (m, o), n in tally.counts.items() if m == form}
    assert tally.wrong == []
    assert counts.get("equal", 0) + counts.get("inside", 0) > 60, counts


LACKING = {f"ONNX has no {name} in 64 bits" for name in ("gcd", "erf", "tan", "atan")}


def _told_apart(run):
    def says(shown, columns):
        try:
            return run(shown, columns)
        except Unsupported as refusal:
            if str(refusal) not in LACKING:
                raise
            return by_numpy(shown, columns)

    return says


@pytest.mark.parametrize("form", FORMS_RUN)
@pytest.mark.parametrize("name", FIXED)
def test_what_machines_do_otherwise(form, name):
    text, columns, wanted = FIXED[name]
    if form == "onnx" and "gcd" in text:
        with pytest.raises(Unsupported, match="gcd"):
            by_onnx(parse_program(text), columns)
        return
    found = RUN[form](parse_program(text), tuple(map(np.array, columns)))
    assert np.asarray(found).tolist() == wanted


@pytest.mark.parametrize("form", FORMS_RUN)
def test_outside_the_domain_and_undefined(form):
    domain = parse_domain("a: real(-1,1) * k: int(0,5) where a < k")
    program = parse_program("def p(a: real, k: int) -> real = a / k")
    good = (np.array([0.5]), np.array([2]))
    assert np.asarray(RUN[form](program, good, domain)).tolist() == [0.25]
    for a, k in ((1.5, 2), (0.5, 6), (0.5, -1), (0.75, 0), (float("nan"), 2), (-0.5, 0)):
        with pytest.raises(ValueError, match=r"outside|undefined"):
            RUN[form](program, (np.array([a]), np.array([k])), domain)


@pytest.mark.skipif(not COMPILER, reason="no C compiler here")
def test_c_says_why_and_leaves_the_result_alone():
    domain = parse_domain("a: real(-1,1) * k: int(0,5)")
    run = compiled(steps(parse_program("def p(a: real, k: int) -> real = a / k"), domain))
    assert run(0.5, 2) == (0, 0.25)
    assert run(3.0, 2) == (1, 0.0)
    assert run(0.5, 0) == (2, 0.0)


def test_smtlib_says_what_the_program_is():
    import z3

    domain = parse_domain("a: real(-1,1) * k: int(0,5) where a < k")
    program = parse_program("def p(a: real, k: int) -> real[2] = [max(a, k / 3), a * a]")
    text = smtlib_source(program, domain, ["one\n(assert false)"])
    solver = z3.Solver()
    solver.from_string(text)
    a, k, first = z3.Real("a"), z3.Int("k"), z3.Real("result[0]")
    solver.push()
    solver.add(a == z3.Q(1, 2), k == 4)
    assert solver.check() == z3.sat
    assert solver.model().eval(first).as_fraction() == Fraction(4, 3)
    assert solver.model().eval(z3.Real("result[1]")).as_fraction() == Fraction(1, 4)
    solver.pop()
    for wrong in (a > 1, k > 5, a >= k, first < a):
        solver.push()
        solver.add(wrong)
        assert solver.check() == z3.unsat
        solver.pop()


NAMES = [
    *("int", "double", "exp", "result", "größe", "x*/y", "a\x00b", "\u202eabc", "t1", "x" * 10_000),
    *("import", "print", "1st", "", "a b", "a_b", "<b>", '"; system("'),
]


def test_names_become_identifiers_that_differ():
    found = identifiers(NAMES, lambda name: name in ("int", "double", "exp", "result", "import"))
    made = list(found.values())
    assert len(set(made)) == len(NAMES)
    assert all(name.isascii() and name.isidentifier() and len(name) <= 60 for name in made)
    assert not {"int", "double", "exp", "result", "import", "t1"} & set(made)
    assert identifiers(["left", "x0"], lambda _: False) == {"left": "left", "x0": "x0"}


def test_comments_end_where_they_should():
    for name in (*NAMES, "a\\", "??/", "\n#include <x>", "*//*"):
        text = comment(name)
        assert text.isascii() and text.isprintable()
        assert "*/" not in text and "??" not in text and not text.endswith("\\")


def test_a_finished_run_in_every_form(tmp_path):
    found = distill.distill(_network(), inputs="double: real(-1,1) * exp: real(-1,1)", budget=10)
    for form in FORMS:
        made = exported(found, form)
        assert made
        if form in ("python", "numpy", "torch"):
            ast.parse(made)
    with pytest.raises(BadInput, match="there is no form 'cobol'"):
        exported(found, "cobol")
    for form in ("numpy", "torch", "onnx", "c"):
        if form == "c" and not COMPILER:
            continue
        x = np.array([[0.25, -0.5], [-1.0, 0.125]])
        said = RUN[form](found.program, tuple(x.T), found.domain)
        assert np.allclose(np.asarray(said).reshape(-1), found.batch(x).reshape(-1), atol=1e-9)


def test_the_command_line_writes_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    distill.distill(_network(), inputs="a: real(-1,1) * b: real(-1,1)", budget=10).save(
        "m.distilled"
    )
    for form, (ending, _) in FORMS.items():
        assert answer(["export", "m.distilled", "--to", form]) == 0
        assert (tmp_path / f"m.{ending}").stat().st_size > 20
    capsys.readouterr()
    before = sorted(p.name for p in tmp_path.iterdir())
    for words in (
        ["--to", "cobol"],
        ["--to", "c", "--out", "m.py"],
        ["--to", "c", "--out", "no/m.c"],
    ):
        assert answer(["export", "m.distilled", *words]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "Traceback" not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def _network():
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 1.0]]))
        network[0].bias.copy_(torch.tensor([0.0, 4.0]))
        network[2].weight.copy_(torch.tensor([[1.0, 1.0]]))
        network[2].bias.copy_(torch.tensor([-4.0]))
    return network
