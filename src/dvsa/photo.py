"""Photographs: decoding files, and the square and the crops that the network sees."""

import io
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from dvsa import files
from dvsa.arrays import FloatArray
from dvsa.boxes import widened
from dvsa.photo_checks import excess, jpeg_scans
from dvsa.photo_exif import TURNS, date_taken, orientation
from dvsa.photo_formats import FORMATS, reader_of
from dvsa.photo_modes import few_bits, plain_mode, rgb
from dvsa.photo_raw import is_raw, preview
from dvsa.photo_repair import PADDINGS, ended, without_ballast
from dvsa.photo_shot import Shot, shot

T = TypeVar("T")

MAX_BYTES: Final = 256 * 2**20
"""Largest accepted file, because the WebP reader loads the whole file into memory."""

MAX_PIXELS: Final = 36_000_000
"""Most pixels decoded at once. Each takes up to 20 bytes (measured for WebP with alpha): about 0.7 GB."""

LIGHT: Final = ("AVIF", "HEIF")
"""Formats whose readers hold half as much for each pixel (measured: 8 bytes for HEIC)."""

LONG_SIDE: Final = 2048
"""Longer photographs are shrunk to this size, which is far more than network, drawing and report need."""

_TOO_LARGE: Final = f"pixels are too many; shrink it to {MAX_PIXELS:,} pixels or fewer"

_NO_WARNINGS: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
"""The entry of `warnings.filters` that hides what Pillow says."""


class PhotoError(ValueError):
    """A photograph cannot be read; the message is one line with its name and the reason."""


class TooLargeError(PhotoError):
    """A photograph costs more memory or time than allowed."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photograph, upright and without metadata."""

    name: str
    image: Image.Image
    """Mode RGB, at most `LONG_SIDE` pixels long; colour profiles are not applied."""
    width: int
    """Width of the original in pixels, after EXIF orientation."""
    height: int
    """Height of the original in pixels, after EXIF orientation."""
    taken: str | None = None
    """The date in its EXIF data: ISO 8601 without a time zone, such as `2024-07-31T18:05:00`."""
    shot: Shot = field(default_factory=Shot)
    """The camera and the place in its EXIF data."""

    def jpeg(self, side: int) -> bytes:
        """A JPEG file of the photograph, whose longer side has at most `side` pixels.

        >>> from dvsa.photo import read
        >>> Image.open(io.BytesIO(read(Path("examples/cat.jpg")).jpeg(100))).size
        (100, 67)
        """
        image, stream = self.image.copy(), io.BytesIO()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(stream, "JPEG", quality=88)
        return stream.getvalue()


def read(source: Path | bytes, name: str | None = None, *, most_pixels: int | None = None) -> Photo:
    """Decode a photograph from a file or from bytes; its content decides the format, not its extension.

    Reads the first frame of AVIF, BMP, GIF, HEIC, JPEG (and MPO), JPEG 2000, PNG, PPM, TIFF and WebP in any
    mode, and the largest preview in the RAW files of cameras. Transparency is replaced by white, and deep
    colours are converted to 8 bits. `name` is used in errors and as `Photo.name`; by default, errors use the
    path and `Photo.name` is the name of the file.

    It decodes in this process, where neither time nor memory has a limit: see `dvsa.decode` for pictures of
    strangers. Pillow's own warnings are not shown from then on.

    Args:
        source: the file, or its content.
        name: of the photograph.
        most_pixels: a limit for its size by the header, in addition to `MAX_PIXELS` for what is decoded.

    Raises:
        PhotoError: the file is missing, a folder, empty, not a picture or damaged; it is a `TooLargeError` if
            it is larger than `MAX_BYTES` or `MAX_PIXELS`, or would take too long. JPEGs are decoded at 1/2,
            1/4 or 1/8 scale if that is large enough; this scale counts for the limit.

    >>> photo = read(Path("examples/photographer.jpg"))
    >>> photo.name, photo.width, photo.height
    ('photographer.jpg', 512, 512)
    """
    if isinstance(source, bytes):
        label = name = name or "photograph"
        content = source
    else:
        label, name = name or str(source), name or source.name
        content = read_file(source, label)

    content = _without_raw(content, label)

    def decoded(content: bytes) -> Photo:
        return _parsed(content, label, lambda image, plain: _upright(image, plain, label, name, most_pixels))

    try:
        return decoded(content)
    except TooLargeError:
        raise
    except PhotoError:
        if (whole := _completed(content, decoded)) is None:
            raise
        return whole


