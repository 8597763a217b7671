"""torch's exported graph as plain data, shared by live programs and .pt2 files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from distill.errors import BadInput
from distill.load.assemble import assemble, quoted, refuse_unsupported
from distill.load.aten_layers import refuse_odd_layers
from distill.load.aten_table import FOLDED, SHAPED, TRANSLATIONS, Translation
from distill.network import Network, Wire
from distill.operations.kind import Shape, Tensor, refuse_huge


@dataclass(frozen=True)
class Ref:
    """A reference to a value of the graph by its name."""

    name: str


@dataclass(frozen=True)
class Call:
    """One call: `target` like "aten.linear.default", arguments by their schema's names."""

    target: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class AtenGraph:
    """Calls in order; `sizes` of the one input, None where they are open."""

    calls: tuple[Call, ...]
    constants: Mapping[str, torch.Tensor]
    input: str
    sizes: tuple[int | None, ...]
    dtype: torch.dtype
    outputs: tuple[str, ...]


def network_of_graph(graph: AtenGraph) -> Network:
    """Translate an exported graph into a network.

    Raises BadInput for calls without a translation, open sizes besides the batch axis,
    several float outputs and everything `assemble` refuses.
    """
    _refuse_recurrent(graph.calls)
    shape, batched = _input_shape(graph)
    translation = translated(graph, shape)
    dtype = str(graph.dtype).removeprefix("torch.")
    source = Wire(graph.input, shape, dtype)
    output = _output(graph, translation.abstract)
    return assemble(translation.operations, translation.constants, source, output, batched)


def translated(graph: AtenGraph, shape: Shape) -> Translation:
    """The graph's operations and constants for an input of a shape.

    Raises:
        BadInput: a call without a translation, or one that can't take its tensors.
    """
    refuse_unsupported_calls(graph.calls)
    for value in graph.constants.values():
        refuse_huge(tuple(value.shape))
    abstract = _on_meta(graph, shape)
    translation = Translation(abstract, _numpy(graph.constants))
    dependent = {graph.input}
    folded: dict[str, Any] = dict(graph.constants)
    for call in graph.calls:
        known = _all_scalars(call, abstract) or call.target in SHAPED
        if dependent & set(references(call)) and not known:
            if call.target not in TRANSLATIONS:
                raise BadInput(f"The operation {call.target} of the model's input can't be read.")
            dependent |= set(call.outputs)
            TRANSLATIONS[call.target](translation, call)
        else:
            results = _fold(call, folded, abstract)
            folded.update(results)
            translation.constants.update(_numpy(results))
    return translation


def _refuse_recurrent(calls: Sequence[Call]) -> None:
    cells = {name: name.split("_")[0].upper() for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")}
    named = [call.target.removeprefix("aten.").split(".")[0] for call in calls]
    refuse_unsupported([cells[name] for name in named if name in cells])


def refuse_unsupported_calls(calls: Sequence[Call]) -> None:
    """Raise BadInput, naming it, when a call isn't in the table."""
    known = set(TRANSLATIONS) | FOLDED
    targets = [call.target for call in calls]
    unknown = sorted({t for t in targets if t not in known})
    if unknown:
        present = ", ".join(quoted(t)[1:-1] for t in sorted(set(targets))[:24])
        raise BadInput(
            f"Unsupported operation {', '.join(quoted(t)[1:-1] for t in unknown[:8])}; "
            f"the model's operations are: {present}."
        )


def references(call: Call) -> list[str]:
    """Names of the values that a call reads."""
    found: list[str] = []
    for value in call.arguments.values():
        items = value if isinstance(value, list | tuple) else [value]
        found += [item.name for item in items if isinstance(item, Ref)]
    return found


def _input_shape(graph: AtenGraph) -> tuple[Shape, bool]:
    sizes = graph.sizes
    if any(size is None for size in sizes[1:]):
        raise BadInput(
            f"The input {quoted(graph.input)} has an open size besides the batch axis; "
            "export the model with fixed sizes."
        )
    batched = bool(sizes) and sizes[0] is None
    return refuse_huge(tuple(1 if s is None else s for s in sizes)), batched


def _on_meta(graph: AtenGraph, shape: Shape) -> dict[str, Any]:
    """Every value without its numbers: shapes and types, computed by torch on no memory."""
    values: dict[str, Any] = {k: v.to("meta") for k, v in graph.constants.items()}
    values[graph.input] = torch.empty(shape, dtype=graph.dtype, device="meta")
    for call in graph.calls:
        results = evaluate(call, values, "meta")
        for value in results.values():
            if isinstance(value, torch.Tensor):
                refuse_huge(tuple(value.shape))
        values.update(results)
    return values


def evaluate(call: Call, values: Mapping[str, Any], device: str = "cpu") -> dict[str, Any]:
    """Run one call of the table with torch's own function. Raises BadInput when it refuses."""
    arguments = {k: _resolved(v, values) for k, v in call.arguments.items()}
    refuse_odd_layers(call.target, arguments)
    if "device" in arguments:
        arguments["device"] = torch.device(device)
    try:
        with torch.no_grad():
            result = _function(call.target, arguments, device)
    except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError) as error:
        text = quoted(str(error).splitlines()[0] if str(error) else type(error).__name__)[1:-1]
        raise BadInput(f"The operation {call.target} can't take its tensors: {text}.") from None
    results = result if isinstance(result, tuple | list) else (result,)
    if len(results) != len(call.outputs):
        raise BadInput(
            f"The operation {call.target} gives {len(results)} tensors, and the model names "
            f"{len(call.outputs)}."
        )
    return {name: value for name, value in zip(call.outputs, results, strict=True) if name}


