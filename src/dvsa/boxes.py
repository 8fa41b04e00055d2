"""Box algebra on arrays of `(x0, y0, x1, y1)` in fractions of the photograph's width and height.

Every function takes and returns float arrays; each row of `boxes_N4` is one box. Only `to_pixels`,
`from_pixels`, `within` and `read_boxes` deal with pixels.
"""

import json
import math
from pathlib import Path

import numpy as np

from dvsa.arrays import BoolArray, FloatArray, IntArray
from dvsa.records import Box

ROUNDING = 0.5
"""By how many pixels a box may reach out of its photograph."""

MIN_SIDE = 1e-3
"""The shortest side of a crop, as a share of the photograph's."""
PROPOSALS = 19
"""Boxes of a photograph without the frame (paper, section 3.1.1)."""


def iou(a_N4: FloatArray, b_M4: FloatArray) -> FloatArray:
    """Intersection over union of every box of `a_N4` with every box of `b_M4`: N × M values in [0, 1].

    Two boxes without area have an IoU of 0.

    >>> left, whole = [0, 0, 0.5, 1], [0, 0, 1, 1]
    >>> iou(np.array([left, whole]), np.array([left, whole])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    ax0_N1, ay0_N1, ax1_N1, ay1_N1 = a_N4.T[:, :, None]
    bx0_M, by0_M, bx1_M, by1_M = b_M4.T
    width_NM = np.maximum(np.minimum(ax1_N1, bx1_M) - np.maximum(ax0_N1, bx0_M), 0)
    height_NM = np.maximum(np.minimum(ay1_N1, by1_M) - np.maximum(ay0_N1, by0_M), 0)
    shared_NM = width_NM * height_NM
    either_NM = (ax1_N1 - ax0_N1) * (ay1_N1 - ay0_N1) + (bx1_M - bx0_M) * (by1_M - by0_M) - shared_NM
    iou_NM: FloatArray = shared_NM / np.maximum(either_NM, np.finfo(either_NM.dtype).tiny)
    return iou_NM


def union(boxes_N4: FloatArray) -> FloatArray:
    """The smallest box that holds all of `boxes_N4`, as an array of 4; N must be at least 1.

    >>> union(np.array([[0.1, 0.2, 0.3, 0.4], [0.2, 0.1, 0.6, 0.3]])).tolist()
    [0.1, 0.1, 0.6, 0.4]
    """
    if not len(boxes_N4):
        raise ValueError("the union of no boxes is not defined; give at least one box")
    return np.concatenate([boxes_N4[:, :2].min(axis=0), boxes_N4[:, 2:].max(axis=0)])


def clip(boxes_N4: FloatArray) -> FloatArray:
    """The parts of the boxes within the photograph; a box completely outside becomes a box without area.

    >>> clip(np.array([[-0.5, 0.2, 0.4, 1.5]])).tolist()
    [[0.0, 0.2, 0.4, 1.0]]
    """
    return np.clip(boxes_N4, 0, 1)


def widened(boxes_N4: FloatArray, context: float) -> FloatArray:
    """The boxes with `context` times their sides added at each edge, within the photograph, never empty.

    >>> widened(np.array([[0.4, 0.0, 0.6, 0.5]]), 0.5).round(2).tolist()
    [[0.3, 0.0, 0.7, 0.75]]
    """
    margin_N2 = context * (boxes_N4[:, 2:] - boxes_N4[:, :2])
    low_N2 = np.clip(boxes_N4[:, :2] - margin_N2, 0, 1 - MIN_SIDE)
    high_N2 = np.maximum(np.clip(boxes_N4[:, 2:] + margin_N2, 0, 1), low_N2 + MIN_SIDE)
    return np.hstack([low_N2, high_N2])


def nms(boxes_N4: FloatArray, score_N: FloatArray, *, threshold: float, keep: int) -> IntArray:
    """Greedy non-maximum suppression: indices of at most `keep` boxes, the highest score first.

    A box is dropped if its IoU with a kept box is above `threshold`. Equal scores are taken in order of
    index. The cost is proportional to N times the number of kept boxes.

    >>> boxes_N4 = np.array([[0, 0, 0.5, 1], [0, 0, 0.45, 1], [0.5, 0, 1, 1]])
    >>> nms(boxes_N4, np.array([0.7, 0.9, 0.8]), threshold=0.5, keep=3).tolist()
    [1, 2]
    """
    order_N = np.argsort(-score_N, kind="stable")
    sorted_N4 = np.ascontiguousarray(boxes_N4[order_N].T).T  # edge by edge in memory: faster for `iou`
    dropped_N = np.zeros(len(order_N), dtype=bool)

    kept: list[int] = []
    while len(kept) < keep and not dropped_N.all():
        best = int(dropped_N.argmin())
        kept.append(best)
        dropped_N |= iou(sorted_N4[best : best + 1], sorted_N4)[0] > threshold
        dropped_N[best] = True
    return order_N[kept]


def expected_iou(boxes_I4: FloatArray, weight_I: FloatArray) -> FloatArray:
    """The expected IoU (I,) of each box with the right one; box i is right with probability `weight_I[i]`.

    A box in the middle of several likely ones is a better answer than a likelier box far from the others.

    >>> boxes_I4 = np.array([[0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9], [0.5, 0.5, 1, 1]])
    >>> expected_iou(boxes_I4, np.array([0.4, 0.3, 0.3])).round(2).tolist()
    [0.4, 0.49, 0.49]
    """
    expected_I: FloatArray = iou(boxes_I4, boxes_I4) @ weight_I
    return expected_I


def grid() -> FloatArray:
    """Nineteen fixed boxes: a proposer without a network. The frame is not one of them.

    There are two rows of four small upright boxes, three large upright boxes side by side, four wide boxes
    from top to bottom, and four boxes in the middle, where photographers put things. The sizes were chosen on
    phrase boxes of Flickr8K training photographs. With the frame, the boxes cover 65 % of the phrases of the
    validation split at IoU 0.5.

    >>> grid().shape
    (19, 4)
    """
    return np.concatenate(
        [
            _lattice(0.3, 0.5, columns=4, rows=2, inset=0.1),
            _lattice(0.6, 0.9, columns=3, rows=1),
            _lattice(0.8, 0.4, columns=1, rows=4),
            _lattice(0.35, 0.5, columns=3, rows=1, inset=0.25),
            _lattice(0.3, 0.3, columns=1, rows=1),
        ]
    )


def _lattice(width: float, height: float, *, columns: int, rows: int, inset: float = 0.0) -> FloatArray:
    """Boxes of one size, evenly spaced; `inset` is the share of the free space left at each end."""

    def places(size: float, count: int) -> FloatArray:
        ends = (inset, 1 - inset) if count > 1 else (0.5, 0.5)
        return (1 - size) * np.linspace(*ends, count)

    corners = [(x, y) for y in places(height, rows) for x in places(width, columns)]
    return np.array([(x, y, x + width, y + height) for x, y in corners])


def to_pixels(box: Box | FloatArray, width: int, height: int) -> tuple[int, int, int, int]:
    """The box in whole pixels of a photograph of `width` × `height`; `x1` and `y1` are exclusive.

    Edges are rounded to the nearest pixel border, so `to_pixels` inverts `from_pixels`. The result is within
    the photograph and contains at least one pixel.

    >>> to_pixels((0.25, 0.1, 0.5, 1.0), 640, 480)
    (160, 48, 320, 480)
    """
    x0, y0, x1, y1 = (float(edge) for edge in box)
    left, right = _nearest(x0, x1, width)
    top, bottom = _nearest(y0, y1, height)
    return left, top, right, bottom


def _nearest(first: float, last: float, size: int) -> tuple[int, int]:
    """One side of a box in whole pixels, at least one pixel long, within 0 and `size`."""
    low = min(max(math.floor(first * size + 0.5), 0), size - 1)
    high = min(max(math.floor(last * size + 0.5), low + 1), size)
    return low, high


def from_pixels(pixels_N4: FloatArray | IntArray, width: float, height: float) -> FloatArray:
    """Boxes in pixels of a photograph of `width` × `height` as float64 fractions, without clipping.

    >>> from_pixels(np.array([[160, 48, 320, 480]]), 640, 480).tolist()
    [[0.25, 0.1, 0.5, 1.0]]
    """
    return pixels_N4 / np.array([width, height, width, height], dtype=np.float64)


def within(pixels_N4: FloatArray | IntArray, width: float, height: float) -> FloatArray:
    """Boxes in pixels of a photograph of `width` × `height` as fractions, clipped to the photograph.

    Raises:
        ValueError: a box has no area within the photograph, swapped corners, NaN or infinity; the message
            names its row, counted from 0. Or all boxes seem to be in fractions.

    >>> within(np.array([[0, 0, 320, 480], [480, 360, 700, 500]]), 640, 480).tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.75, 0.75, 1.0, 1.0]]
    """
    x0_N, y0_N, x1_N, y1_N = pixels_N4.T
    finite_N = np.isfinite(pixels_N4).all(axis=1)
    ordered_N = (x0_N < x1_N) & (y0_N < y1_N)
    inside_N = (x1_N > 0) & (y1_N > 0) & (x0_N < width) & (y0_N < height)
    clipped_N4 = clip(from_pixels(pixels_N4, width, height))
    single_N4 = clipped_N4.astype(np.float32)  # as the network gets it
    area_N = (single_N4[:, :2] < single_N4[:, 2:]).all(axis=1)
    for good_N, rule in (
        (finite_N, "give finite numbers"),
        (ordered_N, "x0 must be below x1, and y0 below y1"),
        (inside_N, f"it is outside the {width:g} x {height:g} pixels"),
        (area_N, "it has no area"),
    ):
        if not good_N.all():
            row = int(good_N.argmin())
            raise ValueError(f"row {row} (from 0) is {pixels_N4[row].tolist()!r:.60}; {rule}")
    if min(width, height) > 1 and len(pixels_N4) and pixels_N4.max() <= 1:
        raise ValueError("all boxes are within one pixel: give pixels, not fractions")
    return clipped_N4


def reaches_beyond(pixels_N4: FloatArray | IntArray, width: float, height: float) -> BoolArray:
    """Which boxes (N, 4) in pixels reach out of a photograph of `width` × `height`, rounded: (N,).

    >>> reaches_beyond(np.array([[0, 0, 640, 480.4], [0, 0, 641, 480]]), 640, 480).tolist()
    [False, True]
    """
    low_N2, high_N2 = np.asarray(pixels_N4)[:, :2], np.asarray(pixels_N4)[:, 2:]
    beyond_N2: BoolArray = (low_N2 < -ROUNDING) | (high_N2 > np.array([width, height]) + ROUNDING)
    return np.asarray(beyond_N2.any(axis=1))


def read_boxes(path: Path, width: int, height: int) -> FloatArray:
    """Read boxes from a JSON file: a list of `[x0, y0, x1, y1]` in pixels of the original photograph.

    Returns N × 4 fractions in the order of the file; N may be 0.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has no such list, or a box has no area or reaches beyond the upright photograph.
            The message names the file and the row, counted from 0.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "boxes.json"
    ...     _ = path.write_text("[[0, 0, 320, 480], [600, 400, 640, 480]]")
    ...     read_boxes(path, 640, 480).round(2).tolist()
    [[0.0, 0.0, 0.5, 1.0], [0.94, 0.83, 1.0, 1.0]]
    """
    return parse_boxes(path.read_bytes(), str(path), width, height)


def parse_boxes(content: bytes, source: str, width: int, height: int) -> FloatArray:
    """Read the content of such a file; errors begin with `source`.

    >>> parse_boxes(b"[[0, 0, 320, 480]]", "boxes.json", 640, 480).tolist()
    [[0.0, 0.0, 0.5, 1.0]]
    """
    try:
        rows = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source}: not a JSON file ({error}); give a list of [x0, y0, x1, y1]") from None
    if not isinstance(rows, list):
        raise ValueError(f"{source}: not a list; give a list of [x0, y0, x1, y1] in pixels")
    boxes = [_read_row(row, f"{source}: row {n} (from 0)") for n, row in enumerate(rows)]
    try:
        pixels_N4 = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        inside_N4 = within(pixels_N4, width, height)
        beyond_N = reaches_beyond(pixels_N4, width, height)
        if beyond_N.any():
            row = int(beyond_N.argmax())
            raise ValueError(
                f"row {row} (from 0) is {pixels_N4[row].tolist()!r:.60}; it reaches beyond the "
                f"upright photograph of {width:g} x {height:g} pixels"
            )
        return inside_N4
    except (ValueError, OverflowError) as error:  # whole numbers of hundreds of digits overflow
        raise ValueError(f"{source}: {error}") from None


def _read_row(row: object, place: str) -> list[float]:
    """One box in pixels; errors begin with `place`."""
    if not isinstance(row, list) or len(row) != 4 or not all(type(edge) in (int, float) for edge in row):
        raise ValueError(f"{place} is {row!r:.60}; give four numbers [x0, y0, x1, y1] in pixels")
    return row
