"""The paper's recurrence with f = ReLU, over a whole sequence at once."""

import torch
from torch import Tensor, nn


class Recurrence(nn.Module):
    """h_t = f(x_t + W h_{t-1} + b): torch's RNN with the identity as input weights."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(hidden, hidden, nonlinearity="relu", batch_first=True)
        own = dict(self.rnn.named_parameters())
        nn.init.eye_(own["weight_ih_l0"]).requires_grad_(False)
        nn.init.zeros_(own["bias_ih_l0"]).requires_grad_(False)
        nn.init.zeros_(own["bias_hh_l0"])
        nn.init.orthogonal_(own["weight_hh_l0"], gain=0.5)  # ReLU is unbounded: start well below 1

    def forward(self, x_BTH: Tensor, h_BH: Tensor | None = None) -> Tensor:
        """The states (B, T, H) after each input, from the state `h_BH` or from zeros."""
        h_BH = torch.zeros_like(x_BTH[:, 0]) if h_BH is None else h_BH
        h_BTH: Tensor = self.rnn(x_BTH, h_BH[None])[0]
        return h_BTH
