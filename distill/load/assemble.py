"""From a loose list of operations to a `Network`: ordering, pruning, folding, shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from distill.errors import BadInput
from distill.network import Network, Operation, Wire, graph_of, run_operation
from distill.operations import KINDS
from distill.operations.kind import Tensor, refuse_huge

RECURRENT = frozenset({"RNN", "GRU", "LSTM"})


def quoted(name: str) -> str:
    """A name from a model file as it may stand in a sentence: ASCII, escaped, short."""
    text = ascii(name)
    return text if len(text) <= 80 else text[:77] + "..."


def assemble(
    operations: Sequence[Operation],
    constants: Mapping[str, Tensor],
    source: Wire,
    output: str,
    batched: bool = False,
) -> Network:
    """Order, prune, fold and type a graph.

    `source` is the input wire with its shape for one example (a batch axis at 1).
    Raises BadInput for unknown operations, cycles, missing wires, disagreeing shapes,
    weights that aren't finite and tensors too large to hold.
    """
    refuse_unsupported([op.kind for op in operations])
    refuse_huge(source.shape)
    for value in constants.values():
        refuse_huge(value.shape)
    ordered = needed_in_order(tuple(operations), {*constants, source.name}, output)
    used = {name for op in ordered for name in op.inputs} | {output}
    weights = {k: v for k, v in constants.items() if k in used}
    _refuse_not_finite(weights)
    return _typed(ordered, weights, source, output, batched)


def refuse_unsupported(kinds: Sequence[str]) -> None:
    """Raise BadInput when an operation isn't in the table, naming it and the model's others."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if not unknown:
        return
    recurrent = [kind for kind in unknown if kind.split("::")[-1].upper() in RECURRENT]
    if recurrent:
        raise BadInput(
            f"The model holds the recurrent operation {quoted(recurrent[0])}; give its inputs as "
            "sequences, seq(...)."
        )
    names = ", ".join(quoted(n)[1:-1] for n in sorted(set(unknown))[:8])
    present = ", ".join(quoted(n)[1:-1] for n in sorted(set(kinds))[:24])
    raise BadInput(f"Unsupported operation {names}; the model's operations are: {present}.")


def needed_in_order(
    operations: tuple[Operation, ...], known: set[str], output: str
) -> list[Operation]:
    """The operations that an output needs, in order. Raises BadInput where there is no order."""
    graph = graph_of(operations)
    produced = [name for op in operations for name in op.outputs if name]
    if len(produced) != len(set(produced)) or known & set(produced):
        raise BadInput("Two operations of the model write the same tensor; each name needs one.")
    if output not in graph and output not in known:
        raise BadInput(f"Nothing in the model computes its output {quoted(output)}.")
    if not nx.is_directed_acyclic_graph(graph):
        loop = [n for edge in nx.find_cycle(graph) for n in edge if isinstance(n, str)]
        raise BadInput(
            f"The model's graph has a cycle through {quoted(loop[0])}; "
            "only feed-forward graphs can be read."
        )
    needed = nx.ancestors(graph, output) | {output} if output in graph else {output}
    missing = [n for n in needed if isinstance(n, str) and n not in known and n not in produced]
    if missing:
        raise BadInput(f"Nothing in the model computes the tensor {quoted(min(missing))}.")
    order = nx.lexicographical_topological_sort(graph, key=lambda n: (isinstance(n, str), str(n)))
    return [operations[n] for n in _stable(graph, order) if n in needed]


def _stable(graph: nx.DiGraph, order: Any) -> list[int]:
    """Operation indices in topological order, the file's own order wherever it is one."""
    depth_first = [n for n in order if isinstance(n, int)]
    rank = {n: i for i, n in enumerate(depth_first)}
    own = sorted(depth_first)
    edges = [(a, b) for a in own for wire in graph.successors(a) for b in graph.successors(wire)]
    return own if all(a < b for a, b in edges) else sorted(own, key=rank.__getitem__)


