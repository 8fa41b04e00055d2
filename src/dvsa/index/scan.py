"""Find the photographs with the highest scores: a fast pass over all, then exact scores for the best few.

The fast pass multiplies float16 vectors with float16 words, with a kernel of NumKong. Its difference from
`maxsim.score` has an upper bound. Every photograph that could be among the best k within that bound is scored
again by `maxsim.score`. So an exact search is exact, including how ties are broken.

A pruned search first selects the best 1,000 photographs by their sketches (dvsa.index.sketch).
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numkong
import numpy as np

from dvsa import maxsim
from dvsa.arrays import BoolArray, Floats, IntArray
from dvsa.index.segment import IndexSegment
from dvsa.index.values import SearchError

PHOTOS_PER_BLOCK: Final = 1024
"""Photographs that are multiplied at once: few enough that their products stay in cache."""

EXACTLY_SCORED: Final = 1000
"""Photographs that a pruned search scores exactly; at least 20 for each requested one."""

LOWEST: Final = float(np.finfo(np.float32).min)
"""The lowest finite score; photographs that may not be found have minus infinity."""

Found = tuple[float, str, IndexSegment, int]
"""Score and identifier of a photograph, its segment and its row there."""


def best(
    segments: Sequence[IndexSegment],
    allowed: Sequence[BoolArray],
    s_ND: Floats,
    k: int,
    *,
    pruned: bool = False,
) -> list[Found]:
    """The k photographs with the highest MaxSim scores; ties are ordered by identifier.

    Args:
        segments: the segments to search.
        allowed: which photographs of each segment may be found.
        s_ND: vectors of the words.
        k: the most photographs to return.
        pruned: whether sketches select which photographs are scored exactly.
    """
    # Scale the words to at most 1: half precision holds neither very large nor very small numbers.
    unit_ND = s_ND / np.float32(np.abs(s_ND).max() or 1)
    words = numkong.dots_pack(unit_ND.astype(np.float16))
    if pruned:
        allowed = _best_by_sketch(segments, allowed, unit_ND, words, max(EXACTLY_SCORED, 20 * k))

    # The fast pass, and the lowest fast score that may still belong to one of the best k.
    fast = _fast_scores(segments, allowed, words)
    for segment, fast_K, allowed_K in zip(segments, fast, allowed, strict=True):
        if not np.isfinite(fast_K[allowed_K]).all():
            raise SearchError(
                f"{segment.folder / segment.record.name}.vectors has vectors that are not finite: "
                "index its photographs again"
            )
    every_K = np.concatenate([*fast, np.empty(0, np.float32)])
    k = min(k, int(np.isfinite(every_K).sum()))
    if k == 0:
        return []
    tolerance = 2 * _max_error(unit_ND) * max(segment.record.norm for segment in segments)
    least = max(_kth_highest(every_K, k) - tolerance, LOWEST)

    found = [
        (maxsim.score(segment.vectors(row), s_ND), segment.id(row), segment, row)
        for segment, fast_K in zip(segments, fast, strict=True)
        for row in np.flatnonzero(fast_K >= least).tolist()
    ]
    return sorted(found, key=lambda item: (-item[0], item[1]))[:k]


def _max_error(s_ND: Floats) -> float:
    """An upper bound on the error of the fast pass and of `maxsim.score`, for regions of length 1.

    Rounding a word to half precision changes its products by at most the length of the rounding error. Sums
    in single precision add to that; their share has a wide margin.
    """
    lost_ND = s_ND - s_ND.astype(np.float16).astype(np.float32)
    sums = 4 * (sum(s_ND.shape) + 2) * 2.0**-24
    return float(np.linalg.norm(lost_ND, axis=1).sum() + sums * np.linalg.norm(s_ND, axis=1).sum())


def _kth_highest(score_K: Floats, k: int) -> float:
    return float(np.partition(score_K, -k)[-k])


def _fast_scores(
    segments: Sequence[IndexSegment], allowed: Sequence[BoolArray], words: numkong.PackedMatrix
) -> list[Floats]:
    """Approximate scores of each segment's photographs; minus infinity where they are not allowed."""
    fast = [np.full(len(segment), -np.inf, np.float32) for segment in segments]

    def score(n: int, at_K: IntArray) -> None:
        fast[n][at_K] = _products(segments[n], at_K, words)

    jobs: list[Callable[[], None]] = []
    for n, allowed_K in enumerate(allowed):
        # Scoring a few photographs that are not allowed is cheaper than copying the others together.
        mostly_allowed = 2 * allowed_K.sum() > len(allowed_K)
        at_K = np.arange(len(allowed_K)) if mostly_allowed else np.flatnonzero(allowed_K)
        starts = range(0, len(at_K), PHOTOS_PER_BLOCK)
        jobs += [partial(score, n, at_K[start : start + PHOTOS_PER_BLOCK]) for start in starts]
    _run_in_threads(jobs)

    for fast_K, allowed_K in zip(fast, allowed, strict=True):
        fast_K[~allowed_K] = -np.inf
    return fast


def _run_in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    """Run jobs on all cores; NumKong and numpy release the interpreter lock while they work."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda job: job(), jobs):
            pass


def _products(segment: IndexSegment, at_K: IntArray, words: numkong.PackedMatrix) -> Floats:
    """Sums over words of maxima over regions, for the given rows of a segment."""
    v_XD = segment.regions_of(at_K)
    begin_K = segment.first_K[at_K + 1] - segment.first_K[at_K]
    begin_K = begin_K.cumsum() - begin_K

    dot_XN = np.asarray(numkong.dots_packed(v_XD, words))
    score_K: Floats = np.maximum.reduceat(dot_XN, begin_K, axis=0).sum(axis=1)
    return score_K


def _best_by_sketch(
    segments: Sequence[IndexSegment],
    allowed: Sequence[BoolArray],
    s_ND: Floats,
    words: numkong.PackedMatrix,
    count: int,
) -> list[BoolArray]:
    """The `count` allowed photographs with the best sketches; photographs without one use their vectors."""
    if sum(int(allowed_K.sum()) for allowed_K in allowed) <= count:
        return list(allowed)

    # Fast scores for photographs without a sketch, rough scores for the others.
    unsketched = [allowed_K.copy() for allowed_K in allowed]
    for segment, unsketched_K in zip(segments, unsketched, strict=True):
        unsketched_K[: segment.record.sketched] = False
    rough = _fast_scores(segments, unsketched, words)
    jobs: list[Callable[[], None]] = []
    for segment, rough_K in zip(segments, rough, strict=True):
        if segment.sketch is not None:
            jobs += segment.sketch.score_jobs(s_ND, rough_K)
    _run_in_threads(jobs)

    for rough_K, allowed_K in zip(rough, allowed, strict=True):
        rough_K[~allowed_K] = -np.inf
    least = _kth_highest(np.concatenate(rough), count)
    return [rough_K >= least for rough_K in rough]