def _without_raw(content: bytes, label: str) -> bytes:
    """The preview of a RAW file; other files as they are."""
    if not is_raw(content[:32], os.path.splitext(label)[1].lower()):
        return content
    if (found := preview(content)) is None:
        raise PhotoError(f"{label}: a RAW file without a preview; save it as JPEG or TIFF")
    return found


def _completed(content: bytes, decoded: Callable[[bytes], Photo]) -> Photo | None:
    """A JPEG that lacks only its end; None for one that lacks pixels, and for other pictures."""
    if reader_of(content) is not JpegImagePlugin.JpegImageFile:
        return None
    try:
        first, second = (decoded(ended(content, padding)) for padding in PADDINGS)
    except PhotoError:
        return None
    return first if first.image.tobytes() == second.image.tobytes() else None


def read_file(path: Path, label: str | None = None) -> bytes:
    """The content of a photograph's file.

    Raises:
        PhotoError: it is missing, not a regular file, cannot be read, or has more than `MAX_BYTES`; it begins
            with `label`, by default the path.

    >>> len(read_file(Path("examples/photographer.jpg")))
    83778
    """
    label, path = label or str(path), files.spelled(path)
    try:
        if path.is_dir():
            raise PhotoError(f"{label}: this is a folder, not a photograph")
        if path.exists() and path.stat().st_size > MAX_BYTES:
            raise TooLargeError(_too_many_bytes(label, path.stat().st_size))
        return files.read_bounded(path, MAX_BYTES)
    except FileNotFoundError:
        raise PhotoError(f"{label}: there is no such file: check its path") from None
    except files.UnreadableError:
        raise PhotoError(f"{label}: this is not a regular file") from None
    except OSError as error:
        raise PhotoError(f"{label}: cannot be opened ({error.strerror})") from error


def _too_many_bytes(label: str, size: int) -> str:
    return f"{label}: {size:,} bytes; make it smaller than {MAX_BYTES:,} bytes"


def size(content: bytes, name: str) -> tuple[int, int]:
    """Width and height of a photograph in pixels, after EXIF orientation: as `read` gives them, but faster.

    Only the header is decoded; of PNG all of it, because its EXIF may be at the end.

    Raises:
        PhotoError: as `read`, except that damage after the header is not found; it begins with `name`.

    >>> size(Path("examples/photographer.jpg").read_bytes(), "photographer.jpg")
    (512, 512)
    """
    content = _without_raw(content, name)
    return _parsed(content, name, lambda image, plain: _upright_size(image, plain, name))


def squash(photo: Photo, size: int) -> NDArray[np.uint8]:
    """The photograph resized to a square of `size` pixels, without its aspect ratio: uint8, (size, size, 3).

    The filter is bicubic, as in the training of the EfficientNet weights. Pillow widens it with the
    reduction, so there is no aliasing. Lanczos would be sharper, but it rings at hard edges.

    >>> squash(read(Path("examples/photographer.jpg")), 224).shape
    (224, 224, 3)
    """
    return np.array(photo.image.resize((size, size), Image.Resampling.BICUBIC))


