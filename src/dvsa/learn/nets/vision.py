"""From pixels to regions and region vectors (paper, section 3.1.1)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.learn.nets.backbone import BACKBONES
from dvsa.learn.nets.proposals import ProposalHead

GEOMETRY = 5
"""Numbers that describe a box in its features: x0, y0, x1, y1, area."""
ATTENTION_HEADS = 4
"""Attention heads of a context layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """Sizes and options of the photograph's side of the model."""

    backbone: str = "efficientnet_lite2"
    embedding: int = 256
    """D, the size of the vectors of regions and words (h in the paper)."""
    anchors: int = 12
    proposal_width: int = 128
    """Channels of the proposal head."""
    context_layers: int = 0
    """Self-attention layers between regions; 0 is the paper's affine map."""
    normalise: bool = False
    """Whether region vectors are scaled to length 1; not in the paper."""
    geometry: bool = False
    """Whether a region's vector depends on the place of the region; not in the paper."""
    standardise: bool = False
    """Whether features are standardised over the training regions before the affine map."""
    both_ways: bool = False
    """Whether the mirror image is used too, except in training with the backbone in the loop."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise ValueError(
                f"unknown backbone {self.backbone!r}: choose from {', '.join(sorted(BACKBONES))}"
            )
        if min(self.embedding, self.anchors) < 1 or self.context_layers < 0 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be positive and dropout in [0, 1): {self}")
        if self.context_layers and self.embedding % ATTENTION_HEADS:
            raise ValueError(
                f"with context layers the embedding must be a multiple of {ATTENTION_HEADS}: {self}"
            )

    @property
    def of_boxes(self) -> tuple[str, int, int]:
        """The options on which the proposed boxes depend."""
        return self.backbone, self.anchors, self.proposal_width


class Looked(NamedTuple):
    """The output of backbone and proposal head for a batch of photographs."""

    fine: Tensor
    coarse: Tensor
    logit_BN: Tensor
    """Scores of the candidates."""
    box_BN4: Tensor
    """The candidate boxes, within the frame."""


class Vision(nn.Module):
    """Backbone, proposal head and region encoder.

    It works in two steps. `look` finds candidate boxes, the caller chooses some of them (or brings others),
    and `encode` describes those.
    """

    def __init__(self, cfg: VisionConfig, anchors_A2: Tensor | None = None, pretrained: bool = True) -> None:
        super().__init__()
        self.cfg = cfg
        self.backbone = BACKBONES[cfg.backbone](pretrained)
        fine, coarse = self.backbone.fine_channels, self.backbone.coarse_channels
        anchors_A2 = torch.full((cfg.anchors, 2), 0.5) if anchors_A2 is None else anchors_A2
        self.proposals = ProposalHead(fine, coarse, anchors_A2, cfg.proposal_width)
        self.features = coarse + fine + GEOMETRY
        self.regions = RegionEncoder(cfg, self.features)

    @property
    def size(self) -> int:
        """Side of the square input, in pixels."""
        return self.backbone.size

    def look(self, pixels_BHWC: Tensor) -> Looked:
        """uint8 photographs (B, size, size, 3) to maps (B, C, H, W) and candidates in single precision.

        With `both_ways`, the maps are the mean over the photograph and its mirror image (flipped back), and
        both propose candidates. Not in training mode, where the photographs are mirrored at random.
        """
        looked = self._look_once(pixels_BHWC)
        if self.training or not self.cfg.both_ways:
            return looked
        other = self._look_once(pixels_BHWC.flip(2))
        x0_BN, y0_BN, x1_BN, y1_BN = other.box_BN4.unbind(-1)
        return Looked(
            (looked.fine + other.fine.flip(3)) / 2,
            (looked.coarse + other.coarse.flip(3)) / 2,
            torch.cat([looked.logit_BN, other.logit_BN], 1),
            torch.cat([looked.box_BN4, torch.stack([1 - x1_BN, y0_BN, 1 - x0_BN, y1_BN], -1)], 1),
        )

    def _look_once(self, pixels_BHWC: Tensor) -> Looked:
        fine_BCHW, coarse_BCHW = (x.float() for x in self.backbone(pixels_BHWC))
        return Looked(fine_BCHW, coarse_BCHW, *self.proposals(fine_BCHW, coarse_BCHW))

    def pool(self, fine_BCHW: Tensor, coarse_BCHW: Tensor, box_BI4: Tensor) -> Tensor:
        """Maps and boxes to features (B, I, F): the means of both maps in each box, and the box itself."""
        parts = [_mean_in_boxes(coarse_BCHW, box_BI4), _mean_in_boxes(fine_BCHW, box_BI4)]
        area_BI1 = (box_BI4[..., 2:] - box_BI4[..., :2]).prod(-1, keepdim=True)
        return torch.cat([*parts, box_BI4, area_BI1], -1)

    def encode(self, fine_BCHW: Tensor, coarse_BCHW: Tensor, box_BI4: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and boxes to features (B, I, F) and region vectors v (B, I, D)."""
        feature_BIF = self.pool(fine_BCHW, coarse_BCHW, box_BI4)
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


