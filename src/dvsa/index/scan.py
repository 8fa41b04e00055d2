"""The photographs that score best: a fast pass over all of them, then the score itself for the best few.

The fast pass multiplies float16 vectors by float16 words with a kernel of NumKong. How far it may be from
`maxsim.score` has a bound. Every photograph that could be among the best within that bound is scored again,
by `maxsim.score`: so an exact search is exact, down to how ties are broken.

A pruned search ranks sketches first (dvsa.index.sketch) and does all this with the best 1,000 only.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numkong
import numpy as np
from numpy.typing import NDArray

from dvsa import maxsim
from dvsa.index.segment import Segment

BLOCK: Final = 1024
"""Photographs that are multiplied at once: their products stay in cache."""

CANDIDATES: Final = 1000
"""Photographs that a pruned search looks at closely; 20 for each that is asked for, where that is more."""

LOWEST: Final = float(np.finfo(np.float32).min)
"""Above minus infinity, which marks photographs that must not be found."""

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Found = tuple[float, str, Segment, int]
"""Score and identifier of a photograph, its segment and its row there."""


def best(
    segments: Sequence[Segment], allowed: Sequence[Bools], s_ND: Floats, k: int, *, pruned: bool = False
) -> list[Found]:
    """The k photographs with the highest MaxSim scores, ties in the order of identifiers.

    Args:
        segments: where to search.
        allowed: which photographs of each segment may be found.
        s_ND: vectors of the words.
        k: how many at most.
        pruned: whether sketches decide first who is looked at.
    """
    unit_ND = s_ND / np.float32(np.abs(s_ND).max() or 1)  # half precision holds neither huge nor tiny words
    words = numkong.dots_pack(unit_ND.astype(np.float16))
    if pruned:
        allowed = _promising(segments, allowed, unit_ND, words, max(CANDIDATES, 20 * k))
    fast = _fast(segments, allowed, words)
    every_K = np.concatenate([*fast, np.empty(0, np.float32)])
    k = min(k, int(np.isfinite(every_K).sum()))
    if k == 0:
        return []
    reach = 2 * _error(unit_ND) * max(segment.record.norm for segment in segments)
    least = max(_kth(every_K, k) - reach, LOWEST)
    found = [
        (maxsim.score(segment.vectors(row), s_ND), segment.id(row), segment, row)
        for segment, fast_K in zip(segments, fast, strict=True)
        for row in np.flatnonzero(fast_K >= least).tolist()
    ]
    return sorted(found, key=lambda item: (-item[0], item[1]))[:k]


def _error(s_ND: Floats) -> float:
    """Most that the fast pass and `maxsim.score` may be from the true score, for regions of length 1.

    What half precision takes from a word changes its products by no more than the length of what is taken.
    Sums in single precision add to that; with a wide margin.
    """
    lost_ND = s_ND - s_ND.astype(np.float16).astype(np.float32)
    sums = 4 * (sum(s_ND.shape) + 2) * 2.0**-24
    return float(np.linalg.norm(lost_ND, axis=1).sum() + sums * np.linalg.norm(s_ND, axis=1).sum())


def _kth(score_K: Floats, k: int) -> float:
    """The k-th highest score."""
    return float(np.partition(score_K, -k)[-k])


def _fast(segments: Sequence[Segment], allowed: Sequence[Bools], words: numkong.PackedMatrix) -> list[Floats]:
    """Nearly the scores of each segment's photographs; minus infinity where they are not allowed."""
    fast = [np.full(len(segment), -np.inf, np.float32) for segment in segments]

    def work(n: int, at_K: Ints) -> None:
        fast[n][at_K] = _products(segments[n], at_K, words)

    jobs: list[Callable[[], None]] = []
    for n, allowed_K in enumerate(allowed):
        # A few that are not allowed cost less than bringing the others together in memory.
        at_K = (
            np.arange(len(allowed_K)) if 2 * allowed_K.sum() > len(allowed_K) else np.flatnonzero(allowed_K)
        )
        jobs += [partial(work, n, at_K[start : start + BLOCK]) for start in range(0, len(at_K), BLOCK)]
    _together(jobs)
    for fast_K, allowed_K in zip(fast, allowed, strict=True):
        fast_K[~allowed_K] = -np.inf
    return fast


def _together(jobs: Sequence[Callable[[], None]]) -> None:
    """Do jobs on all cores; NumKong and numpy let other threads go on while they work."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda job: job(), jobs):
            pass


def _products(segment: Segment, at_K: Ints, words: numkong.PackedMatrix) -> Floats:
    """Sums over words of maxima over regions, for some photographs of a segment."""
    first_K, count_K = segment.first_K[at_K], segment.first_K[at_K + 1] - segment.first_K[at_K]
    begin_K = count_K.cumsum() - count_K
    if at_K[-1] - at_K[0] == len(at_K) - 1:
        v_XD = segment.v_XD[first_K[0] : first_K[-1] + count_K[-1]]
    else:
        v_XD = segment.v_XD[np.arange(count_K.sum()) + np.repeat(first_K - begin_K, count_K)]
    dot_XN = np.asarray(numkong.dots_packed(v_XD, words))
    score_K: Floats = np.maximum.reduceat(dot_XN, begin_K, axis=0).sum(axis=1)
    return score_K


def _promising(
    segments: Sequence[Segment],
    allowed: Sequence[Bools],
    s_ND: Floats,
    words: numkong.PackedMatrix,
    count: int,
) -> list[Bools]:
    """The `count` allowed photographs whose sketches, or vectors where there are none, score best."""
    if sum(int(allowed_K.sum()) for allowed_K in allowed) <= count:
        return list(allowed)
    bare = [allowed_K.copy() for allowed_K in allowed]
    for segment, bare_K in zip(segments, bare, strict=True):
        bare_K[: segment.record.sketched] = False
    rough = _fast(segments, bare, words)
    jobs: list[Callable[[], None]] = []
    for segment, rough_K in zip(segments, rough, strict=True):
        if segment.sketch is not None:
            jobs += segment.sketch.score(s_ND, rough_K)
    _together(jobs)
    for rough_K, allowed_K in zip(rough, allowed, strict=True):
        rough_K[~allowed_K] = -np.inf
    least = _kth(np.concatenate(rough), count)
    return [rough_K >= least for rough_K in rough]
