"""The score of a photograph and a sentence: every word goes to its best region (paper, section 3.1, eq. 8).

    S_kl = sum over words t of l of  max over regions i of k of  v_i . s_t

Every other implementation of the score is compared with this one. It has no cosine, no temperature and no
division by length.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from dvsa.arrays import BoolArray, FloatArray, IntArray

OverRegions = Callable[[FloatArray, BoolArray], FloatArray]
"""Gives scores of words (K, N) from products of regions and words (K, I, N) and a mask of regions (K, I)."""

BLOCK = 1 << 24
"""Default size of the table of products, in bytes: large enough to multiply fast, and fits into the cache."""


def score(v_ID: FloatArray, s_TD: FloatArray) -> float:
    """The score of a photograph and a sentence; I must be at least 1, and a sentence without words scores 0.

    >>> v_ID = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> score(v_ID, np.array([[0.5, 0.25], [-1.0, 2.0]]))
    2.5
    """
    return float((s_TD @ v_ID.T).max(axis=1).sum())


def scores(
    v_KID: FloatArray,
    s_LTD: FloatArray,
    real_LT: BoolArray,
    real_KI: BoolArray | None = None,
    *,
    block: int = BLOCK,
) -> FloatArray:
    """The score of every photograph with every sentence, K × L, in the type of `v_KID`.

    `real_LT` is true at words and `real_KI` at regions; all regions are real if it is `None`. The rest is
    padding, which is ignored. A sentence without words scores 0. Raises `ValueError` for a photograph
    without regions.

    Besides the inputs, the result and a copy of the real words, this needs about `block` bytes of memory, or
    what one photograph and one sentence need if that is more.

    >>> v_KID = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> s_LTD = np.array([[[0.5, 0.25], [1.0, 2.0]], [[3.0, 4.0], [0.0, 0.0]]])
    >>> scores(v_KID, s_LTD, np.array([[True, True], [True, False]])).tolist()
    [[1.5, 3.0], [2.25, 4.0]]
    """
    return _in_blocks(_best_region, v_KID, s_LTD, real_LT, real_KI, block)


def defrag(
    v_KID: FloatArray,
    s_LTD: FloatArray,
    real_LT: BoolArray,
    real_KI: BoolArray | None = None,
    *,
    block: int = BLOCK,
) -> FloatArray:
    """The score of DeFrag (2014), `sum_t sum_i max(0, v_i . s_t)`; otherwise the same as `scores`.

    >>> v_KID = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> defrag(v_KID, np.array([[[0.5, 0.25], [-1.0, 2.0]]]), np.array([[True, True]])).tolist()
    [[2.75]]
    """
    return _in_blocks(_positive_regions, v_KID, s_LTD, real_LT, real_KI, block)


def _best_region(product_KIN: FloatArray, real_KI: BoolArray) -> FloatArray:
    product_KIN[~real_KI] = -np.inf  # padding with a score of 0 would beat regions with a negative score
    best_KN: FloatArray = product_KIN.max(axis=1)
    return best_KN


def _positive_regions(product_KIN: FloatArray, real_KI: BoolArray) -> FloatArray:
    product_KIN[~real_KI] = 0
    total_KN: FloatArray = np.maximum(product_KIN, 0, out=product_KIN).sum(axis=1)
    return total_KN


def _in_blocks(
    over_regions: OverRegions,
    v_KID: FloatArray,
    s_LTD: FloatArray,
    real_LT: BoolArray,
    real_KI: BoolArray | None,
    block: int,
) -> FloatArray:
    """Sum the scores that `over_regions` gives over the words of each sentence, block by block of K × L."""
    K, I, D = v_KID.shape  # noqa: E741
    if real_KI is None:
        real_KI = np.ones((K, I), dtype=np.bool_)
    has_region_K = real_KI.any(axis=1)
    if not has_region_K.all():
        raise ValueError(f"photograph {has_region_K.argmin()} has no real region; give it at least its frame")

    # Concatenate the sentences that have words, without padding.
    S_KL = np.zeros((K, len(real_LT)), dtype=v_KID.dtype)
    with_words_L = np.flatnonzero(real_LT.any(axis=1))
    s_ND = s_LTD[real_LT]
    first_L = np.concatenate([[0], real_LT.sum(axis=1)[with_words_L].cumsum()])

    # Fill the table block by block.
    cells = block // v_KID.itemsize
    photos = max(math.isqrt(cells) // I, 1)  # nearly square blocks multiply fastest
    for start, stop in _runs(first_L, cells // (photos * I)):
        words_DN = s_ND[first_L[start] : first_L[stop]].T
        for k in range(0, K, photos):
            regions_XD = v_KID[k : k + photos].reshape(-1, D)
            word_KN = over_regions(
                (regions_XD @ words_DN).reshape(-1, I, words_DN.shape[1]), real_KI[k : k + photos]
            )
            sum_KL = np.add.reduceat(word_KN, first_L[start:stop] - first_L[start], axis=1)
            S_KL[k : k + photos, with_words_L[start:stop]] = sum_KL
    return S_KL


def _runs(first_L: IntArray, most: int) -> Iterator[tuple[int, int]]:
    """Runs `start, stop` of neighbouring sentences with at most `most` words, or of one longer sentence.

    Sentence l has the words from `first_L[l]` up to, but not including, `first_L[l + 1]`.
    """
    start = 0
    while start < len(first_L) - 1:
        stop = int(np.searchsorted(first_L, first_L[start] + most, side="right")) - 1
        stop = max(stop, start + 1)
        yield start, stop
        start = stop
