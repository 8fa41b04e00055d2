"""Boxes that the user gives in place of a proposer's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa import boxes, files
from dvsa.arrays import FloatArray
from dvsa.photo import Photo
from dvsa.regions import MAX_REGIONS

MAX_BYTES = 2**20
"""The largest file of boxes."""


def given_boxes(
    regions: str | Path | NDArray[np.floating], photo: Photo, proposers: Sequence[str]
) -> FloatArray:
    """Boxes (N, 4) in fractions of the photograph, from a JSON file of boxes in pixels or from an array.

    Args:
        regions: a file, or boxes in fractions.
        photo: whose size turns pixels into fractions.
        proposers: the names that could have been given instead, for the error.

    Raises:
        ValueError: there is no such file, or the boxes are invalid.
    """
    if isinstance(regions, str | Path):
        if not Path(regions).exists():  # a pipe is no regular file
            known = ", ".join(proposers)
            raise ValueError(
                f"{str(regions)!r} is neither a proposer ({known}) nor an existing file of boxes"
            )
        try:
            content = files.read_given(Path(regions), MAX_BYTES)
        except files.UnreadableError as error:
            raise ValueError(f"{regions}: {error}; give a list of [x0, y0, x1, y1]") from None
        read_N4 = boxes.parse_boxes(content, str(regions), photo.width, photo.height)
        _check_count(len(read_N4), f"{regions}: ")
        return read_N4

    given_N4: FloatArray = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
    _check_count(len(given_N4), "")
    with np.errstate(over="ignore"):
        single_N4 = given_N4.astype(np.float32)  # as the network gets them
    if not (np.isfinite(single_N4).all() and (single_N4[:, :2] < single_N4[:, 2:]).all()):
        raise ValueError(
            "boxes must be (N, 4): x0 < x1 and y0 < y1 in single precision, in fractions of the photograph"
        )
    return given_N4


def _check_count(count: int, place: str) -> None:
    """Raise ValueError for more boxes than a photograph may have besides the frame."""
    if count >= MAX_REGIONS:
        raise ValueError(f"{place}{count:,} boxes are too many: give {MAX_REGIONS - 1} or fewer")
