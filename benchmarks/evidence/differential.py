"""All meanings of random programs beside the exact one.

    python -m benchmarks.evidence.differential [--programs 100000] [--seed 0] [--jobs 2]

Numpy, torch and Python must lie in the outward-rounded interval of the point, which is a single
number wherever arithmetic is exact, and the exact value too; z3 and sympy must give the exact
value itself; the written form must read back as the same program. Where the interval of a truth or
a whole number isn't a single value, rounding decides a guard: a tie, counted apart, which must lie
in the interval, too. Rows where what runs on floats differs and some value on the way, within
functions and named values too, is beyond 2 ** 53 are counted as that; rows where the program is
undefined are left out.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.evidence.random_programs import plain, random_column, random_program
from benchmarks.machine import provenance
from benchmarks.store import FOLDER, ROOT, code_version
from dsl.algebra import Exact, Undefined, Unsupported, leaves
from dsl.meanings.array import run
from dsl.meanings.exact import run_exact
from dsl.meanings.fold import reached
from dsl.meanings.interval import evaluate_boxes, well_defined
from dsl.meanings.python import to_python
from dsl.primitive import REGISTRY
from dsl.program import Program, const
from dsl.text import parse_program
from dsl.types import BOOL, INT, Category, element

ROWS = 8
_BLOCK = 250
_LARGE = 2**53
_LONG = 400
"""Bits of a number that isn't written in full."""

_SYMBOLIC_EVERY = 10
_PAGE = ROOT / "benchmarks" / "results" / "differential.md"
MEANINGS = ("text", "interval", "numpy", "torch", "python", "z3", "sympy")


@dataclass
class Tally:
    """Counts of (meaning, outcome), and the programs on which a meaning disagrees."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[dict[str, Any]] = field(default_factory=list)

    def add(self, meaning: str, outcome: str, shown: Program, note: str = "") -> None:
        """Count one comparison."""
        self.counts[meaning, outcome] += 1
        if outcome == "disagrees":
            self.wrong.append({"meaning": meaning, "program": str(shown), "note": note})

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"counts": [[m, o, n] for (m, o), n in self.counts.items()], "wrong": self.wrong}

    def join(self, data: dict[str, Any]) -> None:
        """Add what `to_json` gave."""
        self.counts.update({(m, o): n for m, o, n in data["counts"]})
        self.wrong += data["wrong"]


def compared(shown: Program, seed: int, tally: Tally, symbolic: bool) -> None:
    """Run a program in every meaning on a few rows; symbolic: in z3 and sympy, too."""
    again = parse_program(str(shown))
    tally.add("text", "equal" if again == shown else "disagrees", shown)
    rng = np.random.default_rng([seed, 77])
    columns = tuple(random_column(item, ROWS, rng) for _, item in shown.main.parameters)
    rows, exact = _defined(shown, columns, _surely_defined(shown, columns))
    if not rows:
        tally.counts["program", "undefined on all rows"] += 1
        return
    columns = tuple(c[rows] for c in columns)
    bounds = _bounds(shown, columns, exact, tally)
    if bounds is not None:
        for name, meaning in _FLOATS.items():
            _compare_floats(name, meaning, shown, columns, bounds, tally)
    if symbolic:
        _compare_terms("z3", _z3_says, shown, columns, exact, tally)
        _compare_terms("sympy", _sympy_says, shown, columns, exact, tally)


def _surely_defined(shown: Program, columns: tuple[Any, ...]) -> np.ndarray:
    """Rows on which intervals show every precondition; none where intervals have no meaning."""
    try:
        return np.broadcast_to(well_defined(shown, _points(shown, columns)), (ROWS,))
    except Unsupported:
        return np.zeros(ROWS, bool)


def _points(shown: Program, columns: tuple[Any, ...]) -> dict[str, tuple[Any, Any]]:
    names = [n for n, _ in shown.main.parameters]
    return {n: (c.astype(float), c.astype(float)) for n, c in zip(names, columns, strict=True)}


def _defined(
    shown: Program, columns: tuple[Any, ...], surely: np.ndarray
) -> tuple[list[int], list[Any]]:
    """Rows on which the program is defined, with exact values; None where that isn't rational."""
    rows: list[int] = []
    values: list[Any] = []
    for row in range(ROWS):
        arguments = tuple(plain(c[row]) for c in columns)
        try:
            value = run_exact(shown, arguments)
        except Undefined:
            continue
        except Unsupported:
            if not surely[row]:
                continue
            value = None
        rows.append(row)
        values.append(value)
    return rows, values


