"""What evidence.json has to look like before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from distill.evidence import RANK

Test = Callable[[Any], bool]
NOTHING: Mapping[str, tuple[Test, str]] = MappingProxyType({})
_LARGEST = 1e300
_LONGEST = 10**18


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and 0 <= value <= _LARGEST


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST


def _or_null(test: Test) -> Test:
    return lambda value: value is None or test(value)


def _each(test: Test, kind: type = dict) -> Test:
    def good(value: Any) -> bool:
        inside = value.values() if isinstance(value, dict) else value
        return isinstance(value, kind) and all(map(test, inside))

    return good


def _with(keys: tuple[str, ...], test: Test) -> Test:
    """A dictionary that has these keys at least, and passes the test in all its values."""
    return lambda value: _each(test)(value) and all(key in value for key in keys)


def _sizes(value: Any) -> bool:
    both = ("program", "network")
    return _with((*both, "version"), _number)(value) and all(value[name] > 0 for name in both)


def _record(value: Any) -> bool:
    return isinstance(value, dict)


_EVIDENCE: dict[str, tuple[Test, str]] = {
    "verdict": (_text, "a text"),
    "method": (_text, "a text"),
    "program_vs_deployed": (_record, "a claim"),
    "deployed_vs_original": (_record, "a claim"),
    "domain": (_text, "a text"),
    "output": (_text, "a text"),
    "bits": (_sizes, "the numbers program, network and version"),
    "seconds": (_number, "a number of at least 0"),
    "steps": (_whole, "a whole number of at least 0"),
    "seed": (_whole, "a whole number of at least 0"),
    "versions": (_each(_text), "texts by name"),
    "sha256": (_with(("program", "network", "original"), _text), "texts by name"),
    "parts": (_each(_record, list), "a list of claims"),
    "attempts": (_each(_record, list), "a list of attempts"),
    "variables": (_text, "a text"),
    "program_vs_original": (_or_null(_record), "a claim or null"),
}
_ATTEMPT: dict[str, tuple[Test, str]] = {
    "name": (_text, "a text"),
    "verdict": (lambda v: _text(v) and v in RANK, "a verdict"),
    "achieved": (_or_null(_number), "a number of at least 0, or null"),
    "seconds": (_number, "a number of at least 0"),
    "count": (_whole, "a whole number of at least 0"),
    "note": (_text, "a text"),
}
_CLAIM: dict[str, tuple[Test, str]] = {
    "verdict": (lambda v: _text(v) and v in RANK, "a verdict"),
    "method": (_text, "a text"),
    "statement": (_text, "a text"),
    "tolerance": (_or_null(_number), "a number of at least 0, or null"),
    "achieved": (_or_null(_number), "a number of at least 0, or null"),
    "except": (_or_null(_text), "a text or null"),
    "margin": (_number, "a number of at least 0"),
    "band": (_text, "a text"),
    "widths": (_each(_record, list), "a list of parts"),
    "share_left_out": (lambda v: _number(v) and v <= 1, "a number from 0 to 1"),
    "arithmetic": (_text, "a text"),
    "count": (_whole, "a whole number of at least 0"),
    "seconds": (_number, "a number of at least 0"),
    "length_bound": (_or_null(_number), "a number of at least 0, or null"),
    "regions": (_each(_record, list), "a list of regions"),
    "counterexample": (_or_null(_record), "inputs and outputs, or null"),
    "counterexamples": (_each(_record, list), "a list of inputs and outputs"),
    "certificate": (_or_null(_record), "a certificate or null"),
}


_FRONT: dict[str, tuple[Test, str]] = {
    "front": (_each(_record, list), "a list of programs"),
    "found": (lambda v: isinstance(v, bool), "true or false"),
    "note": (_text, "a text"),
    "literal": (_or_null(_text), "a text or null"),
}
_ALTERNATIVE: dict[str, tuple[Test, str]] = {
    "bits": (_number, "a number of at least 0"),
    "error": (lambda v: _number(v) or v == float("inf"), "a number of at least 0"),
    "route": (_text, "a text"),
    "program": (_text, "a text"),
}


LOOP_EXTRA: dict[str, tuple[Test, str]] = {
    "length": (lambda v: _whole(v) and v > 0, "a whole number of at least 1")
}
"""What front.json holds besides for a loop."""


def front_fault(data: Any, extra: Mapping[str, tuple[Test, str]] = NOTHING) -> str | None:
    """The same of front.json, which may hold more."""
    if not _record(data):
        return "must hold a record"
    places = enumerate(data["front"]) if _FRONT["front"][0](data.get("front")) else ()
    each = (f for i, a in places for f in _misshapen(a, _ALTERNATIVE, f"front[{i}]."))
    return next(chain(_misshapen(data, {**_FRONT, **extra}, ""), each), None)


def shape_fault(data: dict[str, Any]) -> str | None:
    """The first thing that isn't as a run writes it: what it has to be, as half a sentence."""
    return next(_faults(data), None)


def completed(data: dict[str, Any]) -> dict[str, Any]:
    """evidence.json with what older runs didn't write: attempts, counterexamples, variables."""
    data = {"attempts": [], "variables": "", "program_vs_original": None, **data}
    for name in ("program_vs_deployed", "deployed_vs_original"):
        if _record(data.get(name)):
            data[name] = {"counterexamples": [], **data[name]}
    return data


def _faults(data: dict[str, Any]) -> Iterator[str]:
    data = completed(data)
    yield from _misshapen(data, {**_EVIDENCE, "schema": (_whole, "a whole number")}, "")
    for place, attempt in enumerate(data["attempts"]):
        yield from _misshapen(attempt, _ATTEMPT, f"attempts[{place}].")
    named = {key: data[key] for key in ("program_vs_deployed", "deployed_vs_original")}
    if data["program_vs_original"] is not None:
        named["program_vs_original"] = data["program_vs_original"]
    parts = {
        f"parts[{place}]": {"counterexamples": [], **part}
        for place, part in enumerate(data["parts"])
    }
    for name, claim in (named | parts).items():
        yield from _misshapen(claim, _CLAIM, f"{name}.")


def _misshapen(
    record: dict[str, Any], wanted: dict[str, tuple[Test, str]], place: str
) -> Iterator[str]:
    for name, (test, words) in wanted.items():
        if name not in record:
            yield f"lacks {place}{name}"
        elif not test(record[name]):
            yield f"must give {place}{name} as {words}"
    for name in record.keys() - wanted.keys():
        yield f"gives {place}{name[:40]}, which no run writes"
