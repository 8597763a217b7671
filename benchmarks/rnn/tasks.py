"""What the 62 sequence tasks compute (arXiv 2402.05110), to judge found loops by.

Truths map whole numbers (n, T, inputs) to whole numbers (n, T, outputs), causal in time; the
synthesizer never sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Truth = Callable[[Ints], Ints]
Step = Callable[[Any, Ints], tuple[Any, Ints]]


def delayed(x: Ints, steps: int) -> Ints:
    """x that many places later in time, zeros in front."""
    found = np.zeros_like(x)
    if steps < x.shape[1]:
        found[:, steps:] = x[:, : x.shape[1] - steps]
    return found


def window(steps: int) -> Truth:
    """The sum of the latest inputs."""

    def truth(x: Ints) -> Ints:
        total = np.cumsum(x, axis=1)
        return total - delayed(total, steps)

    return truth


def folded(step: Step, start: Callable[[Ints], Any]) -> Truth:
    """A machine run over time: step(state, item) -> (state, output)."""

    def truth(x: Ints) -> Ints:
        state, outputs = start(x), []
        for t in range(x.shape[1]):
            state, output = step(state, x[:, t])
            outputs.append(output)
        return np.stack(outputs, axis=1)

    return truth


def _zeros(x: Ints, width: int = 1) -> Ints:
    return np.zeros((len(x), width), dtype=np.int64)


def _spring(state: Any, x: Ints) -> tuple[Any, Ints]:
    place, speed = state
    speed = speed + x - place
    return (place + speed, speed), place + speed


def _magnetic(state: Any, x: Ints) -> tuple[Any, Ints]:
    place, speed = state
    speed = speed + x + np.stack([-speed[:, 1], speed[:, 0]], axis=1)
    return (place + speed, speed), place + speed


def adder(base: int) -> Truth:
    """Digits of a sum, least significant first."""

    def step(carry: Ints, x: Ints) -> tuple[Ints, Ints]:
        total = carry + x[:, :1] + x[:, 1:]
        return total // base, total % base

    return folded(step, _zeros)


def divider(by: int) -> Truth:
    """Bits of a quotient, most significant first."""

    def step(rest: Ints, x: Ints) -> tuple[Ints, Ints]:
        total = 2 * rest + x
        return total % by, total // by

    return folded(step, _zeros)


def alternating(steps: int) -> Truth:
    """Whether the latest bits alternate, bits before the start being 0."""
    return lambda x: np.all(
        [delayed(x, j) != delayed(x, j + 1) for j in range(steps - 1)], axis=0
    ).astype(np.int64)


def majority(size: int) -> Truth:
    """The most frequent symbol so far, the lower of equals."""
    return lambda x: np.argmax(np.cumsum(x == np.arange(size), axis=1), axis=2)[..., None]


def _dithering(x: Ints) -> Ints:
    filled = np.cumsum(x, axis=1) // 15
    return filled - delayed(filled, 1)


def _balanced(x: Ints) -> Ints:
    depth = np.cumsum(1 - 2 * x, axis=1)
    alive = np.minimum.accumulate(depth, axis=1) >= 0
    return ((depth == 0) & alive).astype(np.int64)


def _palindrome(x: Ints) -> Ints:
    found = np.ones_like(x)
    for t in range(1, x.shape[1]):
        found[:, t] = (x[:, : t + 1] == x[:, t::-1]).all(1)
    return found


def _modulo(size: int) -> Truth:
    return lambda x: np.cumsum(x, axis=1) % size


def _previous(steps: int) -> Truth:
    return lambda x: delayed(x, steps)


def _parity(steps: int) -> Truth:
    return lambda x: window(steps)(x) % 2


TRUTHS: dict[str, Truth] = {
    "rnn_identity_numerical": lambda x: x,
    **{f"rnn_prev{k}_numerical": _previous(k) for k in range(1, 6)},
    **{f"rnn_sum_last{k}_numerical": window(k) for k in range(2, 8)},
    "rnn_sum_numerical": lambda x: np.cumsum(x, axis=1),
    "rnn_diff_last2_numerical": lambda x: x - delayed(x, 1),
    "rnn_bit_shift_right_numerical": _previous(1),
    "rnn_bitwise_not": lambda x: 1 - x,
    "rnn_newton_freebody_numerical": lambda x: np.cumsum(np.cumsum(x, axis=1), axis=1),
    "rnn_newton_gravity_numerical": lambda x: np.cumsum(np.cumsum(x - 1, axis=1), axis=1),
    "rnn_newton_spring_numerical": folded(_spring, lambda x: (_zeros(x), _zeros(x))),
    "rnn_newton_magnetic_numerical": folded(_magnetic, lambda x: (_zeros(x, 2), _zeros(x, 2))),
    "rnn_parity_of_index_numerical": lambda x: np.broadcast_to(
        (np.arange(x.shape[1]) % 2)[None, :, None], x.shape
    ),
    "rnn_abs_value_numerical": np.abs,
    "rnn_abs_value_of_diff_numerical": lambda x: np.abs(x - delayed(x, 1)),
    "rnn_diff_of_abs_value_numerical": lambda x: np.abs(x) - delayed(np.abs(x), 1),
    "rnn_bitwise_and": lambda x: x[..., :1] & x[..., 1:],
    "rnn_bitwise_or": lambda x: x[..., :1] | x[..., 1:],
    "rnn_bitwise_xor": lambda x: x[..., :1] ^ x[..., 1:],
    **{f"rnn_parity_last{k}_numerical": _parity(k) for k in (2, 3, 4)},
    **{f"rnn_alternating_last{k}_numerical": alternating(k) for k in (3, 4)},
    "rnn_unique2_numerical": lambda x: (x == delayed(x, 1)).astype(np.int64),
    "rnn_evens_detector_numerical": lambda x: 1 - x % 2,
    "rnn_perfect_square_detector_numerical": lambda x: np.isin(x, [0, 1, 4, 9, 16]).astype(
        np.int64
    ),
    "rnn_parity_numerical": _modulo(2),
    "rnn_parity_of_zeros_numerical": lambda x: np.cumsum(1 - x, axis=1) % 2,
    "rnn_bit_dot_prod_mod2_numerical": lambda x: np.cumsum(x[..., :1] * x[..., 1:], axis=1) % 2,
    **{f"rnn_add_mod_{k}_numerical": _modulo(k) for k in range(3, 9)},
    "bit_addition": adder(2),
    **{f"rnn_base_{k}_addition": adder(k) for k in range(3, 8)},
    **{f"rnn_div_{k}_numerical": divider(k) for k in (3, 5, 7)},
    "rnn_dithering_numerical": _dithering,
    "rnn_balanced_parenthesis_numerical": _balanced,
    "rnn_max_numerical": lambda x: np.maximum.accumulate(x, axis=1),
    "rnn_min_numerical": lambda x: np.minimum.accumulate(x, axis=1),
    "rnn_evens_counter_numerical": lambda x: np.cumsum(1 - x % 2, axis=1),
    **{f"rnn_majority0_{k}_numerical": majority(k + 1) for k in (1, 2, 3)},
    "rnn_bit_palindromes_numerical": _palindrome,
}
