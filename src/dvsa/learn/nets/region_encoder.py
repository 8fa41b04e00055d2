"""From the features of regions to region vectors (paper, eq. 1)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.learn.nets.vision_config import ATTENTION_HEADS, GEOMETRY, VisionConfig


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
