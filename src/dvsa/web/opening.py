"""From the bytes of a picture to a photograph that can be asked about."""

import io
import secrets
import warnings
from dataclasses import replace
from typing import Final

from PIL import Image

from dvsa.model import Model
from dvsa.photo import MAX_PIXELS, Photo, PhotoError, read, squash
from dvsa.web import answers
from dvsa.web.photographs import Kept

LONG_SIDE: Final = 1024
"""Of the picture that is shown, in pixels."""

_FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


class TooLargeError(ValueError):
    """A picture of too many pixels; the message is one line."""


def opened(model: Model, content: bytes, name: str, max_pixels: int) -> Kept:
    """Look at a photograph and say all that there is to say about it.

    Kept are the square that the network sees, so that later questions are answered as for the original, and a
    small JPEG to be shown. Nothing of its metadata is.

    Raises:
        TooLargeError: it has more than `max_pixels`, or more than may be held while decoding.
        PhotoError: it is no picture, or a damaged one.
    """
    photo = decoded(content, name, max_pixels)
    seen = Image.fromarray(squash(photo, model.bundle.manifest.size))
    view = model.open(replace(photo, image=seen))
    return Kept(view, answers.photo(view, secrets.token_urlsafe(16)), jpeg(photo, LONG_SIDE))


def decoded(content: bytes, name: str, max_pixels: int) -> Photo:
    """A picture whose size is looked at before it is decoded; raises as `opened` does."""
    pixels = _pixels(content)
    if pixels > max_pixels:
        raise TooLargeError(f"{name}: {pixels:,} pixels are too many; shrink it to {max_pixels:,} or fewer")
    try:
        return read(content, name)
    except PhotoError as error:
        if pixels > MAX_PIXELS:
            raise TooLargeError(str(error)) from None
        raise


def jpeg(photo: Photo, side: int) -> bytes:
    """The picture as a JPEG that is at most `side` pixels long."""
    image = photo.image.copy()
    image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _pixels(content: bytes) -> int:
    """How many pixels the header of a picture names; 0 where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            width, height = Image.open(io.BytesIO(content), formats=_FORMATS).size
        except Image.DecompressionBombError:
            return 2 * (Image.MAX_IMAGE_PIXELS or 0) + 1  # the header names more than these
        except Exception:  # damaged files make Pillow raise nearly anything; `read` will say what it is
            return 0
    return width * height
