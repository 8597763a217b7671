"""Recurrent cells of many networks at once: all their weights are one tensor, a row per network.

Keys are those of the files: `hidden.K.*` and `output.K.*` for ReLU cells, torch's names for others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

GATES = {"rnn-tanh": 1, "gru": 3, "lstm": 4}
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Shape:
    """What a network is made of.

    kind: "relu-mlp", "rnn-tanh", "gru" or "lstm"; step and readout: widths of the hidden layers of
    a ReLU cell's two chains, empty where the chain is one affine map.
    """

    kind: str
    hidden: int
    step: tuple[int, ...] = ()
    readout: tuple[int, ...] = ()

    @property
    def affine(self) -> bool:
        """Whether the whole cell is affine."""
        return self.kind == "relu-mlp" and not self.step and not self.readout

    def label(self) -> str:
        """As it stands in file names."""
        if self.kind != "relu-mlp":
            return f"{self.kind}_h{self.hidden}"
        chains = [("w", self.step), ("r", self.readout)]
        widths = "".join(f"_{c}{'_'.join(map(str, w))}" for c, w in chains if w)
        return f"relu_h{self.hidden}{widths}"

    def slots(self, fields: int, outputs: int) -> dict[str, tuple[int, ...]]:
        """Keys and shapes of the weights."""
        if self.kind != "relu-mlp":
            rows = GATES[self.kind] * self.hidden
            return {
                "rnn.weight_ih_l0": (rows, fields), "rnn.weight_hh_l0": (rows, self.hidden),
                "rnn.bias_ih_l0": (rows,), "rnn.bias_hh_l0": (rows,),
                "head.weight": (outputs, self.hidden), "head.bias": (outputs,),
            }  # fmt: skip
        found: dict[str, tuple[int, ...]] = {}
        for part, sizes in (
            ("hidden", (self.hidden + fields, *self.step, self.hidden)),
            ("output", (self.hidden, *self.readout, outputs)),
        ):
            for k, (narrow, wide) in enumerate(pairwise(sizes)):
                found[f"{part}.{k}.weight"] = (wide, narrow)
                found[f"{part}.{k}.bias"] = (wide,)
        return found


def unpacked(theta: Tensor, slots: dict[str, tuple[int, ...]]) -> Weights:
    """Rows (S, P) as named weights (S, ...)."""
    parts = theta.split([math.prod(s) for s in slots.values()], dim=1)
    return {k: p.view(-1, *s) for (k, s), p in zip(slots.items(), parts, strict=True)}


def run(shape: Shape, weights: Weights, items: Tensor) -> Tensor:
    """Outputs (S, T, B, k) of all networks on the same items (T, B, fields)."""
    return read_out(shape, weights, _RUNS[shape.kind](shape, weights, items))


def read_out(shape: Shape, weights: Weights, states: Tensor) -> Tensor:
    """Outputs (S, T, B, k) for states (S, T, B, H)."""
    count, length, batch, _ = states.shape
    found = states.reshape(count, length * batch, -1)
    if shape.kind != "relu-mlp":
        found = _affine(weights, "head.weight", "head.bias", found)
    else:
        for k in range(len(shape.readout) + 1):
            found = torch.relu(found) if k else found
            found = _affine(weights, f"output.{k}.weight", f"output.{k}.bias", found)
    return found.view(count, length, batch, -1)


def _affine(weights: Weights, matrix: str, bias: str, x: Tensor) -> Tensor:
    return torch.baddbmm(weights[bias][:, None], x, weights[matrix].transpose(1, 2))


def _per_item(matrix: Tensor, bias: Tensor, items: Tensor) -> tuple[Tensor, ...]:
    """What the items add (S, B, rows) at each time, found in one product."""
    length, batch, fields = items.shape
    flat = items.reshape(1, length * batch, fields).expand(len(matrix), -1, -1)
    found = torch.baddbmm(bias[:, None], flat, matrix.transpose(1, 2))
    return found.view(len(matrix), length, batch, -1).unbind(1)


def _relu_states(shape: Shape, weights: Weights, items: Tensor) -> Tensor:
    first = weights["hidden.0.weight"]
    held = first[:, :, : shape.hidden].transpose(1, 2)
    added = _per_item(first[:, :, shape.hidden :], weights["hidden.0.bias"], items)
    state, states = None, []
    for new in added:
        found = new if state is None else torch.baddbmm(new, state, held)
        for k in range(1, len(shape.step) + 1):
            found = _affine(weights, f"hidden.{k}.weight", f"hidden.{k}.bias", torch.relu(found))
        state = found
        states.append(state)
    return torch.stack(states, 1)


def _gated(step: Callable[..., tuple[Tensor, ...]]) -> Callable[..., Tensor]:
    """States (S, T, B, H) of a cell given as (what the item adds, what the state adds, *state)."""

    def states(shape: Shape, weights: Weights, items: Tensor) -> Tensor:
        matrix = weights["rnn.weight_hh_l0"].transpose(1, 2)
        bias = weights["rnn.bias_hh_l0"][:, None]
        added = _per_item(weights["rnn.weight_ih_l0"], weights["rnn.bias_ih_l0"], items)
        zeros = torch.zeros(len(matrix), items.shape[1], shape.hidden, dtype=items.dtype)
        state: tuple[Tensor, ...] = (zeros, zeros)
        found = []
        for new in added:
            state = step(new, torch.baddbmm(bias, state[0], matrix), *state)
            found.append(state[0])
        return torch.stack(found, 1)

    return states


def _tanh(new: Tensor, held: Tensor, h: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tanh(new + held), rest


def _gru(new: Tensor, held: Tensor, h: Tensor, rest: Tensor) -> tuple[Tensor, Tensor]:
    wide = 2 * h.shape[2]
    reset, update = torch.sigmoid(new[..., :wide] + held[..., :wide]).chunk(2, -1)
    proposed = torch.tanh(torch.addcmul(new[..., wide:], reset, held[..., wide:]))
    return torch.lerp(proposed, h, update), rest


def _lstm(new: Tensor, held: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    wide = h.shape[2]
    both = new + held
    keep, forget = torch.sigmoid(both[..., : 2 * wide]).chunk(2, -1)
    proposed, out = torch.tanh(both[..., 2 * wide : 3 * wide]), torch.sigmoid(both[..., 3 * wide :])
    c = torch.addcmul(forget * c, keep, proposed)
    return out * torch.tanh(c), c


_RUNS = {
    "relu-mlp": _relu_states,
    "rnn-tanh": _gated(_tanh),
    "gru": _gated(_gru),
    "lstm": _gated(_lstm),
}


def started(
    shape: Shape,
    slots: dict[str, tuple[int, ...]],
    items: Tensor,
    count: int,
    rng: np.random.Generator,
    steep: float = 1.0,
) -> Tensor:
    """First weights (count, P); items (B, fields): what the first layer will see.

    steep: how many times larger the weights on items of gated and tanh cells are; above 1 their
    units are steep within the items' range, which tells neighbouring numbers apart.
    """
    rows = torch.zeros(count, sum(math.prod(s) for s in slots.values()), dtype=items.dtype)
    weights = unpacked(rows, slots)
    for key, value in weights.items():
        wide = shape.hidden if key.startswith("rnn") else slots[_matrix(key)][1]
        drawn = rng.uniform(-1, 1, tuple(value.shape)) / math.sqrt(wide)
        value.copy_(torch.from_numpy(drawn))
    if shape.kind == "relu-mlp":
        _turned(shape, weights, rng)
        _kinked(shape, weights, items, rng)
    elif steep > 1:
        matrix = weights["rnn.weight_ih_l0"].mul_(steep)
        seen = items[torch.from_numpy(rng.integers(0, len(items), tuple(matrix.shape[:2])))]
        weights["rnn.bias_ih_l0"].copy_(-(matrix * seen).sum(2))
    if shape.kind == "rnn-tanh":
        _orthogonal(weights["rnn.weight_hh_l0"], 1.0, rng)
    return rows


def _matrix(key: str) -> str:
    return key.replace("bias", "weight")


def _orthogonal(matrices: Tensor, size: float, rng: np.random.Generator) -> None:
    for matrix in matrices:
        turned, upper = np.linalg.qr(rng.normal(size=tuple(matrix.shape)))
        matrix.copy_(torch.from_numpy(size * turned * np.sign(np.diag(upper))))


def _turned(shape: Shape, weights: Weights, rng: np.random.Generator) -> None:
    """An affine step starts near a rotation, which neither forgets nor grows."""
    if not shape.step:
        _orthogonal(weights["hidden.0.weight"][::2, :, : shape.hidden], 0.5, rng)
        _orthogonal(weights["hidden.0.weight"][1::2, :, : shape.hidden], 0.9, rng)
        weights["hidden.0.bias"].zero_()


def _kinked(shape: Shape, weights: Weights, items: Tensor, rng: np.random.Generator) -> None:
    """Every other network has the kinks of its first ReLU layers within what they see."""
    odd = {key: value[1::2] for key, value in weights.items()}
    if shape.step and len(odd["hidden.0.bias"]):
        matrix, bias = odd["hidden.0.weight"], odd["hidden.0.bias"]
        matrix.mul_(2)
        seen = items[torch.from_numpy(rng.integers(0, len(items), tuple(bias.shape)))]
        bias.copy_(-(matrix[:, :, shape.hidden :] * seen).sum(2))
    if shape.readout and len(odd["output.0.bias"]):
        matrix, bias = odd["output.0.weight"], odd["output.0.bias"]
        matrix.mul_(2)
        states = _relu_states(shape, odd, items[None])[:, 0]
        pick = torch.from_numpy(rng.integers(0, len(items), tuple(bias.shape)))
        seen = torch.gather(states, 1, pick[:, :, None].expand(-1, -1, shape.hidden))
        bias.copy_(-(matrix * seen).sum(2))
