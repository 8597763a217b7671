"""What is to be trained: families of jobs, each with shapes that are tried in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.rnn.networks import index
from benchmarks.rnn.train.cells import Shape
from benchmarks.rnn.train.fit import Recipe
from benchmarks.rnn.train.known import FURTHER, short

GROWING = (2, 3, 5, 7)
SHORT_FIRST = (3, 6)


@dataclass(frozen=True)
class Job:
    """One name of a family; the k-th try takes the k-th shape and recipe, then the last."""

    name: str
    task: str
    shapes: tuple[Shape, ...]
    recipes: tuple[Recipe, ...]

    def shape(self, tried: int) -> Shape:
        """The shape of the next try."""
        return self.shapes[min(tried, len(self.shapes) - 1)]

    def recipe(self, tried: int) -> Recipe:
        """Its recipe."""
        return self.recipes[min(tried, len(self.recipes) - 1)]


def relu(
    hidden: int, step: int | tuple[int, ...] = (), readout: int | tuple[int, ...] = ()
) -> Shape:
    """A ReLU cell; a number stands for one hidden layer of that width."""
    widths = [(w,) if isinstance(w, int) else w for w in (step, readout)]
    return Shape("relu-mlp", hidden, *widths)


_QUICK = Recipe(seconds=25, lengths=SHORT_FIRST)
_LONG = Recipe(seconds=50, steps=12000, lengths=GROWING, steep=8)
_CELLS = {
    "rnn_parity_numerical": 12,
    "bit_addition": 12,
    "rnn_base_3_addition": 16,
    "max_0_9": 16,
    "sum_0_3": 16,
    "rnn_majority0_1_numerical": 12,
    "rnn_balanced_parenthesis_numerical": 12,
    "rnn_add_mod_3_numerical": 16,
    "rnn_div_3_numerical": 16,
    "rnn_unique2_numerical": 24,
    "rnn_alternating_last3_numerical": 12,
    "rnn_parity_last3_numerical": 12,
    "rnn_evens_counter_numerical": 24,
    "rnn_bit_shift_right_numerical": 8,
    "prev1_0_9": 16,
    "rnn_bitwise_xor": 8,
    "rnn_alternating_last4_numerical": 16,
    "rnn_parity_last2_numerical": 8,
    "rnn_bit_dot_prod_mod2_numerical": 12,
    "saturating_counter": 12,
    "toggle_with_reset": 8,
    "traffic_light": 12,
    "elevator": 12,
    "current_run": 16,
    "or_last3": 8,
    "polish": 20,
    "vending": 20,
    "transpositions": 20,
    "fibonacci_mod_3": 20,
    "crc_3": 20,
    "rnn_div_5_numerical": 20,
    "rnn_add_mod_5_numerical": 24,
    "rnn_base_7_addition": 24,
}
"""Units of the state in the first try."""


def cells() -> list[Job]:
    """Torch's own cells on tasks of all kinds."""
    return [
        Job(
            f"{short(task)}_{kind.removeprefix('rnn-')}", task,
            (Shape(kind, hidden), Shape(kind, max(hidden, 16)), Shape(kind, 24)), (_QUICK, _LONG),
        )
        for task, hidden in _CELLS.items()
        for kind in ("gru", "lstm", "rnn-tanh")
    ]  # fmt: skip


_AFFINE = Recipe(seeds=16, batch=64, steps=6000, seconds=15, gate=0, polish=0.5, double=True,
                 rates=(1e-2, 2e-2, 5e-3))  # fmt: skip
_GRU = (Shape("gru", 24), Shape("gru", 32))


