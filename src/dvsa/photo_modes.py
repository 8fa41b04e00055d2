"""Pictures of any mode as 8-bit RGB."""

import io
import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

_BITS: Final = (8, 10, 12, 14)
"""How many of 16 bits cameras and scanners use, besides all."""
_MAXIMA: Final = (1.0, *(2.0**bits - 1 for bits in (*_BITS, 16)))


def few_bits(image: ImageFile.ImageFile, content: bytes) -> Image.Image:
    """A picture in colours of 16 bits that uses only the lower ones, in 8 bits; any other as it is.

    Pillow reads the upper byte of each colour. If that is nearly empty, the lower byte is read, too.

    Args:
        image: loaded.
        content: of its file.
    """
    if image.format not in ("PNG", "TIFF"):
        return image
    again = type(image)(io.BytesIO(content))
    rawmodes = {_rawmode(tile.args) for tile in again.tile}
    swapped = _SWAPPED.get(rawmodes.pop()) if len(rawmodes) == 1 else None
    if swapped is None:
        return image
    bands = image.getbands()
    high_CHW = [np.asarray(image.getchannel(band)) for band in bands if band != "A"]
    if max(int(high_HW.max()) for high_HW in high_CHW) >= 2 ** (max(_BITS) - 8):
        return image

    again.tile = [tile._replace(args=_with_rawmode(tile.args, swapped)) for tile in again.tile]
    again.load()
    low_CHW = [np.asarray(again.getchannel(band)) for band in bands if band != "A"]
    pairs = list(zip(high_CHW, low_CHW, strict=True))
    top = max(int(high_HW.max()) for high_HW in high_CHW)
    lower = max(int(low_HW[high_HW == top].max(initial=0)) for high_HW, low_HW in pairs)
    bits = next(bits for bits in _BITS if top << 8 | lower < 2**bits)
    channels = [Image.fromarray(high_HW << (16 - bits) | low_HW >> (bits - 8)) for high_HW, low_HW in pairs]
    return Image.merge(image.mode, [*channels, *([image.getchannel("A")] if "A" in bands else [])])


_SWAPPED: Final[dict[str | None, str]] = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGB;16N": "RGB;16B" if sys.byteorder == "little" else "RGB;16L",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
    "RGBA;16N": "RGBA;16B" if sys.byteorder == "little" else "RGBA;16L",
}
"""The mode in which Pillow reads the lower byte of each colour, for that in which it reads the upper one."""


def _rawmode(args: object) -> str | None:
    """The mode of the raw data of a tile."""
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else None


def _with_rawmode(args: object, rawmode: str) -> str | tuple[object, ...]:
    return (rawmode, *args[1:]) if isinstance(args, tuple) else rawmode


def plain_mode(image: Image.Image) -> Image.Image:
    """The picture in one of three modes that can be shrunk well: F for deep greys, RGBA or RGB."""
    deep = image.mode.startswith(("I", "F"))
    mode = "F" if deep else "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image, dtype=np.float64)))
    elif image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    image.info.clear()  # saved copies must not contain comments or locations
    return image


def _eight_bits(grey_HW: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale deep greys to 0 to 255 by the first of the usual maxima that no value exceeds: 1, and those of 8,
    10, 12, 14 and 16 bits.

    If a value is above 65535 or below 0, the range from the lowest to the highest value is stretched.
    """
    finite_N = grey_HW[np.isfinite(grey_HW)]
    low, high = (float(finite_N.min()), float(finite_N.max())) if finite_N.size else (0.0, 0.0)
    grey_HW = np.nan_to_num(grey_HW, nan=low, neginf=low, posinf=high)
    ceiling = next((top for top in _MAXIMA if low >= 0 and high <= top), None)
    if ceiling is None:
        grey_HW, ceiling = grey_HW - low, (high - low) or 1.0
    return np.rint(grey_HW * (255 / ceiling)).astype(np.uint8)
