"""What a run learns from: photographs, sentences, and the models that it continues."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dvsa.data import Dataset, Example, extra_sentences
from dvsa.data.extra_sentences import ExtraSentences
from dvsa.learn.runs.run import Run
from dvsa.learn.runs.warm_start import WarmStart
from dvsa.text import Vocabulary, words


@dataclass(frozen=True, kw_only=True, slots=True)
class FitOptions:
    """How to train a recipe."""

    seed: int = 0
    """Of all randomness."""
    device: str | None = None
    """Such as `cpu` or `cuda`; by default a GPU if there is one."""
    word_vectors: Path | None = None
    """A word2vec or GloVe file; its vectors stay fixed."""
    sentences: Path | None = None
    """A file of extra sentences, for the vocabulary and for stages that need no photographs (see
    `dvsa.data.extra_sentences`). They must be about photographs that are neither in val nor in test."""
    earlier: Path | None = None
    """A run on the same data whose stages are reused where they are the same."""
    init: str | None = None
    """The folder of a bundle to continue, or `shipped` (see `dvsa.learn.runs.warm_start`)."""
    quiet: bool = False
    """Whether to hide progress bars."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The data of a run, and the models that it builds on."""

    data: str
    """The data set's name."""
    training: tuple[Example, ...]
    val: tuple[Example, ...]
    extra: ExtraSentences | None
    warm_start: WarmStart | None
    earlier: Run | None
    vocabulary: Vocabulary
    new_words: frozenset[str]
    """Words of the vocabulary that no training sentence has."""

    @classmethod
    def open(cls, data: Dataset, options: FitOptions, min_count: int) -> "Inputs":
        """Read everything that the options name; the split `test` is never used.

        Raises:
            ValueError: a file or folder is not what it should be.
        """
        training, val = data.split("train", restval=True), data.split("val")
        extra = None if options.sentences is None else extra_sentences.read(options.sentences)
        warm_start = None if options.init is None else WarmStart(options.init)

        # Words of the training split, of the extra sentences, and of the model that is continued.
        training_words = [words(sentence) for example in training for sentence in example.sentences]
        extra_texts = chain.from_iterable(extra.sentences.values()) if extra else ()
        vocabulary = Vocabulary.build((*training_words, *map(words, extra_texts)), min_count)
        if warm_start is not None:
            vocabulary = vocabulary.joined(warm_start.bundle.vocabulary)

        return cls(
            data=data.name,
            training=training,
            val=val,
            extra=extra,
            warm_start=warm_start,
            earlier=None if options.earlier is None else Run(options.earlier, finished=False),
            vocabulary=vocabulary,
            new_words=frozenset(vocabulary.words).difference(*training_words),
        )

    @property
    def boxed(self) -> bool:
        """Whether any phrase of the training split has a box."""
        return any(phrase.boxes for example in self.training for phrase in example.phrases)

    def extra_ids(self) -> list[list[list[int]]]:
        """The extra sentences as ids of known words, one group for each photograph."""
        groups = self.extra.sentences.values() if self.extra else ()
        return [[self.vocabulary.encode(words(sentence)) for sentence in group] for group in groups]
