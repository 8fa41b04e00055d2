"""Beam search on the device of a captioner: the torch twin of `dvsa.beam`."""

from typing import NamedTuple

import torch
from torch import Tensor

from dvsa.learn.nets.captioner import Captioner
from dvsa.learn.nets.fluency import FluencyRules

CHECKED_EVERY = 4
"""Steps between two looks at whether all hypotheses are finished, because a look waits for the device."""


class Beams(NamedTuple):
    """For each of B photographs W hypotheses, the best first."""

    token_BWT: Tensor
    """Their tokens. Finished ones repeat END."""
    logp_BWT: Tensor
    """The log-probability of each token; 0 after the first END."""
    total_BW: Tensor
    """The sum of these; -inf where there are fewer than W hypotheses."""
    steps_BW: Tensor
    """The number of tokens, the first END included."""
    live_BW: Tensor
    """Which hypotheses are unfinished."""

    def extended(self, logp_BWV: Tensor, end: int, length_power: float) -> tuple["Beams", Tensor]:
        """The beams after one step, and which hypothesis (B, W) each of them extends."""
        # A finished hypothesis goes on with END, at no cost.
        logp_BWV = logp_BWV.masked_fill(~self.live_BW[..., None], -torch.inf)
        logp_BWV[..., end] = logp_BWV[..., end].where(self.live_BW, 0.0)
        steps_BW = self.steps_BW + self.live_BW

        # The best of all extensions are the next hypotheses.
        score_BWV = (self.total_BW[..., None] + logp_BWV) / steps_BW[..., None] ** length_power
        best_BW = score_BWV.flatten(1).topk(self.total_BW.shape[1]).indices
        parent_BW, token_BW = best_BW // logp_BWV.shape[2], best_BW % logp_BWV.shape[2]
        logp_BW = logp_BWV.flatten(1).gather(1, best_BW)

        before_BWT = parent_BW[..., None].expand_as(self.token_BWT)
        beams = Beams(
            torch.cat([self.token_BWT.gather(1, before_BWT), token_BW[..., None]], 2),
            torch.cat([self.logp_BWT.gather(1, before_BWT), logp_BW[..., None]], 2),
            self.total_BW.gather(1, parent_BW) + logp_BW,
            steps_BW.gather(1, parent_BW),
            self.live_BW.gather(1, parent_BW) & (token_BW != end),
        )
        return beams, parent_BW


@torch.no_grad()
def beam_search(
    captioner: Captioner,
    feature_BIF: Tensor,
    focus_B: Tensor,
    *,
    start: int,
    end: int,
    width: int,
    max_len: int,
    min_len: int = 0,
    length_power: float = 0.0,
    banned: tuple[int, ...] = (),
    rules: FluencyRules | None = None,
) -> Beams:
    """The captions that `dvsa.beam.beam_search` finds with the steps of a captioner, by the same rules.

    Of extensions with equal scores any may be taken first. With `rules`, they are those that
    `dvsa.captioning.search` finds with the same rules.
    """
    batch, device = len(feature_BIF), feature_BIF.device
    state = tuple(part.repeat_interleave(width, 0) for part in captioner.start(feature_BIF, focus_B))
    first_B1 = torch.arange(batch, device=device)[:, None] * width

    # One hypothesis without words; the other places of each beam are empty.
    token_BW = torch.full((batch, width), start, device=device)
    total_BW = torch.full((batch, width), -torch.inf, device=device)
    total_BW[:, 0] = 0
    nothing_BWT = torch.zeros(batch, width, 0, device=device)
    beams = Beams(
        nothing_BWT.long(),
        nothing_BWT,
        total_BW,
        torch.zeros_like(total_BW),
        torch.ones_like(total_BW).bool(),
    )

    for step in range(max_len):
        logit_XV, state = captioner.step(token_BW.flatten(), state)
        logp_XV = logit_XV.float().log_softmax(-1)
        for token in (*banned, end) if step < min_len else banned:
            logp_XV[:, token] = -torch.inf
        if rules is not None:
            said_XT = torch.cat([torch.full_like(token_BW, start)[..., None], beams.token_BWT], 2).flatten(
                0, 1
            )
            logp_XV = logp_XV.masked_fill(~rules.allowed(said_XT, max_len), -torch.inf)
        beams, parent_BW = beams.extended(logp_XV.reshape(batch, width, -1), end, length_power)

        row_X = (first_B1 + parent_BW).flatten()
        state = tuple(part[row_X] for part in state)
        token_BW = beams.token_BWT[..., -1]
        if step % CHECKED_EVERY == CHECKED_EVERY - 1 and not beams.live_BW.any():
            break
    return beams
