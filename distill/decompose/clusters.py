"""Clusters of units by the sizes of weights, beside networks with the same weights shuffled.

The parts of a trained network are seldom joined by exact zeros; clusters say how nearly it falls
apart. Units are vertices and sizes of weights are edges, relus scaled so that what comes into each
has length 1. Sources: normalised cuts, Shi and Malik (IEEE PAMI 22, 2000); modularity and its
greedy search, Blondel et al. (2008); all minimum cuts as a tree, Gomory and Hu (1961), up to
`TREE_AT_MOST` units; the comparison with shuffled weights, Filan et al., Clusterability in neural
networks (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import networkx as nx
import numpy as np
from scipy.cluster.vq import kmeans2

from distill.decompose.links import Links
from distill.normal_form import Array

Labels = np.ndarray
TREE_AT_MOST = 150
_MOST = 8
"""Clusters, at most, that are tried."""
_SHUFFLES = 30
_AS_GOOD = 0.03
"""Modularity that is given up for fewer clusters."""


@dataclass(frozen=True, eq=False)
class Clustering:
    """How the units (all of them, group by group) fall apart best.

    labels (n,): the cluster of each; cut: the normalised cut, 0 where nothing crosses; modularity:
    Newman's; expected and spread: the same cut's mean and standard deviation where weights are
    shuffled within their matrices; cuts: values of the minimum cuts that separate clusters, from
    the Gomory-Hu tree, empty for larger networks.
    """

    method: str
    labels: Labels
    cut: float
    modularity: float
    expected: float
    spread: float
    cuts: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many clusters."""
        return len(np.unique(self.labels))

    @property
    def z_score(self) -> float:
        """How many standard deviations the cut is below that of shuffled weights."""
        return float((self.expected - self.cut) / max(self.spread, 1e-12))


def adjacency(links: Links) -> Array:
    """Sizes of weights between all units (n, n), symmetric."""
    starts = links.starts
    scales = [np.ones(width) for width in links.widths]
    found = np.zeros((starts[-1], starts[-1]))
    for group in range(1, len(links.widths)):
        into = {a: np.abs(m) for (a, b), m in links.weights.items() if b == group}
        sizes = {a: m * scales[a] for a, m in into.items()}
        if links.functions[group] == "relu" and sizes:
            norm = np.sqrt(sum((m**2).sum(1) for m in sizes.values()))
            scales[group] = np.where(norm > 0, norm, 1.0)
        for a, m in sizes.items():
            here = slice(starts[group], starts[group + 1]), slice(starts[a], starts[a + 1])
            found[here] += m / scales[group][:, None]
    return found + found.T


def normalised_cut(weights: Array, labels: Labels) -> float:
    """The sum over clusters of what leaves each, as a part of all that ends in it."""
    total = 0.0
    for label in np.unique(labels):
        inside = labels == label
        volume = float(weights[inside].sum())
        total += float(weights[inside][:, ~inside].sum()) / volume if volume else 0.0
    return total


def modularity(weights: Array, labels: Labels) -> float:
    """Newman's modularity: weight within clusters beyond what degrees alone would give."""
    total = float(weights.sum())
    if not total:
        return 0.0
    degrees = weights.sum(1) / total
    same = labels[:, None] == labels[None]
    return float((weights / total - np.outer(degrees, degrees))[same].sum())


def eigenvectors(weights: Array) -> tuple[Array, Array]:
    """One over the roots of degrees (n,), and the normalised Laplacian's eigenvectors (n, n) in
    columns, those of small eigenvalues first."""
    root = 1.0 / np.sqrt(np.maximum(weights.sum(1), 1e-12))
    _, vectors = np.linalg.eigh(np.eye(len(weights)) - root[:, None] * weights * root)
    return root, vectors


