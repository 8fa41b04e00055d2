"""Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of one ranking.

Ties count against the system, as in `dvsa.metrics.ranking`: among equal scores the least relevant come first.
"""

import numpy as np
from numpy.typing import NDArray

DEPTH = 25
"""How many of the first are looked at, as in Messina et al. (2020)."""


def ndcg(score_N: NDArray[np.floating], relevance_N: NDArray[np.floating], depth: int = DEPTH) -> float:
    """The gain of the first `depth` of N things in the order of their scores, as a share of the best order's.

    The gain is the sum of relevance / log2(1 + place), with places from 1. It is 0 if nothing is relevant.

    Args:
        score_N: scores by the system, the highest is first.
        relevance_N: 0 or more.
        depth: at least 1.

    Raises:
        ValueError: the arrays differ in length, or a relevance is below 0 or not finite.

    >>> ndcg(np.array([0.9, 0.1, 0.5]), np.array([1.0, 0.0, 0.5]))
    1.0
    >>> round(ndcg(np.array([0.1, 0.9, 0.5]), np.array([1.0, 0.0, 0.5]), depth=2), 2)
    0.24
    """
    if score_N.shape != relevance_N.shape:
        raise ValueError(f"scores of {score_N.shape} need as many relevances; got {relevance_N.shape}")
    if not (np.isfinite(relevance_N) & (relevance_N >= 0)).all():
        raise ValueError("a relevance is below 0 or not finite")
    if not len(score_N):
        return 0.0

    # Only what may be among the first is sorted: all that score no less than the last of these.
    depth = min(depth, len(score_N))
    last = np.partition(score_N, -depth)[-depth]
    candidate_M = np.flatnonzero(score_N >= last)
    order_M = np.lexsort((relevance_N[candidate_M], -score_N[candidate_M]))
    gain_D = relevance_N[candidate_M[order_M[:depth]]].astype(np.float64)

    discount_D = 1 / np.log2(np.arange(2, depth + 2))
    best = float(-np.sort(np.partition(-relevance_N, depth - 1)[:depth]) @ discount_D)
    return float(gain_D @ discount_D) / best if best else 0.0
