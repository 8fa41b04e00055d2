"""From the bytes of a picture file to an open photograph."""

import io
import secrets
from dataclasses import replace
from typing import Final

from PIL import Image

from dvsa.decode import Decoder
from dvsa.model import Model
from dvsa.photo import Photo, squash
from dvsa.web import responses
from dvsa.web.photo_cache import OpenPhoto

PAGE_SIDE: Final = 1024
"""The longer side of the picture that the page shows, in pixels."""


def open_photo(model: Model, decoder: Decoder, content: bytes, name: str, max_pixels: int) -> OpenPhoto:
    """Decode a photograph, run the model on it, and build the response.

    The result keeps the square that the network sees, so that later requests get the same answers as with the
    original, and a small JPEG for the page. It keeps no metadata.

    Raises:
        TooLargeError: the picture has more than `max_pixels`, or takes too much memory or time to decode.
        PhotoError: the content is not a picture, or it is damaged.
    """
    photo = decoder.read(content, name, most_pixels=max_pixels)
    square = Image.fromarray(squash(photo, model.bundle.side))
    view = model.open(replace(photo, image=square))
    return OpenPhoto(view, responses.photo(view, secrets.token_urlsafe(16)), encode_jpeg(photo, PAGE_SIDE))


def encode_jpeg(photo: Photo, side: int) -> bytes:
    """The picture as a JPEG whose longer side is at most `side` pixels."""
    image = photo.image.copy()
    image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()
