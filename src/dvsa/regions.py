"""Which boxes become the regions of a photograph: some of many candidates, and the whole frame."""

import numpy as np
from numpy.typing import NDArray

from dvsa.boxes import PROPOSALS, FloatArray, IntArray, grid, iou, nms
from dvsa.records import FRAME

PROPOSERS = ("head", "coverage", "grid", "frame")
"""How regions may be chosen; see `choose`."""
PRE_NMS = 1500
"""Candidates that go into NMS, best first."""
CANDIDATES = 1000
"""Candidates that are to be covered, best first."""
TOUCHED, REACHED = 0.45, 0.75
"""IoU from which a box covers another at all, and from which it covers it wholly."""


def choose(
    proposer: str, score_N: FloatArray, box_N4: FloatArray, *, threshold: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The regions of one photograph from its candidates, the frame last: boxes (I, 4) and scores (I,).

    Args:
        proposer: `head`, the 19 best candidates after NMS, filled up with the best that it dropped;
            `coverage`, the 19 candidates that together cover most; `grid`, 19 fixed boxes; or `frame`, the
            frame alone.
        score_N: scores of the candidates in [0, 1].
        box_N4: the candidates, within the frame.
        threshold: IoU threshold of NMS, for `head`.

    Raises:
        ValueError: the proposer is unknown.
    """
    if proposer not in PROPOSERS:
        raise ValueError(f"the proposer {proposer!r} is unknown: use one of {', '.join(PROPOSERS)}")
    if proposer in ("grid", "frame"):
        return with_frame(grid() if proposer == "grid" else np.empty((0, 4)))

    top_C = np.argsort(-score_N, kind="stable")[: CANDIDATES if proposer == "coverage" else PRE_NMS]
    box_C4, score_C = box_N4[top_C], score_N[top_C]
    if proposer == "coverage":
        order_I = cover(box_C4, score_C, PROPOSALS)
    else:
        kept = nms(box_C4, score_C, threshold=threshold, keep=PROPOSALS)
        dropped = np.setdiff1d(np.arange(len(top_C)), kept)
        order_I = np.concatenate([kept, dropped])[:PROPOSALS].astype(np.int64)
    box_I4, ones_I = with_frame(box_C4[order_I])
    ones_I[:-1] = score_C[order_I]
    return box_I4, ones_I


def with_frame(box_N4: FloatArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes with the frame as the last (N + 1, 4), and their scores, which are 1."""
    box_I4 = np.vstack([box_N4, [FRAME]]).astype(np.float32)
    return box_I4, np.ones(len(box_I4), np.float32)


def cover(boxes_N4: FloatArray, score_N: FloatArray, keep: int) -> IntArray:
    """Indices of `keep` boxes that leave, beside the frame, as little as possible uncovered: the best first.

    Scores say how likely each box is asked for. The expected coverage of a choice is

        sum over n of  score_n  max over the chosen i and the frame of  c(IoU(i, n)),

    where c rises from 0 at `TOUCHED` to 1 at `REACHED`. Each step takes the box that adds most, which comes
    within 1 - 1/e of the best choice (Nemhauser, Wolsey & Fisher, 1978). NMS throws away what is near a kept
    box; here it tells where the next box is worth most. Of neighbours in the list, which are much alike,
    every second may be chosen, and all count. N must be at least 2 `keep`.
    """
    covers_RN = _covers(iou(boxes_N4[::2], boxes_N4))
    covered_N = _covers(iou(np.array([FRAME], boxes_N4.dtype), boxes_N4))[0]
    open_R = np.ones(len(covers_RN), dtype=bool)
    chosen: list[int] = []
    for _ in range(keep):
        # einsum, since the threads of a matrix product take longer to meet than this takes
        gain_R = np.einsum("rn,n->r", np.maximum(covers_RN, covered_N), score_N)
        best = int(np.where(open_R, gain_R, -1).argmax())
        chosen.append(2 * best)
        open_R[best] = False
        covered_N = np.maximum(covered_N, covers_RN[best])
    return np.array(chosen, dtype=np.int64)


def _covers(iou_NM: FloatArray) -> FloatArray:
    covers_NM: FloatArray = np.clip((iou_NM - TOUCHED) / (REACHED - TOUCHED), 0, 1)
    return covers_NM
