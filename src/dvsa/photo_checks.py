"""Cheap checks of a picture's structure before it is decoded: what its size does not tell of its cost.

They keep the most expensive pictures away from every reader. They are no bound: that is `dvsa.decode`.
"""

import re
from typing import Final

from PIL import ImageFile, TiffImagePlugin

MAX_SLOW_PIXELS: Final = 3_000_000
"""Most pixels of a picture whose reader is written in Python: about 2 seconds."""
MAX_PLAIN_BYTES: Final = 16 * 2**20
MAX_COMMENTS: Final = 100
"""Most comments among the numbers of a plain PPM; the reader copies its buffer for each."""

SLOW_READERS: Final = ("bmp_rle", "ppm", "ppm_plain")
"""Pillow's decoders that are written in Python."""

MAX_FILL: Final = 2**16
"""Most bytes between the segments of a JPEG, which the reader skips one by one."""
MAX_SEGMENTS: Final = 5000

_FILL = re.compile(rb"\xff+")
_FRAMES: Final = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG's frame header, which has the number of components."""
_ALONE: Final = {0x01, *range(0xD0, 0xD9)}
"""The markers that no length follows."""


def jpeg_scans(content: bytes) -> int:
    """How many scans the first components of a JPEG need: 1, or 2 for more than one.

    With more than one, libjpeg holds the whole picture at full size, as it does for a progressive picture.

    Raises:
        ValueError: its header has too many segments, or too much between them.
    """
    at, segments, fill, components = 2, 0, 0, 0
    while (start := content.find(b"\xff", at)) >= 0:
        match = _FILL.match(content, start)
        assert match is not None
        fill += match.end() - at - 1
        segments += 1
        if fill > MAX_FILL or segments > MAX_SEGMENTS:
            raise ValueError("its header is too long")

        code = content[match.end()] if match.end() < len(content) else 0xD9
        at = match.end() + 1
        if code == 0xD9 or at + 8 > len(content):
            break
        if code == 0 or code in _ALONE:
            continue
        if code == 0xDA:
            return 2 if content[at + 2] < components else 1
        if code in _FRAMES:
            components = content[at + 7]
        at += int.from_bytes(content[at : at + 2], "big")
    return 1


def excess(image: ImageFile.ImageFile, content: bytes, most_pixels: int) -> str | None:
    """Why a picture costs more than its size says; None if it does not.

    Args:
        image: opened, but not loaded.
        content: of its file.
        most_pixels: the limit for its parts, too.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        wide, high = (_whole(image, tag) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH))
        if wide * high > most_pixels:
            return f"its tiles of {wide} x {high} pixels are too large"

    if image.tile and image.tile[0][0] in SLOW_READERS:
        if image.width * image.height > MAX_SLOW_PIXELS:
            return (
                f"{image.width} x {image.height} pixels are too many in this kind of {image.format} file: "
                "save it as PNG"
            )
        plain = image.tile[0][0] == "ppm_plain"
        if plain and (len(content) > MAX_PLAIN_BYTES or content.count(b"#") > MAX_COMMENTS):
            return "it is a plain PPM file that takes too long to read: save it as PNG"
    return None


def _whole(image: TiffImagePlugin.TiffImageFile, tag: int) -> int:
    """A whole number of a TIFF's header; 0 if it is missing or no number."""
    value = image.tag_v2.get(tag)
    return value if isinstance(value, int) else 0
