"""Today's recipes: `toy`, `modern`, `best` and `large`. The paper's are in `dvsa.learn.recipes.paper`."""

from dataclasses import replace

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision_config import VisionConfig
from dvsa.learn.recipes.recipe import Recipe, proposal_stage
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.paraphrase import ParaphraseStage
from dvsa.learn.tasks.phrases import SHARPNESS
from dvsa.learn.tasks.proposals import ProposalStage
from dvsa.learn.tasks.rewards import RewardStage
from dvsa.learn.tasks.stage import Stage
from dvsa.learn.tasks.visual import HEADS

LARGE = {
    "regions": (2, 240),
    "read": (10, 4096),
    "align": (4, 1024),
    "tune": (6, 512),
    "settle": (2, 240),
    "caption": (5, 1024),
    "phrase": (2, 1024),
}
"""Epochs and batch of each stage of the recipe `large`."""
TUNED = HEADS | {"vision.proposals.": 1.0, "vision.backbone.": 0.3}
"""Learning-rate factors that train everything, the backbone slowly."""


def toy() -> Recipe:
    """Coloured shapes: every part from scratch, in under two minutes on two cores."""
    regions = ProposalStage(
        name="regions",
        lr={"vision.backbone.": 1.0, "vision.proposals.": 1.0},
        train=TrainConfig(epochs=2, batch=32, lr=4e-3, warmup=20),
    )
    align = AlignmentStage(
        name="align",
        loss="info_nce",
        sentences=3,
        lr={"vision.": 1.0, "sentence.": 1.0},
        grounding=2.0,
        each_word=True,
        train=TrainConfig(epochs=22, batch=64, lr=4e-3, warmup=20, clip_norm=2.0, evaluate_every=11),
    )
    caption = CaptionStage(
        name="caption",
        captioner=CaptionerConfig(kind="attention", hidden=96, word_size=64),
        subjects=("frame", "region"),
        train=TrainConfig(epochs=2, batch=128, lr=6e-3, warmup=20, clip_norm=2.0),
    )

    return Recipe(
        name="toy",
        min_count=1,
        vision=VisionConfig(
            backbone="small", embedding=64, anchors=4, proposal_width=32, normalise=True, geometry=True
        ),
        sentence=SentenceConfig(kind="gru", embedding=64, word_size=32, hidden=32),
        beta=0.5,
        beam=3,
        stages=(regions, align, caption),
    )


def modern() -> Recipe:
    """A fine-tuned backbone, a GRU with word weights, LSTMs that attend to regions.

    Alignment first learns from sentences alone (`align`, and `tune` with the backbone), then also from the
    boxes of phrases (`ground`). So the frame's captioner, which reads features only, comes before that stage,
    and the regions' captioner, which learns from segments, after it.
    """
    align = AlignmentStage(
        name="align",
        loss="info_nce",
        sentences=5,
        lr=HEADS,
        train=_adamw(epochs=15, batch=200, lr=1e-3, warmup=60, ema=0.99, evaluate_every=5),
    )
    tune = AlignmentStage(
        name="tune",
        loss="info_nce",
        sentences=5,
        lr=TUNED,
        flip=True,
        train=_adamw(epochs=18, batch=128, lr=3e-4, warmup=60, ema=0.995, evaluate_every=3),
    )
    caption = CaptionStage(
        name="caption",
        captioner=CaptionerConfig(kind="attention", dropout=0.4),
        subjects=("frame", "region"),
        smoothing=0.1,
        train=_adamw(epochs=10, batch=256, lr=8e-4, warmup=200, ema=0.999, evaluate_every=2),
    )
    ground = AlignmentStage(
        name="ground",
        loss="info_nce",
        lr=HEADS,
        grounding=1.0,
        train=_adamw(epochs=6, batch=100, lr=5e-4, warmup=30, ema=0.99, evaluate_every=2),
    )
    phrase = CaptionStage(
        name="phrase",
        captioner=CaptionerConfig(kind="attention", hidden=256, word_size=256, dropout=0.3),
        subjects=("region",),
        beta=0.01,
        smoothing=0.1,
        train=_adamw(epochs=2, batch=256, lr=2e-3, warmup=50),
    )

    return Recipe(
        name="modern",
        min_count=3,
        vision=VisionConfig(embedding=256, context_layers=1, normalise=True, geometry=True, dropout=0.1),
        sentence=SentenceConfig(kind="gru", embedding=256, hidden=384, dropout=0.3, word_dropout=0.1),
        beta=0.01,
        beam=5,
        length_power=0.7,
        stages=(proposal_stage(), align, tune, caption, ground, phrase),
    )


