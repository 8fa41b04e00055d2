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
    rawmode = rawmodes.pop() if len(rawmodes) == 1 else None
    if rawmode not in _SWAPPED:
        return image
    bands = {band: np.asarray(image.getchannel(band)) for band in image.getbands()}
    top = max(int(high_HW.max()) for band, high_HW in bands.items() if band != "A")
    if top >= 2 ** (max(_BITS) - 8):
        return image

    again.tile = [tile._replace(args=_with_rawmode(tile.args, _SWAPPED[rawmode])) for tile in again.tile]
    again.load()
    lower = again.split()
    if rawmode == "LA;16B":  # read as four bytes
        lower = (lower[1], lower[1], lower[1], lower[3])
    pairs = {
        band: (high_HW, np.asarray(low)) for (band, high_HW), low in zip(bands.items(), lower, strict=True)
    }
    highest = {band: _highest(*pair) for band, pair in pairs.items()}

    # Transparency has as many bits as the colours, unless it uses more.
    bits = next(b for b in _BITS if all(high < 2**b for band, high in highest.items() if band != "A"))
    return Image.merge(
        image.mode,
        [
            Image.fromarray(high_HW << (16 - bits) | low_HW >> (bits - 8))
            if highest[band] < 2**bits
            else image.getchannel(band)
            for band, (high_HW, low_HW) in pairs.items()
        ],
    )


def _highest(high_HW: NDArray[np.uint8], low_HW: NDArray[np.uint8]) -> int:
    """The highest number of some, of which the upper and the lower bytes are given."""
    top = int(high_HW.max())
    return top << 8 | int(low_HW[high_HW == top].max())


_LITTLE: Final = sys.byteorder == "little"

_SWAPPED: Final[dict[str | None, str]] = {
    "LA;16B": "RGBA",
    **{
        f"{colours};16{order}": f"{colours};16{other}"
        for colours in ("RGB", "RGBA", "RGBX", "CMYK")
        for order, other in (("B", "L"), ("L", "B"), ("N", "B" if _LITTLE else "L"))
    },
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
