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

_FOLLOWED = 120
_HINTED = 1e-6
"""Floats this close to a level may decide otherwise than exact numbers do."""


@dataclass(frozen=True, eq=False)
class LoopTrial:
    """A recurrent network, a loop, and the shortest length at which known words differ.

    words: the words followed; first: that length, None where none differs; apart: for real outputs
    the largest difference known up to each length, exactly.
    """

    kind: str
    planted: bool
    loop: Loop
    oracle: Oracle
    form: NormalForm
    answer: Callable[[Word], list[Any]]
    words: tuple[Word, ...]
    first: int | None
    apart: tuple[Fraction, ...] = ()


@dataclass(frozen=True, eq=False)
class Machine:
    """An automaton over truths: successors (s, 2), whether each state says true, its start."""

    following: NDArray[np.int64]
    says: NDArray[np.bool_]

    def answer(self, word: Word) -> list[bool]:
        """What it says after each item."""
        state, found = 0, []
        for item in word:
            state = int(self.following[state, int(item)])
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
    """The shortest length at which a word differs, over the reals or in float32.

    Where floats show no word near a difference nothing is followed exactly: they only say where to
    look, and a difference that is overlooked accuses no verifier.
    """
    best: int | None = None
    for hint, word in sorted((_hint(form, initial, answer(w), w, read), w) for w in words):
        if hint > len(word) or (best is not None and hint >= best):
            continue
        wanted = answer(word)
        for t, output in enumerate(_followed(form, initial, word, exact), 1):
            if best is not None and t >= best:
                break
            if read(output) != wanted[t - 1]:
                best = t
    return best


def _hint(form: NormalForm, initial: list[float], wanted: list[Any], word: Word,
          read: Callable[[Any], Any]) -> int:  # fmt: skip
    """The first item at which floats differ or nearly do; beyond the word where they don't."""
    state = np.array(initial)
    for t, item in enumerate(word):
        found = form.run(np.append(state, float(item))[None])[0]
        state, value = found[: len(initial)], float(found[len(initial)])
        near = _HINTED * max(1.0, abs(value))
        if any(read(Fraction(v)) != wanted[t] for v in (value, value - near, value + near)):
            return t + 1
    return len(word) + 1


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


LEAKY = """loop predict(x: int) -> seq(real)
  start level: real = 0.0
  let now = {keep} * level + {gain} * x
  out {read} * now
  next level = now
"""


def leaky(rng: Rng, planted: bool) -> LoopTrial:
    """A leaky integrator beside one whose numbers have three decimals; half of the cells have a
    relu that never matters. Planted: the tolerance is met only before an item from 20 to 60."""
    high = int(rng.choice([1, 1, 2, 3]))
    numbers = np.array([rng.uniform(0.6, 0.99), rng.uniform(0.1, 1.0), rng.uniform(0.5, 2.0)])
    numbers = numbers.astype(np.float32).astype(float)
    texts = [f"{v:.3f}" for v in numbers]
    if rng.random() < 0.3:
        texts[0] = f"{float(texts[0]) - 0.001 * int(rng.integers(1, 5)):.3f}"
    builder = Builder(2)
    now = builder.affine([(0, numbers[None, :2])], np.zeros(1))
    now = builder.elementwise("relu", now) if rng.random() < 0.5 else now
    output = builder.affine([(now, numbers[2:][None])], np.zeros(1))
    form = _joined(builder, [now, output])
    words: list[Word] = [[high] * 60, *(rng.integers(0, high + 1, size=60).tolist()
                                        for _ in range(3))]  # fmt: skip
    apart = _apart(form, [Fraction(t) for t in texts], words)
    late = int(rng.integers(20, 61)) if planted else 60
    share = 1 - float(rng.choice([1e-2, 1e-3, 1e-6])) if planted else rng.choice([1.01, 2.0, 4.0])
    tolerance = max(float(apart[late - 1]) * float(share), 1e-9)
    network = RecurrentNetwork(network_from_normal_form(form, "cell"), np.zeros(1))
    length = int(rng.integers(4, 7 if high > 1 else 9))
    oracle = make_oracle(network, f"seq(int(0,{high}))", "seq(real)", length, tolerance=tolerance)
    first = next((t for t, far in enumerate(apart, 1) if far > Fraction(tolerance)), None)
    loop = parse_loop(LEAKY.format(keep=texts[0], gain=texts[1], read=texts[2]))
    return LoopTrial("leaky", planted, loop, oracle, form, list, tuple(words), first, apart)


