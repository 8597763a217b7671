"""Whatever verifier proves a claim, its folder can be examined: it is confirmed or left unknown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_checker_smt import size_of_sum

from distill import api
from distill.checker.folder import check_folder
from distill.verify import ladder
from distill.verify.plan import PROOFS


@pytest.mark.parametrize("name", [v.name for v in PROOFS])
def test_a_folder_of_every_verifier_is_examined(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "PROOFS", tuple(v for v in PROOFS if v.name == name))
    found = api.distill(
        size_of_sum(2),
        inputs="x: real(-1,1)[2]",
        hints=["abs(sum(x))"],
        tolerance=0.05,
        steps=3_000_000,
        exact=True,
    )
    claim = found.evidence.program_vs_deployed
    folder = found.save(tmp_path / "out")
    assert claim.method in (name, "sampling", "bounds")
    assert check_folder(folder).verdict in ("holds", "unknown")
    (folder / "program.dsl").write_text(
        (folder / "program.dsl").read_text().replace("abs(", "square(")
    )
    assert check_folder(folder).verdict == "refuted"
