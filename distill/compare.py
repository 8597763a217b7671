"""Equivalence of any two of network, program, .py file or callable on a domain."""

from __future__ import annotations

import runpy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import BadInput
from distill.evidence import Claim
from distill.load import load
from distill.network import Network
from distill.regions import regions
from distill.verify.shrink import shrunk, thought_of
from dsl.domain import Columns, Domain, DomainError, rows
from dsl.meanings.array import run
from dsl.program import Program
from dsl.text import ParseError, parse_program

Batch = Callable[[Columns], np.ndarray]
_BLOCK = 8192
_ALL_AT_MOST = 1 << 18
_DRAWS = 30_000
_DEFAULT = 1e-4


def equivalence(
    a: Any, b: Any, domain: Domain, tolerance: float | None, seed: int, budget: float
) -> Claim:
    """What is known about a == b on a domain: every input of a small one, else draws and a hunt.

    Networks are compared by their raw outputs; against something that returns truths or
    categories they are decoded as that. Without a tolerance real values may differ by 1e-4.

    Raises:
        BadInput: something can't be run on the domain, or results have different shapes.
    """
    begin = time.perf_counter()
    a, b = _resolved(a), _resolved(b)
    first, second = (as_batch(x, domain) for x in (a, b))
    allowed = _DEFAULT if tolerance is None else tolerance
    total, tried, seen, worst = domain.count, 0, 0, 0.0
    listed = total is not None and total <= _ALL_AT_MOST
    ended = True

    def differs(columns: Columns) -> bool:
        return bool(_apart(first(columns), second(columns))[0] > allowed)

    for counted, columns in _blocks(domain, listed, seed):
        apart = _apart(first(columns), second(columns))
        tried += rows(columns)
        seen += rows(columns) * counted
        worst = max(worst, float(apart.max(initial=0.0)))
        if worst > allowed:
            row = int(apart.argmax())
            given = tuple(c[row : row + 1] for c in columns)
            example = shrunk(domain, given, differs, seed)
            claim = _refuted(example, first, second, domain, tried, allowed, begin)
            return replace(
                claim, regions=_regions(a, b, (first, second), domain, given, allowed, seed)
            )
        if time.perf_counter() - begin > budget:
            ended = False
            break
    method = "exhaustive" if listed and ended else "sampling"
    verdict = "proved" if listed and ended else "tested"
    how = (
        f"agree on all {seen:,} inputs"
        if method == "exhaustive"
        else (
            f"no difference in {seen:,} independent uniform draws: with 95 % confidence at most "
            f"{3 / max(seen, 1):.2g} of the domain differs"
        )
    )
    return Claim(
        verdict,
        method,
        how,
        tolerance=allowed,
        achieved=worst,
        count=seen,
        arithmetic="as run",
        seconds=time.perf_counter() - begin,
    )


