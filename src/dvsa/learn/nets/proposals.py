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
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import box_iou, generalized_box_iou_loss  # type: ignore[import-untyped]

from dvsa.records import FRAME
from dvsa.regions import CANDIDATES, PRE_NMS, REACHED, TOUCHED

FloatArray = npt.NDArray[np.float64]

MAX_OFFSET = 4.0
"""Bound of the logarithmic size offsets: a box is at most e^4 times its anchor."""
NEAREST = 12
"""Anchors that learn each true box."""
CLOSE = 0.6
"""IoU with a true box from which an anchor that does not learn it is not called wrong either."""


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
        # most anchors are on nothing: start from a score of 1 in 100
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
        """Offsets relative to the anchors to xyxy boxes clipped to the frame, none without area."""
        anchor_N4 = self.centred_anchors(height, width)
        centre_BN2 = (anchor_N4[:, :2] + offset_BN4[..., :2] * anchor_N4[:, 2:]).clamp(0, 1)
        half_BN2 = anchor_N4[:, 2:] * offset_BN4[..., 2:].clamp(-MAX_OFFSET, MAX_OFFSET).exp() / 2
        return torch.cat([centre_BN2 - half_BN2, centre_BN2 + half_BN2], -1).clamp(0, 1)


def proposal_loss(logit_BN: Tensor, box_BN4: Tensor, anchor_N4: Tensor, truth: Sequence[Tensor]) -> Tensor:
    """How far the head is from the phrase boxes; a scalar.

    `truth[b]` is (G, 5): the distinct true boxes (xyxy) and how many phrases speak of each. The anchors
    nearest to a true box learn 1 - GIoU; their score's target is the IoU that the predicted box reaches
    (varifocal loss, Zhang et al., 2021), so that a score says how well a box fits. Boxes that more phrases
    speak of weigh more.
    """
    # the last row, which is dropped again, keeps one place where no photograph has a true box
    truth_BG5 = pad_sequence([*truth, torch.zeros(1, 5)], batch_first=True)[:-1].to(logit_BN.device)
    owner_BN, close_BN = assign(anchor_N4, truth_BG5)
    photo_P, anchor_P = (owner_BN >= 0).nonzero(as_tuple=True)
    truth_P5 = truth_BG5[photo_P, owner_BN[photo_P, anchor_P]]
    mention_P, box_P4 = truth_P5[:, 4].sqrt(), box_BN4[photo_P, anchor_P]
    giou_P = generalized_box_iou_loss(box_P4, truth_P5[:, :4], reduction="none")
    target_BN = torch.zeros_like(logit_BN)
    target_BN[photo_P, anchor_P] = paired_iou(box_P4.detach(), truth_P5[:, :4])
    weight_BN = (0.75 * logit_BN.detach().sigmoid() ** 2).masked_fill(close_BN, 0)
    weight_BN[photo_P, anchor_P] = mention_P
    score_BN = functional.binary_cross_entropy_with_logits(logit_BN, target_BN, reduction="none")
    loss: Tensor = 2 * (mention_P * giou_P).sum() + (weight_BN * score_BN).sum()
    return loss / mention_P.sum().clamp(min=len(truth))


def assign(anchor_N4: Tensor, truth_BG5: Tensor) -> tuple[Tensor, Tensor]:
    """Which anchors learn which true box, (B, N): its index, or -1; and which are too close to be wrong.

    Anchors are given by centre and size, true boxes as xyxy and number of phrases; those of no phrase are
    pads. Each true box takes the `NEAREST` anchors and no more: a large one overlaps hundreds, which would
    fill all the best places with copies of it.
    """
    half_N2 = anchor_N4[:, 2:] / 2
    anchor_xyxy_N4 = torch.cat([anchor_N4[:, :2] - half_N2, anchor_N4[:, :2] + half_N2], 1)
    iou_NBG = box_iou(anchor_xyxy_N4, truth_BG5[..., :4].flatten(0, 1)).unflatten(1, truth_BG5.shape[:2])
    near_KBG = iou_NBG.topk(min(NEAREST, len(anchor_N4)), dim=0).indices
    near_NBG = torch.zeros_like(iou_NBG).scatter(0, near_KBG, 1.0)
    best_NB, owner_NB = (iou_NBG * near_NBG).masked_fill(truth_BG5[..., 4] == 0, 0).max(2)
    return owner_NB.masked_fill(best_NB == 0, -1).T, (iou_NBG.amax(2) >= CLOSE).T


