"""Structure that is known, looked for: `python -m benchmarks.structure.run`.

Convolutional layers written out as dense ones, layers of other structure, dense layers of the same
sizes, and networks glued from modules. Writes benchmarks/results/structure.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

from benchmarks.machine import provenance
from benchmarks.report import table
from benchmarks.side_by_side import publish
from benchmarks.store import code_version
from benchmarks.structure.networks import STRUCTURED, glued, off, structured, unrolled
from distill.decompose.convolution import find_convolution
from distill.decompose.links import links_of
from distill.decompose.parts import parts_of
from distill.decompose.structured import find_structure

PAGE = Path(__file__).parents[1] / "results" / "structure.md"
Entry = dict[str, Any]
CONVOLUTIONAL, DENSE, GLUED, OTHER, DEEP = 30, 100, 30, 10, 20
_VARIANTS = ("plain", "outputs shuffled", "inputs and outputs shuffled", "1 % noise")
_GRIDS = {1: ((24,), (5,)), 2: ((9, 9), (3, 3))}


def main() -> None:
    """Look for everything, write the page."""
    torch.set_num_threads(1)
    convolutional = [of_convolution(number) for number in range(CONVOLUTIONAL)]
    dense = [of_dense(number) for number in range(DENSE)]
    modules = [of_glued(number) for number in range(GLUED)]
    others = [of_structured(kind, noise) for kind in STRUCTURED for noise in (0.0, 0.01)]
    deep = [of_channels(number) for number in range(DEEP)]
    head = provenance("python -m benchmarks.structure.run", code_version())
    publish(page(convolutional, dense, modules, others, deep, head), PAGE, True)


def of_convolution(number: int) -> Entry:
    """One convolutional layer written out, and how far the filters found in it are off."""
    kinds = list(product((1, 2), (False, True), _VARIANTS, (1, 2, 3, 4)))
    order = np.random.default_rng(7).permutation(len(kinds))
    size, trained, variant, count = kinds[order[number]]
    rng = np.random.default_rng([number, 8])
    grid, window = _GRIDS[size]
    filters, bias = _trained(grid, window, count, number) if trained else (
        rng.standard_normal((count, *window)), rng.standard_normal(count)
    )  # fmt: skip
    matrix, which = unrolled(filters, grid, padding=int(rng.integers(2)))
    shift = bias[which]
    if variant != "plain":
        rows = rng.permutation(len(matrix))
        matrix, shift = matrix[rows], shift[rows]
    if variant == _VARIANTS[2]:
        matrix = matrix[:, rng.permutation(matrix.shape[1])]
    noise = 0.01 if variant == _VARIANTS[3] else 0.0
    matrix = matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    begin = time.process_time()
    found = find_convolution(matrix, shift, noise)
    seconds = time.process_time() - begin
    error = np.inf
    if found is not None and len(found.filters) == count:
        error = off(found.filters, filters, variant == _VARIANTS[2])
    return {
        "size": f"{size}-d", "filters": count, "kind": "trained" if trained else "random",
        "variant": variant, "error": error, "largest": float(np.abs(filters).max()),
        "seconds": seconds, "good": error <= (1e-3 if not noise else 0.03 * np.abs(filters).max()),
    }  # fmt: skip


def _trained(
    grid: tuple[int, ...], window: tuple[int, ...], count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Filters and biases that learned to tell three random patterns, planted in noise, apart."""
    torch.manual_seed(seed)
    layer = (torch.nn.Conv1d if len(grid) == 1 else torch.nn.Conv2d)(1, count, window[0])
    places = int(np.prod([g - w + 1 for g, w in zip(grid, window, strict=True)]))
    model = torch.nn.Sequential(
        layer, torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(count * places, 3)
    )
    patterns = torch.randn(3, *window)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(150):
        labels = torch.randint(3, (64,))
        images = 0.3 * torch.randn(64, 1, *grid)
        for image, label in zip(images, labels, strict=True):
            begin = [int(torch.randint(g - w + 1, ())) for g, w in zip(grid, window, strict=True)]
            image[(0, *(slice(b, b + w) for b, w in zip(begin, window, strict=True)))] += patterns[
                label
            ]
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert layer.bias is not None
    weight, bias = layer.weight.detach().numpy()[:, 0], layer.bias.detach().numpy()
    return weight.astype(np.float64), bias.astype(np.float64)