_FURTHER: dict[str, tuple[Shape, ...]] = {
    "sub_mod_5": (relu(3, 24), relu(4, 48), relu(4, 64)),
    "mult_mod_5": (relu(4, 32), relu(6, 48), Shape("gru", 24)),
    "mult_mod_7": (relu(6, 64), Shape("gru", 32), relu(32, 128)),
    "mod_last2": (relu(3, 8, 32), relu(4, 32, 32), Shape("gru", 24)),
    "mod_eq0_last2": (relu(3, 8, 24), relu(4, 32, 32)),
    "and_last2": (relu(2, (), 4), relu(2, 8, 8)),
    "or_last2": (relu(2, (), 4), relu(2, 8, 8)),
    "or_last3": (relu(3, (), 6), relu(3, 8, 8)),
    "abs_max": (relu(1, 8), relu(2, 16)),
    "abs_min": (relu(1, 8), relu(2, 16)),
    "max_last2": (relu(2, (), 4), relu(2, (), 12)),
    "min_last2": (relu(2, (), 4), relu(2, (), 12)),
    "majority0_4": (relu(5, 32, 64), relu(6, 48, (64, 32)), relu(24, (96, 96))),
    "unique3": (relu(3, 8, 24), relu(4, 16, 48)),
    "first_appearing_index": (relu(8, 48, 16), Shape("gru", 32), relu(16, (64, 64), 32)),
    "set_size": (relu(6, 32), relu(8, 48, 16), Shape("gru", 24)),
    "count_unique_4": (relu(5, 24), relu(6, 48), Shape("gru", 24)),
    "count_unique_6": (relu(7, 48), relu(8, 64), relu(16, (64, 64))),
    "palindromes_0_2": (relu(6, (), 48), relu(8, 32, (48, 48))),
    "power_of_2": (relu(1, (), 32), relu(2, (), (32, 32))),
    "log2": (relu(1, (), 16), relu(2, (), 32)),
    "vowel_counter": (relu(1, 24), relu(2, 32), relu(2, (32, 32))),
    "card_counting": (relu(1, 16), relu(2, 32)),
    "symmetric_3": (relu(6, 48), Shape("gru", 24), relu(32, 128)),
    "dihedral_4": (relu(8, 64), Shape("gru", 32), relu(32, 128)),
    "alternating_4": (Shape("gru", 32), relu(12, 96), relu(48, 160)),
    "transpositions": (relu(4, 32), relu(6, 48), Shape("gru", 24)),
    "polish": (relu(4, 16), relu(5, 32)),
    "crc_3": (relu(4, 24), relu(5, 32), Shape("gru", 24)),
    "crc_4": (relu(5, 32), relu(6, 48), Shape("gru", 32)),
    "longest_run": (relu(2, 12), relu(3, 24)),
    "current_run": (relu(1, 6), relu(2, 16)),
    "max_subarray": (relu(2, 8), relu(3, 24)),
    "robber": (relu(2, 8), relu(3, 24)),
    "second_largest": (relu(2, 8), relu(3, 24)),
    "range": (relu(2, 8), relu(3, 16)),
    "place_of_largest": (relu(4, 32), relu(5, 48), Shape("gru", 24)),
    "alternating_sum": (relu(3, 12), relu(4, 24)),
    "sign_changes": (relu(3, 24), relu(4, 32)),
    "local_maxima": (relu(4, 32), relu(5, 48)),
    "saturating_counter": (relu(1, 6), relu(2, 12)),
    "running_gcd": (relu(5, 64), Shape("gru", 32), relu(32, 128)),
    "fibonacci_mod_3": (relu(3, 16), relu(4, 32)),
    "toggle_with_reset": (relu(1, 8), relu(2, 16)),
    "elevator": (relu(1, 6), relu(2, 16)),
    "prev6": (relu(7), relu(8)),
    "sum_last8": (relu(8), relu(9)),
    "lag_2": (relu(5, 24), relu(6, 32), Shape("gru", 24)),
    "traffic_light": (relu(2, 8), relu(2, 16)),
    "vending": (relu(2, 12), relu(3, 24)),
    "base_8_addition": (relu(2, 12), relu(2, 24), relu(3, 32)),
    "add_mod_9": (relu(3, 32), relu(4, 64), relu(32, 128)),
    "average_last2": (relu(2, (), 24), relu(2, (), 40)),
    "variance_last3": (relu(3, (), 32), relu(3, 32, 32)),
    "running_mean": (relu(4, 24, 16), Shape("gru", 16)),
    "smoothed": (relu(1), relu(2)),
}


