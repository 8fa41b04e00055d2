"""What a backbone and a proposal head make of a photograph: feature maps and candidate boxes."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.backbones.folding import fold_batch_norms
from dvsa.learn.nets.crops import resized
from dvsa.learn.nets.proposals import ProposalHead
from dvsa.learn.nets.vision_config import ProposerConfig

Head = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Fine and coarse maps to logits (B, N) and boxes (B, N, 4) of candidates."""


class Looked(NamedTuple):
    """The output of backbone and proposal head for a batch of photographs."""

    fine: Tensor
    coarse: Tensor
    logit_BN: Tensor
    """Scores of the candidates."""
    box_BN4: Tensor
    """The candidate boxes, within the frame."""

    @property
    def maps(self) -> tuple[Tensor, Tensor]:
        """The fine and the coarse map."""
        return self.fine, self.coarse


def look(backbone: Backbone, head: Head, pixels_BHWC: Tensor, *, both_ways: bool) -> Looked:
    """Photographs (B, size, size, 3) to maps (B, C, H, W) and candidates in single precision.

    With `both_ways`, the maps are the mean over the photograph and its mirror image (flipped back), and both
    propose candidates.
    """
    looked = _look_once(backbone, head, pixels_BHWC)
    if not both_ways:
        return looked
    other = _look_once(backbone, head, pixels_BHWC.flip(2))
    x0_BN, y0_BN, x1_BN, y1_BN = other.box_BN4.unbind(-1)
    return Looked(
        (looked.fine + other.fine.flip(3)) / 2,
        (looked.coarse + other.coarse.flip(3)) / 2,
        torch.cat([looked.logit_BN, other.logit_BN], 1),
        torch.cat([looked.box_BN4, torch.stack([1 - x1_BN, y0_BN, 1 - x0_BN, y1_BN], -1)], 1),
    )


def _look_once(backbone: Backbone, head: Head, pixels_BHWC: Tensor) -> Looked:
    fine_BCHW, coarse_BCHW = (x.float() for x in backbone(resized(pixels_BHWC, backbone.size)))
    return Looked(fine_BCHW, coarse_BCHW, *head(fine_BCHW, coarse_BCHW))


def no_candidates(fine_BCHW: Tensor, coarse_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """A head that proposes nothing, where another network proposes the boxes."""
    return fine_BCHW.new_zeros(len(fine_BCHW), 0), fine_BCHW.new_zeros(len(fine_BCHW), 0, 4)


def nothing_seen(pixels_BHWC: Tensor) -> Looked:
    """Empty maps and no candidates, where nobody looks at the photographs."""
    none_BN = pixels_BHWC.new_zeros(len(pixels_BHWC), 0, dtype=torch.float32)
    return Looked(none_BN, none_BN, none_BN, none_BN[..., None].expand(-1, -1, 4))


class FrozenProposer(nn.Module):
    """Backbone and proposal head of a finished model, which stay as they are.

    Its batch norms are folded into its convolutions, as in a bundle.
    """

    def __init__(self, cfg: ProposerConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.backbone = backbones.build(cfg.backbone, pretrained=False)
        fine, coarse = self.backbone.fine_channels, self.backbone.coarse_channels
        self.proposals = ProposalHead(fine, coarse, torch.full((cfg.anchors, 2), 0.5), cfg.proposal_width)
        fold_batch_norms(self.eval())
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> "FrozenProposer":
        """Stay in eval mode: nothing here is trained."""
        return super().train(False)

    def forward(self, pixels_BHWC: Tensor) -> Looked:
        """Its maps and candidates of photographs."""
        return look(self.backbone, self.proposals, pixels_BHWC, both_ways=self.cfg.both_ways)
