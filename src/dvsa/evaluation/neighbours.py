"""Nearest neighbours among training photographs and segments: the baselines (paper, sections 4.2, 4.3)."""

import numpy as np

from dvsa.metrics.bootstrap import IntArray
from dvsa.model import Floats

BLOCK = 1 << 24
"""Default bound of the table of scores, in numbers."""


def nearest(query_KF: Floats, known_NF: Floats, *, block: int = BLOCK) -> IntArray:
    """The row of `known_NF` with the smallest Euclidean distance to each query (K,); ties to the lower.

    With the features of frames, `Encoded.feature_KIF[:, -1]`, it finds the training photograph whose first
    sentence is the baseline's caption. Beside inputs and result it needs a table of about `block` numbers.
    Distances that differ by less than rounding count as equal. Raises ValueError where no row is known.
    """
    # |q - k|^2 is least where q.k - |k|^2 / 2 is greatest: no differences are needed.
    return _best(query_KF, known_NF, -np.einsum("nf,nf->n", known_NF, known_NF) / 2, block)


def best_segments(v_KD: Floats, s_ND: Floats, *, block: int = BLOCK) -> IntArray:
    """The segment that each region vector scores highest, (K,); ties to the lower.

    `s_ND` holds the sums of the vectors of each segment's words, `Segments.s_ND`, so `v . s` is the sum over
    its words of `v . s_t`, the score of the MRF's segments. Memory and errors are those of `nearest`.
    """
    return _best(v_KD, s_ND, np.zeros(len(s_ND), s_ND.dtype), block)


def _best(query_KD: Floats, known_ND: Floats, offset_N: Floats, block: int) -> IntArray:
    """Where `query . known + offset` is greatest for each query."""
    if not len(known_ND):
        raise ValueError("there is nothing to be near to: give at least one training photograph or segment")
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
