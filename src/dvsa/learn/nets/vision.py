"""From pixels to regions and region vectors (paper, section 3.1.1)."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.crops import cut
from dvsa.learn.nets.given_features import GivenFeatures
from dvsa.learn.nets.look import FrozenProposer, Looked, look, no_candidates, nothing_seen
from dvsa.learn.nets.proposals import ProposalHead
from dvsa.learn.nets.region_encoder import RegionEncoder
from dvsa.learn.nets.vision_config import GEOMETRY, VisionConfig

Maps = tuple[Tensor, Tensor]
"""Fine and coarse feature maps of photographs."""
CROPS = 160
"""Crops that go through the backbone at once; gradients are computed anew for each such chunk."""


class Vision(nn.Module):
    """Backbone, proposals and region encoder.

    It works in two steps. `look` finds candidate boxes, the caller chooses some of them (or brings others),
    and `encode` describes those.
    """

    def __init__(self, cfg: VisionConfig, anchors_A2: Tensor | None = None, pretrained: bool = True) -> None:
        super().__init__()
        self.cfg = cfg
        if cfg.given_features:
            self.backbone: Backbone = GivenFeatures(cfg.given_features)
        else:
            self.backbone = backbones.build(cfg.backbone, pretrained)
        fine, coarse = self.backbone.fine_channels, self.backbone.coarse_channels

        self.proposer = None if cfg.proposer is None else FrozenProposer(cfg.proposer)
        self.proposals = None
        if self.proposer is None and not cfg.given_features:
            anchors_A2 = torch.full((cfg.anchors, 2), 0.5) if anchors_A2 is None else anchors_A2
            self.proposals = ProposalHead(fine, coarse, anchors_A2, cfg.proposal_width)

        by_map, by_crops = cfg.by_map * (coarse + fine), cfg.by_crops * self.backbone.pooled_channels
        self.features = by_map + by_crops + GEOMETRY
        self.regions = RegionEncoder(cfg, self.features)

    @property
    def size(self) -> int:
        """Side of the square input, in pixels."""
        return max(self.backbone.size, 0 if self.proposer is None else self.proposer.backbone.size)

    @property
    def crop_size(self) -> int:
        """Side of a crop, in pixels."""
        return self.cfg.crop_size or self.backbone.crop_size

    def set_anchors(self, anchors_A2: Tensor) -> None:
        """Give the proposal head its anchor shapes; a frozen proposer keeps its own."""
        if self.proposals is not None:
            self.proposals.anchors_A2.copy_(anchors_A2)

    def look(self, pixels_BHWC: Tensor, *, propose: bool = True) -> Looked:
        """Photographs (B, size, size, 3) to maps (B, C, H, W) and candidates; see `look.look`.

        In training mode photographs are seen one way only, since they are mirrored at random. Where a frozen
        network proposes and crops describe, the maps are that network's, and nothing uses them. Without
        `propose`, a frozen network does not look, and there are no candidates.
        """
        both_ways = self.cfg.both_ways and not self.training
        if self.proposer is None:
            assert self.proposals is not None
            return look(self.backbone, self.proposals, pixels_BHWC, both_ways=both_ways)

        found = self.proposer(pixels_BHWC) if propose else nothing_seen(pixels_BHWC)
        if not self.cfg.by_map:
            return found
        own = look(self.backbone, no_candidates, pixels_BHWC, both_ways=both_ways)
        return Looked(own.fine, own.coarse, found.logit_BN, found.box_BN4)

    def crops(self, pixels_BHWC: Tensor, box_BI4: Tensor) -> Tensor | None:
        """What the crops of boxes show, cut from photographs: (B, I, C); None if crops do not describe."""
        if not self.cfg.by_crops:
            return None
        size, context = self.crop_size, self.cfg.crop_context
        together = max(1, CROPS // box_BI4.shape[1])  # photographs whose crops are in memory at once
        parts = zip(torch.split(pixels_BHWC, together), torch.split(box_BI4, together), strict=True)
        return torch.cat([self.describe_crops(cut(pixels, box, size, context)) for pixels, box in parts])

    def describe_crops(self, crop_BISSC: Tensor) -> Tensor:
        """Crops (B, I, S, S, 3) in [0, 255] to the backbone's layer before the classifier (B, I, C)."""
        described = [self._pooled(chunk) for chunk in torch.split(crop_BISSC.flatten(0, 1), CROPS)]
        return torch.cat(described).reshape(*crop_BISSC.shape[:2], -1)

    def _pooled(self, crop_NSSC: Tensor) -> Tensor:
        """A chunk of crops. The backward pass computes them again: their inner maps would not fit."""
        if torch.is_grad_enabled() and any(p.requires_grad for p in self.backbone.parameters()):
            pooled_NC: Tensor = checkpoint(self.backbone.pooled, crop_NSSC, use_reentrant=False)
            return pooled_NC.float()
        return self.pooled(crop_NSSC)

    def pooled(self, crop_NSSC: Tensor) -> Tensor:
        """Crops (N, S, S, 3) to (N, C), without splitting them; with `both_ways`, mirrored ones as well."""
        pooled_NC = self.backbone.pooled(crop_NSSC)
        if self.cfg.both_ways and not self.training:
            pooled_NC = (pooled_NC + self.backbone.pooled(crop_NSSC.flip(2))) / 2
        return pooled_NC.float()

    def pool(self, maps: Maps | None, shown_BIC: Tensor | None, box_BI4: Tensor) -> Tensor:
        """Features (B, I, F) of boxes.

        They are the means of both maps in each box, what its crop shows (as far as the configuration asks for
        either), and the box itself.
        """
        parts: list[Tensor] = []
        if self.cfg.by_map:
            assert maps is not None
            fine_BCHW, coarse_BCHW = maps
            parts += [_mean_in_boxes(coarse_BCHW, box_BI4), _mean_in_boxes(fine_BCHW, box_BI4)]
        if self.cfg.by_crops:
            assert shown_BIC is not None
            parts.append(shown_BIC)
        area_BI1 = (box_BI4[..., 2:] - box_BI4[..., :2]).prod(-1, keepdim=True)
        return torch.cat([*parts, box_BI4, area_BI1], -1)

    def encode(self, maps: Maps | None, shown_BIC: Tensor | None, box_BI4: Tensor) -> tuple[Tensor, Tensor]:
        """Fine and coarse maps, what crops show, and boxes to features (B, I, F) and vectors v (B, I, D)."""
        feature_BIF = self.pool(maps, shown_BIC, box_BI4)
        return feature_BIF, self.regions(feature_BIF)


