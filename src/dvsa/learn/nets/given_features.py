"""In place of a backbone: features of regions that somebody else computed."""

from torch import Tensor

from dvsa.learn.nets.backbones.backbone import Backbone


class GivenFeatures(Backbone):
    """It has no weights and sees no photographs: the features come from files."""

    size = crop_size = fine_channels = coarse_channels = 0
    origin = "features of regions that the user brought"
    proven = True

    def __init__(self, features: int) -> None:
        super().__init__()
        self.pooled_channels = features

    def forward(self, pixels_BHWC: Tensor) -> tuple[Tensor, Tensor]:
        """Not possible; raises ValueError."""
        raise ValueError("this model takes features of regions, not photographs")

    def pooled(self, pixels_NHWC: Tensor) -> Tensor:
        """Not possible; raises ValueError."""
        raise ValueError("this model takes features of regions, not photographs")
