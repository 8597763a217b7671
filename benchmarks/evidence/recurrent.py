"""Trials of recurrent networks: exact automata, with a difference only beyond length 30.

The network of an automaton holds one number for each state: unit (s, a) is relu(z), z = h_s +
[x = a] - 1, or 2 relu(z - 1/4) - 2 relu(z - 3/4), which wipes small errors out, and the next states
are sums of units. What is planted: a drift, a count of ones that speaks up once,
a clock, a sum that grows past what float32 holds. The first length at which a known word differs is
found by running both sides exactly, or in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evidence.exact import ORDERS, below, network_exactly, network_in_float32
from distill.evidence import Claim
from distill.load.normal import network_from_normal_form
from distill.loops import make_oracle
from distill.normal_form import Array, Builder, NormalForm
from distill.recurrent import RecurrentNetwork
from distill.recurrent_target import Oracle
from dsl.loop import Loop
from dsl.loop_text import parse_loop

Rng = np.random.Generator
Word = Sequence[int]
BEYOND = 30
"""Differences are planted beyond sequences of this length."""

_FOLLOWED = 200


@dataclass(frozen=True, eq=False)
class LoopTrial:
    """A recurrent network, a loop, and the shortest length at which known words differ.

    words: the words followed; first: that length, None where none differs.
    """

    kind: str
    planted: bool
    loop: Loop
    oracle: Oracle
    form: NormalForm
    answer: Callable[[Word], list[Any]]
    words: tuple[Word, ...]
    first: int | None


@dataclass(frozen=True, eq=False)
class Machine:
    """An automaton over truths: successors (s, 2), whether each state says true, its start."""

    following: NDArray[np.int64]
    says: NDArray[np.bool_]

    def answer(self, word: Word) -> list[bool]:
        """What it says after each item."""
        state, found = 0, []
        for item in word:
            state = int(self.following[state, item])
            found.append(bool(self.says[state]))
        return found

    def text(self) -> str:
        """The automaton as a loop."""
        ones, zeros = (_chosen(self.following[:, item].tolist()) for item in (1, 0))
        says = " or ".join(f"after == {s}" for s in np.flatnonzero(self.says)) or "after < 0"
        return (
            "loop predict(x: bool) -> seq(bool)\n  start state: int = 0\n"
            f"  let after = if x then {ones} else {zeros}\n  out {says}\n  next state = after\n"
        )


def _chosen(values: list[float]) -> str:
    text = str(int(values[-1]))
    for state in range(len(values) - 2, -1, -1):
        text = f"(if state == {state} then {int(values[state])} else {text})"
    return text


def machine(rng: Rng) -> Machine:
    """A random automaton of 2 to 4 states that doesn't always say the same."""
    count = int(rng.integers(2, 4))
    says = rng.random(count) < 0.5
    says[rng.integers(count)] = True
    return Machine(rng.integers(0, count, size=(count, 2)), says)


def cell(
    found: Machine, grows: float, drift: float, noise: Array, wipes: bool
) -> tuple[Builder, int, int]:
    """The automaton as a cell of its own: builder, wires of the next state and of the output.

    wipes: whether small errors in the state are wiped out.
    """
    count = len(found.says)
    builder = Builder(count + 1)
    rows = np.zeros((2 * count, count + 1))
    bias = np.tile([0.0, -1.0], count)
    for state in range(count):
        rows[2 * state : 2 * state + 2, state] = 1.0
        rows[2 * state : 2 * state + 2, count] = (-1.0, 1.0)
    if wipes:
        rows, bias = np.vstack([rows, rows]), np.concatenate([bias - 0.25, bias - 0.75])
    units = builder.elementwise("relu", builder.affine([(0, rows)], bias))
    leads = np.zeros((count, 2 * count))
    for state in range(count):
        for item in (0, 1):
            leads[int(found.following[state, item]), 2 * state + item] = 1.0
    leads = leads * (1 + grows) + noise[: leads.size].reshape(leads.shape)
    leads = (np.hstack([2 * leads, -2 * leads]) if wipes else leads).astype(np.float32)
    after = builder.affine([(units, leads.astype(float))], np.full(count, np.float32(drift), float))
    output = builder.affine([(after, found.says.astype(float)[None])], np.zeros(1))
    return builder, after, output


