"""Penalties that induce structure, as plain torch losses for any training loop.

    from distill.preparation import adjacency, cut_sides, l0, minimum_cut, normalised_cut

    layers = [m.weight for m in model if isinstance(m, torch.nn.Linear)]
    units = adjacency(layers)
    loss = loss + 1e-3 * l0(layers[0], 0.05) + 0.1 * normalised_cut(units, labels)
    loss = loss + 0.1 * minimum_cut(units, sides)  # sides = cut_sides(units), now and then

All are differentiable wherever weights aren't exactly zero, and zero where nothing is left to win.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import networkx as nx
import numpy as np
import torch
from numpy.typing import NDArray

from distill.decompose.clusters import TREE_AT_MOST, eigenvectors, minimum_cuts

Tensor = torch.Tensor
Block = tuple[int, Sequence[tuple[int, Tensor]]]
_SPECTRAL_CUTS = 7
_TINY = 1e-12


def l1(weights: Tensor) -> Tensor:
    """The sum of sizes of weights of any shape: the convex penalty whose minima are sparse.

    Source: Tibshirani, Regression shrinkage and selection via the lasso (JRSS B 58, 1996).
    """
    return weights.abs().sum()


def l0(weights: Tensor, width: float) -> Tensor:
    """About how many weights (of any shape) aren't zero: the sum of w^2 / (w^2 + width^2).

    Weights far above `width` (in the weights' unit) count 1 and are left alone, those far below
    are pulled to zero. The smaller the width, the nearer the count. Source: the function is that
    of Geman and McClure (1985); the number of weights as a training loss is due to Louizos, Welling
    and Kingma, Learning sparse neural networks through L0 regularization (ICLR 2018), whose random
    gates it does without.

    Raises:
        ValueError: the width isn't positive.
    """
    if not width > 0:
        raise ValueError(f"the width must be more than 0, not {width}")
    squares = weights**2
    return (squares / (squares + width**2)).sum()


def grid_step(weights: Tensor, levels: int) -> float:
    """The least power of two of which `levels` steps reach the weights but for a few far larger.

    Reached are all up to twice the 95th percentile of sizes that aren't zero: one outlier, such as
    the weight of an input that hardly varies, would else leave the others no steps at all.

    Raises:
        ValueError: fewer than one level.
    """
    if levels < 1:
        raise ValueError(f"a grid has at least 1 level above zero, not {levels}")
    sizes = weights.detach().abs()[weights != 0]
    largest = float(torch.minimum(sizes.max(), 2 * sizes.quantile(0.95))) if len(sizes) else 0.0
    return float(2.0 ** np.ceil(np.log2(largest / levels) - 1e-9)) if largest > 0 else 1.0


def quantised(weights: Tensor, levels: int) -> Tensor:
    """How far weights (of any shape) are from a grid: the mean squared distance in grid steps.

    The grid's step is `grid_step`: the power of two of which `levels` steps reach the weights, so
    they take at most `levels` values of each sign, but for outliers, and zero. Every weight is
    pulled to the nearest one.
    Source: the pull to a regular grid of Choi, El-Khamy and Lee, Learning low precision deep neural
    networks through regularization (2018).

    Raises:
        ValueError: fewer than one level.
    """
    if not weights.numel():
        return weights.sum()
    scaled = weights / grid_step(weights, levels)
    return ((scaled - scaled.detach().round()) ** 2).mean()


def adjacency(layers: Sequence[Tensor]) -> Tensor:
    """Sizes of weights between all units of a chain of ReLU layers, (n, n), symmetric.

    layers: matrices (units above, units below) in order, as `torch.nn.Linear` holds them. Units are
    the inputs, then every layer's. What comes into a hidden unit is divided by its length, and what
    it gives is multiplied by it, which for ReLUs changes nothing: scales say nothing of structure.

    Raises:
        ValueError: a layer doesn't read as many units as the one below has.
    """
    for below, above in itertools.pairwise(layers):
        if below.shape[0] != above.shape[1]:
            raise ValueError(f"a layer of {below.shape[0]} units is read as {above.shape[1]}")
    widths = [layers[0].shape[1], *(m.shape[0] for m in layers)]
    blocks = [(place + 1, [(place, matrix)]) for place, matrix in enumerate(layers)]
    return joined(widths, blocks, range(1, len(layers)))


def joined(widths: Sequence[int], blocks: Sequence[Block], scaled: Sequence[int]) -> Tensor:
    """Sizes of weights between units in groups of these widths, (n, n), symmetric.

    blocks: in order, a group and the (earlier group, matrix) that it reads; scaled: the groups
    whose units pass positive factors on, so that what comes into each is divided by its length.
    """
    starts = np.cumsum([0, *widths]).tolist()
    first = blocks[0][1][0][1]
    found = first.new_zeros((starts[-1], starts[-1]))
    lengths: dict[int, Tensor] = {}
    for group, terms in blocks:
        sizes = [(g, m.abs() * lengths[g] if g in lengths else m.abs()) for g, m in terms]
        if group in scaled:
            squares = sum(((m**2).sum(1) for _, m in sizes), start=first.new_zeros(widths[group]))
            length = torch.where(squares > 0, squares + _TINY, torch.ones_like(squares)).sqrt()
            sizes = [(g, m / length[:, None]) for g, m in sizes]
            lengths[group] = length
        for source, matrix in sizes:
            place = (
                slice(starts[group], starts[group + 1]),
                slice(starts[source], starts[source + 1]),
            )
            found[place] = found[place] + matrix
    return found + found.T


def normalised_cut(weights: Tensor, labels: Tensor) -> Tensor:
    """The sum over clusters of what leaves each, as a part of all that ends in it.

    weights: sizes of weights between units (n, n), symmetric, as `adjacency` gives them; labels:
    the cluster of each unit (n,), or memberships (n, k) from 0 to 1, which get a gradient too. 0
    where nothing crosses, at most the number of clusters. Sources: Shi and Malik (IEEE PAMI 22,
    2000); as a training loss Filan et al., Clusterability in neural networks (2021).

    Raises:
        ValueError: labels are of another number than units.
    """
    if len(labels) != len(weights):
        raise ValueError(f"there are {len(weights)} units and {len(labels)} labels; each needs one")
    if labels.ndim == 1:
        labels = torch.nn.functional.one_hot(labels.long()).to(weights.dtype)
    volumes = labels.T @ weights.sum(1)
    inside = (labels * (weights @ labels)).sum(0)
    return torch.where(volumes > 0, 1 - inside / volumes.clamp_min(_TINY), 0.0).sum()


def cut_sides(weights: Tensor) -> Tensor:
    """One side of each minimum cut of the units as they are joined now: truths (cuts, n).

    weights: (n, n), symmetric. Up to 150 joined units all minimum cuts, from their Gomory-Hu tree
    (Gomory and Hu, 1961); above that the cheaper cuts by the signs of the first eigenvectors of the
    normalised Laplacian (Shi and Malik, 2000). Units without a link are on no side. Which side
    holds which unit has no gradient: call it every so often while training.
    """
    sizes = weights.detach().double().cpu().numpy()
    graph = nx.from_numpy_array(sizes)
    sides: list[NDArray[np.bool_]] = []
    for component in sorted((sorted(c) for c in nx.connected_components(graph)), key=min):
        if len(component) > 1:
            sides += _sides(sizes[np.ix_(component, component)], component, len(sizes))
    found = np.array(sides, dtype=np.bool_).reshape(len(sides), len(sizes))
    return torch.as_tensor(found, device=weights.device)


def _sides(sizes: NDArray[np.float64], members: list[int], count: int) -> list[NDArray[np.bool_]]:
    tree = minimum_cuts(sizes) if len(members) <= TREE_AT_MOST else None
    if tree is None:
        return [_placed(np.flatnonzero(side), members, count) for side in _by_sign(sizes)]
    order = list(nx.dfs_postorder_nodes(tree, 0))
    above = dict(nx.bfs_predecessors(tree, 0))
    below = {node: {node} for node in order}
    for node in order[:-1]:
        below[above[node]] |= below[node]
    return [_placed(sorted(below[node]), members, count) for node in order[:-1]]


def _by_sign(sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    _, vectors = eigenvectors(sizes)
    return (vectors[:, 1 : 1 + _SPECTRAL_CUTS] > 0).T


def _placed(side: Sequence[int] | NDArray, members: list[int], count: int) -> NDArray[np.bool_]:
    found = np.zeros(count, dtype=np.bool_)
    found[[members[place] for place in side]] = True
    return found


def minimum_cut(weights: Tensor, sides: Tensor) -> Tensor:
    """The mean value of cuts: the sum of the weights between each side and the other.

    weights: (n, n), symmetric; sides: truths (cuts, n) of `cut_sides`. Straight after these were
    found it is the mean over the Gomory-Hu tree's edges; no sides, and it is 0.

    Raises:
        ValueError: sides are of another number of units.
    """
    if sides.shape[-1] != len(weights):
        raise ValueError(f"there are {len(weights)} units and sides of {sides.shape[-1]}")
    if not len(sides):
        return weights.sum() * 0.0
    inside = sides.to(weights.dtype)
    return ((inside @ weights) * (1 - inside)).sum() / len(sides)