def best() -> Recipe:
    """The most accurate recipe, which made the shipped bundle.

    It reads sentences before it sees photographs: no other part gains more. Then it learns from sentences and
    boxes at once. The backbone is tuned on random windows only, since the alignment has overfitted the whole
    photographs. Windows are enlarged on average, so the proposal head is tuned on nearly whole photographs
    afterwards.
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
        # How the result is used.
        proposer="coverage",
        sharpness=SHARPNESS,
        beta=0.02,
        beam=10,
        length_power=1.0,
        rerank=0.15,
        support=0.32,
        # What it learns.
        stages=(*_best_alignment("coverage"), *_best_captioners("coverage")),
    )


def _best_alignment(proposer: str) -> tuple[Stage, ...]:
    # Words first, from sentences alone.
    read = ParaphraseStage(
        name="read",
        train=_adamw(epochs=60, batch=1024, lr=1e-3, warmup=100, ema=0.99, evaluate_every=20),
    )

    # Then words and regions, with the backbone as ImageNet left it.
    align = AlignmentStage(
        name="align",
        loss="info_nce",
        sentences=5,
        proposer=proposer,
        lr=HEADS,
        grounding=1.0,
        train=_adamw(epochs=12, batch=200, lr=1e-3, warmup=60, ema=0.99, evaluate_every=4),
    )

    # Then everything, on random windows.
    tune = replace(
        align,
        name="tune",
        lr=TUNED,
        flip=True,
        min_window=0.5,
        max_window=1.25,
        train=_adamw(epochs=20, batch=128, lr=3e-4, warmup=60, ema=0.995, evaluate_every=4),
    )

    # Last the proposals, on nearly whole photographs.
    settle = ProposalStage(
        name="settle",
        lr={"vision.proposals.": 1.0},
        proposer=proposer,
        flip=True,
        min_window=0.75,
        max_window=1.25,
        train=_adamw(epochs=8, batch=60, lr=5e-4, warmup=100, ema=0.998, evaluate_every=2),
    )

    return proposal_stage(proposer), read, align, tune, settle


def _best_captioners(proposer: str) -> tuple[Stage, ...]:
    of_frames = CaptionerConfig(kind="attention", dropout=0.4)

    caption = CaptionStage(
        name="caption",
        captioner=of_frames,
        proposer=proposer,
        smoothing=0.1,
        train=_adamw(epochs=20, batch=256, lr=8e-4, warmup=200, ema=0.999, evaluate_every=4),
    )

    reward = RewardStage(
        name="reward",
        captioner=of_frames,
        proposer=proposer,
        after="caption",
        samples=5,
        train=_adamw(epochs=8, batch=60, lr=1e-4, warmup=50, ema=0.99, evaluate_every=2),
    )

    phrase = CaptionStage(
        name="phrase",
        captioner=CaptionerConfig(kind="attention", hidden=256, word_size=256, dropout=0.3),
        subjects=("region",),
        proposer=proposer,
        phrases="boxes",
        smoothing=0.1,
        train=_adamw(epochs=6, batch=256, lr=2e-3, warmup=50, ema=0.99),
    )

    return caption, reward, phrase


def large() -> Recipe:
    """For more than 100,000 photographs: larger vectors and batches, fewer epochs.

    It has the stages of `best` without the rewards, which keep the n-grams of all sentences in memory.
    """
    stages = (*_best_alignment("coverage"), *_best_captioners("coverage"))
    return replace(
        best(),
        name="large",
        min_count=10,
        vision=replace(best().vision, embedding=512),
        sentence=replace(best().sentence, embedding=512, word_size=512, hidden=1024),
        stages=tuple(_larger(stage) for stage in stages if stage.name in LARGE),
    )


def _larger(stage: Stage) -> Stage:
    """The stage for many photographs: its learning rate grows with the square root of its batch."""
    epochs, batch = LARGE[stage.name]
    cfg = stage.train
    lr, warmup = cfg.lr * (batch / cfg.batch) ** 0.5, 500
    return replace(
        stage, train=replace(cfg, epochs=epochs, batch=batch, lr=lr, warmup=warmup, evaluate_every=1)
    )


def _adamw(
    *, epochs: int, batch: int, lr: float, warmup: int, ema: float = 0.0, evaluate_every: int = 1
) -> TrainConfig:
    """What the modern stages share: AdamW, a falling rate, bounded gradients."""
    return TrainConfig(
        epochs=epochs,
        batch=batch,
        lr=lr,
        warmup=warmup,
        ema=ema,
        evaluate_every=evaluate_every,
        weight_decay=0.01,
        clip_norm=2.0,
    )
