"""A small backbone that needs no pretrained weights."""

import math

from torch import Tensor, nn

from dvsa.learn.nets.backbones.backbone import Backbone


class SmallConvNet(Backbone):
    """A backbone for small scenes. It trains from scratch in a minute on a CPU (strides 4 and 8)."""

    origin = "random weights"
    proven = True

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
        return self.forward(pixels_NHWC)[1].mean((2, 3))


def _conv(inside: int, outside: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
    nn.init.normal_(conv.weight, std=math.sqrt(2 / (9 * inside)))
    return nn.Sequential(conv, nn.GroupNorm(8, outside), nn.ReLU())
