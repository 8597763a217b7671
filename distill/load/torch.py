"""torch modules and exported programs to networks, through torch.export's aten graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from distill.errors import BadInput
from distill.load.agree import Oracle, require_agreement
from distill.load.assemble import quoted
from distill.load.aten import AtenGraph, Call, Ref, network_of_graph
from distill.load.aten_table import CHECKS
from distill.load.framework import remembered
from distill.network import Network
from distill.operations.kind import Tensor


def load_torch(model: Any, input_shape: tuple[int, ...] | None = None) -> Network:
    """Read a torch module (in eval mode) or an exported program.

    `input_shape` is one example's; without it the first layer must be Linear.
    Raises BadInput for what can't be exported, read or reproduced.
    """
    if isinstance(model, torch.export.ExportedProgram):
        return _checked(graph_of_program(model), model.module())
    shape = input_shape or _guessed_shape(model)
    training = [m for m in model.modules() if m.training]
    try:
        model.eval()
        return _checked(graph_of_program(exported(model, _example(model, shape))), model)
    finally:
        for module in training:
            module.training = True


def _example(model: torch.nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    dtypes = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return torch.zeros((1, *shape), dtype=dtypes[0] if dtypes else torch.float32)


def exported(model: torch.nn.Module, example: torch.Tensor) -> torch.export.ExportedProgram:
    """The module's exported program for inputs of the example's shape. Raises BadInput."""
    try:
        return torch.export.export(model, (example,), strict=True)
    except Exception as error:  # torch.export raises many kinds
        text = quoted(str(error).splitlines()[0] if str(error) else type(error).__name__)[1:-1]
        shape = list(example.shape[1:])
        raise BadInput(
            f"torch.export can't read the module for inputs of shape {shape}: {text}; "
            "give input_shape, one example's shape, or a module that exports."
        ) from None


def _guessed_shape(model: torch.nn.Module) -> tuple[int, ...]:
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            return (module.in_features,)
        if next(module.children(), None) is None and next(module.parameters(), None) is not None:
            break
    raise BadInput(
        "The module's first layer doesn't tell the input's shape; "
        "give input_shape, the shape of one example."
    )


def _checked(graph: AtenGraph, model: Any) -> Network:
    network = network_of_graph(graph)

    def oracle(x: Tensor) -> dict[str, Tensor]:
        values = torch.from_numpy(np.ascontiguousarray(x)).to(graph.dtype)
        with torch.no_grad():
            rows = [_chosen(model(example), graph, network) for example in values]
        return {network.output: np.stack([row.ravel() for row in rows])}

    require_agreement(network, oracle)
    return remembered(network, "torch", _in_eval_mode(model, oracle))


def _in_eval_mode(model: Any, oracle: Oracle) -> Oracle:
    """The oracle for later: the module may be in training mode again by then."""
    if isinstance(model, torch.fx.GraphModule):
        return oracle

    def run(x: Tensor) -> Any:
        training = [m for m in model.modules() if m.training]
        try:
            model.eval()
            return oracle(x)
        finally:
            for module in training:
                module.training = True

    return run


def _chosen(result: Any, graph: AtenGraph, network: Network) -> Tensor:
    """The explained one of a module's outputs."""
    if isinstance(result, torch.Tensor):
        return result.numpy()
    flat = tree_leaves(result)
    return flat[graph.outputs.index(network.output)].numpy()


def graph_of_program(program: torch.export.ExportedProgram) -> AtenGraph:
    """An exported program as plain data. Raises BadInput unless it has one tensor input."""
    if any(_writes(node.target) for node in program.graph.nodes):
        program = program.run_decompositions({})  # the same operations, none of them in place
    specs = {s.arg.name: s for s in program.graph_signature.input_specs}
    constants: dict[str, torch.Tensor] = {}
    inputs: list[torch.fx.Node] = []
    for node in program.graph.nodes:
        if node.op == "placeholder":
            target = specs[node.name].target if node.name in specs else None
            if target is None:
                inputs.append(node)
            else:
                constants[node.name] = _stored(program, target)
    if len(inputs) != 1 or not isinstance(inputs[0].meta.get("val"), torch.Tensor):
        raise BadInput(f"A network needs exactly one tensor input; this one has {len(inputs)}.")
    value = inputs[0].meta["val"]
    sizes = tuple(s if isinstance(s, int) else s.node.maybe_as_int() for s in value.shape)
    outputs = tuple(str(o) for o in program.graph_signature.user_outputs)
    return AtenGraph(_calls(program), constants, inputs[0].name, sizes, value.dtype, outputs)


def _writes(target: Any) -> bool:
    """Whether an operation changes a tensor in place."""
    return isinstance(target, torch._ops.OpOverload) and target._schema.is_mutable


def _stored(program: torch.export.ExportedProgram, target: str) -> torch.Tensor:
    value = program.state_dict.get(target, program.constants.get(target))
    if not isinstance(value, torch.Tensor):
        raise BadInput(f"The program holds {quoted(target)}, which is no tensor.")
    return value.detach()


def _calls(program: torch.export.ExportedProgram) -> tuple[Call, ...]:
    return tuple(
        _call(node)
        for node in program.graph.nodes
        if node.op == "call_function" and not _computes_nothing(str(node.target))
    )


def _computes_nothing(target: str) -> bool:
    return target in CHECKS or "built-in function getitem" in target


def _call(node: torch.fx.Node) -> Call:
    target: Any = node.target
    if isinstance(target, torch._ops.OpOverload):
        names = [a.name for a in target._schema.arguments]
        arguments = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        plural = len(target._schema.returns) > 1 or str(target._schema.returns[0].type) == (
            "List[Tensor]"
        )
        outputs = _parts(node) if plural else (node.name,)
        name = str(target)
    else:
        arguments = {str(i): a for i, a in enumerate(node.args)}
        outputs, name = (node.name,), f"{target.__module__}.{target.__name__}"
    return Call(name, {k: _plain(v) for k, v in arguments.items()}, outputs)


def _parts(node: torch.fx.Node) -> tuple[str, ...]:
    """Names of a call's several results, which getitem nodes take apart; "" for unused ones."""
    names = {int(user.args[1]): user.name for user in node.users}  # type: ignore[arg-type]
    values = node.meta.get("val", ())
    return tuple(names.get(i, "") for i in range(max(len(values), max(names, default=0) + 1)))


def _plain(value: Any) -> Any:
    if isinstance(value, torch.fx.Node):
        return Ref(value.name)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
