"""Every command and every Python block of the documentation runs, page by page, in order."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from written import commands, fenced, with_budget

from distill.cli import answer

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [
    page
    for page in sorted(DOCS.rglob("*.md"))
    if any(language in ("sh", "python") for language, _ in fenced(page.read_text()))
]


def test_there_is_something_to_run() -> None:
    assert {"tutorial.md", "models.md", "evidence.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISTILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    names: dict[str, object] = {"__name__": page.stem}
    shown: list[str] = []
    for language, text in fenced(page.read_text()):
        if language == "python":
            exec(compile(text, page.name, "exec"), names)
        elif language == "sh":
            for words in commands(text):
                assert words[0] == "distill", words
                found = answer(with_budget(words[1:]), debug=True)
                # within these seconds a run may end with the literal program
                assert found in ((0, 3) if words[1] == "run" else (0,)), words
        elif language == "text":
            shown += text.splitlines()
    printed = set(capsys.readouterr().out.splitlines())
    assert [line for line in shown if line not in printed] == []


def test_the_toctree_names_every_page() -> None:
    index = (DOCS / "index.md").read_text()
    made = {"reference/commands", "reference/primitives"}
    written = {p.relative_to(DOCS).with_suffix("").as_posix() for p in DOCS.rglob("*.md")}
    named = [line for line in index.splitlines() if line.replace("/", "").isalpha()]
    assert sorted(set(named) - made) == sorted(written - made - {"index"})


def test_generated_pages_hold_every_command_and_primitive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    from generated import pages

    from dsl.primitive import REGISTRY

    made = pages()
    assert all(f"\n## distill {name}\n" in made["commands"] for name in ("run", "check", "show"))
    assert all(one.doc.split()[0] in made["primitives"] for one in REGISTRY.values())
    assert made["primitives"].count("\n| `") == len(REGISTRY)
