"""Boolean tasks of 2 to 10 inputs: counting, parity, selection, comparison, arithmetic, DNF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Architecture, Columns, Task

Net = Architecture


def _task(name: str, inputs: str, outputs: str, truth, reference: str, *nets: Net) -> Task:  # noqa: ANN001
    return Task(name, "boolean", inputs, outputs, truth, reference, nets)


def _number(bits: NDArray) -> NDArray[np.int64]:
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[1] - 1, -1, -1))


def _bits(numbers: NDArray, width: int) -> NDArray[np.bool_]:
    return (numbers[:, None] >> np.arange(width - 1, -1, -1) & 1).astype(bool)


def _at_least(n: int, k: int, name: str, *nets: Net, inputs: str = "") -> Task:
    def truth(columns: Columns) -> NDArray:
        return columns[0].sum(axis=1) >= k

    return _task(name, inputs or f"x: bool[{n}]", "bool", truth, f"count(x) >= {k}", *nets)


def _parity(n: int, chosen: Sequence[int], *nets: Net, inputs: str = "") -> Task:
    def truth(columns: Columns) -> NDArray:
        return columns[0][:, list(chosen)].sum(axis=1) % 2 == 1

    reference = " ^ ".join(f"x[{i}]" for i in chosen)
    name = f"parity{n}_" + "".join(str(i) for i in chosen)
    return _task(name, inputs or f"x: bool[{n}]", "bool", truth, reference, *nets)


def _palindrome(n: int, *nets: Net) -> Task:
    def truth(columns: Columns) -> NDArray:
        x = columns[0]
        return (x == x[:, ::-1]).all(axis=1)

    pairs = " and ".join(f"x[{i}] == x[{n - 1 - i}]" for i in range(n // 2))
    return _task(f"palindrome{n}", f"x: bool[{n}]", "bool", truth, pairs, *nets)


def _compare(width: int, relation: str, name: str, *nets: Net) -> Task:
    compare = {"<": np.less, "<=": np.less_equal, "==": np.equal}[relation]
    return _task(
        name,
        f"a: bool[{width}] * b: bool[{width}]",
        "bool",
        lambda c: compare(_number(c[0]), _number(c[1])),
        f"number(a) {relation} number(b)",
        *nets,
    )


def _arithmetic(widths: tuple[int, int], sign: str, out: int, name: str, *nets: Net) -> Task:
    operate = {"+": np.add, "*": np.multiply}[sign]
    return _task(
        name,
        f"a: bool[{widths[0]}] * b: bool[{widths[1]}]",
        f"bool[{out}]",
        lambda c: _bits(operate(_number(c[0]), _number(c[1])), out),
        f"bits(number(a) {sign} number(b), {out})",
        *nets,
    )


def _literals(n: int, terms: int, width: int, seed: int) -> list[list[tuple[int, bool]]]:
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(terms):
        chosen = sorted(rng.choice(n, size=width, replace=False))
        drawn.append([(int(i), bool(rng.integers(2))) for i in chosen])
    return drawn


def _random_dnf(n: int, terms: int, width: int, seed: int, *nets: Net) -> Task:
    drawn = _literals(n, terms, width, seed)

    def truth(columns: Columns) -> NDArray:
        x = columns[0]
        cubes = [np.all([x[:, i] == sign for i, sign in term], axis=0) for term in drawn]
        return np.any(cubes, axis=0)

    def written(term: list[tuple[int, bool]]) -> str:
        return " and ".join(f"x[{i}]" if sign else f"not x[{i}]" for i, sign in term)

    reference = " or ".join(f"({written(term)})" for term in drawn)
    return _task(f"dnf{n}_s{seed}", f"x: bool[{n}]", "bool", truth, reference, *nets)


COUNTING = (
    _at_least(5, 3, "majority5", Net((8,)), Net((8,), "tanh", 1), Net((16, 16), "relu", 2)),
    _at_least(
        7, 4, "majority7", Net((16,)), Net((12,), "sigmoid", 1, sigmoid_output=True),
        inputs="x: bool[7] as -1/1",
    ),
    _at_least(9, 5, "majority9",
              Net((16,)), Net((32, 16), "tanh", 1), Net((16,), "relu", 2, "pt2")),
    _at_least(6, 2, "at_least_two6", Net((12,), "relu"), Net((12,), "tanh", 1, "torch-onnx")),
    _task(
        "exactly_two5", "bool[5]", "bool", lambda c: c[0].sum(axis=1) == 2, "count(x0) == 2",
        Net((16,)), Net((16,), "tanh", 1),
    ),
)  # fmt: skip

PARITY = (
    _task(
        "xor2", "a: bool * b: bool", "bool", lambda c: c[0] ^ c[1], "a ^ b",
        Net((8,)), Net((4,), "tanh", 1), Net((8,), "sigmoid", 2, sigmoid_output=True),
    ),
    _parity(4, (0, 1, 2, 3), Net((16,)), Net((16,), "tanh", 1)),
    _parity(6, (0, 2, 5), Net((16,)), Net((24,), "tanh", 1)),
    _parity(8, (1, 3, 4, 6), Net((32,)), Net((24, 16), "tanh", 1), inputs="x: bool[8] as -1/1"),
    _parity(10, (0, 3, 5, 7, 9), Net((48,), "relu"), Net((32, 16), "tanh", 1)),
)  # fmt: skip

SELECTION = (
    _task(
        "mux3", "s: bool * a: bool * b: bool", "bool",
        lambda c: np.where(c[0], c[1], c[2]), "a if s else b",
        Net((8,)), Net((8,), "tanh", 1), Net((8,), "relu", 2, "torch-onnx"),
    ),
    _task(
        "mux6", "s: bool[2] * d: bool[4]", "bool",
        lambda c: np.take_along_axis(c[1], _number(c[0])[:, None], 1)[:, 0], "d[number(s)]",
        Net((24,)), Net((16, 16), "tanh", 1),
    ),
    _palindrome(6, Net((16,)), Net((16,), "tanh", 1)),
    _palindrome(8, Net((24,)), Net((24,), "sigmoid", 1, sigmoid_output=True)),
    _palindrome(10, Net((32,)), Net((16, 16), "tanh", 1)),
)  # fmt: skip

NUMBERS = (
    _compare(3, "<", "less3", Net((16,)), Net((16,), "tanh", 1)),
    _compare(4, "<", "less4", Net((16,)), Net((32, 16), "relu", 1)),
    _compare(4, "==", "equal4", Net((24,)), Net((16,), "sigmoid", 1)),
    _arithmetic((2, 2), "+", 3, "add2", Net((24,)), Net((16, 16), "tanh", 1)),
    _arithmetic((3, 3), "+", 4, "add3", Net((48,)), Net((32, 32), "tanh", 1)),
    _arithmetic((2, 2), "*", 4, "multiply2x2", Net((24,)), Net((24,), "tanh", 1)),
    _arithmetic((3, 2), "*", 5, "multiply3x2", Net((32,)), Net((24, 24), "relu", 1)),
)

FORMULAS = (
    _random_dnf(6, 3, 3, 0, Net((16,)), Net((16,), "tanh", 1)),
    _random_dnf(8, 4, 3, 1, Net((24,)), Net((16, 16), "relu", 1)),
    _random_dnf(8, 5, 4, 2, Net((32,)), Net((32,), "tanh", 1)),
    _random_dnf(10, 4, 4, 3, Net((32,)), Net((24, 16), "tanh", 1)),
)

TASKS = COUNTING + PARITY + SELECTION + NUMBERS + FORMULAS