def spectral(weights: Array, count: int, seed: int) -> Labels:
    """Clusters of the first eigenvectors of the normalised Laplacian, by k-means."""
    root, vectors = eigenvectors(weights)
    rows = vectors[:, :count] * root[:, None]
    best, least = np.zeros(len(weights), dtype=np.int64), np.inf
    for attempt in range(5):
        rng = np.random.default_rng([seed, 61, attempt])
        _, labels = kmeans2(rows, count, minit="++", rng=rng, missing="warn")
        cut = normalised_cut(weights, labels)
        if len(np.unique(labels)) == count and cut < least:
            best, least = labels, cut
    return best


def louvain(weights: Array, seed: int) -> Labels:
    """Clusters of large modularity, by greedy moves."""
    found = nx.community.louvain_communities(_graph(weights), seed=seed)
    labels = np.zeros(len(weights), dtype=np.int64)
    for number, members in enumerate(found):
        labels[list(members)] = number
    return labels


def minimum_cuts(weights: Array) -> nx.Graph | None:
    """The Gomory-Hu tree: the lightest edge between two units on it is their minimum cut."""
    graph = _graph(weights)
    if len(weights) > TREE_AT_MOST or not nx.is_connected(graph):
        return None
    return nx.gomory_hu_tree(graph, capacity="weight")


def _graph(weights: Array) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(range(len(weights)))
    pairs = np.argwhere(np.triu(weights, 1) > 0)
    graph.add_weighted_edges_from((int(a), int(b), float(weights[a, b])) for a, b in pairs)
    return graph


def _separating(tree: nx.Graph | None, labels: Labels) -> tuple[float, ...]:
    """Values of the minimum cuts between units of each two clusters, largest: what separates all
    of one from all of another costs at least that."""
    if tree is None:
        return ()
    found = []
    kinds = np.unique(labels)
    members = [np.flatnonzero(labels == kind).tolist() for kind in kinds]
    lightest = {a: _lightest(tree, a) for group in members for a in group}
    for i, first in enumerate(members):
        for second in members[i + 1 :]:
            found.append(max(lightest[a][b] for a in first for b in second))
    return tuple(sorted(found))


def _lightest(tree: nx.Graph, start: int) -> dict[int, float]:
    """The minimum cut between one unit and every other, along the tree."""
    found = {start: np.inf}
    for before, after in nx.bfs_edges(tree, start):
        found[after] = min(found[before], tree[before][after]["weight"])
    return found


def clustered(links: Links, seed: int = 0) -> Clustering:
    """The clustering of largest modularity, or of fewer clusters and hardly less, among Louvain's
    and spectral ones."""
    weights = adjacency(links)
    methods: dict[str, Callable[[Array], Labels]] = {"Louvain": partial(louvain, seed=seed)}
    for count in range(2, min(_MOST, len(weights) - 1) + 1):
        name = f"spectral clustering into {count}"
        methods[name] = partial(spectral, count=count, seed=seed)
    found = {name: method(weights) for name, method in methods.items()}
    scores = {name: modularity(weights, labels) for name, labels in found.items()}
    good = [name for name in found if scores[name] >= max(scores.values()) - _AS_GOOD]
    best = min(good, key=lambda name: (len(np.unique(found[name])), -scores[name]))
    labels, others = found[best], []
    for shuffle in range(_SHUFFLES):
        other = adjacency(_shuffled(links, np.random.default_rng([seed, 62, shuffle])))
        others.append(normalised_cut(other, spectral(other, len(np.unique(labels)), seed)))
    return Clustering(
        best,
        labels,
        normalised_cut(weights, labels),
        modularity(weights, labels),
        float(np.mean(others)),
        float(np.std(others)),
        _separating(minimum_cuts(weights), labels),
    )


def _shuffled(links: Links, rng: np.random.Generator) -> Links:
    """The same network with the entries of every matrix in another order."""
    weights = {p: rng.permutation(m.ravel()).reshape(m.shape) for p, m in links.weights.items()}
    return replace(links, weights=weights)
