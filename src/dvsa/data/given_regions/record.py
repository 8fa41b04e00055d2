"""What a file says about the regions of one photograph, and the rules that hold in all layouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from dvsa import boxes
from dvsa.arrays import Doubles, Floats
from dvsa.data.array_files import Array
from dvsa.data.dataset import DataError

Size = tuple[float, float]
"""Width and height in pixels."""

FRACTIONS: Size = (1.0, 1.0)
"""The size of a record whose boxes are fractions of the photograph."""

MAX_BYTES = 1 << 28
"""The largest array of one photograph that is read; 100 regions of 2048 numbers have less than a million."""

HALF = float(np.finfo(np.float16).smallest_normal), float(np.finfo(np.float16).max)
"""The least and the largest number of half precision, in which training keeps features."""

MAX_OUTSIDE = 0.5
"""How far a box may reach over an edge, in widths or heights of the photograph. Detectors round and pad by a
few pixels; boxes that reach further are corners taken for sizes, or pixels of a larger copy."""


@dataclass(frozen=True, slots=True)
class Record:
    """The regions of one photograph as a file has them, not checked yet."""

    place: str
    """The file and the photograph's name in it, with which error messages begin."""
    feature_IF: Array | None = None
    box_I4: Array | None = None
    """Corners (x0, y0, x1, y1) in pixels of a photograph of `size`."""
    score_I: Array | None = None
    size: Size | None = None
    """None if the file does not say it: then it is the size of the photograph itself."""


class Records(Protocol):
    """The records of a file or a folder in one layout. They stay on disk until they are read."""

    @property
    def names(self) -> Sequence[str]:
        """The name of each record's photograph, as the files have it."""

    @property
    def files(self) -> Sequence[Path]:
        """The files with the records."""

    def read(self, position: int) -> Record:
        """Read one record; raises DataError or OSError. Safe in threads and in forked workers."""


@dataclass(frozen=True)
class Joined:
    """The records of several files, one file after the other."""

    parts: Sequence[Records]

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of all parts."""
        return [name for part in self.parts for name in part.names]

    @property
    def files(self) -> Sequence[Path]:
        """The files of all parts."""
        return [path for part in self.parts for path in part.files]

    def read(self, position: int) -> Record:
        """Read one record."""
        for part in self.parts:
            if position < len(part.names):
                return part.read(position)
            position -= len(part.names)
        raise IndexError(position)


def features(record: Record) -> Floats:
    """The features of a record, (I, F) in single precision.

    Raises:
        DataError: they have another shape or type, no region, NaN or infinite values, or a scale for which
            half precision has no room: values beyond 65,504, or all of them below 0.00006 and not all 0.
    """
    feature_IF = record.feature_IF
    if feature_IF is None:
        raise DataError(f"{record.place} has no features, unlike the other photographs")
    if feature_IF.dtype.kind != "f" or feature_IF.dtype.itemsize > 8:
        raise DataError(
            f"{record.place}: features of type {feature_IF.dtype}; use float16, float32 or float64"
        )
    if feature_IF.ndim != 2 or not feature_IF.size:
        shape = f"features of shape {feature_IF.shape}"
        raise DataError(f"{record.place}: {shape}; give (regions, width) with a region or more")
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        single_IF = np.ascontiguousarray(feature_IF, dtype=np.float32)
    finite_I = np.isfinite(single_IF).all(axis=1)
    if not finite_I.all():
        row = int(finite_I.argmin())
        raise DataError(f"{record.place}: features of row {row} (from 0) have NaN or infinite values")
    largest = float(np.abs(single_IF).max())
    if largest and not HALF[0] <= largest <= HALF[1]:
        scale = f"the largest is {largest:.3g}; half precision has {HALF[0]:.1g} to {HALF[1]:g}"
        raise DataError(f"{record.place}: features of this scale are lost ({scale}): rescale all features")
    return single_IF


def fractions(record: Record, size: Size) -> Doubles:
    """The boxes of a record in fractions of a photograph of `size`, clipped to it: (I, 4), doubles.

    Raises:
        DataError: they have another shape or type, or no box; a box is not within the photograph, or not in
            the form (x0, y0, x1, y1).
    """
    if record.box_I4 is None:
        raise DataError(f"{record.place} has no boxes, unlike the other photographs")
    dtype = record.box_I4.dtype
    if dtype.kind not in "iuf" or dtype.itemsize > 8 or record.box_I4.shape[1:] != (4,):
        kind = f"type {record.box_I4.dtype} and shape {record.box_I4.shape}"
        raise DataError(f"{record.place}: boxes of {kind}; give four numbers (x0, y0, x1, y1) a region")
    if not len(record.box_I4):
        raise DataError(f"{record.place} has no box: add one, such as the whole photograph")
    if not all(0 < side < float("inf") for side in size):
        raise DataError(f"{record.place}: a photograph of {size[0]:g} x {size[1]:g} pixels: correct its size")

    box_I4 = record.box_I4.astype(np.float64)
    try:
        inside_I4: Doubles = boxes.within(box_I4, *size).astype(np.float64)
    except ValueError as error:
        raise DataError(f"{record.place}: {error}") from None
    _refuse_other_units(record.place, box_I4, size)
    return inside_I4


def _refuse_other_units(place: str, box_I4: Doubles, size: Size) -> None:
    """Raise DataError for boxes in fractions instead of pixels, of another size, or with sizes as corners."""
    if size != FRACTIONS and box_I4.max() <= 1:
        raise DataError(f"{place}: all boxes are within one pixel: give pixels, not fractions")
    outside_I4 = np.abs(boxes.from_pixels(box_I4, *size) - 0.5) - 0.5
    far_I = (outside_I4 > MAX_OUTSIDE).any(axis=1)
    if far_I.any():
        row = int(far_I.argmax())
        raise DataError(
            f"{place}: row {row} (from 0), with corners {box_I4[row].tolist()}, reaches far out of the "
            f"{size[0]:g} x {size[1]:g} pixels: check the order of the numbers and the size"
        )


def scores(record: Record) -> Floats | None:
    """The scores of a record, (I,) in single precision; None if it has none.

    Raises:
        DataError: they have another shape or type, or are not within 0 and 1.
    """
    score_I = record.score_I
    if score_I is None:
        return None
    if score_I.dtype.kind not in "iuf" or score_I.ndim != 1:
        raise DataError(f"{record.place}: scores of type {score_I.dtype} and shape {score_I.shape}")
    good_I = (score_I.astype(np.float64) >= 0) & (score_I.astype(np.float64) <= 1)
    if not good_I.all():
        row = int(good_I.argmin())
        raise DataError(f"{record.place}: the score of row {row} (from 0) is {score_I[row]}; give 0 to 1")
    return score_I.astype(np.float32)
