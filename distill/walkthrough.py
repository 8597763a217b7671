"""One example walked through a program: every variable's value beside the network's activation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distill.align.sequences import STATE
from distill.align.variables import open_program
from distill.data_rows import agreement, covered, opened, read_data
from distill.distillation import Distillation
from distill.distillation_loop import LoopDistillation, one_sequence
from distill.errors import BadInput
from distill.export.values import one_example, plain_value
from dsl.domain import Columns, taken
from dsl.lines import lines_of
from dsl.meanings.array import run_expression
from dsl.meanings.coverage import Coverage
from dsl.meanings.loop_array import start_of, step_loop
from dsl.types import Category, Type


@dataclass(frozen=True)
class Value:
    """A variable of the program: what it is worth, and where the network holds it.

    place: where it was located, or empty; activation: the numbers there in this run.
    """

    name: str
    value: Any
    place: str = ""
    activation: tuple[float, ...] = ()


@dataclass(frozen=True)
class Turn:
    """A decision: where it stands, the sides that were taken, and how far another one was (None
    where no number says so)."""

    owner: str
    text: str
    sides: tuple[str, ...]
    margin: float | None


@dataclass(frozen=True)
class Step:
    """What happens on one input, or at one item of a sequence, whose number `item` is.

    margin: how clearly the network decides; None for real outputs.
    """

    inputs: tuple[Value, ...]
    variables: tuple[Value, ...]
    program: Any
    network: Any
    margin: float | None
    item: int | None = None


@dataclass(frozen=True)
class Explanation:
    """One example: its number in the data, if it has one, its steps, and every decision."""

    example: int | None
    steps: tuple[Step, ...]
    turns: tuple[Turn, ...]
    agree: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def summary(self) -> str:
        """All of it as text."""
        return "\n".join(_told(self))

    def __repr__(self) -> str:
        return self.summary()


def explain(
    found: Any, data: Any = None, example: int | None = None, inputs: Any = None
) -> Explanation:
    """One example walked through the program.

    found: a distillation of either kind, or its folder; either `data` (an array, a pair (x, y), a
    .npz or .csv) with the number of a row, from 0, or `inputs`: a value per field, or a text with
    these as JSON; for a recurrent network the list of items.

    Raises:
        BadInput: nothing or both are given, or the example isn't of the domain.
    """
    found = opened(found)
    if (inputs is None) == (data is None):
        raise BadInput("give either the data and the number of an example, or one input")
    if data is not None:
        rows = read_data(found, data)
        if example is None:
            raise BadInput(f"say which example to explain, from 0 to {rows.total - 1:,}")
        columns = taken(rows.columns, np.array([rows.place(example)]))
    else:
        columns = _given(found, inputs)
    both = agreement(found, columns)
    walk = _sequence if isinstance(found, LoopDistillation) else _single
    steps = tuple(walk(found, columns, both))  # pyright: ignore[reportArgumentType]
    turns = tuple(_turns(found, covered(found, columns)))
    return Explanation(example, steps, turns, not len(both.differing))


def _given(found: Distillation | LoopDistillation, inputs: Any) -> Columns:
    values = _from_text(inputs) if isinstance(inputs, str) else inputs
    if isinstance(found, LoopDistillation):
        return one_sequence(found.domain, values)
    values = values if isinstance(values, list | tuple) else [values]
    return one_example(found.domain, tuple(values))


def _from_text(text: str) -> list[Any]:
    try:
        return json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        raise BadInput(
            "can't read the input; give a value per field, as in '0.5, -1' or 'true, [1, 2]', "
            "and of a sequence its items, as in '[true, false], [true, true]'"
        ) from None


def _single(found: Distillation, columns: Columns, both: Any) -> Iterator[Step]:
    inputs = found.domain.encode(columns)
    wires = found.network.wires(inputs)
    program = open_program(found.program)
    variables = [
        _value(v.label, program.values(v, columns), v.type, found.located, wires)
        for v in program.variables
    ]
    given = tuple(
        _value(f.name, c, f.type, None, {})
        for f, c in zip(found.domain.fields, columns, strict=True)
    )
    raw = np.asarray(found.network.run(inputs), dtype=np.float64)
    margin = float(found.output.margin(raw)[0]) if found.output.discrete else None
    kind = found.output.type
    yield Step(
        given, tuple(variables), _plain(both.program, kind), _plain(both.network, kind), margin
    )


def _sequence(found: LoopDistillation, columns: Columns, both: Any) -> Iterator[Step]:
    loop, oracle, network = found.program, found.oracle, found.network
    items, state = found.domain.encode(columns), start_of(loop, 1)
    hidden, raw = network.run(items)
    before = np.concatenate([np.broadcast_to(network.initial, (1, 1, network.hidden)), hidden], 1)
    margins = oracle.margins(raw) if found.output.discrete else None
    values = oracle.read(raw)
    for t in range(columns[0].shape[1]):
        now = tuple(c[:, t] for c in columns)
        wires = network.cell.wires(np.concatenate([before[:, t], items[:, t]], 1))
        wires = {**wires, STATE: before[:, t]}
        named: dict[str, Any] = dict(state) | {
            name: c for (name, _), c in zip(loop.inputs, now, strict=True)
        }
        held = [_value(r.name, state[r.name], r.type, found.located, wires) for r in loop.registers]
        for name, expression in loop.lets:
            named[name] = run_expression(expression, named)
            held.append(_value(name, named[name], expression.type, found.located, wires))
        given = tuple(
            _value(name, c, item, None, {})
            for (name, item), c in zip(loop.inputs, now, strict=True)
        )
        output, state = step_loop(loop, state, now)
        margin = None if margins is None else float(margins[0, t])
        kind = found.output.type
        yield Step(given, tuple(held), _plain(output, kind), _plain(values[:, t], kind), margin, t)


def _value(
    name: str, values: NDArray[Any], item: Type, located: Any, wires: Mapping[str, NDArray[Any]]
) -> Value:
    """A variable's value in a batch of one, with the activation of its place where it has one."""
    place = place_of(name, located)
    shown = _plain(values, item)
    wire = None if place is None else wires.get(place["wire"])
    if place is None or wire is None:
        return Value(name, shown)
    read = np.asarray(place["read"], dtype=np.float64)
    flat = np.asarray(wire, dtype=np.float64).reshape(1, -1)
    if read.ndim != 2 or read.shape[1] != flat.shape[1]:
        return Value(name, shown)
    numbers = tuple(float(v) for v in (flat @ read.T)[0])
    return Value(name, shown, place_text(place), numbers)


