"""What a run learns from: photographs, sentences, and the models that it continues."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from dvsa.data import Dataset, Example, GivenRegions, Subset, extra_sentences, word_vectors
from dvsa.data.extra_sentences import ExtraSentences
from dvsa.data.word_vectors import WordVectors
from dvsa.fluency import Fluency
from dvsa.learn.loop import loggers
from dvsa.learn.loop.progress import progress
from dvsa.learn.recipes.adapt import FIXED
from dvsa.learn.runs.backbone_weights import BackboneWeights
from dvsa.learn.runs.bundle_weights import SHIPPED
from dvsa.learn.runs.proposer import TRAINED, BundleProposer
from dvsa.learn.runs.remembered import remembered
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.sentence_encoder import SentenceEncoder
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.learn.tasks.ragged import SentenceIds
from dvsa.text import Vocabulary, words

VALIDATED = 5000
"""The most photographs that checkpoints are chosen on: a larger split would take long and change little."""
Tell = Callable[[str], object]
"""Reports a line to whoever started the run."""


def silent(line: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FitOptions:
    """How to train a recipe.

    Raises:
        ValueError: two options exclude each other.
    """

    seed: int = 0
    """Of all randomness."""
    device: str | None = None
    """Such as `cpu` or `cuda`; by default a GPU if there is one."""
    word_vectors: Path | None = None
    """A word2vec, GloVe or fastText file (see `dvsa.data.word_vectors`). Its vectors stay fixed, and the
    encoder's `word_size` becomes theirs."""
    sentence_encoder: Path | None = None
    """A folder with a pretrained sentence encoder (see `dvsa.learn.runs.sentence_encoder`). It replaces the
    recipe's, stays fixed, and gets a trained head."""
    sentences: Path | None = None
    """A file of extra sentences, for the vocabulary and for stages that need no photographs (see
    `dvsa.data.extra_sentences`). They must be about photographs that are neither in val nor in test."""
    earlier: Path | None = None
    """A run on the same data whose stages are reused where they are the same."""
    init: str | None = None
    """The folder of a bundle to continue, or `shipped` (see `dvsa.learn.runs.warm_start`)."""
    remember: Path | None = None
    """The data set that the continued bundle has learned from: some of it is replayed, and the mean recall on
    its validation split is told before and after (see `dvsa.learn.runs.memory`)."""
    proposer: str | None = None
    """Where boxes come from: `trained` on phrase boxes; the `shipped` bundle or the one in a folder, frozen;
    `grid` for fixed boxes; or `frame`. By default `trained`, or `shipped` for data without phrase boxes."""
    backbone: str | None = None
    """The name of a backbone in place of the recipe's (see `dvsa.learn.nets.backbones`)."""
    backbone_weights: Path | None = None
    """A safetensors file with the first weights of the backbone."""
    described_by: str | None = None
    """What describes regions in place of what the recipe says: `map`, `crops` or `both`."""
    full_resolution: bool = False
    """Whether crops are cut from the photographs themselves (see `VisionConfig.full_resolution`)."""
    log_to: tuple[str, ...] = ()
    """Where figures go beside `log.jsonl`: `tensorboard`, `wandb` (see `dvsa.learn.loop.loggers`)."""
    quiet: bool = False
    """Whether to hide progress bars."""
    tell: Tell = silent
    """Is called with a line for everything that the run does otherwise than its recipe says."""

    def __post_init__(self) -> None:
        for name in ("device", "init", "proposer", "backbone", "described_by"):
            if getattr(self, name) == "":
                raise ValueError(f"--{name.replace('_', '-')} is empty: give a value, or leave it out")
        loggers.check(self.log_to)
        if self.remember is not None and self.init is None:
            raise ValueError("--remember is what a continued bundle has learned from: give --init too")
        if self.word_vectors is not None and self.sentence_encoder is not None:
            raise ValueError("--sentence-encoder has its own word vectors: leave out --word-vectors")
        if self.init is not None and self.word_vectors is not None:
            raise ValueError("--init continues the word vectors of its bundle: leave out --word-vectors")
        if self.init is not None and self.sentence_encoder is not None:
            raise ValueError(
                "--init continues the sentence encoder of its bundle: leave out --sentence-encoder"
            )
        if self.init is not None and (self.backbone or self.backbone_weights):
            raise ValueError(
                "--init continues the backbone of its bundle: leave out --backbone and --backbone-weights"
            )
        if self.init is not None and (self.described_by or self.full_resolution):
            raise ValueError(
                "--init continues to describe regions as its bundle does: leave out --described-by and "
                "--full-resolution"
            )

    def silent(self) -> "FitOptions":
        """The same without any output, for all processes but the first."""
        return replace(self, quiet=True, tell=silent, log_to=())


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The data of a run, and the models that it builds on."""

    data: str
    """The data set's name."""
    training: Sequence[Example]
    val: Sequence[Example]
    extra: ExtraSentences | None
    warm_start: WarmStart | None
    remembered: Dataset | None
    """The data set that the continued bundle has learned from, if it is at hand."""
    boxed: bool
    """Whether phrases of both splits have boxes."""
    given: GivenRegions | None
    """Regions from files."""
    proposer: BundleProposer | str
    """What proposes the boxes: a bundle, or `trained`, `grid` or `frame`."""
    backbone_weights: BackboneWeights | None
    earlier: Run | None
    vocabulary: Vocabulary
    spoken: Vocabulary
    """The words that captions use: those that are frequent in the training split, and those of the model
    that is continued."""
    pretrained: WordVectors | SentenceEncoder | None
    """Where the words' side begins; None if it begins at random, or with the bundle that is continued."""
    new_words: frozenset[str]
    """Words of the vocabulary that no training sentence has."""

    @classmethod
    def open(
        cls, data: Dataset, options: FitOptions, min_count: int, *, more_words: Vocabulary | None = None
    ) -> "Inputs":
        """Read everything that the options name; the split `test` is never used.

        Args:
            data: the data set.
            options: how to train.
            min_count: rarer words are left out.
            more_words: are known even if no sentence has them.

        Raises:
            ValueError: a file or folder is not what it should be.
        """
        data.with_sentences()
        training, val = data.split("train", restval=True), data.split("val")
        if len(val) > VALIDATED:
            options.tell(f"{VALIDATED:,} of the {len(val):,} photographs of val are used, evenly spaced")
            val = Subset(val, np.linspace(0, len(val) - 1, VALIDATED).astype(int))
        extra = None if options.sentences is None else extra_sentences.read(options.sentences)
        warm_start = None if options.init is None else WarmStart(options.init)
        if warm_start is not None and options.proposer is not None:
            raise ValueError("a warm start keeps its bundle's boxes: give --init or --proposer, not both")
        boxed, given = has_boxes(training) and has_boxes(val), data.regions
        where = options.proposer or (SHIPPED if given or not (boxed or warm_start) else TRAINED)
        if given is not None:
            _check(given, [*training, *val], options)
            where = TRAINED if given.features else where
        file = options.backbone_weights

        # Words of the training split, of the extra sentences, and of the model that is continued.
        extra_texts = chain.from_iterable(extra.sentences.values()) if extra else ()
        vocabulary = Vocabulary.build(chain(_tokens(training), map(words, extra_texts)), min_count)
        others = extra is not None or warm_start is not None or more_words is not None
        own_words = set(chain.from_iterable(_tokens(training))) if others else vocabulary.words
        spoken = Vocabulary.build(_tokens(training), min_count) if others else vocabulary
        if more_words is not None:
            vocabulary = vocabulary.joined(more_words)
        if warm_start is not None:
            vocabulary = vocabulary.joined(warm_start.bundle.vocabulary)
            spoken = spoken.joined(warm_start.bundle.spoken)

        return cls(
            data=data.name,
            training=training,
            val=val,
            extra=extra,
            warm_start=warm_start,
            remembered=remembered(options.remember, warm_start, quiet=options.quiet),
            boxed=boxed,
            given=given,
            proposer=where if where in (TRAINED, *FIXED) else BundleProposer(where),
            backbone_weights=None if file is None else BackboneWeights.open(file),
            earlier=None if options.earlier is None else Run(options.earlier, finished=False),
            vocabulary=vocabulary,
            spoken=spoken if 0 < len(spoken.words) < len(vocabulary.words) else vocabulary,
            pretrained=_pretrained(options, vocabulary),
            new_words=frozenset(vocabulary.words).difference(own_words),
        )

    def fluency(self) -> Fluency | None:
        """Which words people have written after which, in training, in the extra sentences, and before.

        None if these are too few for any caption, or if the model that is continued does not know.

        Raises:
            ValueError: the file of the model that is continued is invalid.
        """
        texts = chain.from_iterable(self.extra.sentences.values()) if self.extra else ()
        own = Fluency.learn(chain(_tokens(self.training), map(words, texts)), self.spoken)
        if self.warm_start is not None:
            bundle = self.warm_start.bundle
            if bundle.fluency is None:
                return None
            own = own.joined(bundle.fluency, self.spoken, bundle.spoken)
        return own if own.usable else None

    def extra_ids(self) -> SentenceIds:
        """The extra sentences as ids of known words, one group for each photograph."""
        groups = self.extra.sentences.values() if self.extra else ()
        return SentenceIds(
            [self.vocabulary.encode(words(sentence)) for sentence in group] for group in groups
        )


