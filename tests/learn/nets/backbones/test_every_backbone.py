"""What holds for every backbone: shapes, a step of training, and an export that gives the same result.

Weights are random, except those that are installed. Models of timm stand here for their families; those named
`test_` are made for this.
"""

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.runs.exportable import TOLERANCE, export_error

QUICK = ["small", "timm:test_resnet", "timm:test_vit"]
SLOW = [
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "alexnet",
    "vgg16",
    "timm:test_convnext",
    "timm:test_coatnet",  # norms before convolutions
    "timm:test_mambaout",  # channels last
    "timm:mobilenetv3_small_050",  # a layer behind the pooling
    "timm:vit_xsmall_patch16_clip_224",  # a tower of CLIP
]
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]


def test_every_backbone_of_the_registry_is_tested_here() -> None:
    assert {*backbones.BACKBONES} <= {*QUICK, *SLOW}


@pytest.fixture(scope="module", params=ALL)
def net(request: pytest.FixtureRequest) -> Backbone:
    torch.manual_seed(0)
    # An EfficientNet with random weights multiplies rounding errors by 10,000.
    return backbones.build(request.param, pretrained=request.param.startswith("efficientnet"))


def pictures(count: int, side: int) -> Tensor:
    return torch.randint(0, 256, (count, side, side, 3), dtype=torch.uint8)


@torch.no_grad()
def test_shapes(net: Backbone) -> None:
    net.eval()
    fine_BCHW, coarse_BCHW = net(pictures(2, net.size))
    assert fine_BCHW.shape[:2] == (2, net.fine_channels)
    assert coarse_BCHW.shape[:2] == (2, net.coarse_channels)
    for mine, theirs in zip(fine_BCHW.shape[2:], coarse_BCHW.shape[2:], strict=True):
        assert mine >= theirs > 1

    # The frame, and a crop of it.
    crop_NHWC = pictures(3, net.crop_size)
    vector_NC = net.pooled(crop_NHWC)
    assert vector_NC.shape == (3, net.pooled_channels)
    torch.testing.assert_close(net.pooled(crop_NHWC[1:2])[0], vector_NC[1], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(vector_NC[0], vector_NC[1])


def test_the_exported_graphs_agree(net: Backbone) -> None:
    assert export_error(net, crop_size=net.crop_size) < TOLERANCE


def test_a_step_of_training_lowers_the_loss_and_keeps_the_statistics(net: Backbone) -> None:
    net.train()
    photograph, crop = pictures(1, net.size), pictures(1, net.crop_size)

    def loss() -> Tensor:
        fine_BCHW, coarse_BCHW = net(photograph)
        return sum(
            (x.square().mean().sqrt() for x in (fine_BCHW, coarse_BCHW, net.pooled(crop))), 0 * crop.sum()
        )

    buffers = {name: b.clone() for name, b in net.named_buffers()}
    before = loss()
    before.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
    nn.utils.clip_grad_norm_(net.parameters(), 0.01)
    torch.optim.SGD(net.parameters(), lr=1.0).step()

    with torch.no_grad():
        assert loss() < before
    assert all(torch.equal(b, buffers[name]) for name, b in net.named_buffers())
