"""Segmentation of sentences: do segments begin and end where people's phrases do?

A boundary is in a gap between two neighbouring words. The ends of a sentence do not count, since every
segmentation has them. Gap g is between the words g and g + 1, so T words have G = T - 1 gaps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Report

Gaps = NDArray[np.bool_]
"""True at the gaps of a sentence that are boundaries, (G,)."""


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Counts of boundaries in the sentences of each of K photographs; save them to compare systems later.

    >>> counts = Boundaries(np.array([1.0, 2.0]), np.array([2.0, 2.0]), np.array([1.0, 3.0]))
    >>> counts.figures(np.array([0, 1]))
    {'boundary precision': 75.0, 'boundary recall': 75.0, 'boundary F1': 75.0}
    """

    hit_K: Doubles
    """Boundaries both predicted and true; may be an expected number."""
    predicted_K: Doubles
    true_K: Doubles

    def figures(self, index_N: IntArray) -> dict[str, float]:
        """`boundary precision`, `recall` and `F1` in percent, over all gaps of the photographs at `index_N`.

        If the divisor of a figure is 0, the figure is 0: without boundaries all figures are 0.

        >>> counts = Boundaries(np.array([1.0]), np.array([2.0]), np.array([1.0]))
        >>> counts.figures(np.array([0]))["boundary recall"]
        100.0
        """
        hit, predicted, true = (
            float(count_K[index_N].sum()) for count_K in (self.hit_K, self.predicted_K, self.true_K)
        )
        return {
            "boundary precision": 100 * hit / predicted if predicted else 0.0,
            "boundary recall": 100 * hit / true if true else 0.0,
            "boundary F1": 200 * hit / (predicted + true) if predicted + true else 0.0,
        }

    def report(self, *, resamples: int = 1000, seed: int = 0) -> Report:
        """The figures with their intervals over photographs, and the numbers behind them.

        >>> counts = Boundaries(np.array([1.0]), np.array([2.0]), np.array([1.0]))
        >>> print(counts.report(resamples=10).figures["boundary precision"])
        50.0 [50.0, 50.0]
        """
        photos = len(self.true_K)
        figures = estimate(self.figures, photos, resamples=resamples, seed=seed)
        predicted, true = int(self.predicted_K.sum()), int(self.true_K.sum())
        return Report(figures, {"predicted": predicted, "true": true, "photos": photos})


def between_regions(path_T: Sequence[int] | IntArray) -> Gaps:
    """The boundaries of a path of regions: the gaps where the region changes.

    >>> between_regions([4, 4, 0])
    array([False,  True])
    """
    a_T = np.asarray(path_T)
    return np.asarray(a_T[1:] != a_T[:-1])


def around_phrases(phrases: Iterable[tuple[int, int]], words: int) -> Gaps:
    """The boundaries of phrases `(first word, last word inclusive)` in a sentence with this number of words.

    A boundary is where a phrase begins or ends; the words between two phrases are one segment. Raises
    ValueError for a phrase outside of the sentence.

    >>> around_phrases([(0, 1), (3, 4)], words=5)
    array([False,  True,  True, False])
    """
    edge_T = np.zeros(words + 1, np.bool_)  # before each word, and after the last
    for first, last in phrases:
        if not 0 <= first <= last < words:
            raise ValueError(f"a phrase from word {first} to {last} is not in a sentence of {words} words")
        edge_T[[first, last + 1]] = True
    return edge_T[1:-1]


def count(predicted_L: Sequence[Gaps], truth_L: Sequence[Gaps], photo_L: Sequence[str]) -> Boundaries:
    """Compare the boundaries of L sentences, each of the photograph with the name in `photo_L`.

    Photographs are in the order of their names. Raises ValueError if there are no sentences, or if a sentence
    has different numbers of predicted and true gaps.

    >>> found = count([np.array([True, True])], [np.array([True, False])], ["1.jpg"])
    >>> found.figures(np.array([0]))["boundary precision"]
    50.0
    """
    _check(predicted_L, truth_L, photo_L)
    hits = [float((p & t).sum()) for p, t in zip(predicted_L, truth_L, strict=True)]
    return _over_photographs(hits, predicted_L, truth_L, photo_L)


def by_chance(predicted_L: Sequence[Gaps], truth_L: Sequence[Gaps], photo_L: Sequence[str]) -> Boundaries:
    """The expected counts if each sentence's predicted number of boundaries were in gaps drawn at random.

    The arguments and errors are those of `count`.

    >>> found = by_chance([np.array([False, True])], [np.array([True, False])], ["1.jpg"])
    >>> found.figures(np.array([0]))["boundary precision"]
    50.0
    """
    _check(predicted_L, truth_L, photo_L)
    hits = [p.sum() * float(t.mean()) if len(t) else 0.0 for p, t in zip(predicted_L, truth_L, strict=True)]
    return _over_photographs(hits, predicted_L, truth_L, photo_L)


def _over_photographs(
    hit_L: Sequence[float], predicted_L: Sequence[Gaps], truth_L: Sequence[Gaps], photo_L: Sequence[str]
) -> Boundaries:
    """The sums over each photograph's sentences."""
    owner_L = np.unique(np.array(photo_L), return_inverse=True)[1]

    def sums(count_L: Sequence[float]) -> Doubles:
        return np.asarray(np.bincount(owner_L, weights=np.array(count_L)), np.float64)

    return Boundaries(
        sums(hit_L), sums([float(p.sum()) for p in predicted_L]), sums([float(t.sum()) for t in truth_L])
    )


def _check(predicted_L: Sequence[Gaps], truth_L: Sequence[Gaps], photo_L: Sequence[str]) -> None:
    if not photo_L or not len(predicted_L) == len(truth_L) == len(photo_L):
        raise ValueError(
            f"{len(photo_L)} sentences need as many segmentations, and at least one; "
            f"got {len(predicted_L)} and {len(truth_L)}"
        )
    for predicted, truth, photo in zip(predicted_L, truth_L, photo_L, strict=True):
        if len(predicted) != len(truth):
            raise ValueError(f"a sentence of {photo!r} has {len(truth)} gaps, but {len(predicted)} predicted")
