"""Which candidate boxes become the regions of a batch of photographs: the torch twin of `dvsa.regions`."""

import numpy as np
import torch
from torch import Tensor

from dvsa import boxes
from dvsa.records import FRAME
from dvsa.regions import CANDIDATES, PRE_NMS, REACHED, TOUCHED


@torch.no_grad()
def choose_boxes(logit_BN: Tensor, box_BN4: Tensor, proposer: str, nms: float) -> Tensor:
    """The regions of a batch of photographs, the frame last, (B, I, 4); see `choose`."""
    return choose(logit_BN, box_BN4, proposer, nms)[0]


@torch.no_grad()
def choose(logit_BN: Tensor, box_BN4: Tensor, proposer: str, nms: float) -> tuple[Tensor, Tensor]:
    """The regions of a batch of photographs, the frame last: boxes (B, I, 4), and scores (B, I) in [0, 1].

    Args:
        logit_BN: scores of the candidates, as logits.
        box_BN4: the candidates.
        proposer: `head` for the best candidates after NMS, `coverage` for those that together cover most,
            `grid` for fixed boxes, `frame` for the whole photograph alone.
        nms: IoU above which NMS drops a candidate.
    """
    if proposer not in ("head", "coverage"):  # it looks at no candidates
        fixed = np.vstack([boxes.grid(), [FRAME]] if proposer == "grid" else [FRAME])
        fixed_I4 = torch.as_tensor(fixed, dtype=box_BN4.dtype).to(box_BN4.device, non_blocking=True)
        return fixed_I4.expand(len(logit_BN), -1, -1), logit_BN.new_ones(len(logit_BN), len(fixed))

    if proposer == "head":
        chosen_BP = best_boxes(logit_BN, box_BN4, boxes.PROPOSALS, nms)
    else:
        chosen_BP = covering_boxes(logit_BN, box_BN4, boxes.PROPOSALS)
    box_BP4, score_BP = _rows(box_BN4, chosen_BP), logit_BN.sigmoid().gather(1, chosen_BP)
    box_BI4 = torch.cat([box_BP4, _frames(box_BN4)], 1)
    return box_BI4, torch.cat([score_BP, score_BP.new_ones(len(score_BP), 1)], 1)


def best_boxes(logit_BN: Tensor, box_BN4: Tensor, keep: int, threshold: float) -> Tensor:
    """Indices of the `keep` best boxes of each photograph after NMS, (B, keep).

    If NMS leaves fewer, the best of the dropped boxes fill up, so all photographs have the same number.
    """
    top_BC = logit_BN.topk(min(PRE_NMS, logit_BN.shape[1])).indices
    box_BC4 = _rows(box_BN4, top_BC)

    # Greedy NMS of all photographs at once. Where all boxes are dropped, argmin gives the first again.
    kept_BC = torch.zeros_like(top_BC, dtype=torch.bool)
    gone_BC = kept_BC.clone()
    each_B = torch.arange(len(top_BC), device=top_BC.device)
    for _ in range(keep):
        best_B = gone_BC.byte().argmin(1)
        kept_BC[each_B, best_B] = True
        gone_BC |= paired_iou(box_BC4[each_B, best_B][:, None], box_BC4) > threshold
        gone_BC[each_B, best_B] = True

    # The kept boxes first, then the best of the others.
    order_BP = kept_BC.byte().sort(dim=1, descending=True, stable=True).indices[:, :keep]
    return top_BC.gather(1, order_BP)


def covering_boxes(logit_BN: Tensor, box_BN4: Tensor, keep: int) -> Tensor:
    """Indices of the boxes of each photograph that `dvsa.regions.cover` chooses, (B, keep)."""
    score_BC, top_BC = logit_BN.sigmoid().topk(min(CANDIDATES, logit_BN.shape[1]))
    box_BC4 = _rows(box_BN4, top_BC)

    # How well each candidate that may be chosen covers every candidate; the frame is chosen already.
    covers_BRC = _covers(paired_iou(box_BC4[:, ::2, None], box_BC4[:, None]))
    covered_BC = _covers(paired_iou(_frames(box_BC4), box_BC4))

    # Each step takes the candidate that adds most expected coverage.
    shut_BR = torch.zeros(covers_BRC.shape[:2], dtype=torch.bool, device=box_BC4.device)
    each_B, chosen = torch.arange(len(box_BC4), device=box_BC4.device), []
    for _ in range(keep):
        gain_BR = (torch.maximum(covers_BRC, covered_BC[:, None]) @ score_BC[..., None])[..., 0]
        best_B = gain_BR.masked_fill(shut_BR, -1).argmax(1)
        chosen.append(2 * best_B)
        shut_BR[each_B, best_B] = True
        covered_BC = torch.maximum(covered_BC, covers_BRC[each_B, best_B])
    return top_BC.gather(1, torch.stack(chosen, 1))


def paired_iou(a_N4: Tensor, b_N4: Tensor) -> Tensor:
    """IoU of a[..., n] with b[..., n], (..., N)."""
    ax0_N, ay0_N, ax1_N, ay1_N = a_N4.unbind(-1)
    bx0_N, by0_N, bx1_N, by1_N = b_N4.unbind(-1)
    width_N = (torch.minimum(ax1_N, bx1_N) - torch.maximum(ax0_N, bx0_N)).clamp(min=0)
    height_N = (torch.minimum(ay1_N, by1_N) - torch.maximum(ay0_N, by0_N)).clamp(min=0)
    shared_N = width_N * height_N
    area_N = (ax1_N - ax0_N) * (ay1_N - ay0_N) + (bx1_N - bx0_N) * (by1_N - by0_N)
    return shared_N / (area_N - shared_N).clamp(min=1e-9)


def _rows(box_BN4: Tensor, index_BC: Tensor) -> Tensor:
    """The boxes with some indices, (B, C, 4)."""
    return box_BN4.gather(1, index_BC[..., None].expand(-1, -1, 4))


def _frames(box_BC4: Tensor) -> Tensor:
    """The whole frame of each photograph, (B, 1, 4)."""
    frame_14 = torch.tensor([FRAME], dtype=box_BC4.dtype).to(box_BC4.device, non_blocking=True)
    return frame_14.expand(len(box_BC4), 1, 4)


def _covers(iou_N: Tensor) -> Tensor:
    return ((iou_N - TOUCHED) / (REACHED - TOUCHED)).clamp(0, 1)
