"""Nearest neighbours among training photographs and segments: the baselines (paper, sections 4.2, 4.3)."""

import numpy as np

from dvsa.arrays import Floats, IntArray

TABLE_SIZE = 1 << 24
"""Default limit of the table of scores: how many numbers it may have."""


def nearest(query_KF: Floats, known_NF: Floats, *, block: int = TABLE_SIZE) -> IntArray:
    """The row of `known_NF` with the smallest Euclidean distance to each query (K,); ties to the lower.

    With the features of frames, `Encoded.feature_KIF[:, -1]`, it finds the training photograph whose first
    sentence is the baseline's caption. Apart from arguments and result it needs a table of about `block`
    numbers. Distances that are equal up to rounding count as equal. Raises ValueError if no row is known.

    >>> nearest(np.array([[0.9, 0.1]], np.float32), np.eye(2, dtype=np.float32))
    array([0])
    """
    # |q - k|^2 is smallest where q.k - |k|^2 / 2 is largest, so no differences are needed.
    return _best(query_KF, known_NF, -np.einsum("nf,nf->n", known_NF, known_NF) / 2, block)


def best_segments(v_KD: Floats, s_ND: Floats, *, block: int = TABLE_SIZE) -> IntArray:
    """The segment that each region vector scores highest, (K,); ties to the lower.

    `s_ND` has the sum of the word vectors of each segment, `CollectedSegments.s_ND`, so `v . s` is the score
    of a segment of the MRF: the sum of `v . s_t` over its words. Memory and errors are those of `nearest`.

    >>> best_segments(np.array([[0.9, 0.1]], np.float32), np.array([[1.0, 0.0], [2.0, 0.0]], np.float32))
    array([1])
    """
    return _best(v_KD, s_ND, np.zeros(len(s_ND), s_ND.dtype), block)


def _best(query_KD: Floats, known_ND: Floats, offset_N: Floats, block: int) -> IntArray:
    """Where `query . known + offset` is largest for each query, block by block."""
    if not len(known_ND):
        raise ValueError("there is nothing to search: give at least one training photograph or segment")
    best_K, index_K = np.full(len(query_KD), -np.inf), np.zeros(len(query_KD), np.int64)
    size = max(block // max(len(query_KD), 1), 1)

    for first in range(0, len(known_ND), size):
        score_KN = query_KD @ known_ND[first : first + size].T
        score_KN += offset_N[first : first + size]
        found_K = score_KN.argmax(axis=1)
        top_K = np.take_along_axis(score_KN, found_K[:, None], axis=1)[:, 0]
        better_K = top_K > best_K
        best_K[better_K], index_K[better_K] = top_K[better_K], first + found_K[better_K]
    return index_K
