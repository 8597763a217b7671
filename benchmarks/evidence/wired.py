"""Networks wired by hand, whose algorithm is therefore known, mixed so that no neuron tells.

A network is a row of stages. A stage computes channels, each a sum of relus of the channels before
it; what is handed on is a random rotation of all channels, moved far enough from 0 that a relu
leaves it as it is. A channel is then a direction of the sums and of the layer behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ortho_group

from distill.load import network_from_normal_form
from distill.network import Network
from distill.normal_form import Builder
from distill.recurrent import RecurrentNetwork, cell_of_layers

Unit = tuple[float, Mapping[str, float], float]
"""`factor * relu(weights * channels + bias)`."""

Channel = list[Unit]
Stage = Mapping[str, Channel]

_FAR = 64.0
"""How far channels are moved before a relu that must not bend them."""


@dataclass(frozen=True)
class Wired:
    """A function with a program, and the stages of a network that computes as the program does.

    inputs: the channels that the network gets, in order; level: what is taken off the last channel.
    """

    name: str
    domain: str
    output: str
    body: str
    inputs: tuple[str, ...]
    stages: tuple[Stage, ...]
    level: float = 0.0

    @property
    def text(self) -> str:
        """The program in the language."""
        from dsl.domain_text import parse_domain

        parameters = parse_domain(self.domain).parameters
        named = ", ".join(f"{name}: {kind}" for name, kind in parameters)
        return f"def predict({named}) -> {self.output} = {self.body}"


@dataclass(frozen=True)
class Pair:
    """Two networks of one function, each with the program that computes as it does."""

    name: str
    first: Wired
    second: Wired


def mixed(wired: Wired, seed: int) -> Network:
    """The network of a function, every stage's channels rotated at random."""
    rng = np.random.default_rng(seed)
    builder, wire = Builder(len(wired.inputs)), 0
    names, back, away = wired.inputs, np.eye(len(wired.inputs)), 0.0
    for place, stage in enumerate(wired.stages):
        units = [unit for channel in stage.values() for unit in channel]
        into = np.array([[u[1].get(name, 0.0) for name in names] for u in units]) @ back
        bias = np.array([u[2] for u in units]) - into @ np.full(len(names), away)
        inner = builder.elementwise("relu", builder.affine([(wire, into)], bias))
        out = np.zeros((len(stage), len(units)))
        rows = [row for row, channel in enumerate(stage.values()) for _ in channel]
        out[rows, np.arange(len(units))] = [u[0] for u in units]
        if place == len(wired.stages) - 1:
            last = builder.affine([(inner, out)], np.full(len(out), -wired.level))
            return network_from_normal_form(builder.build(last))
        turn = _turn(len(stage), rng)
        sums = builder.affine([(inner, turn @ out)], np.full(len(out), _FAR))
        wire, names, back, away = builder.elementwise("relu", sums), tuple(stage), turn.T, _FAR
    raise ValueError("a network needs a stage")