def paired_iou(a_N4: Tensor, b_N4: Tensor) -> Tensor:
    """IoU of a[..., n] with b[..., n], (..., N)."""
    low_N2, high_N2 = torch.maximum(a_N4[..., :2], b_N4[..., :2]), torch.minimum(a_N4[..., 2:], b_N4[..., 2:])
    shared_N = (high_N2 - low_N2).clamp(min=0).prod(-1)
    area_N = (a_N4[..., 2:] - a_N4[..., :2]).prod(-1) + (b_N4[..., 2:] - b_N4[..., :2]).prod(-1)
    return shared_N / (area_N - shared_N).clamp(min=1e-9)


def best_boxes(logit_BN: Tensor, box_BN4: Tensor, keep: int, threshold: float) -> Tensor:
    """The `keep` best boxes of each photograph after NMS, and the frame as the last: (B, keep + 1, 4).

    The torch twin of what `dvsa.model` does with numpy: where NMS leaves too few, the best of those that it
    dropped fill up, so that every photograph has the same number of regions.
    """
    top_BC = logit_BN.topk(min(PRE_NMS, logit_BN.shape[1])).indices
    box_BC4 = box_BN4.gather(1, top_BC[..., None].expand(-1, -1, 4))
    kept_BC = torch.zeros_like(top_BC, dtype=torch.bool)
    gone_BC = kept_BC.clone()
    each_B = torch.arange(len(top_BC), device=top_BC.device)
    for _ in range(keep):  # greedy NMS of all photographs at once; where all boxes are gone, the first again
        best_B = gone_BC.byte().argmin(1)
        kept_BC[each_B, best_B] = True
        gone_BC |= paired_iou(box_BC4[each_B, best_B][:, None], box_BC4) > threshold
        gone_BC[each_B, best_B] = True
    order_BI = kept_BC.byte().sort(dim=1, descending=True, stable=True).indices[:, :keep]
    chosen_BI4 = box_BC4.gather(1, order_BI[..., None].expand(-1, -1, 4))
    frame_B14 = box_BC4.new_tensor([FRAME]).expand(len(box_BC4), 1, 4)
    return torch.cat([chosen_BI4, frame_B14], 1)


def covering_boxes(logit_BN: Tensor, box_BN4: Tensor, keep: int) -> Tensor:
    """The boxes of each photograph that `dvsa.regions.cover` chooses, and the frame: (B, keep + 1, 4).

    Its torch twin for a batch.
    """
    score_BC, top_BC = logit_BN.sigmoid().topk(min(CANDIDATES, logit_BN.shape[1]))
    box_BC4 = box_BN4.gather(1, top_BC[..., None].expand(-1, -1, 4))
    frame_B14 = box_BC4.new_tensor([FRAME]).expand(len(box_BC4), 1, 4)
    covers_BRC = _covers(paired_iou(box_BC4[:, ::2, None], box_BC4[:, None]))
    covered_BC = _covers(paired_iou(frame_B14, box_BC4))
    shut_BR = torch.zeros(covers_BRC.shape[:2], dtype=torch.bool, device=box_BC4.device)
    each_B, chosen = torch.arange(len(box_BC4), device=box_BC4.device), []
    for _ in range(keep):
        gain_BR = (torch.maximum(covers_BRC, covered_BC[:, None]) @ score_BC[..., None])[..., 0]
        best_B = gain_BR.masked_fill(shut_BR, -1).argmax(1)
        chosen.append(box_BC4[each_B, 2 * best_B])
        shut_BR[each_B, best_B] = True
        covered_BC = torch.maximum(covered_BC, covers_BRC[each_B, best_B])
    return torch.cat([torch.stack(chosen, 1), frame_B14], 1)


def _covers(iou_N: Tensor) -> Tensor:
    return ((iou_N - TOUCHED) / (REACHED - TOUCHED)).clamp(0, 1)


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
