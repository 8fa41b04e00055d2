"""Photographs: safe decoding of files of unknown origin, and the square that the network sees."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

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

MAX_BYTES: Final = 256 * 2**20
"""Largest accepted file: the WebP reader takes a file into memory whole."""

MAX_PIXELS: Final = 36_000_000
"""Most pixels held while decoding, at up to 20 bytes each (WebP with alpha, measured): about 0.7 GB."""

LONG_SIDE: Final = 2048
"""A longer photograph is shrunk to this: far more than network, drawing or report show."""

_TOO_LARGE: Final = f"pixels are too many; shrink it to {MAX_PIXELS:,} pixels or fewer"

# Asked one by one instead of through Image.open: that would bring in Pillow's own pixel limit, which is
# process-wide and refuses JPEGs that decode well at reduced scale. None of these starts another program.
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
"""What sets a picture upright, by its EXIF orientation; those from 5 swap width and height."""


class PhotoError(ValueError):
    """A photograph that cannot be read; the message is one line with its name and the reason."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photograph, upright, without the metadata of its file."""

    name: str
    image: Image.Image
    """Mode RGB, at most `LONG_SIDE` pixels long; colour profiles are not applied."""
    width: int
    """Of the original, in pixels, after its EXIF orientation."""
    height: int
    """Of the original, in pixels, after its EXIF orientation."""


def read(source: Path | bytes, name: str | None = None) -> Photo:
    """Decode a photograph from a file or from the bytes of one; the content counts, not the extension.

    Takes BMP, GIF, JPEG (and MPO), PNG, PPM, TIFF and WebP in any mode: the first frame, transparency laid
    over white, deep greys brought to 8 bits. `name` stands for the photograph in errors and in `Photo.name`;
    by default it is the path in errors and the file's name in `Photo.name`.

    Raises:
        PhotoError: missing, a folder, empty, not a picture, damaged, or larger than `MAX_BYTES` or
            `MAX_PIXELS`. A JPEG is decoded at 1/2, 1/4 or 1/8 scale where that is enough, and counts so.
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
        raise PhotoError(f"{label}: there is no such file") from None
    except OSError as error:
        raise PhotoError(f"{label}: cannot be opened ({error.strerror})") from error


def squash(photo: Photo, size: int) -> NDArray[np.uint8]:
    """The photograph on a square of `size` pixels, its aspect ratio lost: uint8, (size, size, 3).

    Bicubic, which Pillow widens with the reduction and so is free of aliasing: the filter that the
    EfficientNet weights were trained with. Lanczos would be sharper, and ring at hard edges.
    """
    return np.array(photo.image.resize((size, size), Image.Resampling.BICUBIC))


def _decode(stream: BinaryIO, length: int, label: str, name: str) -> Photo:
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
        # What Pillow has to say of damaged metadata is of no use to who only wants to see the picture.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            return _upright(reader(stream), label, name)
        except PhotoError:
            raise
        except Image.DecompressionBombError as error:
            raise PhotoError(f"{label}: {_TOO_LARGE}") from error
        except Exception as error:  # damaged files make Pillow raise nearly anything
            reason = " ".join(str(error).split()) or type(error).__name__
            raise PhotoError(f"{label}: damaged or incomplete {reader.format} file ({reason})") from error


def _accepts(reader: type[ImageFile.ImageFile], head: bytes) -> bool:
    _, accept = Image.OPEN[reader.format or ""]
    return accept is not None and bool(accept(head))


def _upright(image: ImageFile.ImageFile, label: str, name: str) -> Photo:
    width, height = image.size
    scale = LONG_SIDE / max(width, height)
    image.draft(image.mode, (max(1, int(width * scale)), max(1, int(height * scale))))
    # libjpeg keeps a progressive picture whole, at 6 bytes a pixel, however small it comes out.
    held = width * height // 2 if "progressive" in image.info else image.width * image.height
    if held > MAX_PIXELS:
        raise PhotoError(f"{label}: {width} x {height} {_TOO_LARGE}")
    image.load()
    orientation = _orientation(image)
    if orientation >= 5:
        width, height = height, width
    small = _plain_mode(image)
    small.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.HAMMING)
    if orientation != 1:
        small = small.transpose(_TURNS[orientation])
    return Photo(name, _rgb(small), width, height)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF, of which Pillow raises nearly anything, must not cost the photograph
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _plain_mode(image: Image.Image) -> Image.Image:
    """The picture in one of the three modes that shrink well: F for deep greys, RGBA or RGB."""
    deep = image.mode.startswith(("I", "F"))
    mode = "F" if deep else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image, dtype=np.float64)))
    elif image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.info.clear()  # a copy that is saved must not carry comments or places along
    return image


def _eight_bits(grey_HW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Deep greys on 0 to 255, by the first of the usual ceilings 1, 255 and 65535 that holds them all.

    Values beyond these, or below 0, are stretched from the least to the greatest.
    """
    finite_N = grey_HW[np.isfinite(grey_HW)]
    low, high = (float(finite_N.min()), float(finite_N.max())) if finite_N.size else (0.0, 0.0)
    grey_HW = np.nan_to_num(grey_HW, nan=low, neginf=low, posinf=high)
    ceiling = next((top for top in (1.0, 255.0, 65535.0) if low >= 0 and high <= top), None)
    if ceiling is None:
        grey_HW, ceiling = grey_HW - low, (high - low) or 1.0
    return np.rint(grey_HW * (255 / ceiling)).astype(np.uint8)
