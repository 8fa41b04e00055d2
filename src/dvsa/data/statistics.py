"""Numbers about the sentences, words and boxes of a data set."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dvsa.data.dataset import Dataset, Example
from dvsa.text import FUNCTION_WORDS, words


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers are distributed; all 0 if there are none."""

    fewest: float
    median: float
    mean: float
    most: float

    @classmethod
    def of(cls, numbers: Iterable[float]) -> "Spread":
        """The spread of some numbers.

        >>> Spread.of([3, 1, 5])
        Spread(fewest=1.0, median=3.0, mean=3.0, most=5.0)
        """
        found = np.array(list(numbers), dtype=float)
        if not found.size:
            return cls(0, 0, 0, 0)
        return cls(*(float(f(found)) for f in (np.min, np.median, np.mean, np.max)))


@dataclass(frozen=True, slots=True)
class SplitStatistics:
    """What one split contains."""

    photographs: int
    sentences: int
    sentences_each: Spread
    """Sentences of a photograph."""
    words_each: Spread
    """Words of a sentence."""
    lengths: Mapping[int, int]
    """How many sentences have each number of words."""
    vocabulary: int
    """Different words."""
    unseen: int
    """Words that no sentence of `train` has; 0 in `train` itself, or without it."""
    phrases: int
    boxes_each: Spread
    """Different boxes of phrases of a photograph."""
    areas: Spread
    """Areas of boxes, as shares of the photograph."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a data set contains."""

    dataset: str
    splits: Mapping[str, SplitStatistics]
    frequent: Mapping[str, int]
    """The most frequent words that are not function words, with their counts."""
    rare: int
    """Words that occur once in all."""


def statistics(dataset: Dataset, *, frequent: int = 30) -> Statistics:
    """Count sentences, words and boxes; no photograph is read."""
    splits: dict[str, list[Example]] = {}
    for example in dataset.examples:
        splits.setdefault(example.split, []).append(example)
    counts = {split: _counts(examples) for split, examples in splits.items()}
    total = sum(counts.values(), Counter())
    known = set(counts.get("train", ()))

    found = {
        split: _split(examples, counts[split], known if known and split != "train" else None)
        for split, examples in splits.items()
    }
    content = [(word, n) for word, n in total.most_common() if word not in FUNCTION_WORDS]
    rare = sum(n == 1 for n in total.values())
    return Statistics(dataset.name, found, dict(content[:frequent]), rare)


def _counts(examples: Sequence[Example]) -> Counter[str]:
    return Counter(word for e in examples for sentence in e.sentences for word in words(sentence))


def _split(examples: Sequence[Example], counts: Counter[str], known: set[str] | None) -> SplitStatistics:
    lengths = [len(words(sentence)) for e in examples for sentence in e.sentences]
    boxes = [{box for phrase in e.phrases for box in phrase.boxes} for e in examples]
    return SplitStatistics(
        photographs=len(examples),
        sentences=len(lengths),
        sentences_each=Spread.of(len(e.sentences) for e in examples),
        words_each=Spread.of(lengths),
        lengths=dict(sorted(Counter(lengths).items())),
        vocabulary=len(counts),
        unseen=0 if known is None else len(counts.keys() - known),
        phrases=sum(len(e.phrases) for e in examples),
        boxes_each=Spread.of(len(own) for own in boxes) if any(boxes) else Spread.of([]),
        areas=Spread.of((x1 - x0) * (y1 - y0) for own in boxes for x0, y0, x1, y1 in own),
    )
