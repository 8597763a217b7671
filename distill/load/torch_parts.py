"""torch modules of a state and an item as networks of both side by side."""

from __future__ import annotations

import torch

from distill.errors import BadInput
from distill.load.torch import load_torch
from distill.network import Network

WIDEST_ITEM = 1024


class _Joined(torch.nn.Module):
    """A step on (h, x) side by side; torch's own cells take (x, h), an LSTMCell (x, (h, c))."""

    def __init__(self, step: torch.nn.Module, hidden: int) -> None:
        super().__init__()
        self.step, self.hidden = step, hidden

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        state, item = both[:, : self.hidden], both[:, self.hidden :]
        if isinstance(self.step, torch.nn.LSTMCell):
            h, c = state.chunk(2, 1)
            return torch.cat(self.step(item, (h, c)), 1)
        if isinstance(self.step, torch.nn.RNNCellBase):
            return self.step(item, state)
        return self.step(state, item)


def load_step(step: torch.nn.Module, hidden: int, width: int | None = None) -> Network:
    """The network (h, x) -> h' of a module. Raises BadInput.

    width: numbers of an item; without it the least that the module takes.
    """
    joined = _Joined(step, hidden)
    given = width or getattr(step, "input_size", None) or _least_width(joined)
    return load_torch(joined, (hidden + given,))


def _least_width(joined: _Joined) -> int:
    dtype = next((p.dtype for p in joined.parameters() if p.is_floating_point()), torch.float32)
    with torch.no_grad():
        for width in range(1, WIDEST_ITEM + 1):
            try:
                found = joined(torch.zeros(1, joined.hidden + width, dtype=dtype))
            except Exception:  # a module of other items may raise anything
                continue
            if isinstance(found, torch.Tensor) and found.shape == (1, joined.hidden):
                return width
    raise BadInput(
        f"The step takes no items of 1 to {WIDEST_ITEM} numbers beside a state of {joined.hidden}, "
        "or gives no state back; give item_width, or a module of (n, h), (n, d) to (n, h)."
    )
