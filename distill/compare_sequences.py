"""Equivalence of any two of recurrent network, loop, .py file or callable on sequences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.compare import predict_of
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.evidence import Claim
from distill.export.place import shown
from distill.load.recurrent import load_recurrent
from distill.recurrent import RecurrentNetwork
from distill.target import Output
from distill.verify.shrink_words import shrunk_word
from dsl.domain import Columns, DomainError, rows
from dsl.loop import Loop
from dsl.loop_text import parse_loop
from dsl.meanings.loop_array import run_loop
from dsl.sequences import Sequences
from dsl.text import ParseError

_BLOCK = 4096
_ALL_AT_MOST = 1 << 18
_LISTED = 1 << 14
_DRAWS = 1000
"""Sequences that are drawn of every length."""

_LONGEST = 30
_DEFAULT = 1e-4
_LEVEL = 0.5

Values = NDArray[Any]
"""Outputs (n, S, m): S is the sequences' length, or 1 for one output at the end."""


@dataclass(frozen=True)
class Side:
    """One of the two: `run` gives outputs for sequences.

    raw: they are a network's own numbers, to be read as the other side's kind; output: how the
    other side's numbers are to be read, where this side knows it.
    """

    run: Callable[[Columns], Values]
    at_end: bool
    raw: bool = False
    output: Output | None = None


def sequence_equivalence(
    a: Any, b: Any, domain: Sequences, tolerance: float | None, seed: int, budget: float
) -> Claim:
    """What is known about a == b on sequences: all of a small domain, else short ones and draws.

    Networks are compared by their raw outputs; beside a loop or a function they are read as what
    that returns, truths above 0.5. Without a tolerance real values may differ by 1e-4.

    Raises:
        BadInput: something can't be run on the domain, or results have different shapes.
    """
    begin = time.perf_counter()
    _require_bounds(domain)
    first, second = (_side(x, domain) for x in (a, b))
    if first.at_end != second.at_end and not (first.raw or second.raw):
        raise BadInput("one of the two returns a value for every item, the other one at the end")
    allowed = _DEFAULT if tolerance is None else tolerance
    apart = partial(_apart, first, second)
    tried = drawn = listed = 0
    for length, every, columns in _blocks(domain, seed):
        gap = apart(columns)
        tried, drawn = tried + len(gap), drawn + len(gap) * (not every)
        if gap.max(initial=0.0) > allowed:
            row = int(gap.argmax())
            example = shrunk_word(
                domain,
                tuple(c[row : row + 1] for c in columns),
                lambda c: bool(apart(c)[0] > allowed),
                seed,
            )
            return _refuted(first, second, example, domain, tried, allowed, begin)
        listed = length if every else listed
        if time.perf_counter() - begin > budget:
            break
    else:
        if _all_of(domain):
            return _agree("proved", f"agree on all {tried:,} sequences", allowed, tried, begin)
    return _agree("tested", _tested(drawn, listed, domain), allowed, tried, begin)


def _require_bounds(domain: Sequences) -> None:
    try:
        domain.sample(np.random.default_rng(0), 1, domain.shortest)
    except DomainError as error:
        raise BadInput(str(error)) from None


def _all_of(domain: Sequences) -> bool:
    """Whether all sequences of the domain are few enough to be run."""
    return domain.longest is not None and _count(domain, domain.longest) <= _ALL_AT_MOST


def _count(domain: Sequences, longest: int) -> float:
    """Sequences up to a length; infinite where items can't be listed or they are very many."""
    letters, total = _letters(domain), 0.0
    for length in range(domain.shortest, longest + 1):
        total += np.inf if length > 64 else letters**length
    return total


def _letters(domain: Sequences) -> float:
    """Number of different items that meet the condition, infinite where they are many."""
    count = domain.symbols
    if count is None or count > _ALL_AT_MOST:
        return np.inf
    return float(rows(domain.item.points(0, count)))


def _blocks(domain: Sequences, seed: int) -> Iterator[tuple[int, bool, Columns]]:
    """Length, whether these are some of all sequences of that length, and sequences."""
    longest = domain.longest or max(_LONGEST, domain.shortest)
    limit = _ALL_AT_MOST if _all_of(domain) else _LISTED
    lengths = range(domain.shortest, longest + 1)
    for length in (n for n in lengths if _count(domain, n) <= limit):
        total = int(_letters(domain)) ** length
        for start in range(0, total, _BLOCK):
            yield length, True, domain.words(length, start, min(start + _BLOCK, total))
    if not _all_of(domain):
        rng = np.random.default_rng([seed, 9])
        for length in lengths:
            yield length, False, domain.sample(rng, _DRAWS, length)


def _side(thing: Any, domain: Sequences) -> Side:
    if isinstance(thing, str | Path):
        thing = _from_path(Path(thing))
    if isinstance(thing, LoopDistillation):
        return _loop_side(thing.program, domain, thing.output)
    if isinstance(thing, Loop):
        return _loop_side(thing, domain)
    if callable(thing) and not hasattr(thing, "parameters"):
        return _function_side(thing, domain)
    network = load_recurrent(thing)
    if network.input_width != domain.item.width:
        raise BadInput(
            f"an item of '{domain}' fills {domain.item.width} inputs, and the cell takes "
            f"{network.input_width}"
        )
    return _network_side(network, domain)


def _from_path(path: Path) -> Any:
    if path.suffix == ".py" and path.is_file():
        return predict_of(path)
    if path.is_dir():
        return LoopDistillation.load(path)
    if path.suffix != ".dsl":
        return path
    try:
        return parse_loop(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ParseError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"can't read a loop from {shown(path)}: {what}") from None


