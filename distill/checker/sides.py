"""The two ways round a square, run again: the network decoded, and the program.

Decoding and decision margins are written out once more here, so that a mistake in the
verifier's comparison is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.checker.parts import beyond
from distill.errors import BadInput
from distill.evidence import Claim
from distill.guard import guard_of
from distill.network import Network
from distill.normal_form import Array
from distill.target import Output, Target, make_target, parse_output
from dsl.algebra import Undefined
from dsl.domain import Columns, Domain, rows
from dsl.meanings import array
from dsl.meanings.exact import run_exact
from dsl.program import Program
from dsl.types import BOOL, INT, REAL, Category, TypeMismatch, element

Values = Callable[[Program, Domain, Columns], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Apart:
    """Row by row: distance of the values, the network's decision margin; scale of its outputs.

    The distance is 0 or 1 where values are discrete, infinite where the program has none.
    """

    distance: Array
    margin: Array
    scale: float

    def wrong(self, tolerance: float, margin: float) -> NDArray[np.bool_]:
        """Rows that contradict "within the tolerance, unless a decision is closer than margin"."""
        return (self.distance > tolerance) & (self.margin > margin)


def reading(text: str) -> Output:
    """How the deployed network's outputs are read, from evidence.json; plain `bool` is above 0.

    Raises:
        BadInput: it can't be read.
    """
    try:
        found = parse_output(text)
    except TypeMismatch as error:
        raise BadInput(f"evidence.json gives an output that there isn't: {error}") from None
    return replace(found, level=0.0) if np.isnan(found.level) else found


def side(network: Network, domain: Domain, output: Output) -> Target:
    """A network on a domain, its outputs read without a last operation that decides nothing.

    Raises:
        BadInput: their sizes don't fit.
    """
    item, level = output.type, output.level
    wanted = item.size if isinstance(item, Category) else _width(item)
    if network.output_width not in ({wanted, 1} if isinstance(item, Category) else {wanted}):
        raise BadInput(
            f"the network has {network.output_width} outputs, and the evidence reads them as {item}"
        )
    return make_target(network, domain, Output(item, level), 0.0)


def _width(item: Any) -> int:
    return item.shape[0] if hasattr(item, "shape") else 1


def by_arrays(program: Program, domain: Domain, columns: Columns) -> NDArray[Any]:
    """The program's values on whole columns, in float64."""
    with np.errstate(all="ignore"):
        return np.asarray(array.run(program, columns))


def exactly(program: Program, domain: Domain, columns: Columns) -> NDArray[Any]:
    """The program's values row by row by its exact meaning; nan where it is undefined.

    Raises:
        Unsupported: the program leaves the rationals.
    """
    return np.array([_exact(program, domain, columns, row) for row in range(rows(columns))])


def _exact(program: Program, domain: Domain, columns: Columns, row: int) -> Any:
    try:
        return _plain(run_exact(program, domain.row(columns, row)))
    except Undefined:
        return np.nan


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, bool | int) else float(value)


def apart(
    target: Target, program: Program, columns: Columns, values: Values, claim: Claim
) -> Apart:
    """Both ways round on columns of n rows; the claim's band is what the margin is measured on."""
    raw = np.asarray(target.core.run(target.domain.encode(columns)), dtype=np.float64)
    ours, margin = decoded(raw, target.output)
    if claim.band != "network":
        guard = guard_of(program)
        lead = np.zeros(len(raw)) if guard is None else np.asarray(array.run(guard, columns), float)
        scalars = target.domain.flatten(columns)
        margin = lead if claim.band == "program" else beyond(claim.widths, scalars, margin, lead)
    theirs = values(program, target.domain, columns).reshape(len(raw), -1)
    if target.output.scalar == REAL:
        gap = np.abs(ours - theirs)
        distance = np.where(np.isnan(gap), np.inf, gap).max(1)
    else:
        distance = (ours != theirs).any(1).astype(np.float64)
    return Apart(distance, margin, float(np.abs(raw).max(initial=0.0)))


def decoded(raw: Array, output: Output) -> tuple[Array, Array]:
    """Values as numbers (n, k), and how far each row is from another decision (n,)."""
    scalar = element(output.type)
    if isinstance(output.type, Category) and raw.shape[1] > 1:
        chosen = raw.argmax(1)
        rest = raw.copy()
        rest[np.arange(len(raw)), chosen] = -np.inf
        return chosen[:, None].astype(np.float64), raw.max(1) - rest.max(1)
    if scalar == BOOL:
        return (raw > output.level).astype(np.float64), np.abs(raw - output.level).min(1)
    if scalar == INT or isinstance(scalar, Category):
        near = np.rint(raw)
        return near, 0.5 - np.abs(raw - near).max(1)
    return raw, np.full(len(raw), np.inf)
