"""What the synthesizer may see: a network as an oracle on a domain, its outputs decoded.

No labels and no task definition ever come here; examples are drawn from the network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.errors import BadInput
from distill.network import Network
from distill.normal_form import NormalForm
from dsl.domain import Columns, Domain, rows
from dsl.text import ParseError, Reader, shortened
from dsl.types import BOOL, INT, REAL, Bool, Category, Int, Type, Vector, element, lift

Array = NDArray[np.float64]
STRIPPED = {"Softmax", "LogSoftmax", "Sigmoid", "ArgMax"}


@dataclass(frozen=True)
class Output:
    """How the network's numbers are read: a type, and for bool the level that true exceeds."""

    type: Type
    level: float = 0.0

    def __str__(self) -> str:
        above = element(self.type) == BOOL and self.level != 0
        return f"{self.type} above {self.level:.17g}" if above else str(self.type)

    @property
    def scalar(self) -> Type:
        """The type of one component."""
        return element(self.type)

    @property
    def discrete(self) -> bool:
        """Whether values are compared for equality."""
        return self.scalar != REAL

    def decode(self, raw: Array) -> NDArray[Any]:
        """Values (n,) or (n, k) of raw outputs (n, m)."""
        if isinstance(self.type, Category):
            return raw.argmax(1) if raw.shape[1] > 1 else np.rint(raw[:, 0]).astype(np.int64)
        values: NDArray[Any] = raw
        if self.scalar == BOOL:
            values = raw > self.level
        elif self.scalar == INT:
            values = np.rint(raw).astype(np.int64)
        return values if isinstance(self.type, Vector) else values[:, 0]

    def margin(self, raw: Array) -> Array:
        """Distance of each row (n,) to the nearest other decision; infinite for real outputs."""
        if isinstance(self.type, Category) and raw.shape[1] > 1:
            top = np.sort(raw, axis=1)
            return top[:, -1] - top[:, -2]
        if self.scalar == BOOL:
            return np.abs(raw - self.level).min(1)
        if self.discrete:
            return (0.5 - np.abs(raw - np.rint(raw))).min(1)
        return np.full(len(raw), np.inf)


@dataclass(frozen=True, eq=False)
class Target:
    """The left side of the square.

    network: the original; core: the same up to the last monotone operation (a softmax or sigmoid
    that can't change a decision is left off), which is the oracle; form: its normal form.
    output: how the core's numbers are read; margins are therefore in logits where a sigmoid or
    softmax was left off. reading: how the network's own are.
    tolerance: for real outputs the largest difference allowed, for discrete ones the largest
    share of the domain; margin: decisions closer than this may differ.
    data: the inputs of the user's data, as columns, if any.
    soft: the tolerance is the default one for reals: up to twice of it is taken where that makes
        a shorter program, and the claim prints what was achieved.
    """

    network: Network
    core: Network
    domain: Domain
    output: Output
    reading: Output
    form: NormalForm
    tolerance: float
    margin: float = 0.0
    data: Columns | None = None
    soft: bool = False

    def raw(self, columns: Columns) -> Array:
        """The core's own outputs (n, m), run in the network's precision, as float64."""
        return np.asarray(self.core.run(self.domain.encode(columns)), dtype=np.float64)

    def values(self, columns: Columns) -> NDArray[Any]:
        """The network's decoded outputs."""
        return self.output.decode(self.raw(columns))

    @cached_property
    def finite(self) -> bool:
        """Whether the domain can be listed."""
        return self.domain.count is not None


def parse_output(text: str) -> Output:
    """Read an output type: `real[2]`, `category(3)`, `bool above 0.7`.

    Raises:
        BadInput: it isn't one.
    """
    body, _, level = text.partition(" above ")
    try:
        reader = Reader(body)
        item = reader.type()
        if reader.next.kind != "end":
            raise reader.error("the end")
    except ParseError as error:
        raise BadInput(
            f"can't read the output type {shortened(text, 200)!r}: {error}; "
            "examples are 'real', 'bool above 0.5', 'category(3)', 'int', 'bool[4]'"
        ) from None
    return _with_level(text, item, level)


def _with_level(text: str, item: Type, level: str) -> Output:
    if not level:
        return Output(item, 0.0 if element(item) != BOOL else np.nan)
    try:
        value = float(level)
    except ValueError:
        value = np.nan
    if element(item) != BOOL or not np.isfinite(value):
        raise BadInput(f"'above' needs a bool and a number, as in 'bool above 0.7'; got {text!r}")
    return Output(item, value)