def of_dense(number: int) -> Entry:
    """A dense layer of a convolutional one's size, with as many zeros in half of them."""
    rng = np.random.default_rng([number, 9])
    grid, window = _GRIDS[1 + number % 2]
    matrix, _ = unrolled(rng.standard_normal((1 + number % 4, *window)), grid)
    other = rng.standard_normal(matrix.shape)
    if number // 2 % 2:
        other *= rng.permuted(matrix != 0, axis=1)
    called = find_convolution(other, np.zeros(len(other)), 0.01) is not None
    return {
        "shape": other.shape, "zeros": bool(number // 2 % 2), "called": called,
        "structured": find_structure(other, 0.01) is not None,
    }  # fmt: skip


def of_channels(number: int) -> bool:
    """Whether the filters of a convolution over several channels, outputs shuffled, are found."""
    rng = np.random.default_rng([number, 11])
    grid, window = ((12,), (3,)) if number % 2 else ((7, 8), (3, 3))
    channels, noise = int(rng.integers(2, 5)), (0.0, 0.01)[number // 2 % 2]
    filters = rng.standard_normal((int(rng.integers(1, 4)), channels, *window))
    padding = int(rng.integers(2))
    parts = [unrolled(filters[:, c], grid, 1, padding) for c in range(channels)]
    order = rng.permutation(len(parts[0][1]))
    matrix = np.hstack([part for part, _ in parts])[order]
    disturbed = matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape))
    found = find_convolution(disturbed, 0.3 * parts[0][1][order], noise)
    if found is None or found.filters.shape != filters.shape:
        return False
    room = 0.03 * np.abs(filters).max() if noise else 1e-9
    return bool(np.abs(found.dense() - matrix).max() <= room)


def of_structured(kind: str, noise: float) -> Entry:
    """Layers of one kind, how many are told by that name, and how far the worst is off."""
    found = []
    for number in range(OTHER):
        rng = np.random.default_rng([number, STRUCTURED.index(kind), 10])
        matrix = structured(kind, rng)
        found.append(find_structure(matrix * (1 + noise * rng.uniform(-1, 1, matrix.shape)), noise))
    right = [one for one in found if one is not None and one.kind == kind]
    worst = max((one.error for one in right), default=np.inf)
    return {"kind": kind, "noise": noise, "right": len(right), "worst": worst}


def of_glued(number: int) -> Entry:
    """A network glued from modules, and how well its parts are those."""
    kind, form, labels = glued(number)
    begin = time.process_time()
    links = links_of(form)
    found = parts_of(links)
    place = {unit: i for i, part in enumerate(found) for unit in part.units}
    score = adjusted_rand_score(labels, [place[unit] for unit in links.hidden])
    return {
        "kind": kind, "modules": len(set(labels)), "units": len(labels), "parts": len(found),
        "score": float(score), "seconds": time.process_time() - begin,
    }  # fmt: skip


def page(
    convolutional: Sequence[Entry],
    dense: Sequence[Entry],
    modules: Sequence[Entry],
    others: Sequence[Entry],
    deep: Sequence[bool],
    head: str,
) -> str:
    """The tables as markdown."""
    good, called = sum(e["good"] for e in convolutional), sum(e["called"] for e in dense)
    right = sum(e["score"] >= 0.95 for e in modules)
    rows = [
        (e["size"], e["filters"], e["kind"], e["variant"], f"{e['error']:.1e}",
         f"{e['largest']:.2f}", f"{e['seconds']:.2f}", "yes" if e["good"] else "**no**")
        for e in convolutional
    ]  # fmt: skip
    glued_rows = [
        (e["kind"], e["modules"], e["units"], e["parts"], f"{e['score']:.3f}",
         f"{e['seconds']:.2f}")
        for e in modules
    ]  # fmt: skip
    return "\n\n".join([
        "# Structure that is known, found", head,
        "Convolutional layers are written out as dense matrices, trained ones after 150 steps on "
        "patterns in noise. *Off*: the largest difference between a true filter and the nearest "
        "that was found; where inputs are shuffled up to turning the whole grid. Found: within 1e-3"
        ", with noise within 3 % of the largest weight.",
        f"- convolutions: filters found in {good} of {len(convolutional)} layers\n"
        f"- dense layers of the same sizes (half of them with as many zeros a row): {called} of "
        f"{len(dense)} called convolutional, {sum(e['structured'] for e in dense)} called of other "
        "structure\n"
        f"- layers of other structure: {sum(e['right'] for e in others)} of {OTHER * len(others)} "
        "told by their own name\n"
        f"- convolutions over 2 to 4 channels, inputs in order, outputs shuffled, half of them "
        f"with 1 % noise: {sum(deep)} of {len(deep)} found\n"
        f"- glued networks: adjusted Rand index at least 0.95 in {right} of {len(modules)}",
        "## Convolutions",
        table(("grid", "filters", "weights", "order", "off", "largest weight", "seconds", "found"),
              rows),
        "## Layers of other structure",
        table(("layer", "noise", "told so", "off at most, as a part of the largest weight"),
              [(e["kind"], f"{e['noise']:.0%}", f"{e['right']} of {OTHER}", f"{e['worst']:.1e}")
               for e in others]),
        "## Networks glued from random modules",
        table(("modules are", "modules", "hidden units", "parts", "adjusted Rand index", "seconds"),
              glued_rows),
    ]) + "\n"  # fmt: skip


if __name__ == "__main__":
    main()
