"""The loss of the proposal head against literal loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import (  # type: ignore[import-untyped]
    box_convert,
    box_iou,
    generalized_box_iou_loss,
)

from dvsa.learn.tasks.proposal_loss import CLOSE, NEAREST, assign, proposal_loss

seeds = st.integers(0, 10_000)


def draw_boxes(*shape: int) -> Tensor:
    """Random boxes within the frame, xyxy."""
    low, size = 0.8 * torch.rand(*shape, 2), 0.05 + 0.5 * torch.rand(*shape, 2)
    return torch.cat([low, (low + size).clamp(max=1)], -1)


def truths(counts: list[int]) -> list[Tensor]:
    """For each photograph, `counts` of true boxes, each with a number of phrases."""
    return [torch.cat([draw_boxes(n), torch.randint(1, 6, (n, 1)).float()], 1) for n in counts]


def padded(truth: list[Tensor]) -> Tensor:
    """The true boxes of all photographs, (B, 5, 5)."""
    return pad_sequence([*truth, torch.zeros(5, 5)], batch_first=True)[:-1]


@given(seeds, st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_assign_equals_a_literal_loop(seed: int, counts: list[int]) -> None:
    torch.manual_seed(seed)
    anchor_N4, truth = box_convert(draw_boxes(60), "xyxy", "cxcywh"), truths(counts)
    owner_BN, close_BN = assign(anchor_N4, padded(truth))
    for b, truth_G5 in enumerate(truth):
        iou_NG = box_iou(box_convert(anchor_N4, "cxcywh", "xyxy"), truth_G5[:, :4])
        for n in range(60):
            mine = [g for g in range(len(truth_G5)) if (iou_NG[:, g] > iou_NG[n, g]).sum() < NEAREST]
            offers = [(iou_NG[n, g].item(), g) for g in mine if iou_NG[n, g] > 0]
            assert owner_BN[b, n] == (max(offers)[1] if offers else -1)
            assert close_BN[b, n] == any(iou_NG[n, g] >= CLOSE for g in range(len(truth_G5)))


@given(seeds, st.lists(st.integers(0, 3), min_size=2, max_size=3))
def test_the_loss_equals_a_literal_loop(seed: int, counts: list[int]) -> None:
    torch.manual_seed(seed)
    anchor_N4, truth = box_convert(draw_boxes(40), "xyxy", "cxcywh"), truths(counts)
    logit_BN, box_BN4 = torch.randn(len(counts), 40), draw_boxes(len(counts), 40)
    loss, total = 0.0, 0.0
    for b, truth_G5 in enumerate(truth):
        # Each photograph alone, whose boxes need no padding.
        owner_1N, close_1N = assign(anchor_N4, truth_G5[None] if len(truth_G5) else torch.zeros(1, 1, 5))
        for n, (owner, close) in enumerate(zip(owner_1N[0].tolist(), close_1N[0].tolist(), strict=True)):
            # An anchor with a true box learns the box and the IoU, any other learns a score of 0.
            p = logit_BN[b, n].sigmoid().item()
            target, weight = 0.0, 0.0 if close else 0.75 * p**2
            if owner >= 0:
                true_14, box_14 = truth_G5[owner, :4][None], box_BN4[b, n][None]
                weight = truth_G5[owner, 4].sqrt().item()
                target = box_iou(box_14, true_14).item()
                loss += 2 * weight * generalized_box_iou_loss(box_14, true_14).item()
                total += weight
            loss -= weight * (target * np.log(p) + (1 - target) * np.log(1 - p))

    found = proposal_loss(logit_BN, box_BN4, anchor_N4, padded(truth)).item()
    assert found == pytest.approx(loss / max(total, len(counts)), rel=1e-4)


@pytest.mark.parametrize("counts", [[0, 0], [0, 2]])
def test_scores_fall_on_photographs_without_phrases(counts: list[int]) -> None:
    torch.manual_seed(0)
    logit_BN, box_BN4 = torch.zeros(2, 20, requires_grad=True), draw_boxes(2, 20).requires_grad_()
    anchor_N4 = box_convert(draw_boxes(20), "xyxy", "cxcywh")
    proposal_loss(logit_BN, box_BN4, anchor_N4, padded(truths(counts))).backward()  # type: ignore[no-untyped-call]
    assert logit_BN.grad is not None
    assert torch.isfinite(logit_BN.grad).all()
    assert (logit_BN.grad[0] > 0).all()
    assert box_BN4.grad is None or not box_BN4.grad[0].any()
