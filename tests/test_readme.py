"""Every command and every Python block of the README runs, on the examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from written import blocks, commands, with_budget

from distill.cli import answer

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = [words for block in blocks(README, "sh") for words in commands(block)]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the paths of the README hold; shared, for later lines use earlier ones."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def test_there_is_something_to_run() -> None:
    assert {words[0] for words in COMMANDS} == {"make", "distill"}
    assert blocks(README, "python")


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    used = {words[1] for words in COMMANDS if words[0] == "make"}
    assert {"demo", "test"} <= used
    for target in used:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_commands_succeed_in_order_and_print_what_is_shown(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("DISTILL_CACHE", str(workplace / "cache"))
    for words in COMMANDS:
        if words[0] == "distill":
            assert answer(with_budget(words[1:]), debug=True) == 0, words
    printed = set(capsys.readouterr().out.splitlines())
    shown = [line for block in blocks(README, "text") for line in block.splitlines()]
    assert [ln for ln in shown if ln not in printed and not ln.startswith("time ")] == []


@pytest.mark.parametrize("code", blocks(README, "python"))
def test_python_blocks_run(code: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    exec(compile(code, "README.md", "exec"), {})
