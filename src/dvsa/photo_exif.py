"""What the EXIF data of a picture says: how to turn it upright, and when it was taken."""

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


def orientation(image: Image.Image) -> int:
    """A key of `TURNS`, or 1 for a picture that is upright."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def date_taken(image: Image.Image) -> str | None:
    """The date in a picture's EXIF data; None if there is none."""
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
        date = (
            details.get(ExifTags.Base.DateTimeOriginal)
            or details.get(ExifTags.Base.DateTimeDigitized)
            or exif.get(ExifTags.Base.DateTime)
        )
        return None if date is None else _iso_date(str(date))
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return None


def _iso_date(text: str) -> str:
    return datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat()