def _recipes(shape: Shape, first: float) -> tuple[Recipe, ...]:
    if shape.affine:
        return (_AFFINE, replace(_AFFINE, seconds=40, steps=12000))
    wide = max((*shape.step, *shape.readout, shape.hidden)) > 60
    seeds = 6 if wide else 10
    slack = 0.1 if shape.readout or shape.hidden > 2 else 0.25
    return (
        Recipe(seeds=seeds, seconds=first, lengths=SHORT_FIRST),
        Recipe(seeds=seeds + 4, seconds=2 * first, steps=16000, lengths=GROWING, slack=slack),
        Recipe(seeds=4, seconds=3 * first, steps=20000, lengths=SHORT_FIRST, steep=8),
    )


def further() -> list[Job]:
    """Tasks outside the 62."""
    return [Job(task, task, _FURTHER[task], _recipes(_FURTHER[task][0], 25)) for task in FURTHER]


_REALS: dict[str, tuple[Shape, ...]] = {
    "largest_real": (relu(1, 8), relu(2, 16)),
    "leaky_integrator": (relu(1), relu(2)),
    "difference": (relu(2), relu(3)),
    "average_last3": (relu(3), relu(4)),
    "peak_decay": (relu(1, 8), relu(2, 16)),
    "saturating_total": (relu(1, 8), relu(2, 16)),
    "mean_so_far": (Shape("gru", 16), Shape("gru", 24)),
    "deviation": (Shape("gru", 16), Shape("gru", 24)),
    "range_real": (relu(2, 16), relu(3, 24)),
    "largest_jump": (relu(3, 16), relu(3, 24)),
    "product_last2": (relu(2, (), 32), Shape("gru", 16)),
    "two_speeds": (relu(1, 8), relu(2, 16)),
}
_REAL_CELLS = ("largest_real", "leaky_integrator", "average_last3", "saturating_total")


def reals() -> list[Job]:
    """Tasks over real numbers."""
    exact = Recipe(seeds=10, seconds=40, steps=12000, lengths=SHORT_FIRST, gate=0.0)
    gated = [Job(f"{task}_gru", task, (Shape("gru", 16),), (exact,)) for task in _REAL_CELLS]
    plain = [
        Job(task, task, shapes, (_recipes(shapes[0], 25)[:1] if shapes[0].affine else (exact,)))
        for task, shapes in _REALS.items()
    ]
    return plain + gated