def infer_output(network: Network) -> Output:
    """The output type that the last operation and the shape suggest."""
    width, last = network.output_width, network.last_operation
    if last in ("Softmax", "LogSoftmax") and width > 1:
        return Output(Category(width))
    if last == "Sigmoid":
        return Output(lift(BOOL, () if width == 1 else (width,)), 0.5)
    return Output(lift(REAL, () if width == 1 else (width,)))


def resolve_output(network: Network, given: str | None) -> Output:
    """The output's reading: as given, else inferred; with the default level for bool.

    Raises:
        BadInput: the type doesn't fit the network's output.
    """
    output = infer_output(network) if given is None else parse_output(given)
    if np.isnan(output.level):
        output = replace(output, level=0.5 if network.last_operation == "Sigmoid" else 0.0)
    check_width(output, network.output_width, network.last_operation)
    return output


def check_width(output: Output, width: int, last: str = "") -> None:
    """Refuse an output type that doesn't fit a network's outputs behind its last operation.

    Raises:
        BadInput: they are of another number, or no outputs are of that type.
    """
    item = output.type
    wanted = item.shape[0] if isinstance(item, Vector) and len(item.shape) == 1 else 1
    if isinstance(item, Category):
        wanted = 1 if last == "ArgMax" else item.size
    known = isinstance(output.scalar, Bool | Int | Category) or output.scalar == REAL
    if not known or (isinstance(item, Vector) and isinstance(item.item, Category)):
        raise BadInput(f"an output can't be {item}; use bool, int, real, category(k) or vectors")
    if wanted != width:
        raise BadInput(f"the network has {width} outputs, and {output} needs {wanted}")


def make_target(
    network: Network,
    domain: Domain,
    output: Output,
    tolerance: float | None = None,
    margin: float = 0.0,
    data: Columns | None = None,
    seed: int = 0,
) -> Target:
    """Put a network on a domain; the tolerance defaults as the contract says.

    Raises:
        BadInput: the domain's width isn't the network's, no point meets its condition, or the
            network gives no finite numbers on it.
    """
    if domain.width != network.input_width:
        raise BadInput(
            f"the domain '{domain}' fills {domain.width} network inputs, "
            f"and the network has {network.input_width}"
        )
    core, read = without_last(network, output)
    form = core.normal_form()
    target = Target(network, core, domain, read, output, form, tolerance or 0.0, margin, data)
    raw = _first_outputs(target, seed)
    if tolerance is None:
        eps = 0.01 if read.discrete else 0.01 * float(np.ptp(raw, axis=0).max())
        target = replace(target, tolerance=eps, soft=not read.discrete)
    return target


def _first_outputs(target: Target, seed: int) -> Array:
    """Outputs (n, m) on all of a small domain, else on draws; refuses what nothing can explain."""
    domain = target.domain
    if target.finite and (domain.count or 0) <= 1 << 14:
        columns = domain.points(0, domain.count or 0)
    else:
        columns = domain.sample(np.random.default_rng(seed), 4096)
    if not rows(columns):
        raise BadInput(f"no point of the domain '{domain}' meets its condition; loosen it")
    with np.errstate(all="ignore"):
        raw = target.raw(columns)
    if not np.isfinite(raw).all():
        raise BadInput(
            f"the network's outputs aren't finite numbers everywhere on the domain '{domain}'; "
            "give narrower bounds"
        )
    return raw


def without_last(network: Network, output: Output) -> tuple[Network, Output]:
    """The network without a last operation that can't change a decision, and its reading."""
    if not output.discrete or not network.operations:
        return network, output
    last = network.operations[-1]
    if last.outputs[0] != network.output or last.kind not in STRIPPED:
        return network, output
    before = replace(network, operations=network.operations[:-1], output=last.inputs[0])
    category = isinstance(output.type, Category)
    if last.kind == "Sigmoid" and output.scalar == BOOL and 0 < output.level < 1:
        return before, replace(output, level=float(np.log(output.level / (1 - output.level))))
    if last.kind in ("Softmax", "LogSoftmax", "ArgMax") and category and before.output_width > 1:
        return before, output
    return network, output
