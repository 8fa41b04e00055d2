"""The paper's recipes: its equations and protocol, and the variants of its tables.

Only the CNN and the boxes differ: EfficientNet-Lite2 as trained on ImageNet, which sees each crop and its
mirror image, and a proposal head in place of R-CNN. Word vectors are learned unless a file brings them.
Hyper-parameters were chosen on Flickr8K val; `runs/paper_search.py` tries their neighbours.
"""

from dataclasses import replace

from dvsa.learn.loop.config import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision_config import VisionConfig
from dvsa.learn.recipes.recipe import Recipe, proposal_stage
from dvsa.learn.tasks.alignment import AlignmentStage
from dvsa.learn.tasks.captions import CaptionStage
from dvsa.learn.tasks.stage import Stage
from dvsa.learn.tasks.visual import HEADS

EMBEDDING = 1600
"""h of the paper, which tried 1000 to 1600."""
BETA = 1.0
"""Of the MRF whose segments the region captioner learns from."""


def alignment(
    words: str = "brnn", *, score: str = "maxsim", proposer: str = "head", described_by: str = "crops"
) -> Recipe:
    """Ranking alone, as in a row of the paper's ablation.

    Args:
        words: the sentence encoder: `brnn`, `rnn` (left to right) or `bag`.
        score: `maxsim` (eq. 8) or `defrag` (eq. 7).
        proposer: `head`, or `frame` for whole photographs.
        described_by: `crops` as in the paper, `map` for means over feature maps, or `both`.
    """
    align = AlignmentStage(
        name="align",
        score=score,
        proposer=proposer,
        lr=HEADS,
        train=TrainConfig(
            epochs=140, optimizer="sgd", lr=2e-4, warmup=300, clip_value=5.0, evaluate_every=10
        ),
    )

    return Recipe(
        name=f"paper-{words}",
        vision=VisionConfig(
            embedding=EMBEDDING, described_by=described_by, standardise=True, both_ways=True, dropout=0.5
        ),
        sentence=SentenceConfig(kind=words, embedding=EMBEDDING, hidden=600, dropout=0.1),
        score=score,
        proposer=proposer,
        beta=BETA,
        beam=7,
        stages=(align,) if proposer == "frame" else (proposal_stage(), align),
    )


def captions(kind: str = "rnn") -> CaptionStage:
    """The captioner of whole photographs: the paper's `rnn`, or an `lstm` instead."""
    return CaptionStage(
        name="frame",
        captioner=CaptionerConfig(kind=kind, standardise=True, dropout=0.4 if kind == "rnn" else 0.5),
        train=TrainConfig(
            epochs=12,
            optimizer="rmsprop",
            lr=4e-4 if kind == "rnn" else 1e-3,
            clip_value=5.0,
            evaluate_every=2,
        ),
    )


def phrases(*, beta: float = BETA, beside: bool = False) -> CaptionStage:
    """The captioner of regions, with or without the frame's vector beside the region's."""
    return CaptionStage(
        name="region",
        captioner=CaptionerConfig(kind="rnn", beside=beside, standardise=True, dropout=0.4),
        subjects=("region",),
        phrases="content",
        beta=beta,
        train=TrainConfig(epochs=4, optimizer="rmsprop", lr=4e-4, clip_value=5.0),
    )


def paper(beta: float = BETA) -> Recipe:
    """The whole paper: regions, BRNN alignment, and one RNN each for photographs and regions."""
    return _with("paper", captions(), phrases(beta=beta), beta=beta)


def lstm(beta: float = BETA) -> Recipe:
    """Captions by an LSTM instead of the RNN."""
    return _with("paper-lstm", captions("lstm"), beta=beta)


def region(beta: float = BETA) -> Recipe:
    """Phrases of regions alone, by an RNN that sees the region."""
    return _with("paper-region", phrases(beta=beta), beta=beta)


def beside(beta: float = BETA) -> Recipe:
    """Phrases of regions alone, by an RNN that sees the whole photograph beside the region."""
    return _with("paper-beside", phrases(beta=beta, beside=True), beta=beta)


def _with(name: str, *stages: Stage, beta: float) -> Recipe:
    """The BRNN alignment with captioners behind it."""
    ranked = alignment()
    return replace(ranked, name=name, beta=beta, stages=(*ranked.stages, *stages))


def regions() -> Recipe:
    """The proposal head alone, which all other recipes reuse."""
    return replace(alignment(), name="paper-regions", stages=(proposal_stage(),))
