"""What backbones share that begin as classifiers: the scale of their pixels, frozen statistics, weights."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from dvsa.learn.nets.backbones.backbone import Backbone
from dvsa.learn.nets.backbones.weights import fill, without_classifier

READ = 224
"""Side of the square that is read from a photograph, in pixels, unless the network takes a smaller one."""


class PretrainedBackbone(Backbone):
    """A network that a library defines, without its classifier.

    It enlarges photographs to its best resolution, so callers need not know it.
    """

    net: nn.Module
    inner: int
    """Side of the square that the network sees of a photograph, in pixels; at least `size`."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Mean and standard deviation of each channel that the network expects, of pixels in [0, 1]."""
    classifier: tuple[str, ...]
    """The names of the layers that the library's network has and `net` has not."""

    @abstractmethod
    def maps(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised pixels (B, 3, inner, inner) to the fine and the coarse map."""

    @abstractmethod
    def vector(self, x_NCHW: Tensor) -> Tensor:
        """Standardised pixels (N, 3, crop_size, crop_size) to the layer before the classifier (N, C)."""

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        x_BCHW = self._standard(pixels_BHWC)
        if self.inner != self.size:
            x_BCHW = functional.interpolate(
                x_BCHW, (self.inner, self.inner), mode="bilinear", align_corners=False
            )
        return self.maps(x_BCHW)

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        return self.vector(self._standard(pixels_NHWC))

    def _standard(self, pixels_BHWC: Tensor) -> Tensor:
        """Pixels at the scale of the network, (B, 3, H, W)."""
        x_BCHW = pixels_BHWC.permute(0, 3, 1, 2).to(next(self.net.parameters()).dtype)
        # Copied without a wait for the work that a GPU has been given before.
        mean_C11, std_C11 = (
            torch.tensor(of_C, dtype=x_BCHW.dtype).to(x_BCHW.device, non_blocking=True)[:, None, None]
            for of_C in (self.mean, self.std)
        )
        return x_BCHW / (255 * std_C11) - mean_C11 / std_C11

    def train(self, mode: bool = True) -> Self:
        """Set the mode, but keep the batch norms' first statistics: too few photographs would blur them."""
        super().train(mode)
        for module in self.net.modules():
            if hasattr(module, "running_var"):
                module.eval()
        return self

    def load(self, weights: Mapping[str, Tensor]) -> None:
        fill(self.net, without_classifier(weights, self.classifier))
