"""Pages with commands and code: what is fenced in them, and running it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

BUDGET = ["--budget", "10"]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [text for kind, text in fenced(page) if kind == language]


def fenced(page: str) -> list[tuple[str, str]]:
    """Language and text of every fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)


def commands(block: str) -> Iterator[list[str]]:
    """The words of every command line, comments left out."""
    for line in block.splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def with_budget(words: list[str]) -> list[str]:
    """Some seconds for what would take a minute."""
    return words + BUDGET if words[0] in ("run", "compare") and "--budget" not in words else words