def _turn(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random rotation; in one dimension there is none but the sign."""
    return np.eye(1) if size == 1 else ortho_group.rvs(size, random_state=rng)


def keep(*names: str) -> dict[str, Channel]:
    """Channels of numbers from 0 up, handed on."""
    return {name: [(1.0, {name: 1.0}, 0.0)] for name in names}


def both(x: str, y: str) -> Channel:
    """x and y."""
    return [(1.0, {x: 1.0, y: 1.0}, -1.0)]


def but_not(x: str, y: str) -> Channel:
    """x and not y."""
    return [(1.0, {x: 1.0, y: -1.0}, 0.0)]


def either(*names: str) -> Channel:
    """Whether any of them holds."""
    weights = dict.fromkeys(names, 1.0)
    return [(1.0, weights, 0.0), (-1.0, weights, -1.0)]


def odd(x: str, y: str) -> Channel:
    """x xor y."""
    return [(1.0, {x: 1.0, y: 1.0}, 0.0), (-2.0, {x: 1.0, y: 1.0}, -1.0)]


def larger(x: str, y: str) -> Channel:
    """max(x, y) of numbers from 0 up."""
    return [(1.0, {x: 1.0, y: -1.0}, 0.0), (1.0, {y: 1.0}, 0.0)]


def at_most(weights: Mapping[str, float], most: float) -> Channel:
    """The sum, or `most` where it is more."""
    return [(1.0, weights, 0.0), (-1.0, weights, -most)]


def at_least(x: str, y: str, more: float = 0.0) -> Channel:
    """Whether x >= y + more, of whole numbers."""
    weights = {x: 1.0, y: -1.0}
    return [(1.0, weights, 1.0 - more), (-1.0, weights, -more)]


def is_number(weights: Mapping[str, float], number: float) -> Channel:
    """Whether a whole sum is that number."""
    return [
        (1.0, weights, 1.0 - number),
        (-2.0, weights, -number),
        (1.0, weights, -1.0 - number),
    ]


def _numbers(name: str, count: int) -> dict[str, Channel]:
    return {f"{name}{i}": is_number({name: 1.0}, i) for i in range(count)}


def _table(pairs: Mapping[tuple[str, str], float]) -> Channel:
    """The number that stands beside the pair of truths that both hold."""
    return [(value, {x: 1.0, y: 1.0}, -1.0) for (x, y), value in pairs.items() if value]


def _square(weights: Mapping[str, float], most: int) -> Channel:
    """The square of a whole sum up to `most`, 0 below 0."""
    return [(1.0, weights, 0.0), *((2.0, weights, -float(i)) for i in range(1, most))]


_FOUR = "a: bool * b: bool * c: bool * d: bool"
_ABCD = ("a", "b", "c", "d")
_UNIT = "real(0,1)"
_THREE = {"a": 1.0, "b": 1.0, "c": 1.0}
_COUNT = {**_THREE, "d": 1.0}

NETWORKS = (
    Wired(
        "clipped count, threshold", "x: bool[4] * n: int(0,3)", "bool",
        "let k = min(count(x), 2) in k >= n", (*_ABCD, "n"),
        ({"k": at_most(_COUNT, 2.0), **keep("n")}, {"o": at_least("k", "n")}), 0.5,
    ),
    Wired(
        "xor of two ands", _FOUR, "bool", "let p = a and b in let q = c and d in p xor q", _ABCD,
        ({"p": both("a", "b"), "q": both("c", "d")}, {"o": odd("p", "q")}), 0.5,
    ),
    Wired(
        "larger of a maximum and a minimum", " * ".join(f"{n}: {_UNIT}" for n in _ABCD), "real",
        "let m = max(a, b) in let n = min(c, d) in max(m, n)", _ABCD,
        (
            {"m": larger("a", "b"),
             "n": [(1.0, {"c": 1.0}, 0.0), (-1.0, {"c": 1.0, "d": -1.0}, 0.0)]},
            {"o": larger("m", "n")},
        ),
    ),
    Wired(
        "comparison of two sums", " * ".join(f"{n}: int(0,5)" for n in _ABCD), "bool",
        "let s = max(a + b, 3) in let t = max(c + d, 3) in s > t", _ABCD,
        (
            {"s": [(1.0, {"a": 1.0, "b": 1.0}, -3.0), (1.0, {}, 3.0)],
             "t": [(1.0, {"c": 1.0, "d": 1.0}, -3.0), (1.0, {}, 3.0)]},
            {"o": at_least("s", "t", 1.0)},
        ), 0.5,
    ),
    Wired(
        "logic in three stages", _FOUR, "bool",
        "let p = a xor b in let q = p or c in q xor d", _ABCD,
        (
            {"p": odd("a", "b"), **keep("c", "d")},
            {"q": either("p", "c"), **keep("d")},
            {"o": odd("q", "d")},
        ), 0.5,
    ),
    Wired(
        "item at an index", "x: bool[4] * a: bool * b: bool", "bool",
        "let k = 2 * as_int(a) + as_int(b) in x[k]", ("x0", "x1", "x2", "x3", "a", "b"),
        (
            {"k0": [(1.0, {"a": -1.0, "b": -1.0}, 1.0)], "k1": but_not("b", "a"),
             "k2": but_not("a", "b"), "k3": both("a", "b"), **keep("x0", "x1", "x2", "x3")},
            {"o": [(1.0, {f"k{i}": 1.0, f"x{i}": 1.0}, -1.0) for i in range(4)]},
        ), 0.5,
    ),
    Wired(
        "product by a table", "a: int(0,3) * b: int(0,3) * n: int(1,9)", "bool",
        "let p = a * b in p >= n", ("a", "b", "n"),
        (
            {**_numbers("a", 4), **_numbers("b", 4), **keep("n")},
            {"p": _table({(f"a{i}", f"b{j}"): i * j for i in range(4) for j in range(4)}),
             **keep("n")},
            {"o": at_least("p", "n")},
        ), 0.5,
    ),
    Wired(
        "index of the largest", "x: int(0,3)[3] * t: int(0,2)", "bool",
        "let i = argmax(x) in index(i) == t", ("a", "b", "c", "t"),
        (
            {"ab": at_least("a", "b"), "ac": at_least("a", "c"), "bc": at_least("b", "c"),
             **keep("t")},
            {"i0": both("ab", "ac"), "i1": but_not("bc", "ab"), **keep("t")},
            {"o": is_number({"i0": -2.0, "i1": -1.0, "t": -1.0}, -2.0)},
        ), 0.5,
    ),
    Wired(
        "size of a difference", " * ".join(f"{n}: {_UNIT}" for n in "abc"), "real",
        "let d = abs(a - b) in max(d, c)", ("a", "b", "c"),
        (
            {"d": [(1.0, {"a": 1.0, "b": -1.0}, 0.0), (1.0, {"a": -1.0, "b": 1.0}, 0.0)],
             **keep("c")},
            {"o": larger("d", "c")},
        ),
    ),
)  # fmt: skip


def _of(wired: Wired, body: str, *stages: Stage) -> Wired:
    return Wired(wired.name, wired.domain, wired.output, body, wired.inputs, stages, wired.level)


_PARITY = Wired(
    "parity: pairs", _FOUR, "bool", "let p = a xor b in let q = c xor d in p xor q", _ABCD,
    ({"p": odd("a", "b"), "q": odd("c", "d")},
     {"o": [*but_not("p", "q"), *but_not("q", "p")]}), 0.5,
)  # fmt: skip
_MAXIMUM = Wired(
    "maximum: left", " * ".join(f"{n}: {_UNIT}" for n in "abc"), "real",
    "let m = max(a, b) in max(m, c)", ("a", "b", "c"),
    ({"m": larger("a", "b"), **keep("c")}, {"o": larger("m", "c")}),
)  # fmt: skip
_SATURATED = Wired(
    "saturated sum: left", " * ".join(f"{n}: {_UNIT}" for n in "abc"), "real",
    "let s = min(a + b, 1.0) in min(s + c, 1.0)", ("a", "b", "c"),
    (
        {"s": at_most({"a": 1.0, "b": 1.0}, 1.0), **keep("c")},
        {"o": at_most({"s": 1.0, "c": 1.0}, 1.0)},
    ),
)  # fmt: skip
_PRODUCT = Wired(
    "product: squares", "a: int(0,3) * b: int(0,3)", "real",
    "let s = (a + b) * (a + b) in let d = (a - b) * (a - b) in (s - d) / 4", ("a", "b"),
    (
        {"s": _square({"a": 1.0, "b": 1.0}, 6),
         "d": [*_square({"a": 1.0, "b": -1.0}, 3), *_square({"a": -1.0, "b": 1.0}, 3)]},
        {"o": [(0.25, {"s": 1.0, "d": -1.0}, 0.0), (-0.25, {"s": -1.0, "d": 1.0}, 0.0)]},
    ),
)  # fmt: skip
_MAJORITY = Wired(
    "majority: count", "a: bool * b: bool * c: bool", "bool",
    "let k = min(as_int(a) + as_int(b) + as_int(c), 2) in k >= 2", ("a", "b", "c"),
    ({"k": at_most(_THREE, 2.0)}, {"o": [(1.0, {"k": 1.0}, -1.0)]}), 0.5,
)  # fmt: skip

PAIRS = (
    Pair(
        "parity of four: by pairs, by counting", _PARITY,
        _of(
            _PARITY,
            "let k = as_int(a) + as_int(b) + as_int(c) + as_int(d) in k % 2 == 1",
            {"k": [(1.0, _COUNT, 0.0)],
             "k2": [(1.0, _COUNT, -1.0)], "k3": [(1.0, _COUNT, -2.0)], "k4": [(1.0, _COUNT, -3.0)]},
            {"o": [(1.0, {"k": 1.0, "k2": -2.0, "k3": 2.0, "k4": -2.0}, 0.0)]},
        ),
    ),
    Pair(
        "maximum of three: from the left, from the right", _MAXIMUM,
        _of(
            _MAXIMUM, "let m = max(b, c) in max(a, m)",
            {"m": larger("b", "c"), **keep("a")}, {"o": larger("a", "m")},
        ),
    ),
    Pair(
        "saturated sum: from the left, from the right", _SATURATED,
        _of(
            _SATURATED, "let s = min(b + c, 1.0) in min(a + s, 1.0)",
            {"s": at_most({"b": 1.0, "c": 1.0}, 1.0), **keep("a")},
            {"o": at_most({"a": 1.0, "s": 1.0}, 1.0)},
        ),
    ),
    Pair(
        "product: by squares, by binary digits", _PRODUCT,
        _of(
            _PRODUCT,
            "let t = if a >= 2 then 2 * b else 0 in let u = if a % 2 == 1 then b else 0 in t + u",
            {"hi": [(1.0, {"a": 1.0}, -1.0), (-1.0, {"a": 1.0}, -2.0)],
             "lo": [*is_number({"a": 1.0}, 1.0), *is_number({"a": 1.0}, 3.0)], **keep("b")},
            {"t": [(1.0, {"b": 2.0, "hi": 6.0}, -6.0)], "u": [(1.0, {"b": 1.0, "lo": 3.0}, -3.0)]},
            {"o": [(1.0, {"t": 1.0, "u": 1.0}, 0.0)]},
        ),
    ),
    Pair(
        "majority of three: by counting, by cases", _MAJORITY,
        _of(
            _MAJORITY,
            "let p = b or c in let q = b and c in if a then p else q",
            {"p": either("b", "c"), "q": both("b", "c"), **keep("a")},
            {"o": [(1.0, {"p": 1.0, "a": 1.0}, -1.0), (1.0, {"q": 1.0, "a": -1.0}, 0.0)]},
        ),
    ),
)  # fmt: skip

COUNTER = """loop predict(x: bool) -> seq(int)
  start r: int = 0
  let now = (r + as_int(x)) % 3
  out now
  next r = now
"""
"""The program of `counter`."""


def counter(seed: int) -> RecurrentNetwork:
    """How many items are true, modulo 3: the state is three truths, rotated."""
    turn = ortho_group.rvs(3, random_state=np.random.default_rng(seed))
    stays = np.column_stack([turn.T, -np.ones(3)])
    moves = np.column_stack([turn.T, np.ones(3)])
    first = np.vstack([stays, moves]), np.array([0.0, 0, 0, -1, -1, -1])
    second = turn @ np.hstack([np.eye(3), np.roll(np.eye(3), 1, axis=0)]), np.zeros(3)
    read = np.array([[0.0, 1.0, 2.0]]) @ turn.T, np.zeros(1)
    return RecurrentNetwork(cell_of_layers([first, second], [read]), turn[:, 0].copy())
