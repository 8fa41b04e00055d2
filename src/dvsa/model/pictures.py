"""Pictures in memory, of Pillow or numpy, as photographs."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvsa.photo import Photo, PhotoError, read

_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
"""Modes that PNG has; pictures in other modes are converted to RGB."""

_NAME = "picture"


def photo_of(picture: Image.Image | NDArray[np.generic]) -> Photo:
    """A picture in memory as `read` would give it from a file without losses, with its EXIF orientation.

    Args:
        picture: of Pillow, in any mode; or an array of numpy, uint8: (H, W, 3) in RGB, (H, W, 4) with alpha
            or (H, W) in grey. The library OpenCV gives BGR: reverse its last axis.

    Raises:
        PhotoError: the array has another type or shape, or the picture is too large.

    >>> photo_of(np.zeros((20, 30, 3), np.uint8)).width
    30
    """
    image = picture if isinstance(picture, Image.Image) else _image(picture)
    name = Path(str(getattr(image, "filename", "") or _NAME)).name
    stream = io.BytesIO()
    try:
        plain = image if image.mode in _MODES else image.convert("RGB")
        plain.save(stream, "PNG", compress_level=0, exif=image.getexif())
    except (OSError, ValueError, SystemError) as error:
        raise PhotoError(f"{name}: the picture cannot be read ({error})") from error
    return read(stream.getvalue(), name)


def _image(array_HWC: object) -> Image.Image:
    """An array as a picture; raises PhotoError if it is none."""
    if not isinstance(array_HWC, np.ndarray):
        raise PhotoError(
            f"an object of type {type(array_HWC).__name__} is no picture: give a path, bytes, a picture of "
            "Pillow or an array of numpy"
        )
    shape = array_HWC.shape
    if array_HWC.dtype != np.uint8:
        raise PhotoError(
            f"an array of {array_HWC.dtype} is no picture: give uint8 within 0 and 255, such as "
            "(255 * array).round().astype('uint8') for values within 0 and 1"
        )
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))) or 0 in shape:
        raise PhotoError(f"an array of shape {shape} is no picture: give (height, width, 3) in RGB")
    return Image.fromarray(np.ascontiguousarray(array_HWC))
