"""Regions of photographs in arrays of one size, with the frame as the last region."""

from typing import NamedTuple

import numpy as np

from dvsa.arrays import Floats
from dvsa.data.given_regions.given import RegionsOfPhotograph
from dvsa.records import FRAME


class PaddedRegions(NamedTuple):
    """The regions of one photograph, filled up to I with the frame."""

    box_I4: Floats
    """All of them are the frame if the files have no boxes."""
    score_I: Floats
    """1 if the files have no scores, and for the frame."""
    feature_IF: Floats | None
    """The features of the frame are the mean over the given regions; None if there are only boxes."""


def padded(regions: RegionsOfPhotograph, count: int) -> PaddedRegions:
    """The given regions in their order, then the frame as often as it takes to have `count` regions.

    Raises:
        ValueError: there are `count` given regions or more, so that no frame fits.

    >>> given = RegionsOfPhotograph(np.array([[0, 0, 0.5, 1]]), np.array([[2.0, 4.0]], np.float32), None)
    >>> box_I4, score_I, feature_IF = padded(given, 2)
    >>> box_I4.tolist(), feature_IF.tolist()
    ([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 1.0, 1.0]], [[2.0, 4.0], [2.0, 4.0]])
    """
    own = len(regions)
    if own >= count:
        raise ValueError(f"{own} regions and the frame do not fit into {count}")

    box_I4 = np.tile(np.array(FRAME, np.float32), (count, 1))
    score_I = np.ones(count, np.float32)
    if regions.box_I4 is not None:
        box_I4[:own] = regions.box_I4
    if regions.score_I is not None:
        score_I[:own] = regions.score_I

    if regions.feature_IF is None:
        return PaddedRegions(box_I4, score_I, None)
    frame_IF = np.tile(regions.feature_IF.mean(0, dtype=np.float64), (count - own, 1))
    return PaddedRegions(box_I4, score_I, np.vstack([regions.feature_IF, frame_IF]).astype(np.float32))
