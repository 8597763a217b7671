"""Steps that lowerings share: selections, broadcasting, matrices of linear operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.normal_form import Builder
from distill.operations.kind import Attributes, Lower, Operand, Run, Shape

Array = NDArray[np.float64]

LARGEST_MATRIX = 2**28
"""Most entries of one matrix of the normal form (2 GiB)."""


def zeros(rows: int, columns: int) -> Array:
    """A zero matrix. Raises BadInput when it would be too large to hold."""
    if rows * columns > LARGEST_MATRIX:
        raise BadInput(
            f"A layer as a dense matrix would be {rows} x {columns}; "
            f"networks of up to {LARGEST_MATRIX} entries per layer are supported."
        )
    return np.zeros((rows, columns))


def select(builder: Builder, wire: int, indices: Sequence[int] | NDArray[np.intp]) -> int:
    """The wire of the chosen components, in the given order (repeats allowed)."""
    chosen = np.asarray(indices, dtype=np.intp).ravel()
    width = builder.width(wire)
    if len(chosen) == width and np.array_equal(chosen, np.arange(width)):
        return wire
    matrix = zeros(len(chosen), width)
    matrix[np.arange(len(chosen)), chosen] = 1.0
    return builder.affine([(wire, matrix)], np.zeros(len(chosen)))


def scale(builder: Builder, wire: int, factor: float | Array, shift: float | Array = 0.0) -> int:
    """`factor * wire + shift`, number by number."""
    width = builder.width(wire)
    matrix = zeros(width, width)
    np.fill_diagonal(matrix, factor)
    return builder.affine([(wire, matrix)], np.broadcast_to(shift, (width,)).astype(np.float64))


def combine(builder: Builder, terms: Sequence[tuple[float, int]], shift: float = 0.0) -> int:
    """The sum of wires of one width, each with a factor, plus `shift`."""
    width = builder.width(terms[0][1])
    zeros(width, width)
    matrices = [(wire, factor * np.eye(width)) for factor, wire in terms]
    return builder.affine(matrices, np.full(width, shift))


def broadcast_indices(shape: Shape, target: Shape) -> NDArray[np.intp]:
    """For each place of `target`, the flat index into `shape` that broadcasting reads."""
    places = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    return np.broadcast_to(places, target).ravel()


def wire_of(builder: Builder, operand: Operand, shape: Shape) -> int:
    """An operand as a wire that is broadcast to `shape`."""
    if operand.constant is not None:
        return builder.constant(np.broadcast_to(operand.constant, shape).ravel())
    assert operand.wire is not None
    return select(builder, operand.wire, broadcast_indices(operand.shape, shape))


def basis_matrix(run: Callable[[Array], Array], shape: Shape) -> Array:
    """Matrix (m, n) of a linear function, read off from its values on the n unit vectors."""
    width = int(np.prod(shape, dtype=np.int64))
    rows: list[Array] = []
    block = max(1, min(width, 2**22 // max(width, 1)))
    for start in range(0, width, block):
        units = np.eye(min(block, width - start), width, k=start).reshape(-1, *shape)
        image = run(units)
        rows.append(image.reshape(len(units), -1))
        zeros(width, rows[-1].shape[1])
    return np.ascontiguousarray(np.concatenate(rows).T)


def linear_lower(run: Run) -> Lower:
    """Lowering of an operation that is linear in its first operand, the others being fixed."""

    def lower(
        builder: Builder,
        attributes: Attributes,
        operands: tuple[Operand | None, ...],
        shapes: tuple[Shape, ...],
    ) -> int:
        first = operands[0]
        assert first is not None
        assert first.wire is not None
        fixed = [None if o is None else fixed_value(o)[None] for o in operands[1:]]
        matrix = basis_matrix(lambda units: _single(run(attributes, units, *fixed)), first.shape)
        return builder.affine([(first.wire, matrix)], np.zeros(len(matrix)))

    return lower


def fixed_value(operand: Operand) -> Array:
    """The operand's constant. Raises BadInput when it depends on the network's input."""
    if operand.constant is None:
        raise BadInput(
            "A weight of the model depends on its input; only fixed weights are supported here."
        )
    return operand.constant


def selection_lower(run: Run) -> Lower:
    """Lowering of an operation that only moves, drops or repeats numbers of its first operand."""

    def lower(
        builder: Builder,
        attributes: Attributes,
        operands: tuple[Operand | None, ...],
        shapes: tuple[Shape, ...],
    ) -> int | tuple[int, ...]:
        first = operands[0]
        assert first is not None
        assert first.wire is not None
        places = np.arange(first.width).reshape(1, *first.shape)
        result = run(attributes, places)
        if isinstance(result, tuple):
            return tuple(select(builder, first.wire, part) for part in result)
        return select(builder, first.wire, result)

    return lower


def same_wire(
    builder: Builder,
    attributes: Attributes,
    operands: tuple[Operand | None, ...],
    shapes: tuple[Shape, ...],
) -> int:
    """Lowering of an operation that keeps every number where it is."""
    first = operands[0]
    assert first is not None
    assert first.wire is not None
    return first.wire


def fold(builder: Builder, function: str, wires: Sequence[int]) -> int:
    """Join wires of one width by an associative elementwise function, as a balanced tree."""
    level = list(wires)
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [reduce(lambda a, b: builder.elementwise(function, a, b), p) for p in pairs]
    return level[0]


def extreme(builder: Builder, wire: int, groups: np.ndarray, function: str) -> int:
    """Largest or smallest of each row's members, `groups` (results, members) of flat indices."""
    columns = [select(builder, wire, groups[:, i]) for i in range(groups.shape[1])]
    return fold(builder, function, columns)


def _single(result: Array | tuple[Array, ...]) -> Array:
    assert not isinstance(result, tuple)
    return result