def _joined(builder: Builder, parts: list[int]) -> NormalForm:
    widths = [builder.width(p) for p in parts]
    both, place, terms = np.eye(sum(widths)), 0, []
    for part, width in zip(parts, widths, strict=True):
        terms.append((part, both[:, place : place + width]))
        place += width
    return builder.build(builder.affine(terms, np.zeros(len(both))))


def _made(kind: str, planted: bool, form: NormalForm, initial: list[float], found: Machine,
          words: list[Word], length: int) -> LoopTrial:  # fmt: skip
    network = RecurrentNetwork(network_from_normal_form(form, "cell"), np.array(initial))
    oracle = make_oracle(network, "seq(bool)", "seq(bool above 0.5)", length)
    first = _first(form, initial, found.answer, words, lambda y: below(Fraction(1, 2), y))
    loop = parse_loop(found.text())
    return LoopTrial(kind, planted, loop, oracle, form, found.answer, tuple(words), first)


def _first(
    form: NormalForm,
    initial: list[float],
    answer: Callable[[Word], list[Any]],
    words: list[Word],
    read: Callable[[Any], Any],
    exact: bool = True,
) -> int | None:
    """The shortest length at which a word differs, over the reals or in float32."""
    best: int | None = None
    for word in words:
        wanted = answer(word)
        for t, output in enumerate(_followed(form, initial, word, exact), 1):
            if best is not None and t >= best:
                break
            if read(output) != wanted[t - 1]:
                best = t
    return best


def _followed(form: NormalForm, initial: list[float], word: Word, exact: bool) -> Any:
    state: list[Any] = [Fraction(v) for v in initial] if exact else list(initial)
    for item in word:
        if exact:
            found = network_exactly(form, [*state, Fraction(int(item))])
            found = [Fraction(v) if isinstance(v, int) else v for v in found]
        else:
            found = network_in_float32(form, [*state, float(item)], ORDERS[0])
        state = found[: len(initial)]
        yield found[len(initial)]


