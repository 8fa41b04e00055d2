"""The proposal head: which boxes of a photograph would a person describe?

A dense detector without classes, like a region proposal network (Ren et al., 2015): a few anchors at each
place of the fine map, each with a score and four offsets. It learns from the boxes of phrases in the training
split, so figures measured with it are not weakly supervised.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.arrays import Doubles

MAX_OFFSET = 4.0
"""Bound of the logarithmic size offsets: a side is at most e^4 times its anchor's."""


class ProposalHead(nn.Module):
    """Scores and boxes of every anchor at every place of the fine map."""

    anchors_A2: Tensor

    def __init__(
        self, fine_channels: int, coarse_channels: int, anchors_A2: Tensor, width: int = 128
    ) -> None:
        super().__init__()
        self.register_buffer("anchors_A2", anchors_A2.float())
        self.fine = nn.Conv2d(fine_channels, width, 1)
        self.coarse = nn.Conv2d(coarse_channels, width, 1)
        self.frame = nn.Linear(coarse_channels, width)
        self.mix = nn.Sequential(
            nn.GroupNorm(8, width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(8, width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2, bias=False), nn.GroupNorm(8, width), nn.ReLU(),
        )  # fmt: skip
        self.out = nn.Conv2d(width, 5 * len(anchors_A2), 1)
        nn.init.normal_(self.out.weight, std=0.01)
        # Most anchors are on nothing: start with a score of 0.01.
        self.out.bias = nn.Parameter(torch.tensor([-4.6, 0, 0, 0, 0]).repeat(len(anchors_A2)))

    def forward(self, fine_BCHW: Tensor, coarse_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Maps to logits (B, N) and boxes (B, N, 4), N = places x anchors, boxes within the frame."""
        x_BCHW = self.fine(fine_BCHW)
        x_BCHW = x_BCHW + functional.interpolate(self.coarse(coarse_BCHW), x_BCHW.shape[-2:], mode="nearest")
        x_BCHW = x_BCHW + self.frame(coarse_BCHW.mean((2, 3)))[:, :, None, None]
        out_BN5 = self.out(self.mix(x_BCHW)).permute(0, 2, 3, 1).reshape(x_BCHW.shape[0], -1, 5).float()
        return out_BN5[..., 0], self.decode(out_BN5[..., 1:], x_BCHW.shape[-2], x_BCHW.shape[-1])

    def centred_anchors(self, height: int, width: int) -> Tensor:
        """All anchors as (N, 4) of centre x, centre y, width, height, in fractions of the frame."""
        y_H = (torch.arange(height, device=self.anchors_A2.device) + 0.5) / height
        x_W = (torch.arange(width, device=self.anchors_A2.device) + 0.5) / width
        place_HW2 = torch.stack(torch.meshgrid(x_W, y_H, indexing="xy"), -1)
        place_N2 = place_HW2[:, :, None].expand(-1, -1, len(self.anchors_A2), -1).reshape(-1, 2)
        return torch.cat([place_N2, self.anchors_A2.repeat(height * width, 1)], 1)

    def decode(self, offset_BN4: Tensor, height: int, width: int) -> Tensor:
        """Offsets relative to the anchors, to xyxy boxes clipped to the frame; every box has an area."""
        anchor_N4 = self.centred_anchors(height, width)
        centre_BN2 = (anchor_N4[:, :2] + offset_BN4[..., :2] * anchor_N4[:, 2:]).clamp(0, 1)
        half_BN2 = anchor_N4[:, 2:] * offset_BN4[..., 2:].clamp(-MAX_OFFSET, MAX_OFFSET).exp() / 2
        return torch.cat([centre_BN2 - half_BN2, centre_BN2 + half_BN2], -1).clamp(0, 1)


def cluster_shapes(shape_N2: Doubles, count: int, seed: int = 0, rounds: int = 30) -> Doubles:
    """Anchor shapes (count, 2): k-means over widths and heights, with 1 - IoU as the distance."""
    rng = np.random.default_rng(seed)
    centre_A2 = shape_N2[rng.choice(len(shape_N2), count, replace=len(shape_N2) < count)]
    for _ in range(rounds):
        # Each shape goes to the anchor with the highest IoU, and each anchor to the median of its shapes.
        shared_NA = np.minimum(shape_N2[:, None], centre_A2).prod(-1)
        iou_NA = shared_NA / (shape_N2.prod(-1)[:, None] + centre_A2.prod(-1) - shared_NA)
        nearest_N = iou_NA.argmax(1)
        centre_A2 = np.stack(
            [
                np.median(shape_N2[nearest_N == a], axis=0) if (nearest_N == a).any() else centre_A2[a]
                for a in range(count)
            ]
        )
    return centre_A2[np.argsort(centre_A2.prod(-1))]