class RegionEncoder(nn.Module):
    """v_i = W_m f_i + b_m (paper, eq. 1), optionally with context and unit length."""

    def __init__(self, cfg: VisionConfig, features: int) -> None:
        super().__init__()
        self.cfg = cfg
        seen = features if cfg.geometry else features - GEOMETRY
        self.standard = Standardise(seen) if cfg.standardise else nn.Identity()
        self.affine = nn.Linear(seen, cfg.embedding)
        if cfg.standardise:  # start with scores near 0: with large ones, max-margin kills the words' ReLUs
            nn.init.normal_(self.affine.weight, std=5e-4)
            nn.init.zeros_(self.affine.bias)
        self.dropout = nn.Dropout(cfg.dropout)
        self.context = nn.ModuleList(ContextLayer(cfg) for _ in range(cfg.context_layers))

    def forward(self, feature_BIF: Tensor) -> Tensor:
        seen_BIF = feature_BIF if self.cfg.geometry else feature_BIF[..., :-GEOMETRY]
        v_BID = self.affine(self.dropout(self.standard(seen_BIF)))
        for layer in self.context:
            v_BID = layer(v_BID)
        return functional.normalize(v_BID, dim=-1) if self.cfg.normalise else v_BID


class Standardise(nn.Module):
    """Scales each feature to mean 0 and spread 1 over measured data; the identity before `measure`."""

    mean_F: Tensor
    spread_F: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(features))
        self.register_buffer("spread_F", torch.ones(features))

    def forward(self, x_NF: Tensor) -> Tensor:
        return (x_NF - self.mean_F) / self.spread_F

    @torch.no_grad()
    def measure(self, x_NF: Tensor) -> None:
        """Measure mean and spread of features (..., F or more); only the first F are used.

        A second call changes nothing, since the weights behind were trained with the first result.
        """
        if self.mean_F.any():
            return
        seen_NF = x_NF[..., : len(self.mean_F)].flatten(0, -2).float()
        self.mean_F.copy_(seen_NF.mean(0))
        self.spread_F.copy_(seen_NF.std(0).clamp(min=1e-3))


class ContextLayer(nn.Module):
    """Self-attention between regions, then two affine maps; each after a norm, and added to its input.

    It equals `nn.TransformerEncoderLayer` with `norm_first`, names of weights included. But that one exports
    to ONNX for one number of regions only.
    """

    def __init__(self, cfg: VisionConfig) -> None:
        super().__init__()
        width = cfg.embedding
        self.self_attn = nn.MultiheadAttention(width, ATTENTION_HEADS)
        self.linear1, self.linear2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(cfg.dropout)

    def forward(self, v_BID: Tensor) -> Tensor:
        v_BID = v_BID + self.dropout(self._attend(self.norm1(v_BID)))
        inner_BIX = self.dropout(torch.relu(self.linear1(self.norm2(v_BID))))
        after_BID: Tensor = v_BID + self.dropout(self.linear2(inner_BIX))
        return after_BID

    def _attend(self, x_BID: Tensor) -> Tensor:
        batch, regions, width = x_BID.shape
        together = functional.linear(x_BID, self.self_attn.in_proj_weight, self.self_attn.in_proj_bias)
        split = together.reshape(batch, regions, 3, ATTENTION_HEADS, width // ATTENTION_HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        dropout = self.dropout.p if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        attended_BID: Tensor = self.self_attn.out_proj(seen.transpose(1, 2).reshape(batch, regions, width))
        return attended_BID