def _words(rng: Rng, length: int, count: int = 6) -> list[Word]:
    drawn = [rng.integers(0, 2, size=length).tolist() for _ in range(count)]
    return [[1] * length, [0] * length, [0, 1] * (length // 2), *drawn]


def drift(rng: Rng, planted: bool) -> LoopTrial:
    """Weights a little too large, a bias a little off, or noise in them."""
    found = machine(rng)
    size = 10.0 ** rng.uniform(-3.5, -1.5) if planted else 0.0
    which = int(rng.integers(3))
    noise = size * rng.normal(size=64) * (which == 2)
    wipes = not planted or rng.random() < 0.3
    builder, after, output = cell(found, size * (which == 0), size * (which == 1), noise, wipes)
    initial = [1.0] + [0.0] * (len(found.says) - 1)
    words = _words(rng, _FOLLOWED if planted else 40)
    form = _joined(builder, [after, output])
    return _made("drift", planted, form, initial, found, words, int(rng.integers(6, 10)))


def flag(rng: Rng, planted: bool) -> LoopTrial:
    """So many ones in a row turn one answer; every other word is answered rightly."""
    found, length = machine(rng), int(rng.integers(BEYOND + 1, 61))
    return _spoken("flag", rng, planted, found, length, [129.0, -128.0])


def clock(rng: Rng, planted: bool) -> LoopTrial:
    """So many items turn every answer after them."""
    found, length = machine(rng), int(rng.integers(BEYOND + 1, 61))
    return _spoken("clock", rng, planted, found, length, [0.0, 1.0])


def _spoken(kind: str, rng: Rng, planted: bool, found: Machine, length: int,
            counted: list[float]) -> LoopTrial:  # fmt: skip
    """A count c' = min(relu(c + a x + b), n + 1), and an answer turned where it reaches n."""
    count = len(found.says)
    builder, after, output = cell_with_count(found)
    step = np.zeros((1, count + 2))
    step[0, count], step[0, count + 1] = 1.0, counted[0]
    ticks = builder.elementwise("relu", builder.affine([(0, step)], np.array([counted[1]])))
    late = builder.affine([(ticks, np.eye(1))], np.array([-1.0 - length]))
    ends = [(ticks, np.eye(1)), (builder.elementwise("relu", late), -np.eye(1))]
    ticks = builder.affine(ends, np.zeros(1))
    word = [1] * length
    height = -2.0 if found.answer(word)[-1] else 2.0
    over = builder.elementwise(
        "relu", builder.affine([(ticks, np.eye(1))], np.array([1.0 - length]))
    )
    spoken = builder.affine([(output, np.eye(1)), (over, np.full((1, 1), height * planted))],
                            np.zeros(1))  # fmt: skip
    form = _joined(builder, [after, ticks, spoken])
    initial = [1.0] + [0.0] * count
    words = [word, *_words(rng, 40, 2)]
    return _made(kind, planted, form, initial, found, words, int(rng.integers(6, 10)))


def cell_with_count(found: Machine) -> tuple[Builder, int, int]:
    """The automaton's cell beside one more hidden number, which it doesn't read."""
    narrow, after, output = cell(found, 0.0, 0.0, np.zeros(64), True)
    count = len(found.says)
    builder = Builder(count + 2)
    keep = np.zeros((count + 1, count + 2))
    keep[:count, :count], keep[count, count + 1] = np.eye(count), 1.0
    wires = {0: builder.affine([(0, keep)], np.zeros(count + 1))}
    for index, node in enumerate(narrow.nodes[1:], 1):
        if hasattr(node, "terms"):
            terms = [(wires[s], m) for s, m in node.terms]  # pyright: ignore
            wires[index] = builder.affine(terms, node.bias)  # pyright: ignore
        else:
            wires[index] = builder.elementwise(node.function, *(wires[s] for s in node.sources))  # pyright: ignore
    return builder, wires[after], wires[output]


TOTAL = """loop predict(x: int) -> seq(int)
  start total: int = 0
  out total + x
  next total = total + x
"""


def totals(rng: Rng, planted: bool) -> LoopTrial:
    """A running sum whose weight or bias is a little off, or which float32 can't hold for long."""
    which = int(rng.integers(3))
    high = (1 << 19) + 1 if which == 2 else int(rng.integers(1, 10))
    weight = 1.0 + (2.0 ** -float(rng.integers(9, 15)) / high if which == 0 and planted else 0.0)
    bias = 2.0 ** -float(rng.integers(6, 9)) if which == 1 and planted else 0.0
    high = high if planted else min(high, 9)
    builder = Builder(2)
    after = builder.affine(
        [(0, np.array([[np.float32(weight), 1.0]], dtype=float))], np.array([bias])
    )
    form = _joined(builder, [after, after])
    network = RecurrentNetwork(network_from_normal_form(form, "cell"), np.zeros(1))
    length = int(rng.integers(6, 12))
    oracle = make_oracle(network, f"seq(int(0,{high}))", "seq(int)", length)
    words: list[Word] = [[high] * 120, rng.integers(0, high + 1, size=120).tolist()]
    first = _first(form, [0.0], running_sum, words, lambda y: round(y), which != 2)
    return LoopTrial(
        "totals", planted, parse_loop(TOTAL), oracle, form, running_sum, tuple(words), first
    )


def running_sum(word: Word) -> list[int]:
    """The sums so far."""
    return np.cumsum(np.array(word, dtype=object)).tolist()


LOOPS: dict[str, Callable[[Rng, bool], LoopTrial]] = {
    "drift": drift, "flag": flag, "clock": clock, "totals": totals,
}  # fmt: skip


def random_loop_trial(kind: str, seed: int, number: int) -> LoopTrial:
    """Trial number `number` of a kind; every third has a planted difference."""
    rng = np.random.default_rng([seed, number, 100 + list(LOOPS).index(kind)])
    return LOOPS[kind](rng, number % 3 == 0)


def contradicted(trial: LoopTrial, claim: Claim) -> str | None:
    """Why a claim about sequences is false, or None where no followed word says so."""
    if trial.first is None or claim.verdict not in ("proved", "proved_to_length") or claim.margin:
        return None
    if claim.length_bound is not None and claim.length_bound < trial.first:
        return None
    how_far = claim.length_bound or "every length"
    return f"{claim.verdict} up to {how_far}, and a word of length {trial.first} differs"
