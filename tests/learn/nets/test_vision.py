"""From pixels to region vectors: pooling against a literal integral, and the options one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from dvsa.learn.nets.look import Looked
from dvsa.learn.nets.region_encoder import ContextLayer, RegionEncoder, Standardise
from dvsa.learn.nets.vision import Vision, _mean_in_boxes
from dvsa.learn.nets.vision_config import ATTENTION_HEADS, GEOMETRY, ProposerConfig, VisionConfig

boxes = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3])


@given(st.lists(boxes, min_size=1, max_size=3), st.integers(1, 7), st.integers(1, 7), st.integers(0, 999))
def test_the_mean_in_a_box_is_the_integral_over_its_area(
    drawn: list[tuple[int, ...]], height: int, width: int, seed: int
) -> None:
    torch.manual_seed(seed)
    map_BCHW = torch.randn(2, 3, height, width)
    box_I4 = np.array(drawn) / 40
    found_BIC = _mean_in_boxes(map_BCHW, torch.tensor(box_I4, dtype=torch.float32).expand(2, -1, -1))

    for i, (x0, y0, x1, y1) in enumerate(box_I4):
        # The area that the box shares with each cell, times the cell's value.
        total_BC, covered = torch.zeros(2, 3), 0.0
        for y in range(height):
            for x in range(width):
                across = max(0.0, min(x1, (x + 1) / width) - max(x0, x / width))
                down = max(0.0, min(y1, (y + 1) / height) - max(y0, y / height))
                total_BC += across * down * map_BCHW[:, :, y, x]
                covered += across * down

        assert covered == pytest.approx((x1 - x0) * (y1 - y0))
        torch.testing.assert_close(found_BIC[:, i], total_BC / covered, atol=1e-4, rtol=1e-4)


def test_the_mean_in_the_whole_frame_is_the_plain_mean() -> None:
    map_BCHW = torch.randn(2, 5, 7, 6)
    frame_BI4 = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]]).expand(2, -1, -1)
    torch.testing.assert_close(_mean_in_boxes(map_BCHW, frame_BI4)[:, 0], map_BCHW.mean((2, 3)))


def test_a_mirrored_map_and_box_give_the_same_mean() -> None:
    map_BCHW, box_BI4 = torch.randn(1, 5, 6, 6), torch.tensor([[[0.13, 0.2, 0.55, 0.91]]])
    mirrored_BI4 = torch.stack(
        [1 - box_BI4[..., 2], box_BI4[..., 1], 1 - box_BI4[..., 0], box_BI4[..., 3]], -1
    )
    torch.testing.assert_close(
        _mean_in_boxes(map_BCHW.flip(3), mirrored_BI4), _mean_in_boxes(map_BCHW, box_BI4)
    )


def test_the_mean_in_a_box_without_area_is_finite() -> None:
    point_BI4 = torch.tensor([[[0.3, 0.3, 0.3, 0.6]]])
    assert torch.isfinite(_mean_in_boxes(torch.randn(1, 2, 4, 4), point_BI4)).all()


def small(**options: object) -> Vision:
    torch.manual_seed(0)
    return Vision(VisionConfig(backbone="small", embedding=8, anchors=2, proposal_width=8, **options)).eval()  # type: ignore[arg-type]


def test_features_hold_the_means_in_the_box_and_its_place() -> None:
    net = small()
    looked = net.look(torch.randint(0, 256, (2, net.size, net.size, 3), dtype=torch.uint8))
    box_BI4 = torch.tensor([[[0.1, 0.2, 0.6, 0.9], [0.0, 0.0, 1.0, 1.0]]]).repeat(2, 1, 1)
    feature_BIF, v_BID = net.encode(looked.maps, None, box_BI4)
    assert feature_BIF.shape == (2, 2, net.features)
    assert looked.coarse.shape[1] + looked.fine.shape[1] + GEOMETRY == net.features
    torch.testing.assert_close(feature_BIF[0, 0, -GEOMETRY:], torch.tensor([0.1, 0.2, 0.6, 0.9, 0.35]))
    torch.testing.assert_close(feature_BIF[:, 1, : looked.coarse.shape[1]], looked.coarse.mean((2, 3)))
    torch.testing.assert_close(v_BID, net.regions(feature_BIF))
    assert looked.fine.shape[-1] == 2 * looked.coarse.shape[-1]


@torch.no_grad()
def test_both_ways_gives_a_photograph_and_its_mirror_image_the_same_maps() -> None:
    once, net = small(), small(both_ways=True)
    pixels_BHWC = torch.randint(0, 256, (2, net.size, net.size, 3), dtype=torch.uint8)

    # The maps are mirrored; the candidates of the two directions change places.
    looked, mirrored = net.look(pixels_BHWC), net.look(pixels_BHWC.flip(2))
    torch.testing.assert_close(mirrored.fine.flip(3), looked.fine)
    torch.testing.assert_close(mirrored.coarse.flip(3), looked.coarse)
    count = looked.logit_BN.shape[1] // 2
    torch.testing.assert_close(mirrored.logit_BN.roll(count, 1), looked.logit_BN)
    x0, y0, x1, y1 = mirrored.box_BN4.roll(count, 1).unbind(-1)
    torch.testing.assert_close(torch.stack([1 - x1, y0, 1 - x0, y1], -1), looked.box_BN4)

    # The first half of the candidates is that of a single pass, and training makes a single pass.
    plain = once.look(pixels_BHWC)
    torch.testing.assert_close(looked.logit_BN[:, :count], plain.logit_BN)
    torch.testing.assert_close(looked.box_BN4[:, :count], plain.box_BN4)
    for mine, wanted in zip(net.train().look(pixels_BHWC), once.train().look(pixels_BHWC), strict=True):
        torch.testing.assert_close(mine, wanted)


def test_the_papers_region_encoder_is_an_affine_map() -> None:
    net = small().regions
    feature_BIF = torch.randn(2, 3, net.affine.in_features + GEOMETRY)
    seen_BIF = feature_BIF[..., :-GEOMETRY]
    torch.testing.assert_close(net(feature_BIF), seen_BIF @ net.affine.weight.T + net.affine.bias)


def test_each_option_of_the_region_encoder_has_its_effect() -> None:
    feature_BIF = torch.rand(2, 3, 12 + GEOMETRY)

    def encoder(**options: object) -> RegionEncoder:
        torch.manual_seed(0)
        return RegionEncoder(VisionConfig(embedding=8, **options), 12 + GEOMETRY).eval()  # type: ignore[arg-type]

    # Regions that lie elsewhere, and photographs whose last region is another.
    moved_BIF, other_BIF = feature_BIF.clone(), feature_BIF.clone()
    moved_BIF[..., -1] += 1
    other_BIF[:, 2] += 1

    torch.testing.assert_close(encoder()(moved_BIF), encoder()(feature_BIF))
    assert not torch.allclose(encoder(geometry=True)(moved_BIF), encoder(geometry=True)(feature_BIF))
    torch.testing.assert_close(encoder()(other_BIF)[:, 0], encoder()(feature_BIF)[:, 0])
    context = encoder(context_layers=1)
    assert not torch.allclose(context(other_BIF)[:, 0], context(feature_BIF)[:, 0])
    norm_BI = encoder(normalise=True)(feature_BIF).norm(dim=-1)
    torch.testing.assert_close(norm_BI, torch.ones(2, 3))


@pytest.mark.parametrize("training", [False, True])
def test_a_context_layer_equals_the_transformer_layer_of_torch(training: bool) -> None:
    torch.manual_seed(0)
    cfg = VisionConfig(embedding=16, dropout=0.0 if training else 0.3)
    layer = ContextLayer(cfg).train(training)
    theirs = nn.TransformerEncoderLayer(
        16, ATTENTION_HEADS, 32, cfg.dropout, batch_first=True, norm_first=True
    )
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    layer.load_state_dict(theirs.state_dict())
    x_BID = torch.randn(3, 5, 16)
    torch.testing.assert_close(layer(x_BID), theirs.train(training)(x_BID))
    if not training:
        assert not torch.allclose(layer.train()(x_BID), layer(x_BID))


def test_standardised_features_have_mean_0_and_spread_1() -> None:
    torch.manual_seed(0)
    cfg = VisionConfig(backbone="small", embedding=4, standardise=True)
    encoder = RegionEncoder(cfg, 6 + GEOMETRY).eval()
    feature_NIF = 3 * torch.randn(50, 4, 6 + GEOMETRY) + 7
    assert isinstance(encoder.standard, Standardise)
    encoder.standard.measure(feature_NIF)
    encoder.standard.measure(feature_NIF + 1)  # a second call changes nothing
    nn.init.eye_(encoder.affine.weight)
    seen_NID = encoder(feature_NIF).flatten(0, 1)
    torch.testing.assert_close(seen_NID.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen_NID.std(0), torch.ones(4))


def test_invalid_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown backbone 'vgg': did you mean vgg16.*small"):
        VisionConfig(backbone="vgg")
    with pytest.raises(ValueError, match="positive"):
        VisionConfig(embedding=0)
    with pytest.raises(ValueError, match="multiple of 4"):
        VisionConfig(embedding=6, context_layers=1)


@pytest.mark.parametrize("described_by", ["map", "crops", "both"])
def test_a_frozen_proposer_does_not_look_where_boxes_are_given(described_by: str) -> None:
    frozen = ProposerConfig(bundle="b", digest="0", backbone="small", anchors=2, proposal_width=8)
    cfg = VisionConfig(backbone="small", embedding=8, described_by=described_by, proposer=frozen)
    net = Vision(cfg, pretrained=False).eval()
    pixels_BHWC = torch.randint(0, 256, (2, net.size, net.size, 3), dtype=torch.uint8)
    box_BI4 = torch.tensor([[[0.1, 0.2, 0.7, 0.9], [0.0, 0.0, 1.0, 1.0]]]).expand(2, -1, -1)

    def features(looked: Looked) -> Tensor:
        return net.pool(looked.maps, net.crops(pixels_BHWC, box_BI4), box_BI4)

    with torch.no_grad():
        wanted_BIF = features(net.look(pixels_BHWC))
        net.proposer = None if net.proposer is None else Unused()  # type: ignore[assignment]
        looked = net.look(pixels_BHWC, propose=False)
        assert looked.box_BN4.shape == (2, 0, 4)
        assert torch.equal(features(looked), wanted_BIF)


class Unused(nn.Module):
    """A network that must not be asked."""

    def forward(self, pixels_BHWC: Tensor) -> None:
        raise AssertionError("it looked")
