"""What a model is made of, before anything is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from distill.api import fitting
from distill.load import load
from distill.load.recurrent import load_recurrent
from distill.network import Network
from distill.simplify.recurrent import used_numbers
from distill.target import resolve_output
from dsl.domain_text import show_domain

if TYPE_CHECKING:
    from distill.decompose.modules import Modules


@dataclass(frozen=True)
class Inspection:
    """What a model is made of, and the domain that its data suggest."""

    lines: tuple[tuple[str, str], ...]
    proposed: str | None = None

    def rows(self) -> list[tuple[str, str]]:
        """Label and text of every line."""
        return list(self.lines)


def inspect_feed_forward(model: Any, rows: Any = None) -> Inspection:
    """Inputs, outputs, operations and sizes; with rows of data a proposed domain.

    Raises:
        BadInput: the model can't be read, or the data don't fit.
    """
    network = load(model)
    proposed = None
    if rows is not None:
        from distill.propose import propose_domain

        proposed = show_domain(propose_domain(fitting(rows, network.input_width)))
    found = network.summary()
    head = (
        ("input", f"{network.input_name!a} {list(network.input_shape)}"),
        ("output", f"{network.output_name!a} {list(network.output_shape)}"),
        ("read as", str(resolve_output(network, None))),
    )
    lines = (*head, *_sizes(network), ("ends with", str(found["last_operation"])))
    return Inspection(lines, proposed)


def modules(model: Any, seed: int = 0) -> Modules:
    """The parts that a feed-forward model's weights show, and how nearly it has others.

    Raises:
        BadInput: the model can't be read, has no hidden units or too many.
    """
    from distill.decompose.modules import modules_of

    return modules_of(load(model), seed)


def inspect_recurrent(model: Any, initial_state: Any = None) -> Inspection:
    """State, item and output of a recurrent network, and the operations of its cell.

    Raises:
        BadInput: the model or the first state can't be read.
    """
    network = load_recurrent(model, initial_state)
    start = ", ".join(f"{v:.4g}" for v in network.initial[:8])
    answers = "after the last item" if network.at_end else "after every item"
    taken = "any" if network.length is None else str(network.length)
    head = (
        ("state", _numbers(network.hidden)),
        ("starts as", start + ", ..." * (network.hidden > 8)),
        ("item", _numbers(network.input_width)),
        ("output", f"{_numbers(network.output_width)}, {answers}"),
        ("length", taken),
    )
    used = (("used", used_numbers(network)),) if not network.cell.opaque else ()
    return Inspection((*head, *used, *_sizes(network.cell)))


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"


def _sizes(network: Network) -> Iterator[tuple[str, str]]:
    found = network.summary()
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["operations"].items())
    yield "operations", f"{found['operation_count']}: {kinds}"
    yield "parameters", str(found["parameters"])