def _function(target: str, arguments: dict[str, Any], device: str) -> Any:
    if target.startswith("_operator."):
        return SCALARS[target](*arguments.values())
    _, name, overload = target.split(".")
    operator = getattr(getattr(torch.ops.aten, name), overload)
    if any(a.name == "device" for a in operator._schema.arguments):
        arguments = {**arguments, "device": torch.device(device)}
    return operator(**arguments)


SCALARS = {
    "_operator.mul": lambda a, b: a * b,
    "_operator.add": lambda a, b: a + b,
    "_operator.sub": lambda a, b: a - b,
    "_operator.floordiv": lambda a, b: a // b,
    "_operator.neg": lambda a: -a,
    "_operator.eq": lambda a, b: a == b,
    "_operator.ge": lambda a, b: a >= b,
    "_operator.le": lambda a, b: a <= b,
}
assert set(SCALARS) <= FOLDED


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, Ref):
        if value.name not in values:
            raise BadInput(f"Nothing in the model computes {quoted(value.name)}.")
        return values[value.name]
    if isinstance(value, list | tuple):
        return [_resolved(v, values) for v in value]
    return value


def _all_scalars(call: Call, abstract: Mapping[str, Any]) -> bool:
    """Whether a call gives only numbers about shapes, which are known."""
    results = [abstract[name] for name in call.outputs if name in abstract]
    return not any(isinstance(value, torch.Tensor) for value in results)


def _fold(call: Call, folded: dict[str, Any], abstract: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a call that doesn't depend on the input."""
    if _all_scalars(call, abstract):
        return {name: abstract[name] for name in call.outputs if name in abstract}
    return evaluate(call, {**abstract, **folded})


def _numpy(values: Mapping[str, Any]) -> dict[str, Tensor]:
    return {
        k: v.detach().cpu().resolve_conj().numpy().copy()
        for k, v in values.items()
        if isinstance(v, torch.Tensor)
    }


def _output(graph: AtenGraph, abstract: Mapping[str, Any]) -> str:
    """The output to explain: the only one, else the only one of floats."""
    outputs = [o for o in graph.outputs if isinstance(abstract.get(o), torch.Tensor)]
    if len(outputs) > 1:
        outputs = [o for o in outputs if abstract[o].dtype.is_floating_point]
    if len(outputs) != 1:
        raise BadInput(
            f"The model has {len(graph.outputs)} outputs; export it with the one to explain."
        )
    return outputs[0]


def interpret(graph: AtenGraph, x: Tensor) -> dict[str, Tensor]:
    """Every value of the graph by torch's own functions, for inputs (n, *shape)."""
    wire = torch.from_numpy(np.ascontiguousarray(x)).to(graph.dtype)
    rows: dict[str, list[Tensor]] = {}
    for example in wire:
        values: dict[str, Any] = {**graph.constants, graph.input: example}
        for call in graph.calls:
            values.update(evaluate(call, values))
        for call in graph.calls:
            for name in call.outputs:
                if isinstance(values.get(name), torch.Tensor):
                    rows.setdefault(name, []).append(values[name].detach().numpy().copy())
    return {k: np.stack(v) for k, v in rows.items() if len({a.shape for a in v}) == 1}
