"""Crops against a literal crop-and-resize with Pillow."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvsa import boxes, photo
from dvsa.learn.nets.crops import cut, resized, widened
from dvsa.learn.nets.vision import Vision
from dvsa.learn.nets.vision_config import GEOMETRY, VisionConfig
from dvsa.records import FRAME

BOXES = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda b: b[0] < b[2] and b[1] < b[3])


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(
    st.lists(BOXES, min_size=1, max_size=3),
    st.integers(5, 60),
    st.integers(5, 60),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.15, 1.0]),
)
def test_a_crop_is_what_pillow_cuts_and_resizes(
    drawn: list[tuple[int, ...]], height: int, width: int, size: int, context: float
) -> None:
    pixels_HWC, box_I4 = picture(height, width), np.array(drawn) / 40
    found_ISSC = cut(torch.from_numpy(pixels_HWC)[None], torch.tensor(box_I4)[None], size, context)[0]

    for found_SSC, (x0, y0, x1, y1) in zip(found_ISSC, box_I4, strict=True):
        dx, dy = context * (x1 - x0), context * (y1 - y0)
        place = (
            max(x0 - dx, 0) * width,
            max(y0 - dy, 0) * height,
            min(x1 + dx, 1) * width,
            min(y1 + dy, 1) * height,
        )
        wanted = Image.fromarray(pixels_HWC).resize((size, size), Image.Resampling.BILINEAR, place)
        # Pillow rounds twice, after the columns and after the rows
        assert np.abs(found_SSC.numpy() - np.asarray(wanted, np.float64)).max() <= 1.01


@given(st.lists(BOXES, min_size=1, max_size=3), st.sampled_from([0.0, 0.15, 1.0]))
def test_training_and_use_cut_the_same_crops(drawn: list[tuple[int, ...]], context: float) -> None:
    pixels_HWC, box_I4 = picture(50, 70), np.array(drawn) / 40
    used_ISSC = photo.crops(Image.fromarray(pixels_HWC), box_I4, 20, context)
    trained_ISSC = cut(torch.from_numpy(pixels_HWC)[None], torch.tensor(box_I4)[None], 20, context)[0]
    assert np.abs(used_ISSC - trained_ISSC.numpy()).max() <= 1.01
    torch.testing.assert_close(
        widened(torch.tensor(box_I4), context), torch.from_numpy(boxes.widened(box_I4, context))
    )


def test_a_box_without_area_still_shows_a_pixel() -> None:
    pixels_BHWC = torch.from_numpy(picture(10, 10))[None]
    point_BI4 = torch.tensor([[[0.35, 0.35, 0.35, 0.35], [1.0, 1.0, 1.0, 1.0]]])
    found_BISSC = cut(pixels_BHWC, point_BI4, 2)
    torch.testing.assert_close(found_BISSC[0, 1, 0, 0], pixels_BHWC[0, -1, -1].float())
    assert torch.isfinite(found_BISSC).all()
    assert photo.crops(Image.fromarray(picture(10, 10)), point_BI4[0].numpy(), 2).shape == (2, 2, 2, 3)


def test_crops_of_several_photographs_do_not_mix() -> None:
    pixels_BHWC = torch.from_numpy(np.stack([picture(9, 12, seed) for seed in range(3)]))
    box_BI4 = torch.rand(3, 4, 4).sort(-1).values[..., [0, 1, 2, 3]]
    together = cut(pixels_BHWC, box_BI4, 5)
    for k in range(3):
        for i in range(4):
            alone = cut(pixels_BHWC[k : k + 1], box_BI4[k : k + 1, i : i + 1], 5)
            torch.testing.assert_close(together[k, i], alone[0, 0])


def vision(**options: object) -> Vision:
    torch.manual_seed(0)
    sizes = VisionConfig(backbone="small", embedding=8, anchors=2, proposal_width=8, **options)  # type: ignore[arg-type]
    return Vision(sizes).eval()


@pytest.mark.parametrize("both_ways", [False, True])
@torch.no_grad()
def test_the_crop_of_the_frame_is_the_backbone_on_the_frame(both_ways: bool) -> None:
    net = vision(described_by="crops", both_ways=both_ways)
    pixels_BHWC = torch.randint(0, 256, (2, net.size, net.size, 3), dtype=torch.uint8)
    frame_BI4 = torch.tensor([[FRAME]]).expand(2, -1, -1)
    shown_BIC = net.crops(pixels_BHWC, frame_BI4)
    assert shown_BIC is not None
    wanted_BC = net.backbone.pooled(resized(pixels_BHWC, net.backbone.crop_size))
    if both_ways:
        mirrored_BC = net.backbone.pooled(resized(pixels_BHWC.flip(2), net.backbone.crop_size))
        wanted_BC = (wanted_BC + mirrored_BC) / 2
    torch.testing.assert_close(shown_BIC[:, 0], wanted_BC, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_features_have_the_parts_that_the_configuration_asks_for() -> None:
    ways = {way: vision(described_by=way) for way in ("map", "crops", "both")}
    pixels_BHWC = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    box_BI4 = torch.tensor([[[0.1, 0.2, 0.6, 0.9], FRAME]]).repeat(2, 1, 1)
    looked = ways["map"].look(pixels_BHWC)
    features = {}
    for way, net in ways.items():
        net.backbone.load_state_dict(ways["map"].backbone.state_dict())
        shown_BIC = net.crops(pixels_BHWC, box_BI4)
        assert (shown_BIC is None) == (way == "map")
        features[way] = net.pool(looked.maps, shown_BIC, box_BI4)
        assert features[way].shape == (2, 2, net.features)

    joined = torch.cat([features["map"][..., :-GEOMETRY], features["crops"]], -1)
    torch.testing.assert_close(features["both"], joined)


def test_gradients_through_crops_are_those_of_one_pass_without_chunks() -> None:
    net = vision(described_by="crops").train()
    pixels_BHWC = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    box_BI4 = torch.tensor([[[0.1, 0.2, 0.6, 0.9], FRAME]]).repeat(2, 1, 1)
    parameters = list(net.backbone.parameters())
    shown_BIC = net.crops(pixels_BHWC, box_BI4)
    assert shown_BIC is not None
    found = torch.autograd.grad(shown_BIC.square().sum(), parameters)
    plain_NC = net.backbone.pooled(cut(pixels_BHWC, box_BI4, net.backbone.crop_size).flatten(0, 1))
    wanted = torch.autograd.grad(plain_NC.square().sum(), parameters)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-3)