_BASES = {3: (2, 5), 4: (2, 5), 5: (2, 5), 6: (2, 6), 7: (2, 10)}
_MODULI = {8: (67, 134), 3: (1, 149), 4: (2, 33), 5: (3, 43), 6: (4, 108), 7: (4, 199)}
_DIVISORS = {3: (2, 59), 5: (4, 76), 7: (4, 103)}
SIZES: dict[str, Shape] = {
    "rnn_dithering_numerical": relu(81, 166),
    "rnn_add_mod_8_numerical": relu(67, 134),
    "rnn_perfect_square_detector_numerical": relu(48, 100),
    "rnn_majority0_3_numerical": relu(21, (132, 132)),
    "rnn_bit_palindromes_numerical": relu(18, 86),
    "rnn_parity_last2_numerical": relu(1, 229),
    "rnn_evens_counter_numerical": relu(4, (73, 73)),
    "rnn_majority0_1_numerical": relu(1, 63),
    "rnn_majority0_2_numerical": relu(4, 98),
    "rnn_evens_detector_numerical": relu(5, 163),
    **{f"rnn_add_mod_{k}_numerical": relu(*size) for k, size in _MODULI.items()},
    **{f"rnn_div_{k}_numerical": relu(*size) for k, size in _DIVISORS.items()},
    "rnn_balanced_parenthesis_numerical": relu(1, 16),
    **{f"rnn_base_{k}_addition": relu(*size) for k, size in _BASES.items()},
    "rnn_parity_last3_numerical": relu(2, 5),
    "rnn_parity_last4_numerical": relu(3, 29),
    "rnn_parity_numerical": relu(1, 2),
    "rnn_parity_of_zeros_numerical": relu(1, 2),
    "bit_addition": relu(2, 4),
    "rnn_bitwise_xor": relu(1, 2),
    "rnn_bit_dot_prod_mod2_numerical": relu(1, 3),
    "rnn_alternating_last3_numerical": relu(2, 3),
    "rnn_alternating_last4_numerical": relu(2, 3),
    "rnn_unique2_numerical": relu(2, 5),
    "rnn_min_numerical": relu(1, 2),
    "rnn_max_numerical": relu(1, 2),
    "rnn_abs_value_numerical": relu(1, 2),
    "rnn_abs_value_of_diff_numerical": relu(2, (), 2),
    "rnn_diff_of_abs_value_numerical": relu(2, 4),
    "rnn_bitwise_and": relu(1),
    "rnn_bitwise_or": relu(1),
    "rnn_bitwise_not": relu(1),
    "rnn_identity_numerical": relu(1),
    "rnn_sum_numerical": relu(1),
    **{f"rnn_prev{k}_numerical": relu(k + 1) for k in range(1, 6)},
    **{f"rnn_sum_last{k}_numerical": relu(k) for k in range(2, 8)},
    "rnn_diff_last2_numerical": relu(2),
    "rnn_parity_of_index_numerical": relu(1),
    "rnn_bit_shift_right_numerical": relu(2),
    "rnn_newton_freebody_numerical": relu(2),
    "rnn_newton_gravity_numerical": relu(2),
    "rnn_newton_spring_numerical": relu(2),
    "rnn_newton_magnetic_numerical": relu(4),
}
"""The sizes that arXiv 2402.05110's search ended with, the large ones first."""


def published() -> list[Job]:
    """The 62 tasks at the published sizes, where the suite's own network has another one."""
    return [
        Job(short(task), task, (shape,), _recipes(shape, 35))
        for task, shape in SIZES.items()
        if _suite_shape(task) != shape
    ]


def _suite_shape(task: str) -> Shape:
    found = index()[task]["arch"]
    chains = (
        (found[f"{part}_width"],) * (found[f"{part}_depth"] - 1) for part in ("hidden", "output")
    )
    return Shape("relu-mlp", found["hidden_dim"], *chains)


_SWEPT = {
    "rnn_parity_numerical": 2, "bit_addition": 2, "rnn_base_3_addition": 2,
    "rnn_add_mod_3_numerical": 2, "rnn_div_3_numerical": 3, "max_0_9": 1,
    "rnn_majority0_1_numerical": 1, "rnn_unique2_numerical": 2, "rnn_parity_last3_numerical": 2,
    "rnn_alternating_last3_numerical": 2, "prev2_0_9": 3, "sum_last2_0_9": 2,
    "saturating_counter": 1, "current_run": 1, "max_subarray": 2,
}  # fmt: skip


def sizes() -> list[Job]:
    """Tasks of different kinds at three sizes, three seeds of each."""
    return [
        Job(f"{short(task)}_h{hidden}", task, (relu(hidden, max(8, hidden)),),
            (Recipe(seeds=6, batch=64, seconds=20, lengths=GROWING, kept=3),))
        for task, small in _SWEPT.items()
        for hidden in (small, 16, 64)
    ]  # fmt: skip


PLANS: dict[str, Callable[[], list[Job]]] = {
    "cells": cells,
    "further": further,
    "published": published,
    "reals": reals,
    "sizes": sizes,
}