def place_of(name: str, located: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The place in the network of a variable that was located there; None for others."""
    told = (located or {}).get("variables")
    for row in told if isinstance(told, list) else ():
        if (
            isinstance(row, dict)
            and row.get("variable") == name
            and row.get("verdict") == "located"
        ):
            place = row.get("place")
            return place if isinstance(place, dict) and sound_place(place) else None
    return None


def sound_place(place: Mapping[str, Any]) -> bool:
    """Whether a place is as `locate` writes it: a wire's name, and rows of numbers that read it."""
    read, neurons = place.get("read"), place.get("neurons", [])
    if not isinstance(read, list) or not all(isinstance(row, list) for row in read):
        return False
    plain = all(isinstance(v, int | float) for row in read for v in row)
    level = plain and len({len(row) for row in read}) == 1
    return level and isinstance(place.get("wire"), str) and isinstance(neurons, list)


def place_text(place: Mapping[str, Any]) -> str:
    """A place of located.json in words, as `locate` prints it."""
    label, told = str(place.get("label", "")), place.get("neurons")
    neurons = told if isinstance(told, list) else []
    if place.get("dimension") == place.get("width"):
        return f"all of {label}"
    if not neurons:
        count = place.get("dimension", 1)
        return f"{count} directions of {label}" if count != 1 else f"a direction of {label}"
    noun = "neuron" if len(neurons) == 1 else "neurons"
    more = f" and {len(neurons) - 6} more" * (len(neurons) > 6)
    return f"{label}, {noun} {', '.join(map(str, neurons[:6]))}{more}"


def _plain(values: NDArray[Any], item: Type) -> Any:
    found = plain_value(np.asarray(values)[0])
    if isinstance(item, Category) and item.labels and isinstance(found, int):
        return item.labels[found]
    return found


def _turns(found: Distillation | LoopDistillation, seen: Coverage) -> Iterator[Turn]:
    order = {
        name: i for i, name in enumerate(dict.fromkeys(ln.owner for ln in lines_of(found.program)))
    }
    for decision in sorted(seen.decisions, key=lambda d: -order[d.owner]):
        sides = tuple(
            s for s, taken_ in zip(decision.sides, decision.takes[0], strict=True) if taken_
        )
        if sides:
            margin = float(decision.margin[0])
            text = " ".join(repr(decision.node).split())
            yield Turn(decision.owner, text, sides, margin if np.isfinite(margin) else None)


def _told(found: Explanation) -> Iterator[str]:
    if found.example is not None:
        yield f"example {found.example}"
    for step in found.steps:
        if step.item is not None:
            yield f"item {step.item}"
        rows = [*step.inputs, *step.variables]
        width = max((len(v.name) for v in rows), default=0)
        for value in rows:
            held = f"    {value.place}: {_numbers(value.activation)}" if value.place else ""
            yield f"  {value.name.ljust(width)} = {shown(value.value)}{held}"
        margin = "" if step.margin is None else f", decided by {step.margin:.4g}"
        yield f"  program {shown(step.program)}, network {shown(step.network)}{margin}"
    if found.turns:
        yield "decisions"
    for turn in found.turns:
        far = "" if turn.margin is None else f", {turn.margin:.4g} from another side"
        yield f"  {turn.owner}: {_short(turn.text)}: {', '.join(turn.sides)}{far}"
    yield "program and network " + ("agree" if found.agree else "differ")


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[: most - 4] + " ..."


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{v:.4g}" for v in values)


def shown(value: Any, most: int = 12) -> str:
    """A value as a person reads it: short numbers, long lists cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        more = f", ... {len(value) - most} more" if len(value) > most else ""
        return "[" + ", ".join(shown(v, most) for v in value[:most]) + more + "]"
    return str(value)
