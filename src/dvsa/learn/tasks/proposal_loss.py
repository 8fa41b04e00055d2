"""The loss of the proposal head on the boxes of phrases."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import box_iou, generalized_box_iou_loss  # type: ignore[import-untyped]

from dvsa.learn.nets.regions import paired_iou

NEAREST = 12
"""How many anchors learn each true box."""
CLOSE = 0.6
"""An anchor whose IoU with a true box is at least this is not a negative example."""


def proposal_loss(logit_BN: Tensor, box_BN4: Tensor, anchor_N4: Tensor, truth: Sequence[Tensor]) -> Tensor:
    """How far the proposal head is from the phrase boxes; a scalar.

    The anchors nearest to a true box learn 1 - GIoU. The target of their score is the IoU that the predicted
    box reaches (varifocal loss, Zhang et al., 2021), so that a score says how well a box fits. The weight of
    a box is the square root of its number of phrases.

    Args:
        logit_BN: the head's scores, as logits.
        box_BN4: the head's boxes.
        anchor_N4: the anchors, as centre x, centre y, width, height.
        truth: for each photograph (G, 5): the distinct true boxes (xyxy) and their phrase counts.
    """
    # The last row, dropped again, keeps room for one box in a batch without any true box.
    truth_BG5 = pad_sequence([*truth, torch.zeros(1, 5)], batch_first=True)[:-1].to(logit_BN.device)
    owner_BN, close_BN = assign(anchor_N4, truth_BG5)

    # The P anchors that learn a true box: how well they fit it.
    photo_P, anchor_P = (owner_BN >= 0).nonzero(as_tuple=True)
    truth_P5 = truth_BG5[photo_P, owner_BN[photo_P, anchor_P]]
    mention_P, box_P4 = truth_P5[:, 4].sqrt(), box_BN4[photo_P, anchor_P]
    giou_P = generalized_box_iou_loss(box_P4, truth_P5[:, :4], reduction="none")

    # All anchors: whether their scores say so.
    target_BN = torch.zeros_like(logit_BN)
    target_BN[photo_P, anchor_P] = paired_iou(box_P4.detach(), truth_P5[:, :4])
    weight_BN = (0.75 * logit_BN.detach().sigmoid() ** 2).masked_fill(close_BN, 0)
    weight_BN[photo_P, anchor_P] = mention_P
    score_BN = functional.binary_cross_entropy_with_logits(logit_BN, target_BN, reduction="none")

    loss: Tensor = 2 * (mention_P * giou_P).sum() + (weight_BN * score_BN).sum()
    return loss / mention_P.sum().clamp(min=len(truth))


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
