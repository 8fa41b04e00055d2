"""A look at what a model has learnt: its vectors, what it finds, and where it fails (paper, section 4.1)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.evaluation.encoding import SENTENCES, chunks
from dvsa.metrics.bootstrap import IntArray
from dvsa.metrics.ranking import Ranks
from dvsa.model import Floats, Model
from dvsa.text import FIRST_WORD, words

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class WordNorm(NamedTuple):
    """How long the vectors of a word are."""

    word: str
    norm: float
    """Mean of |s_t| over its occurrences."""
    times: int


def word_norms(model: Model, sentences: Iterable[str], *, least: int = 5) -> list[WordNorm]:
    """The known words with at least `least` occurrences, longest vectors first, ties in alphabetical order.

    In the paper's model, and wherever the score is a plain sum of products, a word counts as much as its
    vector is long: words that tell photographs apart are long, stop words short.
    """
    vocabulary = model.bundle.vocabulary
    total_V, count_V = np.zeros(len(vocabulary)), np.zeros(len(vocabulary), np.int64)
    for chunk in chunks([words(sentence) for sentence in sentences], SENTENCES, "reading sentences", None):
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


class Found(NamedTuple):
    """A region of a photograph, by their indices, and what it was found for: a score or a length."""

    photo: int
    region: int
    value: float


class RegionNorms(NamedTuple):
    """How long the vectors of regions are."""

    quantiles: dict[str, float]
    """Of |v_i|, by the share of regions below: `0` is the shortest, `0.5` the median, `1` the longest."""
    longest: list[Found]
    shortest: list[Found]


def region_norms(v_KID: Floats, count: int) -> RegionNorms:
    """Lengths of the vectors of regions, with the `count` longest and shortest; ties to the lower index."""
    norm_KI = np.linalg.norm(v_KID, axis=2)

    def first(order_N: NDArray[np.int64]) -> list[Found]:
        photo_N, region_N = np.divmod(order_N[:count], norm_KI.shape[1])
        return [Found(int(k), int(i), float(norm_KI[k, i])) for k, i in zip(photo_N, region_N, strict=True)]

    values = np.quantile(norm_KI, QUANTILES)
    return RegionNorms(
        {f"{share:g}": float(value) for share, value in zip(QUANTILES, values, strict=True)},
        first(np.argsort(-norm_KI, axis=None, kind="stable")),
        first(np.argsort(norm_KI, axis=None, kind="stable")),
    )


def find_regions(v_KID: Floats, s_TD: Floats, count: int) -> list[Found]:
    """The best region of each photograph for a segment of T words; the best `count` photographs, best first.

    The score is the sum over the words of `v_i . s_t`: all words look at one region. Ties go to the lower
    index. A text's vectors are `model.word_vectors([words(text)])[0][0]`.
    """
    score_KI = v_KID @ s_TD.sum(axis=0)
    region_K = score_KI.argmax(axis=1)
    score_K = np.take_along_axis(score_KI, region_K[:, None], axis=1)[:, 0]
    return [
        Found(int(k), int(region_K[k]), float(score_K[k]))
        for k in np.argsort(-score_K, kind="stable")[:count]
    ]


class Failure(NamedTuple):
    """A photograph and a sentence of its own that should have found each other, by their indices."""

    photo: int
    sentence: int
    rank: int
    """Above 1: as `Ranks` has it."""
    wrong: int
    """The sentence, or the photograph, with the highest score of all those that do not belong."""


def worst_photographs(ranks: Ranks, S_KL: NDArray[np.floating], count: int) -> list[Failure]:
    """The `count` photographs whose best own sentence ranks worst, each with that and the top wrong sentence.

    The rule: by falling rank, ties in the order of the split; photographs at rank 1 are no failures. Of equal
    scores the sentence with the lower index is named. `S_KL` are the scores that `ranks` was made from.
    """
    failures = []
    for k in _worst(ranks.photo_rank_K, count):
        own_N, other_N = (np.flatnonzero(own_L) for own_L in (ranks.owner_L == k, ranks.owner_L != k))
        best, wrong = (index_N[S_KL[k, index_N].argmax()] for index_N in (own_N, other_N))
        failures.append(Failure(int(k), int(best), int(ranks.photo_rank_K[k]), int(wrong)))
    return failures


def worst_sentences(ranks: Ranks, S_KL: NDArray[np.floating], count: int) -> list[Failure]:
    """The `count` sentences whose photograph ranks worst, each with the top wrong photograph; same rule."""
    failures = []
    for n in _worst(ranks.sentence_rank_L, count):
        k = ranks.owner_L[n]
        other_N = np.flatnonzero(np.arange(len(S_KL)) != k)
        wrong = other_N[S_KL[other_N, n].argmax()]
        failures.append(Failure(int(k), int(n), int(ranks.sentence_rank_L[n]), int(wrong)))
    return failures


def _worst(rank_N: IntArray, count: int) -> IntArray:
    worst_N: IntArray = np.argsort(-rank_N, kind="stable")[:count]
    return worst_N[rank_N[worst_N] > 1]
