"""The proposal head: which boxes of a photograph would a person speak of?

A dense detector without classes in the manner of a region proposal network (Ren et al., 2015): at each
place of the fine map a few anchors, each with a score and four offsets. It learns from the boxes of
phrases in the training split, so whatever is measured with it is not weakly supervised.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou, generalized_box_iou_loss, nms

from dvsa.records import FRAME

FloatArray = npt.NDArray[np.float64]

MAX_OFFSET = 4.0
"""Bound of the logarithmic size offsets: a box is at most e^4 times its anchor."""
NEAREST = 6
"""Anchors that every true box takes, however little they overlap it."""
PRE_NMS = 400
"""Candidates that go into NMS, best first."""


class ProposalHead(nn.Module):
    """Scores and boxes for every anchor at every place of the fine map."""

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
        nn.init.zeros_(self.out.bias)
        with torch.no_grad():  # most anchors are on nothing: start from a score of 1 in 100
            self.out.bias.view(-1, 5)[:, 0] = -4.6

    def forward(self, fine_BCHW: Tensor, coarse_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Maps to logits (B, N) and boxes (B, N, 4), N = places x anchors, boxes within the frame."""
        x_BCHW = self.fine(fine_BCHW)
        x_BCHW = x_BCHW + F.interpolate(self.coarse(coarse_BCHW), x_BCHW.shape[-2:], mode="nearest")
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
        """Offsets relative to the anchors to xyxy boxes clipped to the frame."""
        anchor_N4 = self.centred_anchors(height, width)
        centre_BN2 = anchor_N4[:, :2] + offset_BN4[..., :2] * anchor_N4[:, 2:]
        half_BN2 = anchor_N4[:, 2:] * offset_BN4[..., 2:].clamp(-MAX_OFFSET, MAX_OFFSET).exp() / 2
        return torch.cat([centre_BN2 - half_BN2, centre_BN2 + half_BN2], -1).clamp(0, 1)


def proposal_loss(logit_BN: Tensor, box_BN4: Tensor, anchor_N4: Tensor, truth: Sequence[Tensor]) -> Tensor:
    """How far the head is from the phrase boxes; a scalar.

    `truth[b]` is (G, 5): the distinct true boxes (xyxy) and how many phrases speak of each. An anchor belongs
    to the true box that it overlaps most when their IoU is at least 0.5, and each true box also takes its
    `NEAREST` anchors. Those learn 1 - GIoU; their score's target is the IoU that the predicted box reaches
    (varifocal loss, Zhang et al., 2021), so that a score says how well a box fits. Boxes that more phrases
    speak of weigh more.
    """
    half_N2 = anchor_N4[:, 2:] / 2
    anchor_xyxy_N4 = torch.cat([anchor_N4[:, :2] - half_N2, anchor_N4[:, :2] + half_N2], 1)
    target_BN = torch.zeros_like(logit_BN)
    weight_BN = 0.75 * logit_BN.detach().sigmoid() ** 2
    distance = total = logit_BN.new_zeros(())
    for b, truth_G5 in enumerate(truth):
        if not len(truth_G5):
            continue
        anchor_P, owner_P = assign(anchor_xyxy_N4, truth_G5[:, :4])
        true_P4, mention_P = truth_G5[owner_P, :4], truth_G5[owner_P, 4].sqrt()
        box_P4 = box_BN4[b, anchor_P]
        giou_P = generalized_box_iou_loss(box_P4, true_P4, reduction="none")
        distance = distance + (mention_P * giou_P).sum()
        target_BN[b, anchor_P] = paired_iou(box_P4.detach(), true_P4)
        weight_BN[b, anchor_P] = mention_P
        total = total + mention_P.sum()
    score_BN = F.binary_cross_entropy_with_logits(logit_BN, target_BN, reduction="none")
    return (2 * distance + (weight_BN * score_BN).sum()) / total.clamp(min=1)


def assign(anchor_N4: Tensor, true_G4: Tensor) -> tuple[Tensor, Tensor]:
    """Which anchors learn which true box: indices of anchors (P,) and of their true boxes (P,)."""
    iou_NG = box_iou(anchor_N4, true_G4)
    near_KG = iou_NG.topk(min(NEAREST, len(iou_NG)), dim=0).indices
    claimed_NG = torch.zeros_like(iou_NG).scatter(0, near_KG, 1.0)
    best_N, owner_N = (iou_NG + claimed_NG).max(1)
    anchor_P = (best_N >= 0.5).nonzero()[:, 0]
    return anchor_P, owner_N[anchor_P]


def paired_iou(a_N4: Tensor, b_N4: Tensor) -> Tensor:
    """IoU of a[n] with b[n], (N,)."""
    both_N2 = (torch.minimum(a_N4[:, 2:], b_N4[:, 2:]) - torch.maximum(a_N4[:, :2], b_N4[:, :2])).clamp(min=0)
    shared_N = both_N2.prod(1)
    area_N = (a_N4[:, 2:] - a_N4[:, :2]).prod(1) + (b_N4[:, 2:] - b_N4[:, :2]).prod(1)
    return shared_N / (area_N - shared_N).clamp(min=1e-9)


def best_boxes(logit_BN: Tensor, box_BN4: Tensor, keep: int, threshold: float) -> Tensor:
    """The `keep` best boxes of each photograph after NMS, and the frame as the last: (B, keep + 1, 4).

    The torch twin of what `dvsa.model` does with numpy: where NMS leaves too few, the best of those that it
    dropped fill up, so that every photograph has the same number of regions.
    """
    rows = []
    for logit_N, box_N4 in zip(logit_BN, box_BN4, strict=True):
        logit_C, top_C = logit_N.topk(min(PRE_NMS, len(logit_N)))
        box_C4 = box_N4[top_C]
        kept = nms(box_C4, logit_C, threshold)
        dropped_C = torch.ones_like(logit_C, dtype=torch.bool)
        dropped_C[kept] = False
        order = torch.cat([kept, dropped_C.nonzero()[:, 0]])[:keep]
        rows.append(torch.cat([box_C4[order], box_N4.new_tensor([FRAME])]))
    return torch.stack(rows)


def cluster_shapes(shape_N2: FloatArray, count: int, seed: int = 0, rounds: int = 30) -> FloatArray:
    """Anchor shapes (count, 2): k-means over widths and heights, with 1 - IoU as the distance."""
    rng = np.random.default_rng(seed)
    centre_A2 = shape_N2[rng.choice(len(shape_N2), count, replace=len(shape_N2) < count)]
    for _ in range(rounds):
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
