"""Sequence tasks outside the 62: what each computes, defined in a sentence.

About half follow other task folders of arXiv 2402.05110's repository, with smaller alphabets; the
rest are ordinary streaming problems.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from benchmarks.rnn.task import Task
from benchmarks.rnn.tasks import Ints, Step, Truth, adder, delayed, folded, majority, window

BIT = ((0, 1),)
DIGIT = ((0, 9),)


def to(high: int, low: int = 0) -> tuple[tuple[int, int], ...]:
    """One field from low to high."""
    return ((low, high),)


def machine(step: Step, *start: int) -> Truth:
    """A step on a tuple of registers, each (n, 1), from the same start for all sequences."""

    def begin(x: Ints) -> tuple[Ints, ...]:
        return tuple(np.full((len(x), 1), s, dtype=np.int64) for s in start)

    return folded(step, begin)


def clipped(change: Truth, low: int, high: int, start: int = 0) -> Truth:
    """A counter that stops at its ends; change: item (n, 1) to what is added."""

    def step(state: Any, x: Ints) -> tuple[Any, Ints]:
        new = np.clip(state[0] + change(x), low, high)
        return (new,), new

    return machine(step, start)


def moved(table: np.ndarray, start: int = 0) -> Truth:
    """A finite automaton whose output is its state; table: next state by [state, item]."""

    def step(state: Any, x: Ints) -> tuple[Any, Ints]:
        new = table[state[0], x]
        return (new,), new

    return machine(step, start)


def products(elements: list[tuple[int, ...]]) -> np.ndarray:
    """The multiplication table of a group of permutations, by index."""
    place = {e: i for i, e in enumerate(elements)}
    return np.array([[place[tuple(a[i] for i in b)] for b in elements] for a in elements])


def _even(p: tuple[int, ...]) -> bool:
    return sum(p[i] > p[j] for j in range(len(p)) for i in range(j)) % 2 == 0


SYMMETRIC_3 = sorted(permutations(range(3)))
ALTERNATING_4 = [p for p in sorted(permutations(range(4))) if _even(p)]
DIHEDRAL_4 = [tuple((s * i + r) % 4 for i in range(4)) for s in (1, -1) for r in range(4)]


def _transposed(x: Ints) -> Ints:
    held = np.broadcast_to(np.arange(4), (len(x), 4)).copy()
    rows, outputs = np.arange(len(x)), []
    for t in range(x.shape[1]):
        a = x[:, t, 0]
        held[rows, a], held[rows, a + 1] = held[rows, a + 1], held[rows, a].copy()
        outputs.append(held[:, :1].copy())
    return np.stack(outputs, axis=1)


def _product(by: int) -> Truth:
    return moved(np.arange(by)[:, None] * np.arange(by) % by, 1)


def _previous_or_one(x: Ints) -> Ints:
    before = delayed(x, 1)
    before[:, 0] = 1
    return before


def _distinct_of_last3(x: Ints) -> Ints:
    one, two = delayed(x + 1, 1), delayed(x + 1, 2)
    new = (one > 0) & (one != x + 1)
    newer = (two > 0) & (two != x + 1) & (two != one)
    return 1 + new.astype(np.int64) + newer


def _first_place(x: Ints) -> Ints:
    same = x[:, :, None, 0] == x[:, None, :, 0]
    return same.argmax(axis=2)[..., None]


def _set_size(x: Ints) -> Ints:
    held = np.zeros((len(x), 4), dtype=np.int64)
    rows, sizes = np.arange(len(x)), []
    for t in range(x.shape[1]):
        held[rows, x[:, t, 0]] = x[:, t, 1]
        sizes.append(held.sum(axis=1, keepdims=True))
    return np.stack(sizes, axis=1)


def _distinct(size: int) -> Truth:
    return lambda x: np.maximum.accumulate(x == np.arange(size), axis=1).sum(axis=2, keepdims=True)


def palindromes(x: Ints) -> Ints:
    """Whether what was read so far is the same backwards."""
    found = np.ones_like(x)
    for t in range(1, x.shape[1]):
        found[:, t] = (x[:, : t + 1] == x[:, t::-1]).all(1)
    return found


def palindrome_sampler(high: int) -> Any:
    """Sequences that begin with a palindrome of random length, symbols 0..high."""

    def draw(rng: np.random.Generator, count: int, length: int) -> Ints:
        x = rng.integers(0, high + 1, (count, length), dtype=np.int64)
        place = np.arange(length)
        mirror = rng.integers(2, max(length, 2) + 1, count)[:, None] - 1 - place
        source = np.where((mirror >= 0) & (mirror < place), mirror, place)
        return np.take_along_axis(x, source, axis=1)[..., None]

    return draw


def _calculator(state: Any, x: Ints) -> tuple[Any, Ints]:
    top, second, third = state
    plus = x == 2
    new = np.where(plus, top + second, x)
    return (new, np.where(plus, third, top), np.where(plus, 0, second)), new


def _checksum(width: int) -> Truth:
    """The register of a cyclic redundancy check with the polynomial x^width + x + 1."""
    held = np.arange(1 << width)[:, None]
    shifted = (held << 1 | np.arange(2)) & ((1 << width) - 1)
    return moved(np.where(held >> (width - 1) == 1, shifted ^ 3, shifted))


def _longest_run(state: Any, x: Ints) -> tuple[Any, Ints]:
    run, best = x * (state[0] + 1), state[1]
    best = np.maximum(best, run)
    return (run, best), best


def _current_run(state: Any, x: Ints) -> tuple[Any, Ints]:
    run = x * (state[0] + 1)
    return (run,), run


def _kadane(state: Any, x: Ints) -> tuple[Any, Ints]:
    ending = np.maximum(0, state[0] + x)
    best = np.maximum(state[1], ending)
    return (ending, best), best


def _robber(state: Any, x: Ints) -> tuple[Any, Ints]:
    best = np.maximum(state[0], state[1] + x)
    return (best, state[0]), best


def _second(state: Any, x: Ints) -> tuple[Any, Ints]:
    second = np.maximum(state[1], np.minimum(state[0], x))
    return (np.maximum(state[0], x), second), second


def _place_of_largest(x: Ints) -> Ints:
    best = np.maximum.accumulate(x, axis=1)
    new = np.ones(x.shape, bool)
    new[:, 1:] = x[:, 1:] > best[:, :-1]
    return np.maximum.accumulate(np.where(new, np.arange(x.shape[1])[None, :, None], 0), axis=1)


def _sign_changes(state: Any, x: Ints) -> tuple[Any, Ints]:
    sign = np.sign(x)
    count = state[1] + (sign * state[0] < 0)
    return (np.where(sign == 0, state[0], sign), count), count


def _peaks(x: Ints) -> Ints:
    middle, before = delayed(x, 1), delayed(x, 2)
    peak = (middle > x) & (middle > before)
    peak[:, :2] = False
    return np.cumsum(peak, axis=1, dtype=np.int64)


def _fibonacci(state: Any, x: Ints) -> tuple[Any, Ints]:
    new = (state[0] + state[1] + x) % 3
    return (new, state[0]), new


def _vending(state: Any, x: Ints) -> tuple[Any, Ints]:
    total = state[0] + np.array([1, 2, 5])[x]
    return (total % 6,), total // 6


def _lag_2(x: Ints) -> Ints:
    found = delayed(x, 2)
    found[:, :2] = x[:, :1]
    return found


def _largest(x: Ints) -> Ints:
    return np.maximum.accumulate(x, axis=1)


def _smallest(x: Ints) -> Ints:
    return np.minimum.accumulate(x, axis=1)


def _alternating_sum(x: Ints) -> Ints:
    return np.cumsum(x * (-1) ** np.arange(x.shape[1])[None, :, None], axis=1)


def _mean(x: Ints) -> Any:
    return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)[None, :, None]


def _smoothed(state: Any, x: Ints) -> tuple[Any, Any]:
    new = (state[0] + x) / 2
    return (new,), new


HIGH_LOW = np.array([1] * 5 + [0] * 3 + [-1] * 5)
TOGGLE = np.array([[0, 1, 0], [1, 0, 0]])
LIGHT = np.array([[0, 1], [1, 2], [2, 0]])

_ALL = (
    Task("sub_mod_5", "Minus the running total, modulo 5.", to(4), lambda x: -np.cumsum(x, 1) % 5),
    Task("mult_mod_5", "The running product modulo 5.", to(4, 1), _product(5)),
    Task("mult_mod_7", "The running product modulo 7.", to(6, 1), _product(7)),
    Task("mod_last2", "The item modulo the one before it; 0 at first.", to(5, 1),
         lambda x: x % _previous_or_one(x)),
    Task("mod_eq0_last2", "Whether the item before divides the item; true at first.", to(5, 1),
         lambda x: (x % _previous_or_one(x) == 0).astype(np.int64), "bool"),
    Task("and_last2", "Whether the last two bits are 1.", BIT, lambda x: x & delayed(x, 1), "bool"),
    Task("or_last2", "Whether one of the last two bits is 1.", BIT,
         lambda x: x | delayed(x, 1), "bool"),
    Task("or_last3", "Whether one of the last three bits is 1.", BIT,
         lambda x: x | delayed(x, 1) | delayed(x, 2), "bool"),
    Task("abs_max", "The largest absolute value so far.", to(9, -9), lambda x: _largest(np.abs(x))),
    Task("abs_min", "The smallest absolute value so far.", to(9, -9),
         lambda x: _smallest(np.abs(x))),
    Task("max_last2", "The larger of the last two items, 0 before the start.", DIGIT,
         lambda x: np.maximum(x, delayed(x, 1))),
    Task("min_last2", "The smaller of the last two items, 0 before the start.", DIGIT,
         lambda x: np.minimum(x, delayed(x, 1))),
    Task("majority0_4", "The most frequent of five symbols so far, the lower of equals.", to(4),
         majority(5), length=8),
    Task("unique3", "How many different items are among the last three.", to(5),
         _distinct_of_last3),
    Task("first_appearing_index", "The first place, from 0, that held the current item.", to(3),
         _first_place),
    Task("set_size", "The size of a set of up to four items; x1 says whether x0 is put in or out.",
         ((0, 3), (0, 1)), _set_size),
    Task("count_unique_4", "How many of four symbols were seen so far.", to(3), _distinct(4)),
    Task("count_unique_6", "How many of six symbols were seen so far.", to(5), _distinct(6)),
    Task("palindromes_0_2", "Whether what was read so far is the same backwards.", to(2),
         palindromes, "bool", 6, palindrome_sampler(2)),
    Task("power_of_2", "Whether the item is a power of 2.", to(31),
         lambda x: ((x > 0) & (x & (x - 1) == 0)).astype(np.int64), "bool"),
    Task("log2", "The logarithm of the item to base 2, rounded down.", to(31, 1),
         lambda x: np.floor(np.log2(x)).astype(np.int64)),
    Task("vowel_counter", "How many of the letters a to j so far were vowels.", DIGIT,
         lambda x: np.cumsum(np.isin(x, [0, 4, 8]), axis=1, dtype=np.int64)),
    Task("card_counting", "The running count of cards 0 to 12: low five +1, high five -1.", to(12),
         lambda x: np.cumsum(HIGH_LOW[x], axis=1)),
    Task("symmetric_3", "The running product of permutations of three, by their index.", to(5),
         moved(products(SYMMETRIC_3))),
    Task("dihedral_4", "The running product of symmetries of a square, by their index.", to(7),
         moved(products(DIHEDRAL_4))),
    Task("alternating_4", "The running product of even permutations of four, by index.", to(11),
         moved(products(ALTERNATING_4)), length=6),
    Task("transpositions", "Four things swap neighbouring places x and x+1; the one in front.",
         to(2), _transposed),
    Task("polish", "The top of a stack of three places; 0 and 1 are pushed, 2 adds the top two.",
         to(2), machine(_calculator, 0, 0, 0)),
    Task("crc_3", "The register of a running checksum with the polynomial x^3 + x + 1.", BIT,
         _checksum(3)),
    Task("crc_4", "The register of a running checksum with the polynomial x^4 + x + 1.", BIT,
         _checksum(4)),
    Task("longest_run", "The length of the longest run of ones so far.", BIT,
         machine(_longest_run, 0, 0)),
    Task("current_run", "The length of the run of ones that the sequence ends in.", BIT,
         machine(_current_run, 0)),
    Task("max_subarray", "The largest sum of a run of neighbours so far, none giving 0.", to(3, -3),
         machine(_kadane, 0, 0)),
    Task("robber", "The largest sum so far of items of which no two are neighbours.", to(4),
         machine(_robber, 0, 0)),
    Task("second_largest", "The second largest item so far, 0 at first.", DIGIT,
         machine(_second, 0, 0)),
    Task("range", "The largest item so far minus the smallest.", DIGIT,
         lambda x: _largest(x) - _smallest(x)),
    Task("place_of_largest", "The place, from 0, of the first largest item so far.", to(4),
         _place_of_largest),
    Task("alternating_sum", "Items added at even places and taken off at odd ones.", to(4),
         _alternating_sum),
    Task("sign_changes", "How often the sign changed so far, zeros being skipped.", to(2, -2),
         machine(_sign_changes, 0, 0)),
    Task("local_maxima", "How many inner items so far were above both neighbours.", to(3), _peaks),
    Task("saturating_counter", "Ones count up and zeros down, from 0 to 5.", BIT,
         clipped(lambda x: 2 * x - 1, 0, 5)),
    Task("running_gcd", "The greatest common divisor so far.", to(12, 1),
         lambda x: np.gcd.accumulate(x, axis=1)),
    Task("fibonacci_mod_3", "The sum of the last two outputs and the bit, modulo 3.", BIT,
         machine(_fibonacci, 0, 0)),
    Task("toggle_with_reset", "0 holds a bit, 1 turns it over, 2 clears it.", to(2),
         moved(TOGGLE), "bool"),
    Task("elevator", "0 goes down, 1 stays, 2 goes up, between floors 0 and 4.", to(2),
         clipped(lambda x: x - 1, 0, 4)),
    Task("prev6", "The item six places back, 0 before the start.", DIGIT,
         lambda x: delayed(x, 6), length=14),
    Task("sum_last8", "The sum of the last eight items.", DIGIT, window(8), length=16),
    Task("lag_2", "The item two places back, the first item at the first two places.", DIGIT,
         _lag_2),
    Task("traffic_light", "Red 0, green 1, amber 2: a one moves on to the next.", BIT,
         moved(LIGHT)),
    Task("vending", "Coins 1, 2, 5 by index; whether they reach 6, which is then taken off.",
         to(2), machine(_vending, 0), "bool"),
    Task("base_8_addition", "The digits of a sum to base 8, lowest first.", ((0, 7), (0, 7)),
         adder(8)),
    Task("add_mod_9", "The running total modulo 9.", to(8), lambda x: np.cumsum(x, axis=1) % 9),
    Task("average_last2", "Half the sum of the last two items, rounded down.", DIGIT,
         lambda x: window(2)(x) // 2),
    Task("variance_last3", "Nine times the variance of the last three items, 0 before the start.",
         to(3), lambda x: 3 * window(3)(x * x) - window(3)(x) ** 2),
    Task("running_mean", "The mean of all items so far, within 0.1.", to(4), _mean, "real",
         tolerance=0.1),
    Task("smoothed", "The mean of the last output and the item, within 0.05.", DIGIT,
         machine(_smoothed, 0), "real", tolerance=0.05),
)  # fmt: skip

FURTHER: dict[str, Task] = {task.name: task for task in _ALL}
