"""From the bytes of a picture file to an open photograph."""

import io
import secrets
import warnings
from dataclasses import replace
from typing import Final

from PIL import Image

from dvsa.model import Model
from dvsa.photo import MAX_PIXELS, Photo, PhotoError, read, squash
from dvsa.web import responses
from dvsa.web.photo_cache import OpenPhoto

PAGE_SIDE: Final = 1024
"""The longer side of the picture that the page shows, in pixels."""

_FORMATS: Final = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


class TooLargeError(ValueError):
    """A picture has too many pixels; the message is one line."""


def open_photo(model: Model, content: bytes, name: str, max_pixels: int) -> OpenPhoto:
    """Decode a photograph, run the model on it, and build the response.

    The result keeps the square that the network sees, so that later requests get the same answers as with the
    original, and a small JPEG for the page. It keeps no metadata.

    Raises:
        TooLargeError: the picture has more than `max_pixels`, or decoding it would take too much memory.
        PhotoError: the content is not a picture, or it is damaged.
    """
    photo = decode(content, name, max_pixels)
    square = Image.fromarray(squash(photo, model.bundle.side))
    view = model.open(replace(photo, image=square))
    return OpenPhoto(view, responses.photo(view, secrets.token_urlsafe(16)), encode_jpeg(photo, PAGE_SIDE))


def decode(content: bytes, name: str, max_pixels: int) -> Photo:
    """Check the size that the header states, then decode the picture; raises the errors of `open_photo`."""
    pixels = _pixels(content)
    if pixels > max_pixels:
        raise TooLargeError(f"{name}: {pixels:,} pixels are too many; shrink it to {max_pixels:,} or fewer")
    try:
        return read(content, name)
    except PhotoError as error:
        if pixels > MAX_PIXELS:
            raise TooLargeError(str(error)) from None
        raise


def encode_jpeg(photo: Photo, side: int) -> bytes:
    """The picture as a JPEG whose longer side is at most `side` pixels."""
    image = photo.image.copy()
    image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _pixels(content: bytes) -> int:
    """The number of pixels that the header of a picture states; 0 if the content is not a picture."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            width, height = Image.open(io.BytesIO(content), formats=_FORMATS).size
        except Image.DecompressionBombError:
            return 2 * (Image.MAX_IMAGE_PIXELS or 0) + 1  # Pillow raises this above twice its limit
        except Exception:  # Pillow raises many kinds of errors for damaged files; `read` reports them
            return 0
    return width * height
