"""Which of many candidate boxes become the regions of a photograph. The whole frame is always one of them."""

import numpy as np

from dvsa.arrays import FloatArray, Floats, IntArray
from dvsa.boxes import PROPOSALS, grid, iou, nms
from dvsa.records import FRAME

PROPOSERS = ("head", "coverage", "grid", "frame")
"""How regions may be chosen; see `choose`."""
MAX_REGIONS = 256
"""The most regions of a photograph, also of those that a user or a file gives."""
PRE_NMS = 1500
"""Candidates that go into NMS, best first."""
CANDIDATES = 1000
"""Candidates that coverage considers, best first."""
TOUCHED, REACHED = 0.45, 0.75
"""The IoU at which one box begins to cover another, and the IoU at which it covers it completely."""


def choose(
    proposer: str, score_N: FloatArray, box_N4: FloatArray, *, threshold: float
) -> tuple[Floats, Floats]:
    """Choose the regions of one photograph from its candidates: boxes (I, 4), scores (I,), the frame last.

    Args:
        proposer: `head`, the 19 best candidates after NMS, filled up with the best that it dropped;
            `coverage`, the 19 candidates that together cover most; `grid`, 19 fixed boxes; or `frame`, the
            frame alone.
        score_N: scores of the candidates in [0, 1].
        box_N4: the candidates, within the frame.
        threshold: IoU threshold of NMS, for `head`.

    Raises:
        ValueError: the proposer is unknown.

    >>> rng = np.random.default_rng(0)
    >>> score_N, corner_N2 = rng.random(100), rng.random((100, 2)) / 2
    >>> box_N4 = np.hstack([corner_N2, corner_N2 + 0.3])
    >>> box_I4, score_I = choose("coverage", score_N, box_N4, threshold=0.5)
    >>> box_I4.shape, score_I.shape, box_I4[-1].tolist()
    ((20, 4), (20,), [0.0, 0.0, 1.0, 1.0])
    """
    if proposer not in PROPOSERS:
        raise ValueError(f"the proposer {proposer!r} is unknown: use one of {', '.join(PROPOSERS)}")
    if proposer == "grid":
        return with_frame(grid())
    if proposer == "frame":
        return with_frame(np.empty((0, 4)))

    # The best candidates (C) by score.
    top_C = np.argsort(-score_N, kind="stable")[: CANDIDATES if proposer == "coverage" else PRE_NMS]
    box_C4, score_C = box_N4[top_C], score_N[top_C]

    if proposer == "coverage":
        chosen = cover(box_C4, score_C, PROPOSALS)
    else:
        kept = nms(box_C4, score_C, threshold=threshold, keep=PROPOSALS)
        dropped = np.setdiff1d(np.arange(len(top_C)), kept)
        chosen = np.concatenate([kept, dropped])[:PROPOSALS].astype(np.int64)

    box_I4, score_I = with_frame(box_C4[chosen])
    score_I[:-1] = score_C[chosen]
    return box_I4, score_I


def with_frame(box_N4: FloatArray) -> tuple[Floats, Floats]:
    """The boxes followed by the frame (N + 1, 4), and a score of 1 for each.

    >>> with_frame(np.array([[0.0, 0.0, 0.5, 0.5]]))[0].tolist()
    [[0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]]
    """
    box_I4 = np.vstack([box_N4, [FRAME]]).astype(np.float32)
    return box_I4, np.ones(len(box_I4), np.float32)


def cover(boxes_N4: FloatArray, score_N: FloatArray, keep: int) -> IntArray:
    """Indices of `keep` boxes that, together with the frame, cover the likely boxes best; the best first.

    A score says how likely somebody asks for a box. The expected coverage of a choice is

        sum over n of  score_n  max over the chosen i and the frame of  c(IoU(i, n)),

    where c rises from 0 at `TOUCHED` to 1 at `REACHED`. Each step takes the box that adds most. The result
    reaches at least 1 - 1/e of the best choice (Nemhauser, Wolsey & Fisher, 1978). NMS drops the neighbours
    of a chosen box; here they say where the next box is worth most.

    Neighbours in the list are much alike, so only every second box can be chosen, but all boxes count. N
    must be at least 2 `keep`.

    >>> left, right = [0, 0, 0.4, 0.4], [0.5, 0.5, 0.9, 0.9]
    >>> cover(np.array([left, left, right, right]), np.array([0.1, 0.1, 0.9, 0.9]), keep=2).tolist()
    [2, 0]
    """
    covers_RN = _coverage(iou(boxes_N4[::2], boxes_N4))
    covered_N = _coverage(iou(np.array([FRAME], boxes_N4.dtype), boxes_N4))[0]
    open_R = np.ones(len(covers_RN), dtype=bool)

    chosen: list[int] = []
    for _ in range(keep):
        # einsum, because starting the threads of a matrix product would take longer than this product
        gain_R = np.einsum("rn,n->r", np.maximum(covers_RN, covered_N), score_N)
        best = int(np.where(open_R, gain_R, -1).argmax())
        chosen.append(2 * best)
        open_R[best] = False
        covered_N = np.maximum(covered_N, covers_RN[best])
    return np.array(chosen, dtype=np.int64)


def _coverage(iou_NM: FloatArray) -> FloatArray:
    """The function c of `cover`."""
    coverage_NM: FloatArray = np.clip((iou_NM - TOUCHED) / (REACHED - TOUCHED), 0, 1)
    return coverage_NM