def _apart(form: NormalForm, theirs: list[Fraction], words: list[Word]) -> tuple[Fraction, ...]:
    """The largest difference of an integrator's outputs up to each length, on some words."""
    best = [Fraction(0)] * len(words[0])
    keep, gain, read = theirs
    for word in words:
        level, far = Fraction(0), Fraction(0)
        for t, output in enumerate(_followed(form, [0.0], word, True)):
            level = keep * level + gain * word[t]
            far = max(far, abs(output - read * level))
            best[t] = max(best[t], far)
    return tuple(best)


LOOPS: dict[str, Callable[[Rng, bool], LoopTrial]] = {
    "drift": drift, "flag": flag, "clock": clock, "totals": totals, "leaky": leaky,
}  # fmt: skip


def random_loop_trial(kind: str, seed: int, number: int) -> LoopTrial:
    """Trial number `number` of a kind; every third has a planted difference."""
    rng = np.random.default_rng([seed, number, 100 + list(LOOPS).index(kind)])
    return LOOPS[kind](rng, number % 3 == 0)


def contradicted(trial: LoopTrial, claim: Claim) -> str | None:
    """Why a claim about sequences is false, or None where no followed word says so."""
    if claim.verdict not in ("proved", "proved_to_length"):
        return None
    if trial.oracle.real:
        return _too_far(trial, claim)
    if trial.first is None or claim.margin:
        return None
    if claim.length_bound is not None and claim.length_bound < trial.first:
        return None
    how_far = claim.length_bound or "every length"
    return f"{claim.verdict} up to {how_far}, and a word of length {trial.first} differs"


_SLACK = Fraction(1, 1 << 18)


def _too_far(trial: LoopTrial, claim: Claim) -> str | None:
    """A claim within less than a known word's difference; one about runs has rounding to spare."""
    last = min(claim.length_bound or len(trial.apart), len(trial.apart))
    known = trial.apart[last - 1]
    spare = Fraction(0) if claim.method == "relational" else _SLACK
    stated = [v for v in (claim.tolerance, claim.achieved) if v is not None]
    if not stated or known > Fraction(min(stated)) + spare * (1 + known):
        return f"within {min(stated, default=None)!r}, and a word is {float(known)!r} apart"
    return None


def rounding_contradicted(trial: LoopTrial, claim: Claim) -> str | None:
    """Why a claim about the network's own literal loop is false: half its margin is more than
    rounding may part float32 and the reals by, up to its length."""
    initial = trial.oracle.network.initial.tolist()
    for word in trial.words:
        cut = word[: claim.length_bound]
        exact = _followed(trial.form, initial, cut, True)
        for t, (ours, theirs) in enumerate(
            zip(exact, _followed(trial.form, initial, cut, False), strict=True), 1
        ):
            far = abs(Fraction(theirs) - ours)
            if 2 * far > Fraction(claim.margin):
                return f"margin {claim.margin!r}, and {float(far)!r} apart after item {t}"
    return None


def replays(trial: LoopTrial, claim: Claim) -> bool:
    """Whether the sequence of a refutation differs, followed exactly or in float32."""
    example = claim.counterexample
    if example is None:
        return False
    (word,) = example["inputs"].values()
    initial = trial.oracle.network.initial.tolist()
    for exact in (True, False):
        *_, output = _followed(trial.form, initial, word, exact)
        value = Fraction(output)
        if trial.oracle.real:
            wanted, allowed = Fraction(np.ravel(example["program"])[0]), trial.oracle.tolerance
            if abs(value - wanted) > Fraction(allowed) * (1 - _SLACK):
                return True
        else:
            read = (lambda y: y > Fraction(1, 2)) if trial.kind != "totals" else round
            if read(value) != trial.answer(word)[-1]:
                return True
    return False
