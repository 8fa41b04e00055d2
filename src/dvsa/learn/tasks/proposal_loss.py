"""The loss of the proposal head on the boxes of phrases."""

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou, generalized_box_iou_loss  # type: ignore[import-untyped]

from dvsa.learn.loop import processes
from dvsa.learn.nets.regions import paired_iou

NEAREST = 12
"""How many anchors learn each true box."""
CLOSE = 0.6
"""An anchor whose IoU with a true box is at least this is not a negative example."""


def proposal_loss(logit_BN: Tensor, box_BN4: Tensor, anchor_N4: Tensor, truth_BG5: Tensor) -> Tensor:
    """How far the proposal head is from the phrase boxes; a scalar.

    The anchors nearest to a true box learn 1 - GIoU. The target of their score is the IoU that the predicted
    box reaches (varifocal loss, Zhang et al., 2021), so that a score says how well a box fits. The weight of
    a box is the square root of its number of phrases.

    All anchors take part, those without a true box with the weight 0: to find the others, the host would wait
    for the GPU.

    Args:
        logit_BN: the head's scores, as logits.
        box_BN4: the head's boxes.
        anchor_N4: the anchors, as centre x, centre y, width, height.
        truth_BG5: the distinct true boxes of each photograph (xyxy) with their phrase counts; a count of 0 is
            padding.
    """
    # The true box that each anchor learns, and how often phrases mention it; 0 if it learns none.
    owner_BN, close_BN = assign(anchor_N4, truth_BG5)
    learns_BN = owner_BN >= 0
    truth_BN5 = truth_BG5.gather(1, owner_BN.clamp(min=0)[..., None].expand(-1, -1, 5))
    mention_BN = truth_BN5[..., 4].sqrt() * learns_BN
    true_BN4 = truth_BN5[..., :4]

    # How well its box fits, and whether its score says so.
    giou_BN = generalized_box_iou_loss(box_BN4, true_BN4, reduction="none")
    target_BN = paired_iou(box_BN4.detach(), true_BN4) * learns_BN
    doubt_BN = (0.75 * logit_BN.detach().sigmoid() ** 2).masked_fill(close_BN, 0)
    weight_BN = torch.where(learns_BN, mention_BN, doubt_BN)
    score_BN = functional.binary_cross_entropy_with_logits(logit_BN, target_BN, reduction="none")

    loss: Tensor = 2 * (mention_BN * giou_BN).sum() + (weight_BN * score_BN).sum()
    photographs = processes.count() * len(truth_BG5)
    return processes.own_part(loss, processes.total(mention_BN.sum()).clamp(min=photographs))


def assign(anchor_N4: Tensor, truth_BG5: Tensor) -> tuple[Tensor, Tensor]:
    """Which anchors learn which true box, (B, N): its index, or -1; and which are close to one, (B, N).

    Anchors are given as centre and size, true boxes as xyxy and phrase count; boxes with a count of 0 are
    padding. Each true box takes only its `NEAREST` anchors. A large box overlaps hundreds, which would
    otherwise fill all the best places with copies of it.
    """
    half_N2 = anchor_N4[:, 2:] / 2
    anchor_xyxy_N4 = torch.cat([anchor_N4[:, :2] - half_N2, anchor_N4[:, :2] + half_N2], 1)
    iou_NBG = box_iou(anchor_xyxy_N4, truth_BG5[..., :4].flatten(0, 1)).unflatten(1, truth_BG5.shape[:2])
    near_KBG = iou_NBG.topk(min(NEAREST, len(anchor_N4)), dim=0).indices
    near_NBG = torch.zeros_like(iou_NBG).scatter(0, near_KBG, 1.0)
    best_NB, owner_NB = (iou_NBG * near_NBG).masked_fill(truth_BG5[..., 4] == 0, 0).max(2)
    return owner_NB.masked_fill(best_NB == 0, -1).T, (iou_NBG.amax(2) >= CLOSE).T
