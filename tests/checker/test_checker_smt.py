"""Claims that z3 proved: confirmed by the cases that it is given, or by halving, else unknown."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from folders import edited, first, forged

from distill import api
from distill.checker.folder import check_folder
from distill.verify import ladder
from distill.verify.plan import PROOFS


def size_of_sum(count, shift=0.0):
    """|x0 + x1 + ...| as relu(s + shift) + relu(-s): few kinks, which cut through most boxes."""
    network = torch.nn.Sequential(torch.nn.Linear(count, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([[1.0] * count, [-1.0] * count])
        network[2].weight.fill_(1.0)
        network[0].bias[:] = torch.tensor([shift, 0.0])
        network[2].bias.zero_()
    return network


@pytest.fixture
def only_z3(monkeypatch):
    monkeypatch.setattr(ladder, "PROOFS", tuple(v for v in PROOFS if v.name == "smt"))


def saved(count, folder, shift=0.0):
    found = api.distill(
        size_of_sum(count, shift),
        inputs=f"x: real(-1,1)[{count}]",
        hints=["abs(sum(x))"],
        steps=5_000_000,
        exact=True,
        tolerance=0.02,
    )
    return found.save(folder), found.evidence.program_vs_deployed


def test_what_z3_proved_is_confirmed_by_its_cases(tmp_path, only_z3):
    folder, claim = saved(3, tmp_path / "three")
    assert (claim.verdict, claim.method) == ("proved", "smt")
    found = check_folder(folder)
    assert found.verdict == "holds"
    assert any("cases of the proof confirmed" in line for line in found.lines)
    text = (folder / "program.dsl").read_text()
    assert "abs(" in text
    (folder / "program.dsl").write_text(text.replace("abs(", "square("))
    assert check_folder(forged(folder)).verdict == "refuted"


def test_without_cases_it_is_unknown_where_boxes_do_not_show_it(tmp_path, only_z3):
    folder, claim = saved(4, tmp_path / "four", 0.0175)
    assert (claim.verdict, claim.method) == ("proved", "smt")
    edited(folder, lambda data: first(data).update(certificate=None))
    found = check_folder(forged(folder))
    assert found.verdict == "unknown"
    (line,) = [text for text in found.lines if text.startswith("unknown")]
    assert "the solver left no proof" in line
    assert any("no difference in 100,000 fresh" in text for text in found.lines)


def test_a_solvers_claim_is_confirmed_by_boxes_where_they_are_few(tmp_path):
    folder, claim = saved(1, tmp_path / "one")
    assert claim.verdict == "proved"

    def by_solver(data):
        first(data).update(method="smt", certificate=None)

    edited(folder, by_solver)
    assert check_folder(forged(folder)).verdict == "holds"
    forged(folder, lambda data: first(data).update(tolerance=1e-9, achieved=1e-9))
    assert check_folder(folder).verdict != "holds"
