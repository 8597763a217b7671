"""Replace a network by a much smaller one of whole numbers that behaves alike on given data.

The network is the only teacher: no labels come here. Sizes are tried from a linear map
upwards; each is taught in real numbers, then in whole ones of ever fewer bits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.normal_form import NormalForm
from distill.run.budget import Stop, spend, steps_left
from distill.simplify.course import step_price
from distill.simplify.front import Simplified, front
from distill.simplify.reading import make_reading
from distill.simplify.school import Bits, School, teach
from distill.simplify.size import estimated_bits
from distill.simplify.training import Stopped

Array = NDArray[np.float64]

STEPS = 60_000
"""Training steps that are worth it; more aren't taken."""
_FEWEST_ROWS = 12
_USUAL = (16,)


def simplify_keeping(
    form: NormalForm,
    x: Array,
    kind: str,
    level: float = 0.0,
    seed: int = 0,
    steps: int = STEPS,
    should_stop: Stop | None = None,
    progress: Callable[[int, int], None] | None = None,
    bits: Bits = estimated_bits,
) -> list[Simplified]:
    """Smaller networks that behave like `form` near the inputs `x` (n, d), fewest bits first.

    kind: how outputs are read: "category", "bool" (above `level`) or "real"; steps: training
    steps at most, each of one small batch (more than `STEPS` aren't taken); should_stop() is
    asked (and told what it took, where it is a `Stage`) and progress(done, steps) told at every
    step; bits: the measure to rank by. The same seed and steps give the same result. Stopped
    early, what was found so far is returned.

    Raises:
        BadInput: `x` doesn't fit, isn't finite or is too little to hold a third back; a kind
            that the outputs can't be read as.
    """
    x = _checked(form, x)
    reading = make_reading(kind, level, form.run(x))
    widths = form.input_width, form.widths()[form.output]
    steps = min(steps, STEPS, _affordable(should_stop, widths))
    tick = _ticker(steps, should_stop, progress)
    found: list[Simplified] = []
    with contextlib.suppress(Stopped):
        teach(School(form, x, reading, seed, steps, bits, tick, should_stop), found)
    return front(found)


def _affordable(stop: Stop | None, widths: tuple[int, int]) -> int:
    """Training steps of a usual student that a stage can pay for: shorter courses, not fewer."""
    left = steps_left(stop)
    return STEPS if left is None else max(left // step_price(widths, _USUAL), 1)


def _checked(form: NormalForm, x: Array) -> Array:
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != form.input_width:
        raise BadInput(f"The data has shape {x.shape}; it has to be (n, {form.input_width}).")
    if len(x) < _FEWEST_ROWS:
        raise BadInput(f"The data has {len(x)} rows; simplifying needs at least {_FEWEST_ROWS}.")
    if not np.isfinite(x).all():
        raise BadInput("The data holds NaN or infinity; every number has to be finite.")
    return x


def _ticker(
    steps: int,
    should_stop: Stop | None,
    progress: Callable[[int, int], None] | None,
) -> Callable[[int], None]:
    done = 0

    def tick(price: int) -> None:
        nonlocal done
        done += 1
        spend(should_stop, price)
        if progress is not None:
            progress(done, steps)
        if should_stop is not None and should_stop():
            raise Stopped

    return tick