def crops(image: Image.Image, box_I4: FloatArray, size: int, context: float = 0.0) -> NDArray[np.uint8]:
    """The parts of a picture in boxes, each warped to a square: uint8, (I, size, size, 3).

    The filter is bilinear (paper, section 3.1.1), and Pillow widens it with the reduction.

    Args:
        image: in RGB.
        box_I4: boxes in fractions of the picture.
        size: side of a crop, in pixels.
        context: how much a crop shows beyond each edge of its box, as a share of the box's sides.

    >>> photo = read(Path("examples/photographer.jpg"))
    >>> crops(photo.image, np.array([[0.2, 0.2, 0.5, 0.9]]), 260).shape
    (1, 260, 260, 3)
    """
    places = widened(np.asarray(box_I4, np.float64), context) * np.tile(image.size, 2)
    cut = [image.resize((size, size), Image.Resampling.BILINEAR, tuple(place)) for place in places.tolist()]
    return np.stack([np.asarray(crop) for crop in cut])


def _parsed(content: bytes, label: str, use: Callable[[ImageFile.ImageFile, bytes], T]) -> T:
    """What `use` makes of a picture, opened by the first reader that accepts the file, and of its content."""
    if not content:
        raise PhotoError(f"{label}: the file is empty")
    reader = reader_of(content)
    if reader is None:
        raise PhotoError(f"{label}: not a picture in {FORMATS} format")
    if len(content) > MAX_BYTES:
        raise TooLargeError(_too_many_bytes(label, len(content)))

    # Pillow's warnings about damaged metadata do not help somebody who only wants to see the picture. They
    # are never shown again: to switch them off for a while would switch off those of other threads, too.
    if _NO_WARNINGS not in warnings.filters:
        warnings.filterwarnings("ignore", module=_NO_WARNINGS[3].pattern)
    try:
        if reader is JpegImagePlugin.JpegImageFile:
            jpeg_scans(content)  # before Pillow reads a header of any length
        elif reader is PngImagePlugin.PngImageFile:
            content = without_ballast(content)
        return use(reader(io.BytesIO(content)), content)
    except PhotoError:
        raise
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{label}: {_TOO_LARGE}") from error
    except MemoryError as error:
        raise TooLargeError(f"{label}: it takes too much memory; make it smaller") from error
    except Exception as error:  # damaged files make Pillow raise almost any exception
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{label}: damaged or incomplete {reader.format} file ({reason:.200})") from error


def _upright(
    image: ImageFile.ImageFile, content: bytes, label: str, name: str, most_pixels: int | None
) -> Photo:
    """Load a picture at a suitable scale, shrink it, turn it upright and convert it to RGB."""
    width, height = _prepare(image, content, label)
    if most_pixels is not None and width * height > most_pixels:
        raise TooLargeError(
            f"{label}: {width * height:,} pixels are too many; shrink it to {most_pixels:,} or fewer"
        )
    image.load()

    turned = orientation(image)
    if turned >= 5:
        width, height = height, width
    small = plain_mode(few_bits(image, content))
    small.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.HAMMING)
    if turned != 1:
        small = small.transpose(TURNS[turned])
    return Photo(name, rgb(small), width, height, date_taken(image), shot(image))


def _upright_size(image: ImageFile.ImageFile, content: bytes, label: str) -> tuple[int, int]:
    """Width and height of a picture after EXIF orientation."""
    width, height = _prepare(image, content, label)
    turned = image.format != "TIFF" and orientation(image) >= 5  # Pillow turns the size of TIFF itself
    return (height, width) if turned else (width, height)


def _prepare(image: ImageFile.ImageFile, content: bytes, label: str) -> tuple[int, int]:
    """Set the scale at which a picture will be decoded, unless it costs too much; its original size."""
    width, height = image.size
    scale = LONG_SIDE / max(width, height)
    image.draft(image.mode, (max(1, int(width * scale)), max(1, int(height * scale))))

    # libjpeg holds a whole picture of several scans, at 6 bytes per pixel, however small the result is.
    whole = "progressive" in image.info or (image.format in ("JPEG", "MPO") and jpeg_scans(content) > 1)
    held = width * height // 2 if whole or image.format in LIGHT else image.width * image.height
    if held > MAX_PIXELS:
        raise TooLargeError(f"{label}: {width} x {height} {_TOO_LARGE}")
    if (reason := excess(image, content, MAX_PIXELS)) is not None:
        raise TooLargeError(f"{label}: {reason}")
    return width, height
