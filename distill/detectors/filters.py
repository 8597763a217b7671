"""The filters of a network: of its convolutions, or found in its first dense layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from distill.decompose.convolution import find_convolution
from distill.errors import BadInput
from distill.network import Network, Operation
from distill.normal_form import Affine, Array, Input, NormalForm
from distill.operations.convolution import windows_of

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FilterLayer:
    """The filters of one layer.

    taps: (k, channels, rows, columns); bias: (k,); stride: cells between windows; form: the network
    from its input to what the filters give, before any function of it; units: (k, places) of these
    the number in the form's output; image: (channels, rows, columns) of input numbers, as the
    network's input is an image.
    """

    taps: Array
    bias: Array
    stride: tuple[int, ...]
    form: NormalForm
    units: Ints
    image: Ints


def filter_layers(network: Network) -> tuple[FilterLayer, ...]:
    """All layers of filters, in order; a network of dense layers is searched for one in its first.

    Raises:
        BadInput: the network has no layer of filters over images or signals.
    """
    found = tuple(_own(network)) or tuple(_first_dense(network))
    if not found:
        raise BadInput(
            "the network has no convolution, and its first layer isn't one written out; "
            "there are no filters to look at"
        )
    return found


def _own(network: Network) -> Iterator[FilterLayer]:
    for operation in network.operations:
        if operation.kind == "Conv" and operation.inputs[1] in network.constants:
            found = _layer(network, operation)
            if found is not None:
                yield found


def _layer(network: Network, operation: Operation) -> FilterLayer | None:
    """The filters of a convolution over one or two axes of an image or a signal, else None."""
    taps = np.asarray(network.constants[operation.inputs[1]], dtype=np.float64)
    image = _input_image(network)
    if taps.ndim not in (3, 4) or image is None or int(operation.attributes.get("group", 1)) != 1:
        return None
    sizes = network.wires_by_name[operation.inputs[0]].shape[-(taps.ndim - 2) :]
    window = windows_of(operation.attributes, sizes, taps.shape[2:])
    names = [*operation.inputs, ""]
    bias = np.zeros(len(taps))
    if names[2]:
        if names[2] not in network.constants:
            return None
        bias = np.asarray(network.constants[names[2]], dtype=np.float64).ravel()
    wire = operation.outputs[0]
    places = prod(network.wires_by_name[wire].shape) // len(taps)
    units = np.arange(len(taps) * places).reshape(len(taps), places)
    planar = taps if taps.ndim == 4 else taps[:, :, None]
    form = network.up_to(wire).normal_form()
    return FilterLayer(planar, bias, window.strides, form, units, image)


def _input_image(network: Network) -> Ints | None:
    shape = network.input_shape
    if len(shape) not in (2, 3):
        return None
    numbers = np.arange(network.input_width)
    return numbers.reshape(shape if len(shape) == 3 else (shape[0], 1, shape[1]))


def _first_dense(network: Network) -> Iterator[FilterLayer]:
    form = network.normal_form()
    for index, node in enumerate(form.nodes):
        if not isinstance(node, Affine) or len(node.terms) != 1:
            continue
        source, weight = node.terms[0]
        if not isinstance(form.nodes[source], Input):
            continue
        found = find_convolution(weight, node.bias)
        if found is not None:
            taps = found.filters if found.filters.ndim == 3 else found.filters[:, None]
            rows = [np.flatnonzero(found.filter_of == k) for k in range(len(taps))]
            most = max(map(len, rows))
            units = np.array([np.resize(r, most) for r in rows])
            grid = found.grid if len(found.grid) == 2 else (1, *found.grid)
            yield FilterLayer(
                taps[:, None], found.bias, found.stride, NormalForm(form.nodes, index), units,
                found.inputs.reshape(1, *grid),
            )  # fmt: skip
        return


def receptive_field(layer: FilterLayer, place: int) -> Ints:
    """Numbers of the inputs that any filter reads at a place (a column of units), in order."""
    form = layer.form
    needed: list[NDArray[np.bool_]] = [np.zeros(w, dtype=np.bool_) for w in form.widths()]
    needed[form.output][layer.units[:, place]] = True
    for index in range(form.output, 0, -1):
        node = form.nodes[index]
        if isinstance(node, Affine):
            for source, matrix in node.terms:
                needed[source] |= (matrix[needed[index]] != 0).any(0)
        elif not isinstance(node, Input):
            for source in node.sources:
                needed[source] |= needed[index]
    return np.flatnonzero(needed[0])


def window_of(layer: FilterLayer, place: int) -> Ints:
    """The smallest box (channels, rows, columns) of input numbers that holds a place's field."""
    inside = np.isin(layer.image, receptive_field(layer, place))
    rows, columns = np.flatnonzero(inside.any((0, 2))), np.flatnonzero(inside.any((0, 1)))
    if not len(rows):
        return layer.image
    return layer.image[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