def _network_side(network: RecurrentNetwork, domain: Sequences) -> Side:
    last = slice(-1, None) if network.at_end else slice(None)
    run = lambda columns: network.run(domain.encode(columns))[1][:, last]  # noqa: E731
    return Side(run, network.at_end, raw=True)


def _loop_side(loop: Loop, domain: Sequences, output: Output | None = None) -> Side:
    if tuple(t for _, t in loop.inputs) != tuple(t for _, t in domain.item.parameters):
        raise BadInput(f"the loop takes other items than the domain '{domain}'")
    last = slice(-1, None) if loop.at_end else slice(None)
    return Side(
        lambda columns: _wide(run_loop(loop, columns)[:, last], 2), loop.at_end, False, output
    )


def _function_side(function: Callable[..., Any], domain: Sequences) -> Side:
    """A function of a list of items; its results tell whether it answers after every item."""
    rng = np.random.default_rng(0)
    lengths = {max(domain.shortest, 2), max(domain.shortest, 2) + 1}
    allowed = [n for n in lengths if n <= (domain.longest or n)] or [domain.shortest]
    tries = {n: _called(function, domain.sample(rng, 1, n))[0] for n in allowed}
    each = all(isinstance(v, list | tuple) and len(v) == n for n, v in tries.items())

    def run(columns: Columns) -> Values:
        found = np.array(_called(function, columns))
        return _wide(found, 2) if each else _wide(found[:, None], 2)

    return Side(run, at_end=not each)


def _called(function: Callable[..., Any], columns: Columns) -> list[Any]:
    try:
        return [function(items) for items in plain_sequences(columns)]
    except Exception as error:
        raise BadInput(
            f"the function can't be called on the domain's sequences: {type(error).__name__}: "
            f"{error}"
        ) from None


def plain_sequences(columns: Columns) -> list[list[Any]]:
    """Sequences as lists of items: scalars, or tuples where items have several fields."""
    parts = [c.tolist() for c in columns]
    if len(parts) == 1:
        return parts[0]
    return [list(zip(*row, strict=True)) for row in zip(*parts, strict=True)]


def _wide(values: NDArray[Any], axes: int) -> Values:
    """The same with all axes behind the first two as one."""
    return values.reshape(*values.shape[:axes], -1)


def _values(first: Side, second: Side, columns: Columns) -> tuple[Values, Values]:
    """Outputs of both, a network's read as the other side's kind."""
    ours, theirs = first.run(columns), second.run(columns)
    if first.at_end or second.at_end:
        ours, theirs = ours[:, -1:], theirs[:, -1:]
    if first.raw and not second.raw:
        ours = _read(ours, theirs, second.output)
    if second.raw and not first.raw:
        theirs = _read(theirs, ours, first.output)
    if ours.shape != theirs.shape:
        raise BadInput(
            f"the two return values of different shapes: {ours.shape[1:]} and {theirs.shape[1:]}"
        )
    return ours, theirs


def _read(raw: Values, other: Values, output: Output | None) -> Values:
    if output is not None:
        found = output.decode(raw.reshape(-1, raw.shape[2]))
        return found.reshape(*raw.shape[:2], -1)
    if other.dtype == np.bool_:
        return raw > _LEVEL
    if np.issubdtype(other.dtype, np.integer):
        alone = other.shape[2] == 1 and raw.shape[2] > 1
        return raw.argmax(2)[:, :, None] if alone else np.rint(raw)
    return raw


def _apart(first: Side, second: Side, columns: Columns) -> NDArray[np.float64]:
    """The largest distance in each sequence, (n,)."""
    ours, theirs = _values(first, second, columns)
    with np.errstate(all="ignore"):
        gap = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    gap = np.where(np.isnan(gap), np.inf, gap)
    return gap.reshape(len(gap), -1).max(1)


def _tested(drawn: int, listed: int, domain: Sequences) -> str:
    text = f"no difference in {drawn:,} independent draws, as many of every length"
    if listed:
        text += f"; agree on all sequences of {domain.shortest} to {listed} items"
    return text


def _agree(verdict: str, text: str, allowed: float, tried: int, begin: float) -> Claim:
    return Claim(
        verdict,
        "exhaustive" if verdict == "proved" else "sampling",
        text,
        tolerance=allowed,
        count=tried,
        arithmetic="as run",
        seconds=time.perf_counter() - begin,
    )


def _refuted(
    first: Side,
    second: Side,
    example: Columns,
    domain: Sequences,
    tried: int,
    allowed: float,
    begin: float,
) -> Claim:
    values = [np.asarray(v)[0] for v in _values(first, second, example)]
    apart = float(_apart(first, second, example)[0])
    once = ", once and not again: one of them gives more than one answer" * (apart <= allowed)
    shown_values = [(v[:, 0] if v.shape[1] == 1 else v).tolist() for v in values]
    end, size = first.at_end or second.at_end, example[0].shape[1]
    plain = [v[-1] if end else v for v in shown_values]
    return Claim(
        "refuted",
        "property",
        f"they differ on a sequence of {size} item{'s' * (size > 1)} (found within {tried:,} tried)"
        f"{once}",
        tolerance=allowed,
        achieved=apart,
        count=tried,
        arithmetic="as run",
        seconds=time.perf_counter() - begin,
        counterexample={
            "inputs": plain_sequences(example)[0],
            "first": plain[0],
            "second": plain[1],
        },
    )
