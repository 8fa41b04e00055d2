"""What a model has learned: lengths of vectors, regions that it finds, its failures (paper, section 4.1)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Floats, IntArray
from dvsa.evaluation.encoding import SENTENCES, batches
from dvsa.metrics.ranking import Ranks
from dvsa.model import Model
from dvsa.text import FIRST_WORD, words

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class WordNorm(NamedTuple):
    """The length of the vectors of a word."""

    word: str
    norm: float
    """Mean of |s_t| over its occurrences."""
    times: int


def word_norms(model: Model, sentences: Iterable[str], *, least: int = 5) -> list[WordNorm]:
    """The known words with at least `least` occurrences, longest vectors first, ties in alphabetical order.

    If the score is a plain sum of products, as in the paper's model, the weight of a word is the length of
    its vector: words that distinguish photographs have long vectors, stop words short ones.
    """
    vocabulary = model.bundle.vocabulary
    total_V, count_V = np.zeros(len(vocabulary)), np.zeros(len(vocabulary), np.int64)
    for chunk in batches([words(sentence) for sentence in sentences], SENTENCES, "reading sentences", None):
        s_LTD, real_LT = model.word_vectors(chunk)
        id_N = np.array([n for tokens in chunk for n in vocabulary.encode(tokens)], np.int64)
        np.add.at(total_V, id_N, np.linalg.norm(s_LTD[real_LT], axis=1))
        np.add.at(count_V, id_N, 1)

    often = np.flatnonzero(count_V >= max(least, 1))
    found = [
        WordNorm(vocabulary.words[n - FIRST_WORD], float(total_V[n] / count_V[n]), int(count_V[n]))
        for n in often
    ]
    return sorted(found, key=lambda word: (-word.norm, word.word))


class RankedRegion(NamedTuple):
    """A region of a photograph, and the value by which it was ranked: a score or a length."""

    photo: int
    region: int
    value: float


class RegionNorms(NamedTuple):
    """The lengths of the vectors of regions."""

    quantiles: dict[str, float]
    """Quantiles of |v_i|: `0` is the shortest, `0.5` the median, `1` the longest."""
    longest: list[RankedRegion]
    shortest: list[RankedRegion]


def region_norms(v_KID: Floats, count: int) -> RegionNorms:
    """Lengths of the vectors of regions, with the `count` longest and shortest; ties: lower index first."""
    norm_KI = np.linalg.norm(v_KID, axis=2)

    def first(order_N: NDArray[np.int64]) -> list[RankedRegion]:
        photo_N, region_N = np.divmod(order_N[:count], norm_KI.shape[1])
        return [
            RankedRegion(int(k), int(i), float(norm_KI[k, i])) for k, i in zip(photo_N, region_N, strict=True)
        ]

    values = np.quantile(norm_KI, QUANTILES)
    return RegionNorms(
        {f"{share:g}": float(value) for share, value in zip(QUANTILES, values, strict=True)},
        first(np.argsort(-norm_KI, axis=None, kind="stable")),
        first(np.argsort(norm_KI, axis=None, kind="stable")),
    )


def find_regions(v_KID: Floats, s_TD: Floats, count: int) -> list[RankedRegion]:
    """The best region for a segment of T words in each of the best `count` photographs, best first.

    The score is the sum over the words of `v_i . s_t` with one region for all words. Ties go to the lower
    index. The vectors of a text are `model.read(text).s_ND`.
    """
    score_KI = v_KID @ s_TD.sum(axis=0)
    region_K = score_KI.argmax(axis=1)
    score_K = np.take_along_axis(score_KI, region_K[:, None], axis=1)[:, 0]
    return [
        RankedRegion(int(k), int(region_K[k]), float(score_K[k]))
        for k in np.argsort(-score_K, kind="stable")[:count]
    ]


class Failure(NamedTuple):
    """A photograph and one of its sentences, by their indices, that were not ranked first for each other."""

    photo: int
    sentence: int
    rank: int
    """Above 1; as in `Ranks`."""
    wrong: int
    """The sentence, or the photograph, with the highest score of those that do not belong."""


def worst_photographs(ranks: Ranks, S_KL: NDArray[np.floating], count: int) -> list[Failure]:
    """The `count` photographs whose best own sentence ranks worst, with that and the best wrong sentence.

    Sorted by descending rank, ties in the order of the split; photographs with rank 1 are not failures.
    Of sentences with equal scores the lower index is taken. `ranks` must come from the scores `S_KL`.
    """
    failures = []
    for k in _worst(ranks.photo_rank_K, count):
        own_N, other_N = (np.flatnonzero(own_L) for own_L in (ranks.owner_L == k, ranks.owner_L != k))
        best, wrong = (index_N[S_KL[k, index_N].argmax()] for index_N in (own_N, other_N))
        failures.append(Failure(int(k), int(best), int(ranks.photo_rank_K[k]), int(wrong)))
    return failures


def worst_sentences(ranks: Ranks, S_KL: NDArray[np.floating], count: int) -> list[Failure]:
    """The `count` sentences whose photograph ranks worst, with the best wrong photograph; same rules."""
    failures = []
    for n in _worst(ranks.sentence_rank_L, count):
        k = ranks.owner_L[n]
        other_N = np.flatnonzero(np.arange(len(S_KL)) != k)
        wrong = other_N[S_KL[other_N, n].argmax()]
        failures.append(Failure(int(k), int(n), int(ranks.sentence_rank_L[n]), int(wrong)))
    return failures


def _worst(rank_N: IntArray, count: int) -> IntArray:
    """Indices of the `count` worst ranks above 1, worst first."""
    worst_N: IntArray = np.argsort(-rank_N, kind="stable")[:count]
    return worst_N[rank_N[worst_N] > 1]