def _refuse_not_finite(constants: Mapping[str, Tensor]) -> None:
    for name, value in constants.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise BadInput(
                f"The weight {quoted(name)} holds NaN or infinite numbers; all must be finite."
            )


def _typed(
    operations: Sequence[Operation],
    constants: Mapping[str, Tensor],
    source: Wire,
    output: str,
    batched: bool,
) -> Network:
    """Run one example of ones through the graph, folding what doesn't depend on it."""
    fixed = dict(constants)
    probe = np.ones((1, *source.shape), dtype=source.dtype)
    values: dict[str, Tensor] = {source.name: probe, **{k: v[None] for k, v in fixed.items()}}
    kept: list[Operation] = []
    with np.errstate(all="ignore"):
        for given in operations:
            operation = with_static_inputs(given, fixed, values)
            results = _probed(operation, values)
            values.update(results)
            if operation.kind == "Shape" or all(n in fixed for n in operation.inputs if n):
                fixed.update({name: value[0] for name, value in results.items()})
            else:
                kept.append(_canonical(operation, results))
    return _finished(kept, fixed, values, source, output, batched)


def _canonical(operation: Operation, results: Mapping[str, Tensor]) -> Operation:
    """A Reshape with its sizes written out, so that equal networks have equal hashes."""
    if operation.kind != "Reshape":
        return operation
    (result,) = results.values()
    return replace(operation, attributes={"shape": list(result.shape[1:])})


def _probed(operation: Operation, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """One operation's results on the probe, each checked for size."""
    try:
        results = run_operation(operation, values)
    except BadInput:
        raise
    except (ValueError, IndexError, TypeError, KeyError, AttributeError, MemoryError) as error:
        shapes = [list(values[n].shape[1:]) for n in operation.inputs if n]
        raise BadInput(
            f"The operation {operation.kind} can't take tensors of shapes {shapes[:6]} "
            f"with its attributes ({quoted(str(error))[1:-1]})."
        ) from None
    for value in results.values():
        refuse_huge(value.shape[1:])
    return results


def with_static_inputs(
    operation: Operation, fixed: Mapping[str, Tensor], values: Mapping[str, Any]
) -> Operation:
    """Move the inputs that must be known (shapes, axes) into attributes.

    fixed: tensors that don't depend on the input; values: all of them, or what has their dtype.
    """
    static = KINDS[operation.kind].static
    attributes = {k: _float32(v) for k, v in operation.attributes.items()}
    inputs: list[str] = []
    for place, name in enumerate(operation.inputs):
        if place not in static:
            inputs.append(name)
        elif name and name not in fixed:
            raise BadInput(
                f"The {static[place]} of the operation {operation.kind} depends on the input; "
                "only fixed ones are supported."
            )
        elif name:
            attributes[static[place]] = np.asarray(fixed[name]).tolist()
    while inputs and not inputs[-1]:
        inputs.pop()
    if operation.kind == "Split" and "split" not in attributes:
        attributes.setdefault("num_outputs", len(operation.outputs))
    if operation.kind == "Cast":
        attributes["from"] = str(values[inputs[0]].dtype)
    return replace(operation, inputs=tuple(inputs), attributes=attributes)


def _float32(value: Any) -> Any:
    """Frameworks compute with attributes in the network's own precision, as ONNX keeps them."""
    return float(np.float32(value)) if isinstance(value, float) else value


def _finished(
    kept: Sequence[Operation],
    fixed: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    source: Wire,
    output: str,
    batched: bool,
) -> Network:
    names = {source.name, output, *(n for op in kept for n in op.inputs + op.outputs if n)}
    wires = {n: Wire(n, values[n].shape[1:], str(values[n].dtype)) for n in names if n in values}
    constants = {k: v for k, v in fixed.items() if k in names}
    _refuse_not_finite(constants)
    return Network(tuple(kept), wires, constants, source.name, output, batched)
