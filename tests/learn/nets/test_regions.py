"""The choice of regions in training: for a batch, the same boxes as `dvsa.regions` chooses one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import box_iou  # type: ignore[import-untyped]

from dvsa import regions
from dvsa.learn.nets.regions import choose, choose_boxes, paired_iou
from dvsa.records import FRAME
from dvsa.regions import CANDIDATES, PRE_NMS

seeds = st.integers(0, 10_000)


def draw_boxes(*shape: int) -> Tensor:
    """Random boxes within the frame, xyxy."""
    low, size = 0.8 * torch.rand(*shape, 2), 0.05 + 0.5 * torch.rand(*shape, 2)
    return torch.cat([low, (low + size).clamp(max=1)], -1)


def draw_logits(photographs: int, count: int) -> Tensor:
    """Random logits, none of them equal or almost equal, because those may be taken in any order."""
    place_BN = torch.stack([torch.randperm(count) for _ in range(photographs)])
    return 6 * (place_BN + 0.5 * torch.rand(photographs, count)) / count - 3


def assert_those_of_the_model(logit_BN: Tensor, box_BN4: Tensor, proposer: str, nms: float) -> None:
    box_BI4, score_BI = choose(logit_BN, box_BN4, proposer, nms)
    assert torch.equal(choose_boxes(logit_BN, box_BN4, proposer, nms), box_BI4)
    for b, score_N in enumerate(logit_BN.sigmoid().numpy()):
        wanted_I4, wanted_I = regions.choose(proposer, score_N, box_BN4[b].numpy(), threshold=nms)
        np.testing.assert_array_equal(box_BI4[b], wanted_I4)
        np.testing.assert_array_equal(score_BI[b], wanted_I)


@given(seeds)
def test_paired_iou_equals_torchvision(seed: int) -> None:
    torch.manual_seed(seed)
    a_N4, b_N4 = draw_boxes(9), draw_boxes(9)
    torch.testing.assert_close(paired_iou(a_N4, b_N4), box_iou(a_N4, b_N4).diagonal())
    assert paired_iou(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


@given(seeds, st.sampled_from([0.05, 0.3, 0.5, 0.7, 1.0]), st.sampled_from([19, 60, PRE_NMS + 50]))
def test_best_boxes_are_those_of_the_model(seed: int, nms: float, count: int) -> None:
    torch.manual_seed(seed)
    assert_those_of_the_model(draw_logits(3, count), draw_boxes(3, count), "head", nms)


@pytest.mark.slow
@given(seeds, st.sampled_from([40, 301, CANDIDATES + 50]))
def test_covering_boxes_are_those_of_the_model(seed: int, count: int) -> None:
    torch.manual_seed(seed)
    assert_those_of_the_model(draw_logits(3, count), draw_boxes(3, count), "coverage", 0.5)


def test_if_nms_keeps_too_few_boxes_the_best_dropped_ones_are_added() -> None:
    # The box with the lowest score lies apart; all others overlap.
    box_BN4 = torch.tensor([0.1, 0.1, 0.5, 0.5]) + 0.001 * torch.arange(40)[:, None].expand(40, 4)[None]
    logit_BN = draw_logits(1, 40)
    box_BN4[0, logit_BN.argmin()] = torch.tensor([0.8, 0.8, 1.0, 1.0])
    (chosen_I4,) = choose_boxes(logit_BN, box_BN4, "head", 0.1)

    order_N = logit_BN[0].argsort(descending=True)
    wanted_N = [order_N[0], order_N[-1], *order_N[1:18]]
    assert torch.equal(chosen_I4, torch.cat([box_BN4[0, torch.stack(wanted_N)], torch.tensor([FRAME])]))
    assert_those_of_the_model(logit_BN, box_BN4, "head", 0.1)


@pytest.mark.parametrize("proposer", ["head", "coverage"])
def test_no_gradient_flows_through_the_choice(proposer: str) -> None:
    logit_BN, box_BN4 = torch.randn(3, 60).requires_grad_(), draw_boxes(3, 60).requires_grad_()
    assert not choose_boxes(logit_BN, box_BN4, proposer, 0.5).requires_grad


@pytest.mark.parametrize("proposer", ["grid", "frame"])
def test_fixed_boxes_need_no_candidates(proposer: str) -> None:
    assert_those_of_the_model(torch.zeros(3, 0), torch.zeros(3, 0, 4), proposer, 0.5)
