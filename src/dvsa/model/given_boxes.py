"""Boxes that the user gives in place of a proposer's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa import boxes
from dvsa.arrays import FloatArray
from dvsa.photo import Photo


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
        return boxes.read_boxes(Path(regions), photo.width, photo.height)

    given_N4: FloatArray = np.asarray(regions, dtype=np.float64).reshape(-1, 4)
    if not (np.isfinite(given_N4).all() and (given_N4[:, :2] < given_N4[:, 2:]).all()):
        raise ValueError("boxes must be (N, 4): x0 < x1 and y0 < y1, in fractions of the photograph")
    return given_N4
