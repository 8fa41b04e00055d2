"""The rules of fluency on the device of a captioner: the torch twin of `dvsa.fluency`."""

from typing import NamedTuple

import torch
from torch import Tensor

from dvsa.fluency import RICH, Fluency
from dvsa.text import END


class FluencyRules(NamedTuple):
    """The tables of a `Fluency` on a device."""

    code_N: Tensor
    start_V1: Tensor
    ends_N: Tensor
    triple_R: Tensor
    start_N1: Tensor
    content_V: Tensor
    steps_V: Tensor

    @classmethod
    def of(cls, fluency: Fluency, device: torch.device) -> "FluencyRules":
        """The same rules on a device."""
        pairs = (fluency.code_N, fluency.start_V1, fluency.ends_N)
        triples = (fluency.triple_R, fluency.start_N1)
        tables = (*pairs, *triples, fluency.content_V, fluency.steps_V)
        return cls(*(torch.from_numpy(table).to(device) for table in tables))

    def allowed(self, said_BT: Tensor, max_len: int) -> Tensor:
        """Which tokens (B, V) may follow what has been said, as `Fluency.allowed` tells.

        What it tells of an empty or a finished place of a beam means nothing.
        """
        V, said, last_B = len(self.content_V), said_BT.shape[1] - 1, said_BT[:, -1]

        # Words that make a pair with the last one, if a caption can end after them, or in time.
        row_M, pair_M = _ragged(self.start_V1, last_B)
        second_M = self.code_N[pair_M] % V
        nothing_BV = torch.zeros(len(said_BT), V, dtype=torch.bool, device=said_BT.device)
        possible_BV = nothing_BV.clone()
        possible_BV[row_M, second_M] = self.ends_N[pair_M] | (self.steps_V[second_M] < max_len - said)
        if not said:
            return possible_BV

        # Content words come once, unless nothing else is left.
        pair_B = torch.searchsorted(self.code_N, said_BT[:, -2] * V + last_B)
        pair_B = pair_B.clamp(max=len(self.code_N) - 1)
        ends_B = self.ends_N[pair_B]
        allowed_BV = possible_BV & ~(nothing_BV.scatter(1, said_BT, True) & self.content_V)
        some_B = ends_B | allowed_BV.any(1)
        allowed_BV = torch.where(some_B[:, None], allowed_BV, possible_BV)

        # Likewise, what people have written after the last two words.
        if len(self.code_N) >= RICH:
            row_M, triple_M = _ragged(self.start_N1, pair_B)
            written_BV = nothing_BV.clone()
            written_BV[row_M, self.triple_R[triple_M] % V] = True
            written_BV &= allowed_BV
            allowed_BV = torch.where(written_BV.any(1, keepdim=True), written_BV, allowed_BV)

        allowed_BV[:, END] = ends_B
        return allowed_BV


def _ragged(start_N1: Tensor, row_B: Tensor) -> tuple[Tensor, Tensor]:
    """Every place from `start[row]` up to `start[row + 1]`, and before it the index b of its row."""
    end_B = start_N1[row_B + 1]
    count_B = end_B - start_N1[row_B]
    b_M = torch.arange(len(row_B), device=row_B.device).repeat_interleave(count_B)
    return b_M, torch.arange(len(b_M), device=row_B.device) + (end_B - count_B.cumsum(0))[b_M]
