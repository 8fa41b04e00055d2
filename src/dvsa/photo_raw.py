"""RAW files of cameras: the largest JPEG in them, which cameras write there as a preview."""

import re
from collections.abc import Iterator
from typing import Final

from PIL import ExifTags, Image

SUFFIXES: Final = frozenset(
    {
        ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef",
        ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf",
        ".srw", ".x3f",
    }
)  # fmt: skip
"""Suffixes of RAW files, in lower case."""

_OWN: Final = re.compile(
    rb"....ftypcrx |FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0|FOVb|\0MRM|II\x1a\0\0\0HEAPCCDR", re.DOTALL
)
"""How RAW files begin that are no TIFF files."""
_TIFF: Final = re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+")
_LIKE_TIFF: Final = re.compile(rb"II(?:RO|RS|U\0)|MMOR")
"""How those begin that are TIFF files except for their first bytes."""

MAX_CANDIDATES: Final = 200
"""Most beginnings of JPEGs that are looked at."""
_SEGMENTS: Final = 100
"""Most segments of each."""


def is_raw(head: bytes, suffix: str) -> bool:
    """Whether a file is the RAW file of a camera.

    Args:
        head: its first 32 bytes, or more.
        suffix: of its name, in lower case, with its dot: many RAW files begin as TIFF files do.

    >>> is_raw(b"II*" + bytes(9), ".dng"), is_raw(b"II*" + bytes(9), ".tif")
    (True, False)
    """
    return bool(_OWN.match(head) or (suffix in SUFFIXES and _TIFF.match(head)))


def preview(content: bytes) -> bytes | None:
    """The largest JPEG in a RAW file, turned and dated as the file says; None if there is none.

    >>> preview(b"no preview") is None
    True
    """
    found = max(_jpegs(content), default=None)
    if found is None:
        return None
    _, behind = found
    jpeg = content[len(content) - behind :]
    return jpeg if b"Exif\0\0" in jpeg[:64] else _with_exif(jpeg, content)


def _jpegs(content: bytes) -> Iterator[tuple[int, int]]:
    """The pixels of each JPEG that can be decoded, and how many bytes there are from its beginning on."""
    at, left = content.find(b"\xff\xd8\xff"), MAX_CANDIDATES
    while at >= 0 and left:
        if pixels := _pixels(content, at + 2):
            yield pixels, len(content) - at
        at, left = content.find(b"\xff\xd8\xff", at + 3), left - 1


def _pixels(content: bytes, at: int) -> int:
    """The number of pixels of a JPEG by its frame header; 0 for data of sensors, which are without loss."""
    for _ in range(_SEGMENTS):
        if content[at : at + 1] != b"\xff" or at + 9 > len(content):
            return 0
        code, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if code in (0xC0, 0xC1, 0xC2):
            high, wide = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return int.from_bytes(high, "big") * int.from_bytes(wide, "big")
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            return 0
        at += 2 + length
    return 0


def _with_exif(jpeg: bytes, content: bytes) -> bytes:
    """A JPEG with the orientation and the date of the file that it is from."""
    if _LIKE_TIFF.match(content):
        content = (b"II*\0" if content[:2] == b"II" else b"MM\0*") + content[4:]
    exif = Image.Exif()
    try:
        known = Image.Exif()
        known.load(content)
        exif[ExifTags.Base.Orientation] = int(known.get(ExifTags.Base.Orientation, 1))
        dates = {**known, **known.get_ifd(ExifTags.IFD.Exif)}
        for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized):
            if isinstance(date := dates.get(tag), str):
                exif.get_ifd(ExifTags.IFD.Exif)[tag] = date
        if isinstance(date := dates.get(ExifTags.Base.DateTime), str):
            exif[ExifTags.Base.DateTime] = date
        body = exif.tobytes()
    except Exception:  # damaged EXIF makes Pillow raise almost any exception; the picture is still good
        return jpeg
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]
