"""Moving and joining elements: reshape, transpose, slice, concatenate, pad."""

from __future__ import annotations

from math import prod
from typing import Any

from distill.errors import BadInput
from distill.load.aten_table.translation import Translation, argument, entry, first, sizes_wire
from distill.network import Operation


@entry("view", "reshape", "_unsafe_view", "flatten.using_ints", "unflatten.int", "squeeze")
@entry("squeeze.dim", "squeeze.dims", "unsqueeze", "view_as", "reshape_as")
def _reshape(t: Translation, call: Any) -> None:
    t.emit("Reshape", [first(call), sizes_wire(t, t.shape(call.outputs[0]))], call.outputs[0])


@entry("transpose.int", "t", "permute", "numpy_T", "mT", "swapaxes")
def _transpose(t: Translation, call: Any) -> None:
    rank = len(t.shape(first(call)))
    perm = list(range(rank))
    if "permute" in call.target:
        perm = [d % rank for d in argument(t, call, "dims")]
    elif "numpy_T" in call.target:
        perm = perm[::-1]
    elif rank > 1:
        a, b = (int(argument(t, call, f"dim{i}", d)) % rank for i, d in ((0, -2), (1, -1)))
        perm[a], perm[b] = perm[b], perm[a]
    t.emit("Transpose", [first(call)], call.outputs[0], perm=perm)


@entry("cat", "concat", "concatenate")
def _cat(t: Translation, call: Any) -> None:
    like = call.outputs[0]
    names = [t.wire(v, like) for v in next(iter(call.arguments.values()))]
    full = [n for n in names if prod(_any_shape(t, n)) or len(_any_shape(t, n)) > 1]
    t.emit("Concat", full, like, axis=int(argument(t, call, "dim", 0)))


def _any_shape(t: Translation, name: str) -> tuple[int, ...]:
    return t.shape(name) if name in t.abstract else (1,)


@entry("stack")
def _stack(t: Translation, call: Any) -> None:
    like, axis = call.outputs[0], int(argument(t, call, "dim", 0))
    axis = axis % len(t.shape(like))
    names = [t.wire(v, like) for v in next(iter(call.arguments.values()))]
    parts = [t.emit("Unsqueeze", [n], axes=[axis]) for n in names]
    t.emit("Concat", parts, like, axis=axis)


@entry("slice.Tensor")
def _slice(t: Translation, call: Any) -> None:
    cuts = {
        "starts": [argument(t, call, "start", 0)],
        "ends": [argument(t, call, "end", 2**62)],
        "axes": [argument(t, call, "dim", 0)],
        "steps": [argument(t, call, "step", 1)],
    }
    t.emit("Slice", [first(call)], call.outputs[0], **cuts)


@entry("select_scatter", "slice_scatter")
def _scatter(t: Translation, call: Any) -> None:
    """A tensor with one place, or a range without steps, of an axis replaced."""
    x, part = first(call), call.arguments["src"].name
    shape = t.shape(x)
    axis = int(argument(t, call, "dim", 0)) % len(shape)
    if "select" in call.target:
        start = int(argument(t, call, "index")) % shape[axis]
        stop = start + 1
        part = t.emit("Unsqueeze", [part], axes=[axis])
    elif argument(t, call, "step", 1) == 1:
        start, stop, _ = slice(argument(t, call, "start"), argument(t, call, "end")).indices(
            shape[axis]
        )
    else:
        raise BadInput("Writing into every other place of a tensor can't be read.")
    before, behind = (
        [t.emit("Slice", [x], starts=[a], ends=[b], axes=[axis], steps=[1])] if a < b else []
        for a, b in ((0, start), (stop, shape[axis]))
    )
    t.emit("Concat", [*before, part, *behind], call.outputs[0], axis=axis)


@entry("copy")
def _copy(t: Translation, call: Any) -> None:
    """The source's numbers in the shape and type of the tensor that is written to."""
    result = call.outputs[0]
    source = t.wire(call.arguments["src"], result)
    t.emit("Expand", [source, sizes_wire(t, t.shape(result))], result)


@entry("select.int")
def _select(t: Translation, call: Any) -> None:
    index = sizes_wire(t, argument(t, call, "index"))
    t.emit("Gather", [first(call), index], call.outputs[0], axis=argument(t, call, "dim", 0))


@entry("index_select", "embedding")
def _index_select(t: Translation, call: Any) -> None:
    names = [v.name for v in call.arguments.values() if hasattr(v, "name")]
    indices = call.arguments.get("index") or call.arguments.get("indices")
    table = names[0]
    t.emit("Gather", [table, indices.name], call.outputs[0], axis=argument(t, call, "dim", 0))


@entry("split.Tensor", "split_with_sizes", "chunk", "unsafe_chunk", "tensor_split.sections")
@entry("unsafe_split.Tensor")
def _split(t: Translation, call: Any) -> None:
    axis = int(argument(t, call, "dim", 0))
    named = [o for o in call.outputs if o]
    if len(named) != len(call.outputs):
        raise BadInput("A split whose parts aren't all named can't be read.")
    sizes = [t.shape(name)[axis] for name in named]
    operation = Operation(
        "Split", (first(call),), tuple(call.outputs), {"axis": axis, "split": sizes}
    )
    t.operations.append(operation)


@entry("unbind.int")
def _unbind(t: Translation, call: Any) -> None:
    for i, name in enumerate(call.outputs):
        if name:
            index, axis = sizes_wire(t, i), argument(t, call, "dim", 0)  # type: ignore[arg-type]
            t.emit("Gather", [first(call), index], name, axis=axis)


@entry("expand", "broadcast_to", "expand_as")
def _expand(t: Translation, call: Any) -> None:
    t.emit("Expand", [first(call), sizes_wire(t, t.shape(call.outputs[0]))], call.outputs[0])


@entry("repeat")
def _repeat(t: Translation, call: Any) -> None:
    repeats = argument(t, call, "repeats")
    missing = len(repeats) - len(t.shape(first(call)))
    shape = [1] * missing + list(t.shape(first(call)))
    wide = t.emit("Reshape", [first(call), sizes_wire(t, shape)])
    t.emit("Tile", [wide, sizes_wire(t, repeats)], call.outputs[0])


@entry("constant_pad_nd", "pad")
def _pad(t: Translation, call: Any) -> None:
    """torch lists pads from the last axis to the first."""
    pads, rank = argument(t, call, "pad"), len(t.shape(first(call)))
    before, after = [0] * rank, [0] * rank
    for i in range(len(pads) // 2):
        before[rank - 1 - i], after[rank - 1 - i] = pads[2 * i], pads[2 * i + 1]
    modes = {"constant": "constant", "replicate": "edge", "reflect": "reflect", "circular": "wrap"}
    mode = modes.get(argument(t, call, "mode", "constant"), "constant")
    fill = float(argument(t, call, "value", 0.0))
    t.emit(
        "Pad", [first(call)], call.outputs[0], pads=before + after, mode=mode, constant_value=fill
    )
