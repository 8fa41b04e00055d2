"""Whole configurations by name: a recipe is a function that returns everything a run needs to know."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from dvsa.learn.alignment import AlignmentOptions
from dvsa.learn.captioner import CaptionerConfig
from dvsa.learn.captioning import CaptionOptions
from dvsa.learn.checkpoint import JsonValue
from dvsa.learn.sentence import SentenceConfig
from dvsa.learn.trainer import TrainConfig
from dvsa.learn.vision import VisionConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One training of one network; its folder in the run bears its name."""

    name: str
    train: TrainConfig
    task: AlignmentOptions | CaptionOptions
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
    """IoU above which a proposal gives way to a better one."""
    beta: float = 1.0
    """Default strength of the MRF's wish for long segments."""
    beam: int = 5
    length_power: float = 0.0
    """A caption's log-probability is divided by its length to this power before captions are compared."""
    score: str = "maxsim"

    def to_json(self) -> dict[str, JsonValue]:
        """The recipe as JSON values, as it stands in a run's `config.json`."""
        values: dict[str, JsonValue] = json.loads(json.dumps(asdict(self)))  # tuples become lists
        return values


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


def toy() -> Recipe:
    """Coloured shapes, every part from nothing, in under two minutes on two cores."""
    heads = {"vision.": 1.0, "sentence.": 1.0}
    align = AlignmentOptions(loss="info_nce", sentences=3, lr=heads, grounding=2.0, each_word=True)
    return Recipe(
        name="toy",
        min_count=1,
        vision=VisionConfig(
            backbone="small", embedding=64, anchors=4, proposal_width=32, normalise=True, geometry=True
        ),
        sentence=SentenceConfig(kind="gru", embedding=64, word_size=32, hidden=32),
        beta=0.5,
        beam=3,
        stages=(
            Stage(
                name="regions",
                proposals_only=True,
                task=AlignmentOptions(lr={"vision.backbone.": 1.0, "vision.proposals.": 1.0}),
                train=TrainConfig(epochs=2, batch=32, lr=4e-3, warmup=20),
            ),
            Stage(
                name="align",
                task=align,
                train=TrainConfig(epochs=22, batch=64, lr=4e-3, warmup=20, clip_norm=2.0, evaluate_every=11),
            ),
            Stage(
                name="caption",
                captioner=CaptionerConfig(kind="attention", hidden=96, word_size=64),
                task=CaptionOptions(subjects=("frame", "region")),
                train=TrainConfig(epochs=2, batch=128, lr=6e-3, warmup=20, clip_norm=2.0),
            ),
        ),
    )


def paper() -> Recipe:
    """The paper's equations and protocol on frozen ImageNet features; only CNN and boxes are others."""
    captions = TrainConfig(epochs=20, optimizer="rmsprop", lr=2e-4, schedule="constant", clip_value=5.0)
    rnn = CaptionerConfig(kind="rnn", hidden=512, word_size=512, dropout=0.5)
    return Recipe(
        name="paper",
        vision=VisionConfig(embedding=1000, dropout=0.5),
        sentence=SentenceConfig(kind="brnn", embedding=1000, hidden=600, dropout=0.5),
        beam=7,
        stages=(
            proposal_stage(),
            Stage(
                name="align",
                task=AlignmentOptions(lr={"vision.regions.": 1.0, "sentence.": 1.0}),
                train=TrainConfig(
                    epochs=100,
                    optimizer="sgd",
                    lr=1e-5,
                    schedule="constant",
                    clip_value=5.0,
                    evaluate_every=5,
                ),
            ),
            Stage(name="frame", captioner=rnn, task=CaptionOptions(subjects=("frame",)), train=captions),
            Stage(name="region", captioner=rnn, task=CaptionOptions(subjects=("region",)), train=captions),
        ),
    )


def modern() -> Recipe:
    """What ships: a fine-tuned trunk, a GRU with word weights, LSTMs that attend to regions.

    Alignment first learns from sentences alone (`align`, and `tune` with the trunk), then also from the boxes
    of phrases (`ground`). So the frame's captioner, which reads features only, stands before that stage, and
    the regions' captioner, which learns from segments, behind it.
    """
    heads = {"vision.regions.": 1.0, "sentence.": 1.0}
    tuned = heads | {"vision.proposals.": 1.0, "vision.backbone.": 0.3}
    return Recipe(
        name="modern",
        min_count=3,
        vision=VisionConfig(embedding=256, context_layers=1, normalise=True, geometry=True, dropout=0.1),
        sentence=SentenceConfig(kind="gru", embedding=256, hidden=384, dropout=0.3, word_dropout=0.1),
        beta=0.01,
        beam=5,
        length_power=0.7,
        stages=(
            proposal_stage(),
            Stage(
                name="align",
                task=AlignmentOptions(loss="info_nce", sentences=5, lr=heads),
                train=_adamw(epochs=15, batch=200, lr=1e-3, warmup=60, ema=0.99, evaluate_every=5),
            ),
            Stage(
                name="tune",
                task=AlignmentOptions(loss="info_nce", sentences=5, lr=tuned, flip=True),
                train=_adamw(epochs=18, batch=128, lr=3e-4, warmup=60, ema=0.995, evaluate_every=3),
            ),
            Stage(
                name="caption",
                captioner=CaptionerConfig(kind="attention", dropout=0.4),
                task=CaptionOptions(subjects=("frame", "region"), smoothing=0.1),
                train=_adamw(epochs=10, batch=256, lr=8e-4, warmup=200, ema=0.999, evaluate_every=2),
            ),
            Stage(
                name="ground",
                task=AlignmentOptions(loss="info_nce", lr=heads, grounding=1.0),
                train=_adamw(epochs=6, batch=100, lr=5e-4, warmup=30, ema=0.99, evaluate_every=2),
            ),
            Stage(
                name="phrase",
                captioner=CaptionerConfig(kind="attention", hidden=256, word_size=256, dropout=0.3),
                task=CaptionOptions(subjects=("region",), beta=0.01, smoothing=0.1),
                train=_adamw(epochs=2, batch=256, lr=2e-3, warmup=50),
            ),
        ),
    )


def proposal_stage() -> Stage:
    """The proposal head on the frozen ImageNet trunk."""
    return Stage(
        name="regions",
        proposals_only=True,
        task=AlignmentOptions(lr={"vision.proposals.": 1.0}, flip=True),
        train=_adamw(epochs=12, batch=60, lr=1e-3, warmup=100, ema=0.998, evaluate_every=4),
    )


def _adamw(
    *, epochs: int, batch: int, lr: float, warmup: int, ema: float = 0.0, evaluate_every: int = 1
) -> TrainConfig:
    """What the modern stages share: AdamW, a falling rate, short gradients."""
    return TrainConfig(
        epochs=epochs, batch=batch, lr=lr, warmup=warmup, ema=ema, evaluate_every=evaluate_every,
        weight_decay=0.01, clip_norm=2.0,
    )  # fmt: skip


RECIPES: dict[str, Callable[[], Recipe]] = {"modern": modern, "paper": paper, "toy": toy}
"""Recipes by the name that `dvsa train` takes."""
