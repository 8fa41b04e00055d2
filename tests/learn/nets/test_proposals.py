"""The proposal head's parts against torchvision, numpy and literal loops."""

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

from dvsa.learn.nets.proposals import ProposalHead, cluster_shapes
from dvsa.learn.nets.regions import best_boxes, covering_boxes, paired_iou
from dvsa.learn.tasks.proposal_loss import CLOSE, NEAREST, assign, proposal_loss
from dvsa.records import FRAME
from dvsa.regions import CANDIDATES, PRE_NMS, choose

seeds = st.integers(0, 10_000)
ANCHORS = torch.tensor([[0.2, 0.3], [0.7, 0.5], [1.0, 1.0]])


def draw_boxes(*shape: int) -> Tensor:
    """Boxes within the frame, xyxy."""
    low, size = 0.8 * torch.rand(*shape, 2), 0.05 + 0.5 * torch.rand(*shape, 2)
    return torch.cat([low, (low + size).clamp(max=1)], -1)


def truths(counts: list[int]) -> list[Tensor]:
    """For each photograph that many true boxes, each with a number of phrases."""
    return [torch.cat([draw_boxes(n), torch.randint(1, 6, (n, 1)).float()], 1) for n in counts]


def head(seed: int = 0) -> ProposalHead:
    torch.manual_seed(seed)
    return ProposalHead(6, 10, ANCHORS, width=8)


