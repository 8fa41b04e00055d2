"""From pixels to regions and region vectors (paper, section 3.1.1)."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.learn.nets.backbone import BACKBONES
from dvsa.learn.nets.proposals import ProposalHead

GEOMETRY = 5
"""Numbers that describe a box beside what is seen in it: x0, y0, x1, y1, area."""
HEADS = 4
"""Attention heads of a context layer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """Sizes of the photograph's side of the model."""

    backbone: str = "efficientnet_lite2"
    embedding: int = 256
    """D, the width of the space where regions and words meet (h of the paper)."""
    anchors: int = 12
    proposal_width: int = 128
    """Channels of the proposal head."""
    context_layers: int = 0
    """Self-attention layers in which regions see one another; 0 is the paper's affine map."""
    normalise: bool = False
    """Whether region vectors have length 1; the paper leaves them as they come."""
    geometry: bool = False
    """Whether a region's vector knows where the region lies; the paper's does not."""
    standardise: bool = False
    """Whether features are brought to mean 0 and spread 1 over the training regions before the affine map."""
    both_ways: bool = False
    """Whether a photograph is also looked at in its mirror image, in use and in cached features."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES:
            raise ValueError(f"no backbone {self.backbone!r}; there are {', '.join(sorted(BACKBONES))}")
        if min(self.embedding, self.anchors) < 1 or self.context_layers < 0 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be positive and dropout in [0, 1): {self}")
        if self.context_layers and self.embedding % HEADS:
            raise ValueError(f"with context layers the embedding must be a multiple of {HEADS}: {self}")

    @property
    def of_boxes(self) -> tuple[str, int, int]:
        """What of this the networks that propose boxes depend on."""
        return self.backbone, self.anchors, self.proposal_width


class Looked(NamedTuple):
    """What trunk and proposal head make of a batch of photographs."""

    fine: Tensor
    coarse: Tensor
    logit_BN: Tensor
    """Of the candidates."""
    box_BN4: Tensor
    """The candidates, within the frame."""


class Vision(nn.Module):
    """Trunk, proposal head and region encoder.

    Two steps, because between them stands a choice that is not the network's: `look` finds candidate boxes,
    the caller picks some (or brings others), `encode` describes them.
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
        """Side of the square photographs that it takes, in pixels."""
        return self.backbone.size

    def look(self, pixels_BHWC: Tensor) -> Looked:
        """uint8 photographs (B, size, size, 3) to maps (B, C, H, W) and candidates in single precision.

        Both ways, the maps are the mean of those of the photograph and of its mirror image, turned back, and
        both propose candidates. In training mode one look is enough: there the photographs themselves are
        mirrored.
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
        """Maps and boxes to features (B, I, F): what is in each box, coarse and fine, and where it lies."""
        parts = [_mean_in_boxes(coarse_BCHW, box_BI4), _mean_in_boxes(fine_BCHW, box_BI4)]
        area_BI1 = (box_BI4[..., 2:] - box_BI4[..., :2]).prod(-1, keepdim=True)
        return torch.cat([*parts, box_BI4, area_BI1], -1)

    def encode(self, fine_BCHW: Tensor, coarse_BCHW: Tensor, box_BI4: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and boxes to features (B, I, F) and region vectors v (B, I, D)."""
        feature_BIF = self.pool(fine_BCHW, coarse_BCHW, box_BI4)
        return feature_BIF, self.regions(feature_BIF)


def _mean_in_boxes(map_BCHW: Tensor, box_BI4: Tensor) -> Tensor:
    """Mean of the map over each box, (B, I, C): each cell counts by the share of the box that it fills.

    The exact integral of the map, where RoIAlign (He et al., 2017) takes samples of it; and two small matrix
    products, so it trains fast and means the same in every runtime.
    """
    across_BIW = _shares(box_BI4[..., 0], box_BI4[..., 2], map_BCHW.shape[3])
    down_BIH = _shares(box_BI4[..., 1], box_BI4[..., 3], map_BCHW.shape[2])
    share_BIN = (down_BIH[..., :, None] * across_BIW[..., None, :]).flatten(2)
    return share_BIN @ map_BCHW.flatten(2).transpose(1, 2)


def _shares(low_BI: Tensor, high_BI: Tensor, cells: int) -> Tensor:
    """How much of each stretch from low to high lies in each of `cells` equal cells of [0, 1], in shares."""
    edge_N = torch.arange(cells, device=low_BI.device, dtype=low_BI.dtype) / cells
    low_BI1, high_BI1 = low_BI[..., None], high_BI[..., None]
    inside_BIN = torch.minimum(high_BI1, edge_N + 1 / cells) - torch.maximum(low_BI1, edge_N)
    return inside_BIN.clamp(min=0) / (high_BI1 - low_BI1).clamp(min=1e-6)


class RegionEncoder(nn.Module):
    """v_i = W_m f_i + b_m (paper, eq. 1), with context and unit length where the configuration says so."""

    def __init__(self, cfg: VisionConfig, features: int) -> None:
        super().__init__()
        self.cfg = cfg
        seen = features if cfg.geometry else features - GEOMETRY
        self.standard = Standardise(seen) if cfg.standardise else nn.Identity()
        self.affine = nn.Linear(seen, cfg.embedding)
        if cfg.standardise:  # first scores near 0: far from there max-margin kills the ReLUs of the words
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
    """Brings each feature to mean 0 and spread 1 over what it has measured; leaves all alone before that."""

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
        """Take mean and spread from features (..., F); of more features, the first F count.

        Once measured they stay: the weights behind them have learnt with these.
        """
        if self.mean_F.any():
            return
        seen_NF = x_NF[..., : len(self.mean_F)].flatten(0, -2).float()
        self.mean_F.copy_(seen_NF.mean(0))
        self.spread_F.copy_(seen_NF.std(0).clamp(min=1e-3))


class ContextLayer(nn.Module):
    """Regions see one another: self-attention, then two affine maps, each after a norm, added to its input.

    This is `nn.TransformerEncoderLayer` with `norm_first` and its names of weights; but that one goes into an
    ONNX graph for one number of regions only.
    """

    def __init__(self, cfg: VisionConfig) -> None:
        super().__init__()
        width = cfg.embedding
        self.self_attn = nn.MultiheadAttention(width, HEADS)
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
        query, key, value = together.reshape(batch, regions, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        dropout = self.dropout.p if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        attended_BID: Tensor = self.self_attn.out_proj(seen.transpose(1, 2).reshape(batch, regions, width))
        return attended_BID