def _bounds(
    shown: Program, columns: tuple[Any, ...], exact: list[Any], tally: Tally
) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        low, high = evaluate_boxes(shown, _points(shown, columns))
    except Unsupported:
        tally.counts["interval", "unsupported"] += 1
        return None
    low, high = (np.broadcast_to(e, (len(exact), *e.shape[1:])) for e in (low, high))
    low, high = low.reshape(len(exact), -1), high.reshape(len(exact), -1)
    for row, value in enumerate(exact):
        if value is None:
            continue
        inside = all(
            a <= v <= b
            for a, v, b in zip(low[row], map(Fraction, leaves(value)), high[row], strict=True)
        )
        single = bool((low[row] == high[row]).all())
        outcome = ("equal" if single else "inside") if inside else "disagrees"
        tally.add("interval", outcome, shown, f"{plain(columns[0][row])}: {_written(value)}")
    return low, high


def _written(value: Any) -> str:
    """A value in digits; of numbers with hundreds of them only the size."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_written, value))})"
    top, bottom = (n.bit_length() for n in Fraction(value).as_integer_ratio())
    return str(value) if max(top, bottom) < _LONG else f"about 2**{top - bottom}"


def _compare_floats(
    name: str, meaning: Callable[..., np.ndarray], shown: Program, columns: tuple[Any, ...],
    bounds: tuple[np.ndarray, np.ndarray], tally: Tally,
) -> None:  # fmt: skip
    low, high = bounds
    discrete = element(shown.main.body.type)
    tied = discrete in (BOOL, INT) or isinstance(discrete, Category)
    with np.errstate(all="ignore"):
        try:
            found = meaning(shown, columns).astype(float).reshape(len(low), -1)
        except OverflowError:  # Python's exp has no infinity
            tally.add(name, "overflows", shown)
            return
    for row in range(len(low)):
        single = bool((low[row] == high[row]).all())
        inside = bool(((low[row] <= found[row]) & (found[row] <= high[row])).all())
        if inside:
            outcome = "equal" if single else "tie" if tied else "inside"
        elif _is_large(shown, tuple(c[row] for c in columns)):
            outcome = "beyond 2^53"
        else:
            outcome = "disagrees"
        said = f"{[plain(c[row]) for c in columns]}: {found[row]} not in [{low[row]}, {high[row]}]"
        tally.add(name, outcome, shown, said)


def _is_large(shown: Program, row: tuple[Any, ...]) -> bool:
    """Whether the program takes a value there, on the way or at last, beyond what floats count."""
    named = {
        name: const(plain(value), item).value
        for (name, item), value in zip(shown.main.parameters, row, strict=True)
    }
    try:
        values = reached(shown, _Nearly(), named)
    except OverflowError:
        return True
    return any(abs(v) >= _LARGE for value in values for v in leaves(value))


class _Nearly(Exact):
    """Exact numbers, with the nearest float for what isn't rational."""

    def function(self, name: str, a: Any) -> Any:
        try:
            return super().function(name, a)
        except Unsupported:
            with np.errstate(all="ignore"):
                return Fraction(float(REGISTRY[name].array(np, np.array([float(a)]))[0]))


def _numpy_says(shown: Program, columns: tuple[Any, ...]) -> np.ndarray:
    return np.asarray(run(shown, columns))


def _torch_says(shown: Program, columns: tuple[Any, ...]) -> np.ndarray:
    import torch

    return run(shown, tuple(map(torch.from_numpy, columns)), torch).numpy()


def _python_says(shown: Program, columns: tuple[Any, ...]) -> np.ndarray:
    scope: dict[str, Any] = {}
    exec(to_python(shown), scope)
    predict = scope[shown.main.name]
    rows = [[c[row].tolist() for c in columns] for row in range(len(columns[0]))]
    return np.array([predict(*values) for values in rows], dtype=object)


_FLOATS = {"numpy": _numpy_says, "torch": _torch_says, "python": _python_says}


def _compare_terms(
    name: str, says: Callable[..., str], shown: Program, columns: tuple[Any, ...],
    exact: list[Any], tally: Tally,
) -> None:  # fmt: skip
    """One row: a solver's answer takes long."""
    rows = [r for r, v in enumerate(exact) if v is not None]
    if not rows:
        tally.counts[name, "unsupported"] += 1
        return
    arguments = tuple(plain(c[rows[0]]) for c in columns)
    try:
        outcome = says(shown, arguments, exact[rows[0]])
    except Unsupported:
        outcome = "unsupported"
    tally.add(name, outcome, shown, f"{arguments}: {_written(exact[rows[0]])}")


