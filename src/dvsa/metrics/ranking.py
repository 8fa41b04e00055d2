"""Recall and median rank of photographs and sentences (paper, section 4.1), and NDCG.

Ties count against the system: among equal scores the correct one comes last. So a model that gives every pair
the same score ranks last, not first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dvsa.arrays import Doubles, IntArray
from dvsa.metrics.bootstrap import estimate
from dvsa.metrics.figures import Report, Setting, signature
from dvsa.metrics.ndcg import DEPTH, ndcg
from dvsa.version import VERSION

_FIGURES: Mapping[str, Callable[[IntArray], float]] = {
    "R@1": lambda ranks_N: 100 * float(np.mean(ranks_N <= 1)),
    "R@5": lambda ranks_N: 100 * float(np.mean(ranks_N <= 5)),
    "R@10": lambda ranks_N: 100 * float(np.mean(ranks_N <= 10)),
    "Med r": lambda ranks_N: float(np.median(ranks_N)),
}

NDCG = f"NDCG@{DEPTH}"
"""The name of the figure."""


def summary(ranks_N: IntArray) -> dict[str, float]:
    """`R@1`, `R@5` and `R@10` in percent and the median rank `Med r` of ranks from 1.

    The median of an even number of ranks is the mean of the middle two.

    >>> summary(np.array([1, 1, 4, 20]))
    {'R@1': 50.0, 'R@5': 75.0, 'R@10': 75.0, 'Med r': 2.5}
    """
    return {name: figure(ranks_N) for name, figure in _FIGURES.items()}


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks of K photographs and L sentences, counted from 1.

    >>> ranks = Ranks(np.array([1, 2]), np.array([1, 1, 2]), np.array([0, 0, 1]))
    >>> ranks.sentence_to_photo(np.array([0]))["R@1"]
    100.0
    >>> print(ranks.report().parts["photo_to_sentence"].figures["R@1"])
    50.0 [0.0, 100.0]
    """

    photo_rank_K: IntArray
    """Best rank of the photograph's own sentences among all L sentences."""
    sentence_rank_L: IntArray
    """Rank of the sentence's photograph among all K photographs."""
    owner_L: IntArray
    """Index of the photograph that each sentence belongs to."""
    photo_ndcg_K: Doubles | None = None
    """NDCG of each photograph's ranking of sentences, in [0, 1]; None without relevances."""
    sentence_ndcg_L: Doubles | None = None
    """NDCG of each sentence's ranking of photographs."""

    def photo_to_sentence(self, index_N: IntArray) -> dict[str, float]:
        """The `summary` of sentence retrieval by the photographs at `index_N`, and the mean NDCG in percent.

        >>> ranks = Ranks(np.array([1, 2]), np.array([1, 1, 6]), np.array([0, 0, 1]))
        >>> ranks.photo_to_sentence(np.array([0, 1]))
        {'R@1': 50.0, 'R@5': 100.0, 'R@10': 100.0, 'Med r': 1.5}
        """
        figures = summary(self.photo_rank_K[index_N])
        if self.photo_ndcg_K is not None:
            figures[NDCG] = 100 * float(self.photo_ndcg_K[index_N].mean())
        return figures

    def sentence_to_photo(self, index_N: IntArray) -> dict[str, float]:
        """The same for photograph retrieval by all sentences of the photographs at `index_N`.

        >>> ranks = Ranks(np.array([1, 2]), np.array([1, 1, 6]), np.array([0, 0, 1]))
        >>> ranks.sentence_to_photo(np.array([1]))
        {'R@1': 0.0, 'R@5': 0.0, 'R@10': 100.0, 'Med r': 6.0}
        """
        times_K = np.bincount(index_N, minlength=len(self.photo_rank_K))
        times_L = times_K[self.owner_L]
        figures = summary(np.repeat(self.sentence_rank_L, times_L))
        if self.sentence_ndcg_L is not None:
            figures[NDCG] = 100 * float(np.average(self.sentence_ndcg_L, weights=times_L))
        return figures

    def report(self, *, resamples: int = 1000, seed: int = 0) -> Report:
        """Both directions with their intervals, and the numbers of photographs and sentences.

        >>> ranks = Ranks(np.array([1, 2]), np.array([1, 1, 6]), np.array([0, 0, 1]))
        >>> report = ranks.report(resamples=10)
        >>> list(report.parts), report.counts
        (['photo_to_sentence', 'sentence_to_photo'], {'photos': 2, 'sentences': 3})
        """
        photos = len(self.photo_rank_K)
        directions = {
            "photo_to_sentence": self.photo_to_sentence,
            "sentence_to_photo": self.sentence_to_photo,
        }
        parts = {
            name: Report(estimate(direction, photos, resamples=resamples, seed=seed))
            for name, direction in directions.items()
        }
        sentences = len(self.sentence_rank_L)
        settings: dict[str, Setting] = {} if self.photo_ndcg_K is None else {"relevance": "ROUGE-L"}
        settings = {"photos": photos, "sentences": sentences, "ties": "last", **settings}
        line = signature("ranking", **settings, version=VERSION)
        counts = {"photos": photos, "sentences": sentences}
        return Report({}, counts, parts=parts, signatures={"": line})