def _mean_in_boxes(map_BCHW: Tensor, box_BI4: Tensor) -> Tensor:
    """Mean of the map over each box, (B, I, C); a cell's weight is the share of the box that it fills.

    This is the exact integral of the map; RoIAlign (He et al., 2017) samples it. Two small matrix products
    are fast to train and equal in every runtime.
    """
    across_BIW = _shares(box_BI4[..., 0], box_BI4[..., 2], map_BCHW.shape[3])
    down_BIH = _shares(box_BI4[..., 1], box_BI4[..., 3], map_BCHW.shape[2])
    share_BIN = (down_BIH[..., :, None] * across_BIW[..., None, :]).flatten(2)
    return share_BIN @ map_BCHW.flatten(2).transpose(1, 2)


def _shares(low_BI: Tensor, high_BI: Tensor, cells: int) -> Tensor:
    """The share of each interval from low to high that lies in each of `cells` equal cells of [0, 1]."""
    edge_N = torch.arange(cells, device=low_BI.device, dtype=low_BI.dtype) / cells
    low_BI1, high_BI1 = low_BI[..., None], high_BI[..., None]
    inside_BIN = torch.minimum(high_BI1, edge_N + 1 / cells) - torch.maximum(low_BI1, edge_N)
    return inside_BIN.clamp(min=0) / (high_BI1 - low_BI1).clamp(min=1e-6)
