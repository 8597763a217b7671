"""Every command and every Python block of the README runs, on the examples."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill.cli import answer

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BUDGET = ["--budget", "10"]


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def commands() -> Iterator[list[str]]:
    """The words of every command line, comments left out."""
    for block in blocks("sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the paths of the README hold; shared, for later lines use earlier ones."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def with_budget(words: list[str]) -> list[str]:
    return words + BUDGET if words[0] in ("run", "compare") and "--budget" not in words else words


def test_there_is_something_to_run() -> None:
    assert {words[0] for words in commands()} == {"make", "distill"}
    assert blocks("python")


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    used = {words[1] for words in commands() if words[0] == "make"}
    assert {"demo", "test"} <= used
    for target in used:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_commands_succeed_in_order_and_print_what_is_shown(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("DISTILL_CACHE", str(workplace / "cache"))
    for words in commands():
        if words[0] == "distill":
            assert answer(with_budget(words[1:]), debug=True) == 0, words
    printed = set(capsys.readouterr().out.splitlines())
    shown = [line for block in blocks("text") for line in block.splitlines()]
    assert [ln for ln in shown if ln not in printed and not ln.startswith("time ")] == []


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    exec(compile(code, "README.md", "exec"), {})
