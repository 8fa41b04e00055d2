"""Sizes and options of the photograph's side of the model."""

from dataclasses import dataclass

from dvsa.learn.nets import backbones

GEOMETRY = 5
"""Numbers that describe a box in its features: x0, y0, x1, y1, area."""
ATTENTION_HEADS = 4
"""Attention heads of a context layer."""
DESCRIBED_BY = ("map", "crops", "both")
"""How a region is described; see `VisionConfig.described_by`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposerConfig:
    """A frozen network that proposes the boxes: backbone and proposal head of a finished bundle."""

    bundle: str
    """The name of the bundle."""
    digest: str
    """Its digest, which identifies the weights."""
    backbone: str
    anchors: int
    proposal_width: int
    both_ways: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionConfig:
    """Sizes and options of the photograph's side of the model."""

    backbone: str = "efficientnet_lite2"
    embedding: int = 256
    """D, the size of the vectors of regions and words (h in the paper)."""
    described_by: str = "map"
    """What describes a region: `map`, the means of the feature maps over its box; `crops`, the backbone's
    layer before the classifier on the part of the photograph in the box (paper, section 3.1.1); or `both`."""
    given_features: int = 0
    """Width of the features of regions that somebody else computed; then there is no backbone, and the two
    options above have no effect. 0 for a backbone that describes photographs."""
    crop_size: int = 0
    """Side of a crop, in pixels; 0 for the size on which the backbone was trained."""
    crop_context: float = 0.0
    """How much a crop shows beyond each edge of its box, as a share of the box's sides."""
    full_resolution: bool = False
    """Whether crops are cut from the photograph itself, in use and for cached features; otherwise from the
    square that the network takes. A stage with the backbone in the loop always cuts them from the square."""
    proposer: ProposerConfig | None = None
    """The frozen network that proposes the boxes; None for a proposal head on the own backbone."""
    anchors: int = 12
    proposal_width: int = 128
    """Channels of the proposal head."""
    context_layers: int = 0
    """Self-attention layers between regions; 0 is the paper's affine map."""
    normalise: bool = False
    """Whether region vectors are scaled to length 1; not in the paper."""
    geometry: bool = False
    """Whether a region's vector depends on the place of the region; not in the paper."""
    standardise: bool = False
    """Whether features are standardised over the training regions before the affine map."""
    both_ways: bool = False
    """Whether the mirror image is used too, except in training with the backbone in the loop."""
    dropout: float = 0.0

    def __post_init__(self) -> None:
        backbones.check(self.backbone)
        if self.described_by not in DESCRIBED_BY:
            raise ValueError(f"described_by is {self.described_by!r}: choose from {', '.join(DESCRIBED_BY)}")
        if not 0 <= self.crop_context <= 1 or min(self.crop_size, self.given_features) < 0:
            raise ValueError(f"crop_context must be in [0, 1], and sizes 0 or more: {self}")
        if min(self.embedding, self.anchors) < 1 or self.context_layers < 0 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be positive and dropout in [0, 1): {self}")
        if self.context_layers and self.embedding % ATTENTION_HEADS:
            raise ValueError(
                f"with context layers the embedding must be a multiple of {ATTENTION_HEADS}: {self}"
            )

    @property
    def by_map(self) -> bool:
        """Whether the means of the feature maps describe a region."""
        return self.described_by != "crops" and not self.given_features

    @property
    def by_crops(self) -> bool:
        """Whether crops describe a region, or features that take the place of what crops show."""
        return self.described_by != "map" or self.given_features > 0

    @property
    def of_features(self) -> tuple[object, ...]:
        """The options on which the features of given boxes depend, beside the backbone."""
        return (
            self.given_features,
            self.described_by,
            self.crop_size,
            self.crop_context,
            self.full_resolution,
            self.both_ways,
        )

    @property
    def of_boxes(self) -> tuple[object, ...]:
        """The options on which the proposed boxes depend."""
        return self.backbone, self.anchors, self.proposal_width, self.proposer