def rank(
    S_KL: NDArray[np.floating],
    owner_L: NDArray[np.integer],
    relevance_KL: NDArray[np.floating] | None = None,
) -> Ranks:
    """Ranks from the scores of K photographs and L sentences, where photograph `owner_L[l]` owns sentence l.

    Args:
        S_KL: the scores.
        owner_L: the photograph of each sentence.
        relevance_KL: how relevant each sentence is to each photograph, as `dvsa.metrics.relevance` says;
            with it there is NDCG.

    Raises:
        ValueError: a score is not a number, a sentence has no owner, a photograph owns no sentence, or the
            relevances have another shape or are below 0.

    >>> ranks = rank(np.array([[0.9, 0.2, 0.3], [0.1, 0.8, 0.7]]), np.array([0, 0, 1]))
    >>> ranks.photo_rank_K, ranks.sentence_rank_L
    (array([1, 2]), array([1, 2, 1]))
    """
    _check(S_KL, owner_L)
    photos, sentences = S_KL.shape
    own_L = S_KL[owner_L, np.arange(sentences)]
    best_K: NDArray[np.floating] = np.full(photos, -np.inf, dtype=S_KL.dtype)
    np.maximum.at(best_K, owner_L, own_L)

    # Other sentences with the same score count as ahead; own sentences do not.
    own_ahead_K = np.bincount(owner_L[own_L >= best_K[owner_L]], minlength=photos)
    photo_rank_K = np.count_nonzero(best_K[:, None] <= S_KL, axis=1) - own_ahead_K + 1
    sentence_rank_L = np.count_nonzero(own_L <= S_KL, axis=0)
    ranks = Ranks(photo_rank_K, sentence_rank_L, owner_L.astype(np.int64))
    if relevance_KL is None:
        return ranks

    if relevance_KL.shape != S_KL.shape:
        raise ValueError(f"scores of {S_KL.shape} need as many relevances; got {relevance_KL.shape}")
    photo_ndcg_K = [ndcg(*each) for each in zip(S_KL, relevance_KL, strict=True)]
    sentence_ndcg_L = [ndcg(*each) for each in zip(S_KL.T, relevance_KL.T, strict=True)]
    return replace(ranks, photo_ndcg_K=np.array(photo_ndcg_K), sentence_ndcg_L=np.array(sentence_ndcg_L))


def _check(S_KL: NDArray[np.floating], owner_L: NDArray[np.integer]) -> None:
    """Raise ValueError for the reasons that `rank` names."""
    photos, sentences = S_KL.shape
    if owner_L.shape != (sentences,) or not np.isin(owner_L, np.arange(photos)).all():
        raise ValueError(f"every one of the {sentences} sentences needs an owner from 0 to {photos - 1}")
    if np.isnan(S_KL).any():
        photo, sentence = np.argwhere(np.isnan(S_KL))[0]
        raise ValueError(f"the score of photograph {photo} and sentence {sentence} is not a number")
    unowned_N = np.setdiff1d(np.arange(photos), owner_L)
    if len(unowned_N):
        raise ValueError(f"photograph {unowned_N[0]} has no sentence; leave it out of the ranking")
