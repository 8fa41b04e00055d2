"""What a backbone is: feature maps of a square photograph, and one vector for each crop of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from dvsa.learn.nets.backbones.weights import fill


class Backbone(nn.Module, ABC):
    """A network with two maps, `fine` at least as large as `coarse`, and a vector for a whole picture."""

    size: int
    """Side of the square photographs that `forward` takes, in pixels."""
    fine_channels: int
    coarse_channels: int
    crop_size: int
    """Side of the square crops that `pooled` takes, in pixels."""
    pooled_channels: int
    origin: str
    """Where its first weights come from, and their licence; for the licence of a bundle."""
    proven: bool = False
    """Whether the tests compare its ONNX graphs with it. A run compares those of other backbones first."""

    @abstractmethod
    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Photographs (B, size, size, 3) in [0, 255] to float maps, fine and coarse (B, C, H, W)."""

    @abstractmethod
    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        """Crops (N, crop_size, crop_size, 3) in [0, 255] to the layer before the classifier (N, C)."""

    def imagenet_classifier(self) -> tuple[Tensor, Tensor] | None:
        """The layer behind `pooled` that knows ImageNet's classes: weights (1000, C) and biases (1000,).

        None if the network has none. Raises ValueError if its weights are not installed.
        """
        return None

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights under the names that they have in the library of the network.

        Raises:
            ValueError: a weight is missing, unknown or of another shape; the message names it.
        """
        fill(self, weights)
