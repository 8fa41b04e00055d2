"""Folding batch norms: only where a batch norm really follows its convolution."""

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from dvsa.learn.nets import backbones
from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.backbones.folding import (
    always_read,
    drop_folded_norms,
    fold_batch_norms,
    is_folded,
)

Some = TypeVar("Some", bound=Backbone)


def unlike_the_identity(net: Some) -> Some:
    """The network in eval mode, with batch norms that do something."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.uniform_(0.5, 1.5)
    return net.eval()


def outputs(net: Backbone) -> list[Tensor]:
    torch.manual_seed(0)
    photograph_BHWC = torch.randint(0, 256, (2, net.size, net.size, 3), dtype=torch.uint8)
    crop_NHWC = torch.randint(0, 256, (2, net.crop_size, net.crop_size, 3), dtype=torch.uint8)
    with torch.no_grad():
        return [*net(photograph_BHWC), net.pooled(crop_NHWC)]


class Sketch(Backbone):
    """Two convolutions and two norms, put together by a function."""

    norm: nn.BatchNorm2d
    norm2: nn.BatchNorm2d
    size = crop_size = 8
    fine_channels = coarse_channels = pooled_channels = 3
    origin = "random weights"

    def __init__(self, run: Callable[["Sketch", Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        # Created in the order in which a network usually runs them.
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.conv2, self.norm2 = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)
        self.run = run

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        return self.run(self, pixels_BHWC.permute(0, 3, 1, 2) / 255)

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        return self.forward(pixels_NHWC)[1].mean((2, 3))


def plain(net: Sketch, x: Tensor) -> tuple[Tensor, Tensor]:
    x = net.norm(net.conv(x)).relu()
    return x, net.norm2(net.conv2(x))


def norms_first(net: Sketch, x: Tensor) -> tuple[Tensor, Tensor]:
    x = net.conv(net.norm2(x).relu())
    return x, net.conv2(net.norm(x).relu())


def around(net: Sketch, x: Tensor) -> tuple[Tensor, Tensor]:
    """A second reader of the first convolution, and a function between the second and its norm."""
    y = net.conv(x)
    return y + net.norm(y), net.norm2(net.conv2(x).relu())


def twice(net: Sketch, x: Tensor) -> tuple[Tensor, Tensor]:
    """One norm behind both convolutions, and one convolution with and without a norm."""
    return net.norm(net.conv(x)) + net.norm(net.conv2(x)), net.norm2(net.conv2(x))


def again(net: Sketch, x: Tensor) -> tuple[Tensor, Tensor]:
    """A pair used on two inputs."""
    return net.norm(net.conv(x)), net.norm(net.conv(2 * x))


@pytest.mark.parametrize(
    ("run", "folded"), [(plain, 2), (norms_first, 0), (around, 0), (twice, 0), (again, 1)]
)
def test_only_pairs_are_folded_and_no_output_changes(
    run: Callable[[Sketch, Tensor], tuple[Tensor, Tensor]], folded: int
) -> None:
    net = unlike_the_identity(Sketch(run))
    before = outputs(net)
    fold_batch_norms(net)
    assert [is_folded(net.norm), is_folded(net.norm2)].count(True) == folded
    for mine, wanted in zip(outputs(net), before, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folded", "norms"),
    [("timm:resnetv2_18", 8, 17), ("timm:test_coatnet", 5, 7), ("timm:test_resnet", 15, 15)],
)
def test_norms_before_convolutions_stay(name: str, folded: int, norms: int) -> None:
    """In a residual network with norms first, those behind a sum or a pooling stay."""
    net = unlike_the_identity(backbones.build(name, pretrained=False))
    found = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    before = outputs(net)
    fold_batch_norms(net)
    assert ([is_folded(norm) for norm in found].count(True), len(found)) == (folded, norms)
    for mine, wanted in zip(outputs(net), before, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-3, rtol=1e-3)


def test_what_is_left_of_a_folded_norm_is_the_identity() -> None:
    net = unlike_the_identity(Sketch(plain))
    fold_batch_norms(nn.Sequential(net))  # backbones are found inside other networks
    x_BCHW = torch.randn(2, 3, 4, 4)
    assert torch.equal(net.norm(x_BCHW), x_BCHW)
    fold_batch_norms(net)  # a second time changes nothing
    assert torch.equal(net.norm(x_BCHW), x_BCHW)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet_lite0", "small", "timm:test_resnet", "timm:test_coatnet"])
def test_without_folded_norms_no_output_changes(name: str) -> None:
    net = unlike_the_identity(backbones.build(name, pretrained=False))
    fold_batch_norms(net)
    before, kept = outputs(net), [not is_folded(norm) for norm in norms_of(net)].count(True)
    drop_folded_norms(net)
    assert len(norms_of(net)) == kept
    for mine, wanted in zip(outputs(net), before, strict=True):
        assert torch.equal(mine, wanted)


def norms_of(net: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]


class Apart(Sketch):
    """Maps from the first convolution and the first norm, vectors from both convolutions."""

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        x_NCHW: Tensor = self.conv2(self.conv(pixels_NHWC.permute(0, 3, 1, 2) / 255))
        return x_NCHW.mean((2, 3))


def test_the_weights_that_maps_and_vectors_share_are_known() -> None:
    net = Apart(lambda net, x: (net.conv(x), net.norm(x))).eval()
    assert always_read(net) == {"conv.weight", "conv.bias"}
    assert always_read(Sketch(plain).eval()) == {
        name for name in net.state_dict() if not name.endswith("num_batches_tracked")
    }