def _tokens(examples: Sequence[Example]) -> Iterator[list[str]]:
    """The words of each sentence."""
    return (words(sentence) for example in examples for sentence in example.sentences)


def _check(given: GivenRegions, examples: Sequence[Example], options: FitOptions) -> None:
    """Read all regions once, so that a fault is found before training.

    Raises:
        ValueError: regions are missing or malformed, or the options do not fit them.
    """
    eye = (options.backbone, options.backbone_weights, options.described_by, options.full_resolution)
    if given.features and options.proposer is not None:
        raise ValueError("features of regions need no boxes: give --regions or --proposer, not both")
    if given.features and any(eye):
        raise ValueError(
            "features of regions need no backbone: leave out --backbone, --backbone-weights, --described-by "
            "and --full-resolution"
        )
    if options.proposer == "frame":
        raise ValueError("--proposer frame uses no other region: leave out --regions or --proposer")
    with progress("checking regions", len(examples), quiet=options.quiet) as advance:
        counts = given.check(examples, lambda done, total: advance(1))
    what = f"features of width {given.features}" if given.features else "boxes"
    options.tell(f"{given.source}: {what}, {counts.fewest} to {counts.most} regions a photograph")


def has_boxes(examples: Sequence[Example]) -> bool:
    """Whether any phrase has a box."""
    return any(phrase.boxes for example in examples for phrase in example.phrases)


def _pretrained(options: FitOptions, vocabulary: Vocabulary) -> WordVectors | SentenceEncoder | None:
    """The word vectors or the sentence encoder that the options name."""
    if options.word_vectors is not None:
        return word_vectors.read(options.word_vectors, vocabulary)
    if options.sentence_encoder is not None:
        return SentenceEncoder.open(options.sentence_encoder, vocabulary)
    return None
