"""The paper's recipes: its equations and protocol, and the variants of its tables.

Only the CNN and the boxes are others (EfficientNet-Lite2 as ImageNet left it, and a proposal head in place of
R-CNN), and word vectors are learnt unless a file brings them. Hyper-parameters were chosen on the validation
split of Flickr8K; `runs/paper_search.py` tries their neighbours.
"""

from collections.abc import Callable
from dataclasses import replace

from dvsa.learn.loop.trainer import TrainConfig
from dvsa.learn.nets.captioner import CaptionerConfig
from dvsa.learn.nets.sentence import SentenceConfig
from dvsa.learn.nets.vision import VisionConfig
from dvsa.learn.recipes.recipe import Recipe, Stage, proposal_stage
from dvsa.learn.tasks.alignment import AlignmentOptions
from dvsa.learn.tasks.captions import CaptionOptions
from dvsa.learn.tasks.paraphrase import ParaphraseOptions

EMBEDDING = 1600
"""h of the paper, from 1000 to 1600 there."""
BETA = 1.0
"""Of the MRF that makes the segments the region captioner learns from."""


def alignment(words: str = "brnn", *, score: str = "maxsim", proposer: str = "head") -> Recipe:
    """Ranking alone, as in a row of the paper's ablation.

    Args:
        words: the sentence encoder: `brnn`, `rnn` (left to right) or `bag`.
        score: `maxsim` (eq. 8) or `defrag` (eq. 7).
        proposer: `head`, or `frame` for whole photographs.
    """
    first = () if proposer == "frame" else (proposal_stage(),)
    stage = Stage(
        name="align",
        task=AlignmentOptions(score=score, proposer=proposer, lr={"vision.regions.": 1.0, "sentence.": 1.0}),
        train=TrainConfig(epochs=60, optimizer="sgd", lr=2e-4, warmup=300, clip_value=5.0, evaluate_every=10),
    )
    return Recipe(
        name=f"paper-{words}",
        vision=VisionConfig(embedding=EMBEDDING, standardise=True, dropout=0.5),
        sentence=SentenceConfig(kind=words, embedding=EMBEDDING, hidden=600),
        score=score,
        proposer=proposer,
        beta=BETA,
        beam=7,
        stages=(*first, stage),
    )


def captions(kind: str = "rnn") -> Stage:
    """The captioner of whole photographs: the paper's `rnn`, or an `lstm` in its place."""
    return Stage(
        name="frame",
        captioner=CaptionerConfig(kind=kind, standardise=True, dropout=0.4 if kind == "rnn" else 0.5),
        task=CaptionOptions(subjects=("frame",)),
        train=TrainConfig(
            epochs=12,
            optimizer="rmsprop",
            lr=4e-4 if kind == "rnn" else 1e-3,
            clip_value=5.0,
            evaluate_every=2,
        ),
    )


def phrases(*, beside: bool = False) -> Stage:
    """The captioner of regions, with or without the frame's vector beside the region's."""
    return Stage(
        name="region",
        captioner=CaptionerConfig(kind="rnn", beside=beside, standardise=True, dropout=0.4),
        task=CaptionOptions(subjects=("region",), beta=BETA),
        train=TrainConfig(epochs=4, optimizer="rmsprop", lr=4e-4, clip_value=5.0),
    )


def paper() -> Recipe:
    """The whole paper: regions, BRNN alignment, and an RNN each for photographs and regions."""
    ranked = alignment()
    return replace(ranked, name="paper", stages=(*ranked.stages, captions(), phrases()))


def lstm() -> Recipe:
    """Captions by an LSTM in the place of the RNN."""
    ranked = alignment()
    return replace(ranked, name="paper-lstm", stages=(*ranked.stages, captions("lstm")))


def region(*, beside: bool = False) -> Recipe:
    """Phrases of regions alone, by an RNN that sees the region or, `beside` it, the whole photograph too."""
    ranked = alignment()
    name = "paper-beside" if beside else "paper-region"
    return replace(ranked, name=name, stages=(*ranked.stages, phrases(beside=beside)))


def at_beta(recipe: Recipe, beta: float) -> Recipe:
    """The same with segments of another beta."""
    stages = tuple(
        replace(stage, task=replace(stage.task, beta=beta))
        if isinstance(stage.task, CaptionOptions)
        else stage
        for stage in recipe.stages
    )
    return replace(recipe, beta=beta, stages=stages)


def regions() -> Recipe:
    """The proposal head alone, for all the others to take over."""
    return replace(alignment(), name="paper-regions", stages=(proposal_stage(),))


def on_grid(recipe: Recipe) -> Recipe:
    """The same on fixed boxes, for data without phrase boxes, where no proposal head can learn."""

    def proposer(asked: str) -> str:
        return "frame" if asked == "frame" else "grid"

    stages = tuple(
        replace(stage, task=replace(stage.task, proposer=proposer(stage.task.proposer)))
        for stage in recipe.stages
        if not (stage.proposals_only or isinstance(stage.task, ParaphraseOptions))
    )
    return replace(recipe, proposer=proposer(recipe.proposer), stages=stages)


RECIPES: dict[str, Callable[[], Recipe]] = {
    "paper": paper,
    "paper-regions": regions,
    "paper-frame": lambda: replace(alignment(proposer="frame"), name="paper-frame"),
    "paper-defrag": lambda: replace(alignment(score="defrag"), name="paper-defrag"),
    "paper-bag": lambda: alignment("bag"),
    "paper-rnn": lambda: alignment("rnn"),
    "paper-brnn": alignment,
    "paper-lstm": lstm,
    "paper-region": region,
    "paper-beside": lambda: region(beside=True),
}
"""By name; all of one seed share their proposal stage, and those with a BRNN their alignment."""