def _regions(
    a: Any, b: Any, sides: tuple[Batch, Batch], domain: Domain, found: Columns, allowed: float,
    seed: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """Where they differ; nothing where one of them fails somewhere, or takes a row at a time."""
    programs = [p for p in (a, b) if isinstance(p, Program)]

    def differs(columns: Columns) -> np.ndarray:
        return _apart(*(side(columns) for side in sides)) > allowed

    try:
        return [r.to_json(domain) for r in regions(domain, differs, found, programs, seed)]
    except (BadInput, DomainError):
        return []


def _blocks(domain: Domain, listed: bool, seed: int) -> Iterator[tuple[bool, Columns]]:
    """Blocks of inputs, and whether a claim may count them."""
    if listed:
        yield from ((True, columns) for columns in domain.blocks(_BLOCK))
        return
    yield False, thought_of(domain, seed=seed)
    rng = np.random.default_rng([seed, 8])
    for _ in range(-(-_DRAWS // _BLOCK)):
        yield True, domain.sample(rng, _BLOCK)


def as_batch(thing: Any, domain: Domain) -> Batch:
    """A function of columns from a network, a program, a distillation, a path or a callable.

    Raises:
        BadInput: it is none of these, or takes other inputs.
    """
    thing = _resolved(thing)
    if isinstance(thing, Program):
        return _program_batch(thing, domain)
    if callable(thing) and not hasattr(thing, "parameters") and not hasattr(thing, "fit"):
        return lambda columns: _by_rows(thing, domain, columns)
    network = thing if isinstance(thing, Network) else load(thing)
    if network.input_width != domain.width:
        raise BadInput(
            f"the domain '{domain}' fills {domain.width} inputs, the network has "
            f"{network.input_width}"
        )
    return lambda columns: np.asarray(network.run(domain.encode(columns)), dtype=np.float64)


def _resolved(thing: Any) -> Any:
    """What a path or a distillation stands for."""
    if isinstance(thing, str | Path):
        thing = _from_path(Path(thing))
    if hasattr(thing, "program") and isinstance(thing.program, Program):
        thing = thing.program
    return thing


def _program_batch(program: Program, domain: Domain) -> Batch:
    if tuple(t for _, t in program.main.parameters) != tuple(t for _, t in domain.parameters):
        raise BadInput(f"the program takes other values than the domain '{domain}'")
    return lambda columns: np.asarray(run(program, columns))


def _from_path(path: Path) -> Any:
    if path.suffix == ".py" and path.is_file():
        return predict_of(path)
    if path.is_dir() or path.suffix == ".dsl":
        file = path / "program.dsl" if path.is_dir() else path
        try:
            return parse_program(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ParseError) as error:
            what = error.strerror if isinstance(error, OSError) else error
            raise BadInput(f"can't read a program from {str(file)!a}: {what}") from None
    return load(path)


def predict_of(path: Path) -> Callable[..., Any]:
    """The function `predict` of a .py file, which is executed.

    Raises:
        BadInput: it can't be, or has none.
    """
    try:
        predict = runpy.run_path(str(path)).get("predict")
    except (Exception, SystemExit) as error:
        raise BadInput(f"{str(path)!a} can't be run: {type(error).__name__}: {error}") from None
    if not callable(predict):
        raise BadInput(f"{str(path)!a} has no function named predict")
    return predict


def _by_rows(function: Callable[..., Any], domain: Domain, columns: Columns) -> np.ndarray:
    try:
        return np.array([function(*domain.row(columns, i)) for i in range(rows(columns))])
    except TypeError as error:
        raise BadInput(f"the function can't be called on the domain's values: {error}") from None
    except ArithmeticError as error:
        raise BadInput(f"the function isn't defined on all of the domain: {error}") from None


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance of each row (n,); raw network outputs are read as the other side's kind."""
    first, second = _alike(first, second)
    if first.shape != second.shape:
        raise BadInput(
            f"the two return values of different shapes: {first.shape[1:]} and {second.shape[1:]}"
        )
    gap = np.abs(first.astype(np.float64) - second.astype(np.float64))
    gap = np.where(np.isnan(gap), np.inf, gap)
    return gap.reshape(len(gap), -1).max(1)


def _alike(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if first.ndim == second.ndim:
        if second.dtype == np.bool_ and first.dtype != np.bool_:
            return first > 0, second
        if first.dtype == np.bool_ and second.dtype != np.bool_:
            return first, second > 0
        return first, second
    if first.ndim < second.ndim:
        other, one = _alike(second, first)
        return one, other
    if first.shape[1] == 1:
        return _alike(first[:, 0], second)
    if np.issubdtype(second.dtype, np.integer):
        return first.argmax(1), second
    return first, second


def _refuted(
    example: Columns,
    first: Batch,
    second: Batch,
    domain: Domain,
    tried: int,
    allowed: float,
    begin: float,
) -> Claim:
    values = first(example), second(example)
    apart = float(_apart(*values)[0])
    once = ", once and not again: one of them gives more than one answer" * (apart <= allowed)
    names = [f.name for f in domain.fields]
    shown = {
        "inputs": dict(zip(names, domain.row(example, 0), strict=True)),
        "first": np.asarray(values[0])[0].tolist(),
        "second": np.asarray(values[1])[0].tolist(),
    }
    return Claim(
        "refuted",
        "property",
        f"they differ on an input (found within {tried:,} tried){once}",
        tolerance=allowed,
        achieved=apart,
        count=tried,
        arithmetic="as run",
        seconds=time.perf_counter() - begin,
        counterexample=shown,
        counterexamples=[shown],
    )
