"""Meanings written by a language model, if a user asks for them: words, never evidence."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from distill.errors import BadInput
from distill.labels import LONGEST_MEANING, names_of
from dsl.loop import Loop
from dsl.meanings.english import to_english
from dsl.meanings.loop_english import loop_english

if TYPE_CHECKING:
    from distill.distillation import Distilled

_SECONDS = 60.0
_LARGEST = 1 << 20
"""Bytes of an answer."""
_ASKED = 20_000
"""Characters of a program that are sent at most."""

_TASK = (
    "You are given a program that was recovered from a neural network. Say in one plain "
    "sentence of at most 40 words what the function named {name} computes. Answer with the "
    "sentence only.\n\n"
    "{text}"
)


class Describer(Protocol):
    """What writes a meaning for a function."""

    @property
    def name(self) -> str:
        """Who is to be named as the author."""
        ...

    def describe(self, function: str, text: str) -> str:
        """A sentence about the function of that name in a program's text.

        Raises:
            BadInput: none can be had.
        """
        ...


@dataclass(frozen=True)
class Service:
    """A service that speaks the chat-completions protocol: endpoint `http://host/v1`, a model."""

    endpoint: str
    model: str
    key: str = ""
    seconds: float = _SECONDS

    def __post_init__(self) -> None:
        if not self.endpoint.startswith(("http://", "https://")):
            raise BadInput("the endpoint has to begin with http:// or https://")

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model

    def describe(self, function: str, text: str) -> str:
        """What the model answers.

        Raises:
            BadInput: the service can't be reached, or answers something else.
        """
        task = _TASK.format(name=function, text=text[:_ASKED])
        body = {"model": self.model, "messages": [{"role": "user", "content": task}],
                "temperature": 0}  # fmt: skip
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        address = self.endpoint.rstrip("/") + "/chat/completions"
        try:
            request = urllib.request.Request(address, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=self.seconds) as answer:
                found = answer.read(_LARGEST + 1)
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise BadInput(f"the describing service gave no answer: {_one_line(error)}") from None
        return _sentence(found)


def _sentence(answer: bytes) -> str:
    try:
        text: Any = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str) or not text.strip():
        raise BadInput("the describing service answered something that holds no sentence")
    return " ".join(text.split())[:LONGEST_MEANING]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def key_of(variable: str | None) -> str:
    """The key that an environment variable holds.

    Raises:
        BadInput: it isn't set.
    """
    if variable is None:
        return ""
    if variable not in os.environ:
        raise BadInput(f"the environment variable {variable!a} isn't set")
    return os.environ[variable]


def described(found: Distilled, describer: Describer) -> Distilled:
    """The result with a meaning for every function that has none, marked with its author.

    Raises:
        BadInput: one of them can't be had; then none is taken.
    """
    known = {label.name for label in found.labels.meant}
    program = found.program
    words = loop_english(program) if isinstance(program, Loop) else to_english(program)
    text = f"{program}\n{words}"
    made = found
    for name in names_of(program):
        if name not in known:
            made = made.label(name, describer.describe(name, text), by=describer.name)
    return made