def _z3_says(shown: Program, arguments: tuple[Any, ...], value: Any) -> str:
    import z3

    from dsl.meanings.z3_ import to_z3, variables

    named = variables(shown.main.parameters)
    terms = to_z3(shown, named)
    solver = z3.Solver()
    solver.set("rlimit", 2_000_000)
    solver.add(*terms.constraints)
    for variable, given in zip(leaves(named), leaves(arguments), strict=True):
        solver.add(variable == _z3_value(variable, given))
    if terms.defined is not True:
        solver.add(terms.defined)
    consistent = solver.check()
    apart = [
        t != _z3_value(t, v) if hasattr(t, "sort") else z3.BoolVal(t != v)
        for t, v in zip(leaves(terms.value), leaves(value), strict=True)
    ]
    solver.add(z3.Or(*apart))
    answers = (consistent, solver.check())
    if z3.unknown in answers:
        return "unknown"
    return "equal" if answers == (z3.sat, z3.unsat) else "disagrees"


def _z3_value(term: Any, value: Any) -> Any:
    import z3

    from dsl.meanings.z3_ import decimal

    if z3.is_bool(term):
        return z3.BoolVal(bool(value))
    top, bottom = Fraction(value).as_integer_ratio()
    return z3.RealVal(f"{decimal(top)}/{decimal(bottom)}")


def _sympy_says(shown: Program, arguments: tuple[Any, ...], value: Any) -> str:
    import sympy

    from dsl.meanings.sympy_ import formula, symbols

    named = symbols(shown.main.parameters)
    terms = leaves(formula(shown, named))
    pairs = zip(leaves(tuple(named.values())), leaves(arguments), strict=True)
    table = {symbol: _sympy_value(given) for symbol, given in pairs}
    for term, wanted in zip(terms, leaves(value), strict=True):
        found = sympy.sympify(term).subs(table)
        expected = _sympy_value(wanted)
        same = found == expected or (
            not isinstance(wanted, bool) and sympy.simplify(found - expected) == 0
        )
        if not same:
            return "disagrees"
    return "equal"


def _sympy_value(value: Any) -> Any:
    import sympy

    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    return sympy.Rational(*Fraction(value).as_integer_ratio())


def block(seed: int, first: int, count: int) -> dict[str, Any]:
    """The tally of some programs as plain data; a meaning that fails counts as a disagreement."""
    tally = Tally()
    for number in range(first, first + count):
        shown = random_program(seed, number)
        try:
            compared(shown, number, tally, number % _SYMBOLIC_EVERY == 0)
        except Exception as error:
            tally.add("fault", "disagrees", shown, f"{type(error).__name__}: {error}")
    return {"first": first, "seed": seed, **tally.to_json()}


def _blocks(given: argparse.Namespace, code: str) -> Iterator[dict[str, Any]]:
    """Blocks that are known of this code, then those that aren't, each written when it is done."""
    file = FOLDER / "differential.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text().splitlines() if file.exists() else []
    known = [json.loads(line) for line in lines if line.endswith("}")]
    usable = {
        e["first"]: e for e in known if e["code"] == code and e["seed"] == given.seed
    }  # the settings that the numbers depend on
    starts = range(0, given.programs, _BLOCK)
    yield from (usable[s] for s in starts if s in usable)
    missing = [s for s in starts if s not in usable]
    with ProcessPoolExecutor(given.jobs) as pool, file.open("a") as out:
        arguments = ([given.seed] * len(missing), missing, [_BLOCK] * len(missing))
        for entry in pool.map(block, *arguments):
            out.write(json.dumps(entry | {"code": code}) + "\n")
            out.flush()
            yield entry


def main() -> None:
    """Run the programs and write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--programs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = options.parse_args()
    code, tally = code_version(houses=("dsl", "benchmarks/evidence")), Tally()
    for done, entry in enumerate(_blocks(given, code), 1):
        tally.join(entry)
        print(f"\r{done * _BLOCK:,} programs, {len(tally.wrong)} disagreements", end="", flush=True)
    print()
    text = _page(tally, given, code)
    _PAGE.write_text(text)
    print(text)


def _page(tally: Tally, given: argparse.Namespace, code: str) -> str:
    outcomes = sorted({o for _, o in tally.counts})
    command = f"python -m benchmarks.evidence.differential --programs {given.programs}"
    head = "| meaning | " + " | ".join(outcomes) + " |\n" + "| --- " * (len(outcomes) + 1) + "|"
    rows = [
        f"| {m} | " + " | ".join(f"{tally.counts[m, o]:,}" for o in outcomes) + " |"
        for m in (*MEANINGS, "program", "fault")
    ]
    wrong = [f"- {w['meaning']}: `{w['program']}` {w['note']}" for w in tally.wrong[:20]]
    about = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    return "\n".join([
        "# All meanings of random programs\n", provenance(command, code), "", about,
        f"{given.programs:,} programs, {ROWS} rows each; z3 and sympy on every "
        f"{_SYMBOLIC_EVERY}th program, one row each.\n", head, *rows, "",
        f"Disagreements: {len(tally.wrong)}", *wrong, "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
