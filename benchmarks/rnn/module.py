"""A recurrent network as an ordinary torch module, and its arrays without torch's pickles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

CELLS: dict[int, Callable[..., nn.RNNBase]] = {1: nn.RNN, 3: nn.GRU, 4: nn.LSTM}
"""By rows of `rnn.weight_hh_l0` for each unit of the state."""


class CellAndHead(nn.Module):
    """One recurrent layer, `rnn`, and a linear layer on its states, `head`."""

    def __init__(self, rnn: nn.RNNBase, outputs: int) -> None:
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(rnn.hidden_size, outputs)

    def forward(self, items: Tensor) -> Tensor:
        """Outputs (n, T, k) for items (n, T, d)."""
        return self.head(self.rnn(items)[0])


def module_of(arrays: dict[str, np.ndarray]) -> CellAndHead:
    """The module whose `state_dict` is these arrays."""
    rows, hidden = arrays["rnn.weight_hh_l0"].shape
    fields, outputs = arrays["rnn.weight_ih_l0"].shape[1], len(arrays["head.bias"])
    module = CellAndHead(CELLS[rows // hidden](fields, hidden, batch_first=True), outputs)
    module.load_state_dict({key: torch.from_numpy(value) for key, value in arrays.items()})
    return module.eval()
