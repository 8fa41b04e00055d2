"""Boxes as rows of numbers in JSON: `[x0, y0, x1, y1]` or `[x0, y0, x1, y1, score]` in pixels."""

from collections.abc import Sequence

import numpy as np

from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import Record, Size


def numbers(value: object, counts: Sequence[int], place: str) -> tuple[float, ...]:
    """A list of numbers; raises DataError for anything else, or for a length that is not in `counts`."""
    if isinstance(value, list) and len(value) in counts and {*map(type, value)} <= {int, float}:
        try:
            return tuple(map(float, value))
        except OverflowError:
            pass  # a whole number of hundreds of digits
    raise DataError(f"{place} is {value!r:.60}; give {' or '.join(map(str, counts))} numbers")


def size_in(fields: object, place: str) -> Size | None:
    """The `width` and `height` of a JSON object; None if it does not have both."""
    if not isinstance(fields, dict) or not {"width", "height"} <= fields.keys():
        return None
    width, height = numbers([fields["width"], fields["height"]], (2,), f"{place}: the size")
    return width, height


def record(place: str, rows: Sequence[Sequence[float]], size: Size | None) -> Record:
    """The record with these rows of four or five numbers; raises DataError if only some have a score."""
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise DataError(f"{place}: give a score for all boxes, or for none")
    row_IN = np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 4)
    return Record(place, box_I4=row_IN[:, :4], score_I=row_IN[:, 4] if widths == {5} else None, size=size)
