"""Photographs: safe decoding of untrusted files, and the square and the crops that the network sees."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dvsa.arrays import FloatArray
from dvsa.boxes import widened

T = TypeVar("T")

MAX_BYTES: Final = 256 * 2**20
"""Largest accepted file, because the WebP reader loads the whole file into memory."""

MAX_PIXELS: Final = 36_000_000
"""Most pixels decoded at once. Each takes up to 20 bytes (measured for WebP with alpha): about 0.7 GB."""

LONG_SIDE: Final = 2048
"""Longer photographs are shrunk to this size, which is far more than network, drawing and report need."""

_TOO_LARGE: Final = f"pixels are too many; shrink it to {MAX_PIXELS:,} pixels or fewer"

# These readers are tried in turn. Image.open would apply Pillow's pixel limit, which is process-wide and
# refuses JPEGs that could be decoded at a reduced scale. None of these readers starts another program.
_READERS: Final[tuple[type[ImageFile.ImageFile], ...]] = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    TiffImagePlugin.TiffImageFile,
    BmpImagePlugin.BmpImageFile,
    PpmImagePlugin.PpmImageFile,
)

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn a picture upright, by its EXIF orientation; from 5 on, width and height are swapped."""


class PhotoError(ValueError):
    """A photograph cannot be read; the message is one line with its name and the reason."""


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


def read(source: Path | bytes, name: str | None = None) -> Photo:
    """Decode a photograph from a file or from bytes; its content decides the format, not its extension.

    Reads the first frame of BMP, GIF, JPEG (and MPO), PNG, PPM, TIFF and WebP in any mode. Transparency is
    replaced by white, and deep greys are converted to 8 bits. `name` is used in errors and as `Photo.name`;
    by default, errors use the path and `Photo.name` is the name of the file.

    Raises:
        PhotoError: the file is missing, a folder, empty, not a picture, damaged, or larger than `MAX_BYTES`
            or `MAX_PIXELS`. JPEGs are decoded at 1/2, 1/4 or 1/8 scale if that is large enough; this scale
            counts for the limit.

    >>> photo = read(Path("examples/photographer.jpg"))
    >>> photo.name, photo.width, photo.height
    ('photographer.jpg', 512, 512)
    """
    if isinstance(source, bytes):
        name = name or "photograph"
        return _decode(io.BytesIO(source), len(source), name, name)

    label = name or str(source)
    try:
        if source.is_dir():
            raise PhotoError(f"{label}: this is a folder, not a photograph")
        if source.exists() and not source.is_file():
            raise PhotoError(f"{label}: this is not a regular file")
        with source.open("rb") as stream:
            return _decode(stream, source.stat().st_size, label, name or source.name)
    except FileNotFoundError:
        raise PhotoError(f"{label}: there is no such file: check its path") from None
    except OSError as error:
        raise PhotoError(f"{label}: cannot be opened ({error.strerror})") from error


def size(content: bytes, name: str) -> tuple[int, int]:
    """Width and height of a photograph in pixels, after EXIF orientation: as `read` gives them, but faster.

    Only the header is decoded; of PNG all of it, because its EXIF may be at the end.

    Raises:
        PhotoError: as `read`, except that damage after the header is not found; it begins with `name`.

    >>> size(Path("examples/photographer.jpg").read_bytes(), "photographer.jpg")
    (512, 512)
    """
    return _parsed(io.BytesIO(content), len(content), name, lambda image: _upright_size(image, name))


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


def _decode(stream: BinaryIO, length: int, label: str, name: str) -> Photo:
    """Decode a file; errors begin with `label`."""
    return _parsed(stream, length, label, lambda image: _upright(image, label, name))


def _parsed(stream: BinaryIO, length: int, label: str, use: Callable[[ImageFile.ImageFile], T]) -> T:
    """What `use` makes of a picture, opened by the first reader that accepts the file."""
    head = stream.read(32)
    if not head:
        raise PhotoError(f"{label}: the file is empty")
    reader = next((reader for reader in _READERS if _accepts(reader, head.ljust(32, b"\0"))), None)
    if reader is None:
        raise PhotoError(f"{label}: not a picture in BMP, GIF, JPEG, PNG, PPM, TIFF or WebP format")
    if length > MAX_BYTES:
        raise PhotoError(f"{label}: {length:,} bytes; make it smaller than {MAX_BYTES:,} bytes")

    stream.seek(0)
    with warnings.catch_warnings():
        # Pillow's warnings about damaged metadata do not help somebody who only wants to see the picture.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            return use(reader(stream))
        except PhotoError:
            raise
        except Image.DecompressionBombError as error:
            raise PhotoError(f"{label}: {_TOO_LARGE}") from error
        except Exception as error:  # damaged files make Pillow raise almost any exception
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PhotoError(f"{label}: damaged or incomplete {reader.format} file ({reason})") from error


def _accepts(reader: type[ImageFile.ImageFile], head: bytes) -> bool:
    _, accept = Image.OPEN[reader.format or ""]
    return accept is not None and bool(accept(head))


def _upright(image: ImageFile.ImageFile, label: str, name: str) -> Photo:
    """Load a picture at a suitable scale, shrink it, turn it upright and convert it to RGB."""
    width, height = _prepare(image, label)
    image.load()

    orientation = _orientation(image)
    if orientation >= 5:
        width, height = height, width
    small = _plain_mode(image)
    small.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.HAMMING)
    if orientation != 1:
        small = small.transpose(_TURNS[orientation])
    return Photo(name, _rgb(small), width, height)


def _upright_size(image: ImageFile.ImageFile, label: str) -> tuple[int, int]:
    """Width and height of a picture after EXIF orientation."""
    width, height = _prepare(image, label)
    turned = image.format != "TIFF" and _orientation(image) >= 5  # Pillow turns the size of TIFF itself
    return (height, width) if turned else (width, height)


def _prepare(image: ImageFile.ImageFile, label: str) -> tuple[int, int]:
    """Set the scale at which a picture will be decoded, unless it has too many pixels; its original size."""
    width, height = image.size
    scale = LONG_SIDE / max(width, height)
    image.draft(image.mode, (max(1, int(width * scale)), max(1, int(height * scale))))

    # libjpeg holds a whole progressive picture, at 6 bytes per pixel, however small the result is.
    held = width * height // 2 if "progressive" in image.info else image.width * image.height
    if held > MAX_PIXELS:
        raise PhotoError(f"{label}: {width} x {height} {_TOO_LARGE}")
    return width, height


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _plain_mode(image: Image.Image) -> Image.Image:
    """The picture in one of three modes that can be shrunk well: F for deep greys, RGBA or RGB."""
    deep = image.mode.startswith(("I", "F"))
    mode = "F" if deep else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image, dtype=np.float64)))
    elif image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.info.clear()  # saved copies must not contain comments or locations
    return image


def _eight_bits(grey_HW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale deep greys to 0 to 255 by the first of the usual maxima 1, 255 and 65535 that no value exceeds.

    If a value is above 65535 or below 0, the range from the lowest to the highest value is stretched.
    """
    finite_N = grey_HW[np.isfinite(grey_HW)]
    low, high = (float(finite_N.min()), float(finite_N.max())) if finite_N.size else (0.0, 0.0)
    grey_HW = np.nan_to_num(grey_HW, nan=low, neginf=low, posinf=high)
    ceiling = next((top for top in (1.0, 255.0, 65535.0) if low >= 0 and high <= top), None)
    if ceiling is None:
        grey_HW, ceiling = grey_HW - low, (high - low) or 1.0
    return np.rint(grey_HW * (255 / ceiling)).astype(np.uint8)
