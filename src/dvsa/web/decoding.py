"""From a decoded picture to an open photograph."""

import io
import secrets
from dataclasses import replace
from typing import Final

from PIL import Image

from dvsa.model import Model
from dvsa.photo import Photo, squash
from dvsa.web import responses
from dvsa.web.photo_cache import OpenPhoto

PAGE_SIDE: Final = 1024
"""The longer side of the picture that the page shows, in pixels."""


def open_photo(model: Model, photo: Photo) -> OpenPhoto:
    """Run the model on a decoded photograph, and build the response.

    The result keeps the square that the network sees, so that later requests get the same answers as with the
    original, and a small JPEG for the page. It keeps no metadata.
    """
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
