"""The program in the network's place: both, and the network it was changed to, on labelled data.

Two classifiers that were tried on the same rows are compared by the rows on which exactly one of
them is right: McNemar's test, exact, i.e. a binomial one (Fagerland, Lydersen and Laake, "The
McNemar test for binary matched-pairs data", BMC Med. Res. Methodol. 13:91, 2013, section 2).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation
from distill.errors import BadInput
from distill.export.folder import read_folder
from distill.load.data import read_labelled
from distill.recurrent_target import Oracle
from distill.target import Output
from dsl.domain import Columns, Domain
from dsl.types import BOOL, Category

_LISTED = 10
_DEFAULT = 1e-4
Values = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Side:
    """One of original, deployed network and program: rows it is right on, or its mean error.

    right: rows on which every output is the label's (discrete outputs); error: mean distance to
    the labels (real outputs).
    """

    name: str
    right: int | None = None
    error: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two sides on the same rows.

    differing: rows with different outputs, for real ones by more than the tolerance; gained, lost:
    rows that only the second, only the first is right on; p: of McNemar's exact test, two-sided;
    largest: largest difference of real outputs.
    """

    first: str
    second: str
    differing: int
    gained: int | None = None
    lost: int | None = None
    p: float | None = None
    largest: float | None = None


@dataclass(frozen=True)
class Example:
    """A row on which sides differ: its number in the data, its label, and what each answers."""

    row: int
    label: Any
    values: dict[str, Any]


@dataclass(frozen=True)
class Replacement:
    """What changes on labelled data when the program takes the network's place.

    rows: rows of the data that lie in the domain; outside: rows that don't, on which a program
    answers nothing; examples: every row on which two sides differ.
    """

    rows: int
    outside: int
    sides: tuple[Side, ...]
    pairs: tuple[Pair, ...]
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def summary(self) -> str:
        """All of it as text, with at most ten of the examples."""
        lines = [f"{self.rows:,} rows of the domain" + self._outside()]
        lines += [self._side(s) for s in self.sides]
        lines += [_pair(p) for p in self.pairs]
        lines += [_example(e) for e in self.examples[:_LISTED]]
        if len(self.examples) > _LISTED:
            lines.append(f"and {len(self.examples) - _LISTED:,} more rows")
        return "\n".join(lines)

    def _outside(self) -> str:
        return f", {self.outside:,} outside of it" if self.outside else ""

    def _side(self, side: Side) -> str:
        if side.right is None:
            return f"{side.name}: mean error {side.error:.4g}"
        share = 100 * side.right / self.rows
        return f"{side.name}: right on {side.right:,} of {self.rows:,} ({share:.2f} %)"


def _pair(pair: Pair) -> str:
    text = f"{pair.first} and {pair.second}: {pair.differing:,} rows differ"
    if pair.largest is not None:
        return f"{text}, largest difference {pair.largest:.4g}"
    return f"{text}, {pair.lost} lost, {pair.gained} gained, McNemar's p = {pair.p:.3g}"


def _example(example: Example) -> str:
    said = ", ".join(f"{name} {value}" for name, value in example.values.items())
    return f"  row {example.row}: label {example.label}; {said}"


def replacement(found: Any, data: Any) -> Replacement:
    """Original, deployed network (where it is another one) and program on labelled data.

    found: a distillation of either kind, or its folder; data: (x, y), or the path of a .npz with
    x and y or of a .csv with a column y. x: (n, width), or (n, T, d) for a recurrent network; y:
    (n,), (n, k), (n, T) or (n, T, k), numbers as the output type has them, categories by index.

    Raises:
        BadInput: the data can't be read, don't fit, or no row lies in the domain.
    """
    if isinstance(found, str | Path):
        found = read_folder(Path(found))
    x, y = read_labelled(data)
    values, inside = (
        _recurrent(found, x) if isinstance(found, LoopDistillation) else _sides(found, x)
    )
    kept = np.flatnonzero(inside)
    labels = _labels(y[kept], next(iter(values.values())).shape, found.output)
    tolerance = found.evidence.program_vs_deployed.tolerance
    return _compared(values, labels, kept, len(x), found.output, tolerance or _DEFAULT)


def _sides(found: Distillation, x: NDArray[np.float64]) -> tuple[Values, NDArray[np.bool_]]:
    rows = x.reshape(len(x), -1)
    if rows.shape[1] != found.domain.width:
        raise BadInput(
            f"the data has {rows.shape[1]} columns, and the network takes {found.domain.width}"
        )
    inside = of_domain(found.domain, rows)
    rows = _some(rows, inside, found.evidence.domain)
    networks = {"original": found.original}
    if found.network is not found.original:
        networks["deployed"] = found.network
    values = {
        n: found.output.decode(np.asarray(net.run(rows), float)) for n, net in networks.items()
    }
    return values | {"program": found.batch(rows)}, inside


