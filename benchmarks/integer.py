"""Integer tasks: divisibility, digits, squares, gcd; integers enter raw, one-hot or as bits."""

from __future__ import annotations

import numpy as np

from benchmarks.task import Architecture, Task

Net = Architecture
BITS6 = "n: int(0,63) as bits(6)"


def _task(name: str, inputs: str, outputs: str, truth, reference: str, *nets: Net) -> Task:  # noqa: ANN001
    return Task(name, "integer", inputs, outputs, truth, reference, nets)


DIVISION = (
    _task("mod3", BITS6, "category(3)", lambda c: c[0] % 3, "n % 3",
          Net((24,)), Net((24,), "tanh", 1)),
    _task("mod5", BITS6, "category(5)", lambda c: c[0] % 5, "n % 5",
          Net((48,)), Net((32, 32), "tanh", 1)),
    _task("mod7_onehot", "int(0,63) as onehot", "int", lambda c: c[0] % 7, "x0 % 7",
          Net((16,)), Net((16,), "tanh", 1)),
    _task("mod3_raw", "n: int(0,15)", "int", lambda c: c[0] % 3, "n % 3",
          Net((24,), "relu"), Net((24, 24), "tanh", 1)),
    _task("third", "n: int(0,30)", "int", lambda c: c[0] // 3, "n // 3",
          Net((16, 16)), Net((24,), "tanh", 1)),
    _task("third_bits", BITS6, "int", lambda c: c[0] // 3, "n // 3",
          Net((32,)), Net((32,), "tanh", 1)),
    _task("divisible3", "n: int(0,255) as bits(8)", "bool", lambda c: c[0] % 3 == 0,
          "n % 3 == 0", Net((32, 16)), Net((24,), "tanh", 1)),
    _task("gcd", "a: int(1,12) as onehot * b: int(1,12) as onehot", "int",
          lambda c: np.gcd(c[0], c[1]), "gcd(a, b)", Net((32,)), Net((32, 16), "tanh", 1)),
)  # fmt: skip

DIGITS = (
    _task("tens_digit", "n: int(0,99) as bits(7)", "int", lambda c: c[0] // 10, "n // 10",
          Net((32,)), Net((32,), "tanh", 1)),
    _task("ones_digit", "n: int(0,99) as bits(7)", "int", lambda c: c[0] % 10, "n % 10",
          Net((48, 24)), Net((32, 32), "tanh", 1)),
    _task("digit_sum", "n: int(0,99) as bits(7)", "int", lambda c: c[0] // 10 + c[0] % 10,
          "n // 10 + n % 10", Net((48, 24)), Net((32, 32), "tanh", 1)),
    _task("popcount", BITS6, "int", lambda c: _popcount(c[0]), "n.bit_count()",
          Net((16,)), Net((16,), "sigmoid", 1)),
    _task("perfect_square", BITS6, "bool", lambda c: np.sqrt(c[0]) % 1 == 0,
          "isqrt(n) ** 2 == n", Net((24,)), Net((24,), "tanh", 1, sigmoid_output=True)),
    _task("perfect_square_onehot", "n: int(0,63) as onehot", "bool",
          lambda c: np.sqrt(c[0]) % 1 == 0, "isqrt(n) ** 2 == n", Net((8,))),
)  # fmt: skip

PAIRS = (
    _task("int_max", "a: int(0,15) * b: int(0,15)", "int", lambda c: np.maximum(c[0], c[1]),
          "max(a, b)", Net((8,)), Net((16,), "relu", 1, "torch-onnx")),
    _task("int_distance", "a: int(0,9) * b: int(0,9)", "int", lambda c: abs(c[0] - c[1]),
          "abs(a - b)", Net((12,)), Net((24,), "tanh", 1)),
    _task("times", "a: int(0,7) * b: int(0,7)", "int", lambda c: c[0] * c[1], "a * b",
          Net((24,), "tanh"), Net((32, 16), "relu", 1)),
    _task("same_parity", "a: int(0,15) as bits(4) * b: int(0,15) as bits(4)", "bool",
          lambda c: (c[0] + c[1]) % 2 == 0, "(a + b) % 2 == 0",
          Net((16,)), Net((16,), "sigmoid", 1)),
)  # fmt: skip


def _popcount(numbers: np.ndarray) -> np.ndarray:
    return (numbers[:, None] >> np.arange(8) & 1).sum(axis=1)


TASKS = DIVISION + DIGITS + PAIRS
