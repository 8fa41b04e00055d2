"""What a recipe is: the whole configuration of a run, and its form in JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from dvsa.learn.loop.checkpoint import JsonValue
from dvsa.learn.loop.trainer import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision import VisionConfig
from dvsa.learn.tasks.alignment import AlignmentOptions
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.paraphrase import ParaphraseOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One training of one network; its folder in the run bears its name."""

    name: str
    train: TrainConfig
    task: AlignmentOptions | CaptionOptions | ParaphraseOptions
    proposals_only: bool = False
    """Whether an alignment stage trains the proposal head alone."""
    captioner: CaptionerConfig | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A whole run: sizes, stages in their order, and how the result is used."""

    name: str
    vision: VisionConfig
    sentence: SentenceConfig
    stages: tuple[Stage, ...]
    min_count: int = 5
    """Words seen less often in the training split stay out of the vocabulary."""
    proposer: str = "head"
    nms: float = 0.5
    """IoU above which a proposal of the head gives way to a better one."""
    sharpness: float = 0.0
    """What the cosine of a phrase with a region is multiplied by before the softmax over regions by which the
    phrase is located; at 0 it goes to its best region."""
    beta: float = 1.0
    """Default strength of the MRF's wish for long segments."""
    beam: int = 5
    length_power: float = 0.0
    """A caption's log-probability is divided by its length to this power before captions are compared."""
    rerank: float = 0.0
    """What the alignment's score of caption and photograph counts beside that; at 0 it has no say."""
    score: str = "maxsim"
    support: float = 0.0
    """A word whose best region scores no more than this, over the length of the word's vector, is marked as
    one that nothing seen speaks for."""

    def to_json(self) -> dict[str, JsonValue]:
        """The recipe as JSON values, as it stands in a run's `config.json`."""
        values: dict[str, JsonValue] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        return values


def proposal_stage(proposer: str = "head") -> Stage:
    """The proposal head on the frozen ImageNet trunk, which all great recipes begin with."""
    return Stage(
        name="regions",
        proposals_only=True,
        task=AlignmentOptions(lr={"vision.proposals.": 1.0}, proposer=proposer, flip=True),
        train=TrainConfig(
            epochs=12, batch=60, lr=1e-3, warmup=100, ema=0.998, evaluate_every=4,
            weight_decay=0.01, clip_norm=2.0,
        ),
    )  # fmt: skip


def recipe_from_json(raw: JsonValue) -> Recipe:
    """The recipe that `Recipe.to_json` wrote; raises ValueError where it does not fit."""
    match raw:
        case {"vision": vision, "sentence": sentence, "stages": list(stages)}:
            return _made(
                Recipe,
                raw,
                vision=_made(VisionConfig, vision),
                sentence=_made(SentenceConfig, sentence),
                stages=tuple(_stage_from_json(stage) for stage in stages),
            )
    raise ValueError(f"{raw!r:.60} is no recipe")


def _stage_from_json(raw: JsonValue) -> Stage:
    match raw:
        case {"train": train, "task": {"longest": int()} as task, "captioner": None}:
            return _made(Stage, raw, train=_made(TrainConfig, train), task=_made(ParaphraseOptions, task))
        case {"train": train, "task": task, "captioner": None}:
            return _made(Stage, raw, train=_made(TrainConfig, train), task=_made(AlignmentOptions, task))
        case {"train": train, "task": {"subjects": list(subjects)} as task, "captioner": captioner}:
            return _made(
                Stage,
                raw,
                train=_made(TrainConfig, train),
                task=_made(CaptionOptions, task, subjects=tuple(subjects)),
                captioner=_made(CaptionerConfig, captioner),
            )
    raise ValueError(f"{raw!r:.60} is no stage of a recipe")


Made = TypeVar("Made")


def _made(make: Callable[..., Made], raw: JsonValue, **ready: object) -> Made:
    """A configuration from the JSON object of its fields, some of them already made."""
    if not isinstance(raw, dict):
        raise ValueError(f"{raw!r:.60} is no JSON object with the fields of a configuration")
    try:
        return make(**{**raw, **ready})
    except TypeError as error:  # a field that is unknown, missing or of another type
        raise ValueError(str(error)) from error
