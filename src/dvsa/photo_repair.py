"""Sound pictures that Pillow refuses: what it stumbles over is left out before it sees them."""

import zlib
from collections.abc import Iterator
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG_END: Final = b"\xff\xd9"

MAX_TEXT: Final = 2**24
"""The longest text of a PNG that is kept, in bytes: an XMP packet may say how to turn the picture."""

_NEEDED: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"eXIf"}
"""The chunks of a PNG that say what its pixels are, and how to turn it."""
_TEXTS: Final = {b"XML:com.adobe.xmp", b"Raw profile type exif"}
"""The keywords of texts that may say how to turn it, and when it was taken."""

PADDINGS: Final = (b"\x00" * 64 + JPEG_END, b"\x55" * 64 + JPEG_END)
"""Two ends for a JPEG that lacks its own. If its data are complete, the pixels do not depend on the end."""


def without_ballast(content: bytes) -> bytes:
    """A PNG without the chunks that its pixels do not need: their size or their damage costs no pixels.

    Texts that may turn the picture stay, decompressed; so does everything from the first fault on.

    >>> without_ballast(PNG + b"not a chunk") == PNG + b"not a chunk"
    True
    """
    return b"".join([PNG, *_kept(content)])


def _kept(content: bytes) -> Iterator[bytes]:
    """The parts of a PNG after its signature that stay."""
    at = len(PNG)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind, end = content[at + 4 : at + 8], at + 12 + length
        if end > len(content) or not kind.isalpha():
            break
        if kind in _NEEDED:
            yield content[at:end]
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield from _text(kind, content[at + 8 : end - 4])
        elif kind[:1].isupper():  # a critical chunk: Pillow has the last word on it
            yield content[at:end]
        at = end
        if kind == b"IEND":
            break
    yield content[at:]


def _text(kind: bytes, body: bytes) -> Iterator[bytes]:
    """A text chunk that may turn the picture, decompressed; nothing for others, and for damaged ones."""
    keyword, _, rest = body.partition(b"\0")
    if keyword not in _TEXTS:
        return
    packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
    head = b""
    if kind == b"zTXt":
        rest, kind = rest[1:], b"tEXt"
    elif kind == b"iTXt":
        language, _, rest = rest[2:].partition(b"\0")
        translated, _, rest = rest.partition(b"\0")
        head = b"\0\0" + language + b"\0" + translated + b"\0"
    if packed:
        unpacker = zlib.decompressobj()
        try:
            rest = unpacker.decompress(rest, MAX_TEXT)
        except zlib.error:
            return
        if unpacker.unconsumed_tail:
            return
    if len(rest) <= MAX_TEXT:
        yield chunk(kind, keyword + b"\0" + head + rest)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, with its length and its checksum.

    >>> chunk(b"IEND", b"").hex()
    '0000000049454e44ae426082'
    """
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def ended(content: bytes, padding: bytes) -> bytes:
    r"""A JPEG with an end: what is left of its own is cut off first.

    >>> ended(b"data" + bytes([0xFF]), JPEG_END)
    b'data\xff\xd9'
    """
    return content.rstrip(b"\xff") + padding
