"""Recipes by name: those of today here, the paper's in `dvsa.learn.recipes.paper`."""

from collections.abc import Callable
from dataclasses import replace

from dvsa.learn.loop.trainer import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision import VisionConfig
from dvsa.learn.recipes import paper
from dvsa.learn.recipes.recipe import Recipe, Stage, proposal_stage
from dvsa.learn.tasks.alignment import SHARPNESS, AlignmentOptions
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.paraphrase import ParaphraseOptions


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


def best() -> Recipe:
    """The most accurate: first it reads, then it learns from sentences and boxes at once, in changing views.

    Words that were read before the first photograph is seen are worth more than any other part. The trunk may
    only be tuned on views: of whole photographs the alignment knows each by heart already. Views are nearer
    than the whole on average, so the proposal head settles on whole photographs again afterwards.
    """
    return Recipe(
        name="best",
        min_count=5,
        vision=VisionConfig(
            embedding=256,
            proposal_width=256,
            context_layers=1,
            normalise=True,
            geometry=True,
            both_ways=True,
            dropout=0.1,
        ),
        sentence=SentenceConfig(kind="gru", embedding=256, hidden=512, dropout=0.3, word_dropout=0.1),
        proposer="coverage",
        sharpness=SHARPNESS,
        beta=0.02,
        beam=10,
        length_power=1.0,
        rerank=0.15,
        support=0.32,
        stages=(*_best_alignment("coverage"), *_best_captioners("coverage")),
    )


def _best_alignment(proposer: str) -> tuple[Stage, ...]:
    heads = {"vision.regions.": 1.0, "sentence.": 1.0}
    tuned = heads | {"vision.proposals.": 1.0, "vision.backbone.": 0.3}
    boxes = {"vision.proposals.": 1.0}
    align = AlignmentOptions(loss="info_nce", sentences=5, proposer=proposer, lr=heads, grounding=1.0)
    return (
        proposal_stage(proposer),
        Stage(
            name="read",
            task=ParaphraseOptions(),
            train=_adamw(epochs=60, batch=1024, lr=1e-3, warmup=100, ema=0.99, evaluate_every=20),
        ),
        Stage(
            name="align",
            task=align,
            train=_adamw(epochs=12, batch=200, lr=1e-3, warmup=60, ema=0.99, evaluate_every=4),
        ),
        Stage(
            name="tune",
            task=replace(align, lr=tuned, flip=True, least=0.5, most=1.25),
            train=_adamw(epochs=20, batch=128, lr=3e-4, warmup=60, ema=0.995, evaluate_every=4),
        ),
        Stage(
            name="settle",
            proposals_only=True,
            task=AlignmentOptions(lr=boxes, proposer=proposer, flip=True, least=0.75, most=1.25),
            train=_adamw(epochs=8, batch=60, lr=5e-4, warmup=100, ema=0.998, evaluate_every=2),
        ),
    )


def _best_captioners(proposer: str) -> tuple[Stage, ...]:
    of_frames = CaptionerConfig(kind="attention", dropout=0.4)
    return (
        Stage(
            name="caption",
            captioner=of_frames,
            task=CaptionOptions(proposer=proposer, smoothing=0.1),
            train=_adamw(epochs=20, batch=256, lr=8e-4, warmup=200, ema=0.999, evaluate_every=4),
        ),
        Stage(
            name="reward",
            captioner=of_frames,
            task=CaptionOptions(proposer=proposer, after="caption", samples=5),
            train=_adamw(epochs=8, batch=60, lr=1e-4, warmup=50, ema=0.99, evaluate_every=2),
        ),
        Stage(
            name="phrase",
            captioner=CaptionerConfig(kind="attention", hidden=256, word_size=256, dropout=0.3),
            task=CaptionOptions(subjects=("region",), proposer=proposer, phrases="boxes", smoothing=0.1),
            train=_adamw(epochs=6, batch=256, lr=2e-3, warmup=50, ema=0.99),
        ),
    )


def _adamw(
    *, epochs: int, batch: int, lr: float, warmup: int, ema: float = 0.0, evaluate_every: int = 1
) -> TrainConfig:
    """What the modern stages share: AdamW, a falling rate, short gradients."""
    return TrainConfig(
        epochs=epochs, batch=batch, lr=lr, warmup=warmup, ema=ema, evaluate_every=evaluate_every,
        weight_decay=0.01, clip_norm=2.0,
    )  # fmt: skip


RECIPES: dict[str, Callable[[], Recipe]] = {"best": best, "modern": modern, "toy": toy, **paper.RECIPES}
"""Recipes by the name that `dvsa train` takes."""
