"""Recall and median rank of photographs and sentences (paper, section 4.1).

Ties count against the system: among equal scores the wanted one comes last. A model that gives every pair
the same score therefore ranks last, not first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsa.metrics.bootstrap import FloatArray, IntArray, estimate

_FIGURES: Mapping[str, Callable[[IntArray], float]] = {
    "R@1": lambda ranks_N: 100 * float(np.mean(ranks_N <= 1)),
    "R@5": lambda ranks_N: 100 * float(np.mean(ranks_N <= 5)),
    "R@10": lambda ranks_N: 100 * float(np.mean(ranks_N <= 10)),
    "Med r": lambda ranks_N: float(np.median(ranks_N)),
}


def summary(ranks_N: IntArray) -> dict[str, float]:
    """`R@1`, `R@5` and `R@10` in percent and the median rank `Med r` of ranks from 1.

    The median of an even number of ranks is the mean of the middle two.
    """
    return {name: figure(ranks_N) for name, figure in _FIGURES.items()}


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks of K photographs and L sentences, counted from 1."""

    photo_rank_K: IntArray
    """Of the photograph's best own sentence among all L sentences."""
    sentence_rank_L: IntArray
    """Of the sentence's photograph among all K photographs."""
    owner_L: IntArray
    """Index of the photograph that each sentence belongs to."""

    def photo_to_sentence(self, index_N: IntArray) -> dict[str, float]:
        """The `summary` of sentence retrieval by the photographs at `index_N`."""
        return summary(self.photo_rank_K[index_N])

    def sentence_to_photo(self, index_N: IntArray) -> dict[str, float]:
        """The `summary` of photograph retrieval by all sentences of the photographs at `index_N`."""
        times_K = np.bincount(index_N, minlength=len(self.photo_rank_K))
        return summary(np.repeat(self.sentence_rank_L, times_K[self.owner_L]))

    def report(self, *, resamples: int = 1000, seed: int = 0) -> dict[str, object]:
        """Both directions with their intervals, and the numbers of photographs and sentences."""
        photos = len(self.photo_rank_K)
        return {
            "photo_to_sentence": estimate(self.photo_to_sentence, photos, resamples=resamples, seed=seed),
            "sentence_to_photo": estimate(self.sentence_to_photo, photos, resamples=resamples, seed=seed),
            "photos": photos,
            "sentences": len(self.sentence_rank_L),
        }


def rank(S_KL: NDArray[np.floating], owner_L: NDArray[np.integer]) -> Ranks:
    """Ranks from the scores of K photographs and L sentences, where photograph `owner_L[l]` owns sentence l.

    Raises ValueError when a score is not a number or a photograph owns no sentence.
    """
    photos, sentences = S_KL.shape
    if owner_L.shape != (sentences,) or not np.isin(owner_L, np.arange(photos)).all():
        raise ValueError(f"every one of the {sentences} sentences needs an owner from 0 to {photos - 1}")
    if np.isnan(S_KL).any():
        photo, sentence = np.argwhere(np.isnan(S_KL))[0]
        raise ValueError(f"the score of photograph {photo} and sentence {sentence} is not a number")
    unowned_N = np.setdiff1d(np.arange(photos), owner_L)
    if len(unowned_N):
        raise ValueError(f"photograph {unowned_N[0]} has no sentence; leave it out of the ranking")

    own_L = S_KL[owner_L, np.arange(sentences)]
    best_K: FloatArray = np.full(photos, -np.inf, dtype=S_KL.dtype)
    np.maximum.at(best_K, owner_L, own_L)
    own_ahead_K = np.bincount(owner_L[own_L >= best_K[owner_L]], minlength=photos)
    photo_rank_K = np.count_nonzero(best_K[:, None] <= S_KL, axis=1) - own_ahead_K + 1
    sentence_rank_L = np.count_nonzero(own_L <= S_KL, axis=0)
    return Ranks(photo_rank_K, sentence_rank_L, owner_L.astype(np.int64))