@given(seeds)
def test_paired_iou_equals_torchvision(seed: int) -> None:
    torch.manual_seed(seed)
    a_N4, b_N4 = draw_boxes(9), draw_boxes(9)
    torch.testing.assert_close(paired_iou(a_N4, b_N4), box_iou(a_N4, b_N4).diagonal())
    assert paired_iou(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


def test_the_head_gives_a_logit_and_a_box_within_the_frame_for_every_anchor_at_every_place() -> None:
    logit_BN, box_BN4 = head()(100 * torch.randn(2, 6, 4, 8), torch.randn(2, 10, 2, 4))
    assert logit_BN.shape == (2, 4 * 8 * 3)
    assert box_BN4.shape == (2, 4 * 8 * 3, 4)
    assert ((box_BN4 >= 0) & (box_BN4 <= 1)).all()
    assert (box_BN4[..., :2] < box_BN4[..., 2:]).all()


def test_anchors_stand_in_the_middle_of_their_places() -> None:
    anchor_N4 = head().centred_anchors(4, 8)
    n = 0
    for row in range(4):
        for column in range(8):
            for shape in ANCHORS.tolist():
                wanted = [(column + 0.5) / 8, (row + 0.5) / 4, *shape]
                torch.testing.assert_close(anchor_N4[n], torch.tensor(wanted))
                n += 1
    assert n == len(anchor_N4)


@given(seeds)
def test_decode_inverts_encoding(seed: int) -> None:
    torch.manual_seed(seed)
    net = head()
    anchor_N4, wanted_N4 = net.centred_anchors(3, 5), draw_boxes(3 * 5 * 3)
    centred_N4 = box_convert(wanted_N4, "xyxy", "cxcywh")
    offset_N4 = torch.cat(
        [
            (centred_N4[:, :2] - anchor_N4[:, :2]) / anchor_N4[:, 2:],
            (centred_N4[:, 2:] / anchor_N4[:, 2:]).log(),
        ],
        1,
    )
    torch.testing.assert_close(net.decode(offset_N4[None], 3, 5)[0], wanted_N4, atol=1e-5, rtol=1e-5)


def test_a_box_that_would_lie_outside_of_the_frame_keeps_an_area() -> None:
    box_BN4 = head().decode(torch.tensor([-50.0, 50.0, -9.0, -9.0]).expand(1, 4 * 4 * 3, 4), 4, 4)
    assert (box_BN4[..., 2:] > box_BN4[..., :2]).all()


@given(seeds, st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_assign_equals_a_literal_loop(seed: int, counts: list[int]) -> None:
    torch.manual_seed(seed)
    anchor_N4, truth = box_convert(draw_boxes(60), "xyxy", "cxcywh"), truths(counts)
    owner_BN, close_BN = assign(anchor_N4, pad_sequence([*truth, torch.zeros(5, 5)], batch_first=True)[:-1])
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
        owner_1N, close_1N = assign(anchor_N4, truth_G5[None] if len(truth_G5) else torch.zeros(1, 1, 5))
        for n, (owner, close) in enumerate(zip(owner_1N[0].tolist(), close_1N[0].tolist(), strict=True)):
            p = logit_BN[b, n].sigmoid().item()
            target, weight = 0.0, 0.0 if close else 0.75 * p**2
            if owner >= 0:
                true_14, box_14 = truth_G5[owner, :4][None], box_BN4[b, n][None]
                weight = truth_G5[owner, 4].sqrt().item()
                target = box_iou(box_14, true_14).item()
                loss += 2 * weight * generalized_box_iou_loss(box_14, true_14).item()
                total += weight
            loss -= weight * (target * np.log(p) + (1 - target) * np.log(1 - p))
    found = proposal_loss(logit_BN, box_BN4, anchor_N4, truth).item()
    assert found == pytest.approx(loss / max(total, len(counts)), rel=1e-4)


@pytest.mark.parametrize("counts", [[0, 0], [0, 2]])
def test_photographs_without_phrases_teach_that_nothing_is_there(counts: list[int]) -> None:
    torch.manual_seed(0)
    logit_BN, box_BN4 = torch.zeros(2, 20, requires_grad=True), draw_boxes(2, 20).requires_grad_()
    anchor_N4 = box_convert(draw_boxes(20), "xyxy", "cxcywh")
    proposal_loss(logit_BN, box_BN4, anchor_N4, truths(counts)).backward()  # type: ignore[no-untyped-call]
    assert logit_BN.grad is not None
    assert torch.isfinite(logit_BN.grad).all()
    assert (logit_BN.grad[0] > 0).all()
    assert box_BN4.grad is None or not box_BN4.grad[0].any()


def propose(score_N: Tensor, box_N4: Tensor, threshold: float, proposer: str = "head") -> Tensor:
    """What `dvsa.model` chooses."""
    box_I4, _ = choose(proposer, score_N.numpy(), box_N4.numpy(), threshold=threshold)
    return torch.from_numpy(box_I4)


@given(seeds, st.sampled_from([0.05, 0.3, 0.5, 0.7, 1.0]), st.sampled_from([19, 60, PRE_NMS + 50]))
def test_best_boxes_are_those_of_the_model(seed: int, threshold: float, count: int) -> None:
    torch.manual_seed(seed)
    logit_BN, box_BN4 = torch.randn(3, count), draw_boxes(3, count)
    chosen_BI4 = best_boxes(logit_BN, box_BN4, keep=19, threshold=threshold)
    assert chosen_BI4.shape == (3, 20, 4)
    for logit_N, box_N4, chosen_I4 in zip(logit_BN, box_BN4, chosen_BI4, strict=True):
        assert torch.equal(chosen_I4, propose(logit_N.sigmoid(), box_N4, threshold))


@pytest.mark.slow
@given(seeds, st.sampled_from([40, 301, CANDIDATES + 50]))
def test_covering_boxes_are_those_of_the_model(seed: int, count: int) -> None:
    torch.manual_seed(seed)
    logit_BN, box_BN4 = torch.randn(3, count), draw_boxes(3, count)
    chosen_BI4 = covering_boxes(logit_BN, box_BN4, keep=19)
    assert chosen_BI4.shape == (3, 20, 4)
    for logit_N, box_N4, chosen_I4 in zip(logit_BN, box_BN4, chosen_BI4, strict=True):
        assert torch.equal(chosen_I4, propose(logit_N.sigmoid(), box_N4, 0.5, proposer="coverage"))


def test_where_nms_leaves_too_few_the_best_of_the_dropped_fill_up() -> None:
    box_BN4 = torch.tensor([0.1, 0.1, 0.5, 0.5]) + 0.001 * torch.arange(40)[:, None].expand(40, 4)[None]
    logit_BN = torch.randn(1, 40)
    box_BN4[0, logit_BN.argmin()] = torch.tensor([0.8, 0.8, 1.0, 1.0])
    (chosen_I4,) = best_boxes(logit_BN, box_BN4, keep=19, threshold=0.1)
    order_N = logit_BN[0].argsort(descending=True)
    wanted_N = [order_N[0], order_N[-1], *order_N[1:18]]
    assert torch.equal(chosen_I4, torch.cat([box_BN4[0, torch.stack(wanted_N)], torch.tensor([FRAME])]))
    assert torch.equal(chosen_I4, propose(logit_BN[0].sigmoid(), box_BN4[0], 0.1))


def test_cluster_shapes_finds_the_shapes_that_there_are() -> None:
    rng = np.random.default_rng(0)
    true_A2 = np.array([[0.1, 0.2], [0.5, 0.15], [0.4, 0.9], [0.95, 0.95]])
    shape_N2 = np.repeat(true_A2, 50, axis=0) * rng.uniform(0.97, 1.03, (200, 2))
    best = min(np.abs(cluster_shapes(shape_N2, 4, seed=s) - true_A2).max() for s in range(8))
    assert best < 0.02


def test_cluster_shapes_lowers_the_distance_and_is_sorted_by_area() -> None:
    shape_N2 = np.random.default_rng(1).uniform(0.05, 1, (300, 2))

    def mean_iou(centre_A2: np.ndarray) -> float:
        shared_NA = np.minimum(shape_N2[:, None], centre_A2).prod(-1)
        either_NA = shape_N2.prod(-1)[:, None] + centre_A2.prod(-1) - shared_NA
        return float((shared_NA / either_NA).max(1).mean())

    centre_A2 = cluster_shapes(shape_N2, 6)
    assert mean_iou(centre_A2) > mean_iou(cluster_shapes(shape_N2, 6, rounds=0)) + 0.02
    assert (np.diff(centre_A2.prod(-1)) >= 0).all()
    np.testing.assert_array_equal(centre_A2, cluster_shapes(shape_N2, 6))


def test_cluster_shapes_of_fewer_boxes_than_anchors_repeats_them() -> None:
    shape_N2 = np.array([[0.2, 0.3], [0.6, 0.5]])
    assert {tuple(row) for row in cluster_shapes(shape_N2, 5)} <= {(0.2, 0.3), (0.6, 0.5)}
