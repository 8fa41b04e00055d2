"""The score of a photograph and a sentence: every word goes to its best region (paper, section 3.1, eq. 8).

    S_kl = sum over words t of l of  max over regions i of k of  v_i . s_t

This is the reference for every other implementation of the score. No cosine, no temperature, no division by
length.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
OverRegions = Callable[[FloatArray, BoolArray], FloatArray]
"""From the products of K photographs' I regions with N words, and the mask of regions, to K × N."""

BLOCK = 1 << 24
"""Default bound of the table of products, in bytes: large enough to multiply fast, small enough to cache."""


def score(v_ID: FloatArray, s_TD: FloatArray) -> float:
    """The score of a photograph, with I at least 1, and a sentence; one without words scores 0."""
    return float((s_TD @ v_ID.T).max(axis=1).sum())


def scores(
    v_KID: FloatArray,
    s_LTD: FloatArray,
    real_LT: BoolArray,
    real_KI: BoolArray | None = None,
    *,
    block: int = BLOCK,
) -> FloatArray:
    """The score of every photograph with every sentence, as K × L in the type of `v_KID`.

    `real_LT` is true at words and `real_KI` at regions (all of them where it is `None`); the rest are pads,
    which play no part. A sentence without a real word scores 0. Raises `ValueError` for a photograph without
    a real region.

    Beside inputs, result and a copy of the real words, the memory in use is about `block` bytes, or what one
    photograph and one sentence need where that is more.
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
    """The score as first published (DeFrag, 2014), `sum_t sum_i max(0, v_i . s_t)`; otherwise as `scores`."""
    return _in_blocks(_positive_regions, v_KID, s_LTD, real_LT, real_KI, block)


def _best_region(product_KIN: FloatArray, real_KI: BoolArray) -> FloatArray:
    product_KIN[~real_KI] = -np.inf  # a pad that scored 0 would beat regions that score below 0
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
    """Sum what `over_regions` gives over the words of each sentence, a block of the K × L table at a time."""
    K, I, D = v_KID.shape  # noqa: E741
    if real_KI is None:
        real_KI = np.ones((K, I), dtype=np.bool_)
    seen_K = real_KI.any(axis=1)
    if not seen_K.all():
        raise ValueError(f"photograph {seen_K.argmin()} has no real region; give it at least its frame")

    S_KL = np.zeros((K, len(real_LT)), dtype=v_KID.dtype)
    spoken_L = np.flatnonzero(real_LT.any(axis=1))
    s_ND = s_LTD[real_LT]  # the sentences end to end, without pads
    first_L = np.concatenate([[0], real_LT.sum(axis=1)[spoken_L].cumsum()])

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
            S_KL[k : k + photos, spoken_L[start:stop]] = sum_KL
    return S_KL


def _runs(first_L: IntArray, most: int) -> Iterator[tuple[int, int]]:
    """Runs `start, stop` of neighbouring sentences, of at most `most` words unless one sentence has more.

    Sentence l holds the words from `first_L[l]` to before `first_L[l + 1]`.
    """
    start = 0
    while start < len(first_L) - 1:
        stop = int(np.searchsorted(first_L, first_L[start] + most, side="right")) - 1
        stop = max(stop, start + 1)
        yield start, stop
        start = stop
