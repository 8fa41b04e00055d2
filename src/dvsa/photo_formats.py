"""The formats of pictures that are read, and the reader for the content of a file."""

import re
from functools import cache
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

Reader = type[ImageFile.ImageFile]

FORMATS: Final = "AVIF, BMP, GIF, HEIC, JPEG, JPEG 2000, PNG, PPM, TIFF or WebP"
"""The names of all formats, for people."""

# These readers are tried in turn. Image.open would apply Pillow's pixel limit, which is process-wide and
# refuses JPEGs that could be decoded at a reduced scale. None of these readers starts another program.
_READERS: Final[tuple[Reader, ...]] = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    TiffImagePlugin.TiffImageFile,
    BmpImagePlugin.BmpImageFile,
    PpmImagePlugin.PpmImageFile,
    Jpeg2KImagePlugin.Jpeg2KImageFile,
)

_HEIC: Final = re.compile(rb"hei[cxms]|hev[cxms]|heif")
_AVIF: Final = re.compile(rb"avi[fs]")


def reader_of(content: bytes) -> Reader | None:
    """The reader of a picture, by the beginning of its content; None if it is of no format that is read.

    >>> reader_of(b"GIF89a").format, reader_of(b"hello, world")
    ('GIF', None)
    """
    head = content[:32].ljust(32, b"\0")
    if head[4:8] == b"ftyp":
        return _reader_of_brands(content)
    return next((reader for reader in _READERS if _accepts(reader, head)), None)


def _reader_of_brands(content: bytes) -> Reader | None:
    """The reader of a file in ISO's base format, whose first box lists the brands that it has."""
    size = min(int.from_bytes(content[:4], "big"), 4096)
    brands = b" ".join([content[8:12], *(content[at : at + 4] for at in range(16, size, 4))])
    if _AVIF.search(brands):
        return AvifImagePlugin.AvifImageFile
    return _heic() if _HEIC.search(brands) else None


@cache
def _heic() -> Reader:
    """The reader of HEIC, whose library is loaded for the first such picture."""
    from pillow_heif import HeifImageFile

    reader: Reader = HeifImageFile
    return reader


def _accepts(reader: Reader, head: bytes) -> bool:
    _, accept = Image.OPEN[reader.format or ""]
    return accept is not None and bool(accept(head))
