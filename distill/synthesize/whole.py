"""Read-offs of whole values: an order, an extreme's place, a clip, a linear form of a vector.

These look at the output as one value; component by component is the enumeration's work.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from distill.literal import field_scalars, linear_sum
from distill.synthesize.fit import affine_expression, simplest_coefficients
from distill.synthesize.simplest import simplest_between
from distill.target import Target
from dsl.domain import Columns
from dsl.program import Expression, prim, var
from dsl.types import BOOL, Category, Vector, is_numeric

_SCALARS_AT_MOST = 64


def number_vectors(target: Target) -> list[Expression]:
    """Vectors of numbers that the inputs hold: vector fields, or all scalar fields together."""
    found: list[Expression] = []
    for field in target.domain.fields:
        if field.shape and is_numeric(field.item):
            whole: Expression = var(field.name, field.type)
            found.append(whole if len(field.shape) == 1 else prim("flatten", whole))
    scalars = [f for f in target.domain.fields if not f.shape and is_numeric(f.item)]
    if len(scalars) > 1:
        found.append(prim("vector", *(var(f.name, f.type) for f in scalars)))
    return found


def whole_values(target: Target) -> Iterator[Expression]:
    """Candidates for category and vector outputs, not yet checked."""
    item = target.output.type
    for vector in number_vectors(target):
        assert isinstance(vector.type, Vector)
        size = vector.type.shape[0]
        for changed in (vector, prim("abs", vector), prim("neg", vector)):
            if isinstance(item, Category) and item.size == size:
                yield prim("argmax", changed)
                yield prim("argmin", changed)
            if isinstance(item, Vector) and item.item != BOOL and item.shape == (size,):
                yield from _reordered(changed)


def _reordered(vector: Expression) -> Iterator[Expression]:
    yield prim("sort", vector)
    yield prim("reverse", prim("sort", vector))
    yield prim("neg", prim("sort", prim("neg", vector)))
    yield prim("cumsum", vector)
    yield prim("rank", vector)
    yield prim("reverse", vector)


def linear_forms(target: Target, examples: Columns, component: int | None) -> Iterator[Expression]:
    """A linear form of all scalars (for numbers), or a linear threshold (for truths)."""
    leaves = _leaves(target)
    if not 2 <= len(leaves) <= _SCALARS_AT_MOST:
        return
    raw = target.raw(examples)
    column = raw[:, component or 0]
    design = np.concatenate([target.domain.flatten(examples), np.ones((len(column), 1))], axis=1)
    if target.output.scalar == BOOL:
        yield from _threshold(design[:, :-1], column - target.output.level, leaves)
        return
    fitted = np.linalg.lstsq(design, column, rcond=None)[0].astype(np.float64)
    if np.abs(design @ fitted - column).max() > target.tolerance or isinstance(
        target.output.type, Category
    ):
        return
    for coefficients in simplest_coefficients(design, column, fitted, target.tolerance):
        yield affine_expression(leaves, coefficients)


def _leaves(target: Target) -> list[Expression]:
    found: list[Expression] = []
    for field in target.domain.fields:
        if isinstance(field.item, Category):
            return []
        scalars = field_scalars(field)
        found += [prim("as_int", s) if field.item == BOOL else s for s in scalars]
    return found


def _threshold(x: np.ndarray, logits: np.ndarray, leaves: list[Expression]) -> Iterator[Expression]:
    """A half-space that splits the examples, with the smallest weights found by scaling up."""
    weights = _separator(x, logits)
    if weights is None:
        return
    largest = np.abs(weights).max()
    for scale in (1, 2, 3, 4, 5, 6, 8, 10, 16, 20, 32, 50, 100):
        rounded = np.rint(weights / largest * scale)
        sums = x @ rounded
        low = sums[logits <= 0].max(initial=-np.inf)
        high = sums[logits > 0].min(initial=np.inf)
        if low < high:
            pairs = [(float(w), e) for w, e in zip(rounded, leaves, strict=True) if w != 0]
            constant = simplest_between(float(low), float(high))
            yield prim("greater", linear_sum(pairs), linear_sum([], constant))
            return


def _separator(x: np.ndarray, logits: np.ndarray) -> np.ndarray | None:
    """Weights of least sum of sizes with w.x + b >= 1 on true and <= -1 on false examples."""
    count = x.shape[1]
    signs = np.where(logits > 0, 1.0, -1.0)[:, None]
    rows = np.concatenate([x, -x, np.ones((len(x), 1)), -np.ones((len(x), 1))], axis=1)
    cost = np.concatenate([np.ones(2 * count), np.zeros(2)])
    found = linprog(cost, A_ub=-signs * rows, b_ub=-np.ones(len(x)), method="highs")
    if not found.success:
        return None
    weights = found.x[:count] - found.x[count : 2 * count]
    return weights if np.abs(weights).max() > 1e-9 else None