def _recurrent(found: LoopDistillation, x: NDArray[np.float64]) -> tuple[Values, NDArray[np.bool_]]:
    item = found.domain.item
    x = x[:, :, None] if x.ndim == 2 and item.width == 1 else x
    if x.ndim != 3 or x.shape[2] != item.width:
        raise BadInput(
            f"the data must be sequences (n, T, {item.width}) for the domain '{found.domain}'; "
            f"got {x.shape}"
        )
    count, length = x.shape[:2]
    items = x.reshape(count * length, -1)
    inside = of_domain(item, items).reshape(count, length).all(1)
    columns = item.decode(items)
    fits = found.domain.shortest <= length <= (found.domain.longest or length)
    inside &= fits
    kept = _some(x, inside, found.evidence.domain)
    folded: Columns = tuple(c.reshape(count, length, *c.shape[1:])[inside] for c in columns)
    oracle: Oracle = found.oracle
    network = oracle.values(folded)
    network = network[:, -1] if oracle.at_end else network
    return {"original": network, "program": found.batch(kept)}, inside


def _some(rows: NDArray[np.float64], inside: NDArray[np.bool_], domain: str) -> NDArray[np.float64]:
    if not inside.any():
        raise BadInput(f"no row of the data lies in the domain '{domain}'")
    return rows[inside]


def of_domain(domain: Domain, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows (n,) that are values of the domain, written as the network takes them."""
    columns = domain.decode(rows)
    written = np.isclose(domain.encode(columns), rows, rtol=1e-5, atol=1e-6).all(1)
    return domain.contains(columns) & written


def _labels(y: NDArray[Any], shape: tuple[int, ...], output: Output) -> NDArray[Any]:
    if y.size != np.prod(shape):
        raise BadInput(
            f"the labels are {y.shape}, and the outputs '{output}' for these rows {shape}; for "
            "class labels distil with outputs such as 'category(3)'"
        )
    y = y.reshape(shape)
    whole = bool((y == np.rint(y)).all())
    if isinstance(output.type, Category) and not (whole and (y >= 0).all()):
        raise BadInput("the labels of categories must be their whole-numbered indices")
    if output.scalar == BOOL and not np.isin(y, (0, 1)).all():
        raise BadInput("the labels of truth values must be 0 and 1")
    if output.scalar == BOOL:
        return y.astype(np.bool_)
    return y.astype(np.int64) if output.discrete and whole else y


def _compared(
    values: Values, labels: NDArray[Any], kept: NDArray[np.intp], total: int,
    output: Output, tolerance: float,
) -> Replacement:  # fmt: skip
    count = len(kept)
    flat = {n: np.asarray(v, float).reshape(count, -1) for n, v in values.items()}
    wanted = np.asarray(labels, float).reshape(count, -1)
    right = {n: (v == wanted).all(1) for n, v in flat.items()}
    differing = {
        (a, b): differ(flat[a], flat[b], output, tolerance) for a, b in combinations(flat, 2)
    }
    pairs = tuple(
        _pair_of(a, b, rows, right, flat, output.discrete) for (a, b), rows in differing.items()
    )
    sides = tuple(
        Side(n, int(right[n].sum()))
        if output.discrete
        else Side(n, error=float(np.abs(v - wanted).mean()))
        for n, v in flat.items()
    )
    listed = np.flatnonzero(np.logical_or.reduce(list(differing.values())))
    examples = tuple(
        Example(
            int(kept[r]),
            np.asarray(labels)[r].tolist(),
            {n: np.asarray(v)[r].tolist() for n, v in values.items()},
        )
        for r in listed
    )
    return Replacement(count, total - count, sides, pairs, examples)


def differ(
    first: NDArray[np.float64], second: NDArray[np.float64], output: Output, tolerance: float
) -> NDArray[np.bool_]:
    """Which rows of (n, k) differ, (n,): real outputs by more than the tolerance."""
    if output.discrete:
        return (first != second).any(1)
    with np.errstate(invalid="ignore"):
        near = np.abs(first - second) <= tolerance
    return np.asarray(~near.all(axis=1))


def _pair_of(
    first: str, second: str, differs: NDArray[np.bool_],
    right: dict[str, NDArray[np.bool_]], flat: dict[str, NDArray[np.float64]], discrete: bool,
) -> Pair:  # fmt: skip
    count = int(differs.sum())
    if not discrete:
        return Pair(first, second, count, largest=float(np.abs(flat[first] - flat[second]).max()))
    lost = int((right[first] & ~right[second]).sum())
    gained = int((right[second] & ~right[first]).sum())
    return Pair(first, second, count, gained, lost, mcnemar(gained, lost))


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value of McNemar's exact test; 1 where no row speaks for either."""
    from scipy.stats import binomtest

    if gained + lost == 0:
        return 1.0
    return float(binomtest(gained, gained + lost, 0.5).pvalue)
