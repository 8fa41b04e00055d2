"""What the EXIF data of a picture says: how to turn it upright, and when it was taken."""

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from PIL import ExifTags, Image

TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn a picture upright, by its EXIF orientation; from 5 on, width and height are swapped."""


_DATE: Final = re.compile(
    r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)(?:[ T]+(\d\d?):(\d\d?)(?::(\d\d?))?(?![\d:]))?", re.ASCII
)
"""A date as in EXIF, and as programs write it there by mistake; fractions and time zones may follow."""


def orientation(image: Image.Image) -> int:
    """A key of `TURNS`, or 1 for a picture that is upright."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def date_taken(image: Image.Image) -> str | None:
    """The first sound date in a picture's EXIF data; None if there is none."""
    return next((date for date in map(_iso_date, _dates(image)) if date is not None), None)


def _dates(image: Image.Image) -> Iterator[object]:
    """What the EXIF data say of when a picture was taken; the best comes first."""
    with contextlib.suppress(Exception):  # damaged EXIF makes Pillow raise almost any exception
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        yield details.get(ExifTags.Base.DateTimeOriginal)
        yield details.get(ExifTags.Base.DateTimeDigitized)
    with contextlib.suppress(Exception):
        yield image.getexif().get(ExifTags.Base.DateTime)


def _iso_date(value: object) -> str | None:
    """A date of EXIF in ISO 8601; None if it is zero, odd or missing."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    match = _DATE.match(text.strip("\0 "))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(number or 0) for number in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError:  # such as month 0
        return None
