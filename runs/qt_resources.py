"""Files of Qt resources (.rcc): programs with Qt keep their pictures in them.

The format is that of Qt's tool rcc: a header, a tree of folders and files, their names, and their contents.
All numbers are unsigned and big-endian.
"""

import struct
import zlib
from collections.abc import Iterator

FOLDER, ZLIB, ZSTD = 2, 1, 4
"""Flags of an entry of the tree."""


def find(content: bytes, path: str) -> bytes:
    """The content of one file.

    Raises:
        KeyError: there is no such file.
        ValueError: `content` is not a file of resources, or the file is compressed by Zstandard.
    """
    try:
        for name, flags, start in _files(content):
            if name == path:
                return _unpacked(content, flags, start)
    except (struct.error, UnicodeDecodeError, RecursionError, zlib.error) as error:
        raise ValueError(f"the file of Qt resources is damaged ({error})") from error
    raise KeyError(path)


def _unpacked(content: bytes, flags: int, start: int) -> bytes:
    (size,) = struct.unpack_from(">I", content, start)
    stored = _part(content, start + 4, size)
    if flags & ZSTD:
        raise ValueError("the file of Qt resources uses Zstandard, which this reader does not know")
    return zlib.decompress(stored[4:]) if flags & ZLIB else stored  # the first four bytes are the size


def _part(content: bytes, start: int, size: int) -> bytes:
    if start + size > len(content):
        raise struct.error("it ends too early")
    return content[start : start + size]


def _files(content: bytes) -> Iterator[tuple[str, int, int]]:
    """The path of each file, its flags, and where its content starts."""
    magic, version, tree, data, names = struct.unpack_from(">4s4I", content)
    if magic != b"qres":
        raise ValueError("this is not a file of Qt resources")
    width = 14 if version == 1 else 22  # later versions end entries with a time

    def name(offset: int) -> str:
        (length,) = struct.unpack_from(">H", content, names + offset)
        first = names + offset + 6  # after the length and a hash
        return _part(content, first, 2 * length).decode("utf-16-be")

    def below(entry: int, folder: str) -> Iterator[tuple[str, int, int]]:
        offset, flags = struct.unpack_from(">IH", content, tree + entry * width)
        path = f"{folder}/{name(offset)}" if folder else name(offset) if entry else ""
        if flags & FOLDER:
            count, first = struct.unpack_from(">2I", content, tree + entry * width + 6)
            for child in range(first, first + count):
                yield from below(child, path)
        else:
            (start,) = struct.unpack_from(">I", content, tree + entry * width + 10)
            yield path, flags, data + start

    return below(0, "")
