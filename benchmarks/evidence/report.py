"""The page of a campaign: counts of what the verifiers and the checker said, and what was false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Any

Result = dict[str, Any]
SOLVED = "proved_to_solver_tolerance"
PROVED = ("proved", "proved_to_length", SOLVED)


def broken(results: list[Result]) -> bool:
    """Whether there is a false proof, a true one that the checker contradicts, a corruption that it
    lets pass, or an error."""
    trials, corrupted = _trials(results), _corrupted(results)
    return bool(_false(trials) or _passed(corrupted) or any("error" in r for r in results))


def codes(results: list[Result]) -> str:
    """The hashes of the sources that made the results, and how many each made."""
    counts = Counter(r.get("code", "unknown") for r in results)
    return ", ".join(f"`{code}` {count:,} results" for code, count in counts.most_common())


def page(results: list[Result], provenance: str) -> str:
    """The page as markdown."""
    trials = _trials(results)
    sections = [
        "# Attempts to break the verifiers", provenance, _summary(trials, _corrupted(results)),
        "## Kinds of trials", _kinds(trials), "## Verifiers", _verifiers(trials),
        "## Corrupted certificates", _corruptions(_corrupted(results)), _failures(results),
    ]  # fmt: skip
    return "\n\n".join(part for part in sections if part) + "\n"


def _trials(results: list[Result]) -> list[Result]:
    return [r for r in results if r["what"] == "trial" and "error" not in r]


def _corrupted(results: list[Result]) -> list[Result]:
    return [r for r in results if r["what"] == "corruption" and "error" not in r]


def _made(corrupted: list[Result]) -> list[Result]:
    return [{"base": r["kind"], "number": r["number"], **m} for r in corrupted for m in r["made"]]


def _lines(trials: Iterable[Result], by: str | None = None) -> list[tuple[Result, Result]]:
    return [(t, x) for t in trials for x in t["lines"] if by in (None, x["by"])]


def _false(trials: list[Result]) -> list[tuple[Result, Result]]:
    return [(t, x) for t, x in _lines(trials) if x.get("false")]


def _passed(corrupted: list[Result]) -> list[Result]:
    return [m for m in _made(corrupted) if m["said"] == "holds"]


def _refutation(trials: list[Result]) -> tuple[int, int]:
    """How many squares with a clear difference the ladder refuted, and of how many."""
    asked = [x for t, x in _lines(trials, "ladder") if t["clear"] and not t["banded"]]
    return sum(x["verdict"] == "refuted" and x["replays"] for x in asked), len(asked)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" + (f" ({100 * part / whole:.2f} %)" if whole else "")


def _summary(trials: list[Result], corrupted: list[Result]) -> str:
    planted = sum(t["differs"] for t in trials)
    refuted, asked = _refutation(trials)
    late = [t for t in trials if 20 <= (t.get("first") or 0) <= 60]
    checked = [x for t, x in _lines(trials) if x.get("checked") and not x.get("false")]
    solved = [x for x in checked if x["method"] == "smt"]
    checked = [x for x in checked if x["method"] != "smt"]
    shown = sum(x["checked"] == "holds" for x in solved)
    held = sum(x["checked"] == "holds" for x in checked)
    sound = [r for r in corrupted if r["before"]]
    counted = _made(corrupted)
    replayed = [x for _, x in _lines(trials) if x["verdict"] == "refuted"]
    confirmed = _share(sum(r["before"] == "holds" for r in sound), len(sound))
    rejected = sum(r["said"] != "holds" for r in counted)
    return "\n".join([
        f"- trials: {len(trials):,}, in {planted:,} of them network and program differ at a known "
        "point (or word) by more than what is claimed",
        f"- false proofs: {len(_false(trials))} in {len(_lines(trials)):,} answers of verifiers",
        f"- of them false to a solver's tolerance: "
        f"{sum(x['verdict'] == SOLVED for _, x in _false(trials))} in "
        f"{sum(x['verdict'] == SOLVED for _, x in _lines(trials)):,} such claims",
        f"- recurrent networks whose first known failure is at length 20 to 60: {len(late):,}; "
        f"false claims about them: {len(_false(late))} in {len(_lines(late)):,} answers",
        f"- clear differences (more than twice the tolerance) that the ladder refuted with a "
        f"counterexample that replays: {_share(refuted, asked)}",
        f"- counterexamples that replay: "
        f"{_share(sum(bool(x.get('replays', True)) for x in replayed), len(replayed))}",
        f"- proofs that the independent checker confirmed: {_share(held, len(checked))}; "
        f"of z3's, which leave nothing to walk, {_share(shown, len(solved))}",
        f"- corrupted certificates that the checker rejected: {_share(rejected, len(counted))}; "
        f"claims that they were made of and that it confirmed before: {confirmed}",
    ])  # fmt: skip


def _table(head: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _kinds(trials: list[Result]) -> str:
    rows = []
    for kind in dict.fromkeys(t["kind"] for t in trials):
        some = [t for t in trials if t["kind"] == kind]
        top = [(t, x) for t, x in _lines(some) if x["by"] in ("ladder", "words", "real words")]
        true = [x for t, x in top if not t["differs"]]
        refuted, asked = _refutation(some)
        rows.append([
            kind, len(some), sum(t["differs"] for t in some), len(_false(some)),
            f"{sum(x['verdict'] in PROVED for x in true)} of {len(true)}",
            f"{refuted} of {asked}" if asked else "", f"{median(t['seconds'] for t in some):.2f}",
        ])  # fmt: skip
    note = (
        "The whole ladder (`ladder`, for loops `words` and `real words`) is asked in some of the "
        "trials; proofs are counted where no difference is known. Decisions over reals are not "
        "refuted but get a band that leaves their differences out: proofs that cover the planted "
        "one are false."
    )
    head = ["kind", "trials", "differ", "false proofs", "ladder: proofs of true ones",
            "ladder: clear differences refuted", "median s"]  # fmt: skip
    return _table(head, rows) + "\n\n" + note


def _verifiers(trials: list[Result]) -> str:
    rows = []
    for name in dict.fromkeys(x["by"] for _, x in _lines(trials)):
        asked = _lines(trials, name)
        true = [x for t, x in asked if not t["differs"]]
        checked = [x["checked"] for _, x in asked if x.get("checked") and not x.get("false")]
        seconds = [x["seconds"] for _, x in asked]
        count = Counter(x["verdict"] for _, x in asked)

        rows.append([
            name, len(asked), sum(x["verdict"] in PROVED for x in true), len(true),
            count["refuted"], count["tested"], count["unknown"],
            count[None], sum(bool(x.get("false")) for _, x in asked),
            f"{checked.count('holds')} of {len(checked)}" if checked else "",
            f"{median(seconds):.3f}", f"{max(seconds):.1f}",
        ])  # fmt: skip
    head = ["verifier", "asked", "proved true ones", "of", "refuted", "tested", "unknown",
            "not for it", "false proofs", "checker confirms", "median s", "longest s"]  # fmt: skip
    return _table(head, rows)


def _corruptions(corrupted: list[Result]) -> str:
    made, rows = _made(corrupted), []
    for kind in dict.fromkeys(m["kind"] for m in made):
        said = [m["said"] for m in made if m["kind"] == kind]
        bases = sorted({m["base"] for m in made if m["kind"] == kind})
        rows.append(
            [kind, ", ".join(bases), len(said), *map(said.count, ("refuted", "unknown", "holds"))]
        )
    head = ["corruption", "of claims by", "made", "refuted", "not confirmed", "let pass"]
    return _table(head, rows) if rows else ""


def _failures(results: list[Result]) -> str:
    lines = [f"- {t['kind']} {t['number']}, {x['by']}: {x['false']}" for t, x in
             _false(_trials(results))]  # fmt: skip
    lines += [f"- {r['base']} {r['number']}, {r['kind']}, passes: {r['told']}" for r in
              _passed(_corrupted(results))]  # fmt: skip
    lines += [f"- {r['kind']} {r['number']}: {r['error'].splitlines()[-1]}" for r in results
              if "error" in r]  # fmt: skip
    return "## What went wrong\n\n" + "\n".join(lines) if lines else ""
