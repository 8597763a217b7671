"""Sixty-two integer sequence tasks (names follow the yaml keys of the MIPS task list).

They judge found loops afterwards; the synthesizer never sees them.

Every task is a map from an integer sequence x of shape (n, T, input_dim) to an
integer sequence y of shape (n, T, output_dim), causal in time.  Usage:

    from tasks import TASKS
    t = TASKS["rnn_parity_numerical"]
    x, y = t.batch(1024, 10, np.random.default_rng(0))

x and y are int64 numpy arrays.  Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass
class Task:
    name: str
    definition: str
    target: Callable[[np.ndarray], np.ndarray]  # (n,T,in) -> (n,T,out)
    low: int  # inputs are integers in [low, high)
    high: int
    input_dim: int = 1
    output_dim: int = 1
    native_len: int = 10  # sequence length of the published data set
    sampler: Callable | None = None  # (n, T, rng) -> x ; default: uniform
    family: str = ""

    def sample(self, n: int, T: int, rng: np.random.Generator) -> np.ndarray:
        if self.sampler is not None:
            return self.sampler(n, T, rng)
        return rng.integers(self.low, self.high, size=(n, T, self.input_dim), dtype=np.int64)

    def batch(self, n: int, T: int, rng) -> Tuple[np.ndarray, np.ndarray]:
        x = self.sample(n, T, rng)
        return x, self.target(x)


TASKS: dict[str, Task] = {}


def _add(name, definition, target, low, high, **kw):
    TASKS[name] = Task(name, definition, target, low, high, **kw)


# ---------------------------------------------------------------- small helpers
def delayed(x, k):
    """x shifted k places later in time, zeros shifted in at the front."""
    out = np.zeros_like(x)
    if k < x.shape[1]:
        out[:, k:] = x[:, : x.shape[1] - k]
    return out


def window_sum(x, k):
    c = np.cumsum(x, axis=1)
    return c - delayed(c, k)


def fold(step, x, state):
    """Run a python state machine, vectorised over the batch: step(state, x_t) -> (state, y_t)."""
    ys = []
    for t in range(x.shape[1]):
        state, y = step(state, x[:, t])
        ys.append(y)
    return np.stack(ys, axis=1)


def _zeros(x, d=1):
    return np.zeros((x.shape[0], d), dtype=np.int64)


# ---------------------------------------------------------------- linear tasks
_add(
    "rnn_identity_numerical",
    "Output the current input unchanged.",
    lambda x: x.copy(),
    0,
    100,
    family="linear",
)
for k in range(1, 6):
    _add(
        f"rnn_prev{k}_numerical",
        f"Output the input seen {k} step(s) ago, taking inputs before the start to be 0.",
        (lambda k: lambda x: delayed(x, k))(k),
        0,
        100,
        native_len=20 if k == 5 else 10,
        family="linear",
    )
for k in range(2, 8):
    _add(
        f"rnn_sum_last{k}_numerical",
        f"Output the sum of the latest {k} inputs (fewer at the start).",
        (lambda k: lambda x: window_sum(x, k))(k),
        0,
        100,
        native_len=20 if k >= 5 else 10,
        family="linear",
    )
_add(
    "rnn_sum_numerical",
    "Output the running total of all inputs so far.",
    lambda x: np.cumsum(x, axis=1),
    0,
    100,
    family="linear",
)
_add(
    "rnn_diff_last2_numerical",
    "Output the current input minus the one before it (0 before the start).",
    lambda x: x - delayed(x, 1),
    -100,
    100,
    family="linear",
)
_add(
    "rnn_bit_shift_right_numerical",
    "Output the previous bit (0 at the first position).",
    lambda x: delayed(x, 1),
    0,
    2,
    family="linear",
)
_add(
    "rnn_bitwise_not",
    "Output the complement 1-x of the current bit.",
    lambda x: 1 - x,
    0,
    2,
    family="linear",
)
_add(
    "rnn_newton_freebody_numerical",
    "Inputs are accelerations; output the position of a free particle: the double running total of the inputs.",
    lambda x: np.cumsum(np.cumsum(x, axis=1), axis=1),
    -10,
    11,
    family="linear",
)
_add(
    "rnn_newton_gravity_numerical",
    "Like the free particle, but every acceleration is lowered by 1 (gravity): double running total of x-1.",
    lambda x: np.cumsum(np.cumsum(x - 1, axis=1), axis=1),
    -10,
    11,
    family="linear",
)


def _spring(x):
    def step(s, xt):
        p, v = s
        v = v + xt - p
        p = p + v
        return (p, v), p

    return fold(step, x, (_zeros(x), _zeros(x)))


def _magnetic(x):
    def step(s, f):
        p, v = s
        turned = np.stack([-v[:, 1], v[:, 0]], axis=1)
        v = v + f + turned
        p = p + v
        return (p, v), p

    return fold(step, x, (_zeros(x, 2), _zeros(x, 2)))


_add(
    "rnn_newton_spring_numerical",
    "Inputs are forces on a unit mass tied to the origin by a unit spring; each step v += x - p, then p += v; output p.",
    _spring,
    -10,
    11,
    family="linear",
)
_add(
    "rnn_newton_magnetic_numerical",
    "2-D forces on a unit charge in a unit magnetic field; each step v += f + (-v_y, v_x), then p += v; output p (2-D).",
    _magnetic,
    -10,
    11,
    input_dim=2,
    output_dim=2,
    family="linear",
)
_add(
    "rnn_parity_of_index_numerical",
    "Ignore the input; output the parity of the 0-based position: 0,1,0,1,...",
    lambda x: np.broadcast_to((np.arange(x.shape[1]) % 2)[None, :, None], x.shape).copy(),
    0,
    2,
    family="linear",
)

# ---------------------------------------------------------------- finite window, non-linear read-out
_add(
    "rnn_abs_value_numerical",
    "Output the absolute value of the current input.",
    np.abs,
    -100,
    100,
    family="window",
)
_add(
    "rnn_abs_value_of_diff_numerical",
    "Output the absolute difference between the current and the previous input (0 before the start).",
    lambda x: np.abs(x - delayed(x, 1)),
    -100,
    100,
    family="window",
)
_add(
    "rnn_diff_of_abs_value_numerical",
    "Output |current| minus |previous| (previous is 0 at the first position).",
    lambda x: np.abs(x) - delayed(np.abs(x), 1),
    -100,
    100,
    family="window",
)
_add(
    "rnn_bitwise_and",
    "Output the logical AND of the two current bits.",
    lambda x: x[..., :1] & x[..., 1:],
    0,
    2,
    input_dim=2,
    family="window",
)
_add(
    "rnn_bitwise_or",
    "Output the logical OR of the two current bits.",
    lambda x: x[..., :1] | x[..., 1:],
    0,
    2,
    input_dim=2,
    family="window",
)
_add(
    "rnn_bitwise_xor",
    "Output the exclusive OR of the two current bits.",
    lambda x: x[..., :1] ^ x[..., 1:],
    0,
    2,
    input_dim=2,
    family="window",
)
for k in (2, 3, 4):
    _add(
        f"rnn_parity_last{k}_numerical",
        f"Output the parity of the latest {k} bits (bits before the start are 0).",
        (lambda k: lambda x: window_sum(x, k) % 2)(k),
        0,
        2,
        family="window",
    )
for k in (3, 4):

    def _alt(x, k=k):
        ok = np.ones(x.shape, dtype=bool)
        for j in range(k - 1):
            ok &= delayed(x, j) != delayed(x, j + 1)
        return ok.astype(np.int64)

    _add(
        f"rnn_alternating_last{k}_numerical",
        f"Output 1 if the latest {k} bits strictly alternate (bits before the start are 0), else 0.",
        _alt,
        0,
        2,
        family="window",
    )
_add(
    "rnn_unique2_numerical",
    "Output 1 if the current input equals the previous one (0 before the start), else 0.",
    lambda x: (x == delayed(x, 1)).astype(np.int64),
    0,
    8,
    family="window",
)
_add(
    "rnn_evens_detector_numerical",
    "Output 1 if the current digit (0-9) is even, else 0.",
    lambda x: 1 - x % 2,
    0,
    10,
    family="window",
)
_add(
    "rnn_perfect_square_detector_numerical",
    "Output 1 if the current integer (0-19) is a perfect square (0,1,4,9,16), else 0.",
    lambda x: np.isin(x, [0, 1, 4, 9, 16]).astype(np.int64),
    0,
    20,
    family="window",
)

# ---------------------------------------------------------------- automata and counters
_add(
    "rnn_parity_numerical",
    "Output the parity of all bits so far.",
    lambda x: np.cumsum(x, axis=1) % 2,
    0,
    2,
    family="automaton",
)
_add(
    "rnn_parity_of_zeros_numerical",
    "Output the parity of the number of zeros so far.",
    lambda x: np.cumsum(1 - x, axis=1) % 2,
    0,
    2,
    family="automaton",
)
_add(
    "rnn_bit_dot_prod_mod2_numerical",
    "Output the parity of the number of positions so far where both bits are 1.",
    lambda x: np.cumsum(x[..., :1] * x[..., 1:], axis=1) % 2,
    0,
    2,
    input_dim=2,
    family="automaton",
)
for k in range(3, 9):
    _add(
        f"rnn_add_mod_{k}_numerical",
        f"Output the running total of the inputs (0..{k - 1}) modulo {k}.",
        (lambda k: lambda x: np.cumsum(x, axis=1) % k)(k),
        0,
        k,
        family="automaton",
    )


def _adder(base):
    def target(x):
        def step(c, xt):
            s = c + xt[:, :1] + xt[:, 1:]
            return s // base, s % base

        return fold(step, x, _zeros(x))

    return target


_add(
    "bit_addition",
    "Add two binary numbers given least significant bit first; output the sum bit at each place.",
    _adder(2),
    0,
    2,
    input_dim=2,
    family="automaton",
)
for k in range(3, 8):
    _add(
        f"rnn_base_{k}_addition",
        f"Add two base-{k} numbers given least significant digit first; output the sum digit at each place.",
        _adder(k),
        0,
        k,
        input_dim=2,
        family="automaton",
    )


def _divider(k):
    def target(x):
        def step(r, xt):
            s = 2 * r + xt
            return s % k, s // k

        return fold(step, x, _zeros(x))

    return target


for k in (3, 5, 7):
    _add(
        f"rnn_div_{k}_numerical",
        f"Long division by {k} of a binary number given most significant bit first; output the quotient bit at each place "
        f"(remainder r: s = 2r+x, output s//{k}, r = s%{k}).",
        _divider(k),
        0,
        2,
        family="automaton",
    )


def _dither(x):
    q = np.cumsum(x, axis=1) // 15
    return q - delayed(q, 1)


_add(
    "rnn_dithering_numerical",
    "1-D error-diffusion dithering of brightness 0..15: output the step-to-step increase of floor(running total / 15).",
    _dither,
    0,
    16,
    family="automaton",
)


def _paren(x):
    bal = np.cumsum(1 - 2 * x, axis=1)
    alive = np.minimum.accumulate(bal, axis=1) >= 0
    return ((bal == 0) & alive).astype(np.int64)


_add(
    "rnn_balanced_parenthesis_numerical",
    "0 is '(' and 1 is ')': output 1 if the prefix read so far is a balanced string, else 0 "
    "(for ever 0 once a ')' had no partner).",
    _paren,
    0,
    2,
    family="automaton",
)
_add(
    "rnn_max_numerical",
    "Output the largest input so far.",
    lambda x: np.maximum.accumulate(x, axis=1),
    0,
    100,
    family="automaton",
)
_add(
    "rnn_min_numerical",
    "Output the smallest input so far.",
    lambda x: np.minimum.accumulate(x, axis=1),
    0,
    10,
    family="automaton",
)
_add(
    "rnn_evens_counter_numerical",
    "Output how many even digits were seen so far.",
    lambda x: np.cumsum(1 - x % 2, axis=1),
    0,
    10,
    family="counter",
)


def _majority(k):
    def target(x):
        counts = np.cumsum(x == np.arange(k), axis=1)  # (n,T,k)
        return np.argmax(counts, axis=2)[..., None]  # first maximum = lowest symbol

    return target


for k in (1, 2, 3):
    _add(
        f"rnn_majority0_{k}_numerical",
        f"Inputs 0..{k}: output the most frequent symbol so far, ties going to the lower symbol.",
        _majority(k + 1),
        0,
        k + 1,
        family="counter",
    )


def _palindrome(x):
    n, T, _ = x.shape
    b = x[..., 0]
    y = np.zeros((n, T, 1), dtype=np.int64)
    for t in range(T):
        h = (t + 1) // 2
        y[:, t, 0] = (b[:, :h] == b[:, t : t - h : -1][:, :h]).all(axis=1) if h else 1
    return y


def _palindrome_sampler(n, T, rng):
    """A random palindromic prefix of random length 2..T followed by random bits."""
    x = rng.integers(0, 2, size=(n, T), dtype=np.int64)
    L = rng.integers(2, T + 1, size=n)
    pos = np.arange(T)[None, :]
    mirror = L[:, None] - 1 - pos
    src = np.where((mirror >= 0) & (mirror < pos), mirror, pos)
    return np.take_along_axis(x, src, axis=1)[..., None]


_add(
    "rnn_bit_palindromes_numerical",
    "Output 1 if the bit string read so far is a palindrome, else 0 "
    "(data: a palindromic prefix of random length 2..T, then random bits).",
    _palindrome,
    0,
    2,
    sampler=_palindrome_sampler,
    family="memory",
)
