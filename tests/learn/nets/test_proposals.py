"""The proposal head and its anchors against torchvision and literal loops."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import (  # type: ignore[import-untyped]
    box_convert,
)

from dvsa.learn.nets.proposals import ProposalHead, cluster_shapes

ANCHORS = torch.tensor([[0.2, 0.3], [0.7, 0.5], [1.0, 1.0]])


def draw_boxes(*shape: int) -> Tensor:
    """Random boxes within the frame, xyxy."""
    low, size = 0.8 * torch.rand(*shape, 2), 0.05 + 0.5 * torch.rand(*shape, 2)
    return torch.cat([low, (low + size).clamp(max=1)], -1)


def head(seed: int = 0) -> ProposalHead:
    torch.manual_seed(seed)
    return ProposalHead(6, 10, ANCHORS, width=8)


def test_every_anchor_at_every_place_has_a_logit_and_a_box_within_the_frame() -> None:
    logit_BN, box_BN4 = head()(100 * torch.randn(2, 6, 4, 8), torch.randn(2, 10, 2, 4))
    assert logit_BN.shape == (2, 4 * 8 * 3)
    assert box_BN4.shape == (2, 4 * 8 * 3, 4)
    assert ((box_BN4 >= 0) & (box_BN4 <= 1)).all()
    assert (box_BN4[..., :2] < box_BN4[..., 2:]).all()


def test_anchors_are_centred_on_their_places() -> None:
    anchor_N4 = head().centred_anchors(4, 8)
    n = 0
    for row in range(4):
        for column in range(8):
            for shape in ANCHORS.tolist():
                wanted = [(column + 0.5) / 8, (row + 0.5) / 4, *shape]
                torch.testing.assert_close(anchor_N4[n], torch.tensor(wanted))
                n += 1
    assert n == len(anchor_N4)


seeds = st.integers(0, 10_000)


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


def test_a_box_moved_out_of_the_frame_still_has_an_area() -> None:
    box_BN4 = head().decode(torch.tensor([-50.0, 50.0, -9.0, -9.0]).expand(1, 4 * 4 * 3, 4), 4, 4)
    assert (box_BN4[..., 2:] > box_BN4[..., :2]).all()


def test_cluster_shapes_finds_clear_clusters() -> None:
    rng = np.random.default_rng(0)
    true_A2 = np.array([[0.1, 0.2], [0.5, 0.15], [0.4, 0.9], [0.95, 0.95]])
    shape_N2 = np.repeat(true_A2, 50, axis=0) * rng.uniform(0.97, 1.03, (200, 2))
    best = min(np.abs(cluster_shapes(shape_N2, 4, seed=s) - true_A2).max() for s in range(8))
    assert best < 0.02


def test_cluster_shapes_fit_better_than_random_shapes_and_are_sorted_by_area() -> None:
    shape_N2 = np.random.default_rng(1).uniform(0.05, 1, (300, 2))

    def mean_iou(centre_A2: np.ndarray) -> float:
        shared_NA = np.minimum(shape_N2[:, None], centre_A2).prod(-1)
        either_NA = shape_N2.prod(-1)[:, None] + centre_A2.prod(-1) - shared_NA
        return float((shared_NA / either_NA).max(1).mean())

    centre_A2 = cluster_shapes(shape_N2, 6)
    assert mean_iou(centre_A2) > mean_iou(cluster_shapes(shape_N2, 6, rounds=0)) + 0.02
    assert (np.diff(centre_A2.prod(-1)) >= 0).all()
    np.testing.assert_array_equal(centre_A2, cluster_shapes(shape_N2, 6))


def test_cluster_shapes_repeat_the_boxes_if_there_are_too_few() -> None:
    shape_N2 = np.array([[0.2, 0.3], [0.6, 0.5]])
    assert {tuple(row) for row in cluster_shapes(shape_N2, 5)} <= {(0.2, 0.3), (0.6, 0.5)}
