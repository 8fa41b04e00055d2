"""A recipe: the whole configuration of a run, and its form in JSON."""

from dataclasses import dataclass, replace

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision_config import VisionConfig
from dvsa.learn.recipes.parse import parse, to_json
from dvsa.learn.recipes.stages import stage_from_json, stage_to_json
from dvsa.learn.tasks.proposals import ProposalStage
from dvsa.learn.tasks.stage import Stage, WritingStage


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The sizes of the networks, the stages in their order, and how the result is used."""

    name: str
    vision: VisionConfig
    sentence: SentenceConfig
    stages: tuple[Stage, ...]
    min_count: int = 5
    """Words that the training split has less often stay out of the vocabulary."""
    proposer: str = "head"
    nms: float = 0.5
    """IoU above which NMS drops a candidate, for the proposer `head`."""
    sharpness: float = 0.0
    """Factor on the cosine of a phrase with a region before the softmax over regions by which the phrase is
    located; at 0 the phrase goes to its best region."""
    beta: float = 1.0
    """The MRF's default preference for longer segments."""
    beam: int = 5
    length_power: float = 0.0
    """Captions are compared by log-probability divided by length to this power."""
    rerank: float = 0.0
    """Weight of the alignment's score when captions are compared; 0 ignores it."""
    score: str = "maxsim"
    support: float = 0.0
    """A word is marked as unsupported if the score of its best region, divided by the length of the word's
    vector, is not above this."""
    support_slope: float = 0.0
    """How fast the probability that the photograph shows a word changes with that number; 0 if unknown."""
    things: tuple[float, ...] = ()
    """The weights of the evidence for classes (see `dvsa.seeing`)."""

    def __post_init__(self) -> None:
        regions, words = self.vision.embedding, self.sentence.embedding
        if regions != words:
            raise ValueError(
                f"vision.embedding is {regions} and sentence.embedding is {words}: set both to one size"
            )
        names = [stage.name for stage in self.stages]
        if len({*names}) < len(names) or not all(_is_folder(name) for name in names):
            raise ValueError(f"each stage needs a name of its own, of letters, digits and _: {names}")

    @property
    def joint_stages(self) -> tuple[Stage, ...]:
        """The stages that change the joint model."""
        return tuple(stage for stage in self.stages if stage.weights)

    @property
    def writing_stages(self) -> tuple[WritingStage, ...]:
        """The stages that train captioners."""
        return tuple(stage for stage in self.stages if isinstance(stage, WritingStage))

    def until(self, name: str) -> "Recipe":
        """The same recipe up to and with a stage."""
        names = [stage.name for stage in self.stages]
        return replace(self, stages=self.stages[: names.index(name) + 1])

    def with_eye(
        self,
        *,
        backbone: str | None = None,
        described_by: str | None = None,
        full_resolution: bool = False,
    ) -> "Recipe":
        """The same recipe with another backbone, or with regions that something else describes."""
        vision = replace(
            self.vision,
            backbone=backbone or self.vision.backbone,
            described_by=described_by or self.vision.described_by,
            full_resolution=full_resolution or self.vision.full_resolution,
        )
        if full_resolution and not vision.by_crops:
            raise ValueError("only crops can be cut at full resolution: give --described-by crops or both")
        return replace(self, vision=vision)

    def to_json(self) -> dict[str, JsonValue]:
        """The recipe as JSON values, as in a run's `config.json`."""
        return to_json(self) | {"stages": [stage_to_json(stage) for stage in self.stages]}


def _is_folder(name: str) -> bool:
    """Whether a stage's name can be the name of its folder."""
    return name.isidentifier()


def recipe_from_json(raw: JsonValue) -> Recipe:
    """The recipe that `Recipe.to_json` wrote, or an earlier version of this package.

    Raises:
        ValueError: it is not a recipe, or a field does not fit.
    """
    if not (isinstance(raw, dict) and isinstance(stages := raw.get("stages"), list)):
        raise ValueError(f"{raw!r:.60} is not a recipe: it needs an object with `stages`")
    return parse(Recipe, raw, stages=tuple(stage_from_json(stage) for stage in stages))


def proposal_stage(proposer: str = "head") -> ProposalStage:
    """The proposal head on the frozen ImageNet backbone; all large recipes begin with it."""
    return ProposalStage(
        name="regions",
        lr={"vision.proposals.": 1.0},
        proposer=proposer,
        flip=True,
        train=TrainConfig(
            epochs=12,
            batch=60,
            lr=1e-3,
            warmup=100,
            ema=0.998,
            evaluate_every=4,
            weight_decay=0.01,
            clip_norm=2.0,
        ),
    )
