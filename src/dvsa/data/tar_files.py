"""The members of plain tar files, also of those that are cut, damaged or made to do harm.

The standard library's `tarfile` ends at a damaged header as if the file ended there. It never ends at a size
below zero, and it needs hours for some records.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO, Final

BLOCK: Final = 512
MAX_EXTENSION: Final = 2**20
"""Most bytes of the records before a member, such as its long name."""
LOOK_BEYOND: Final = 2**26
"""Bytes after the end of a tar file in which another one is looked for."""


class TarError(ValueError):
    """A tar file cannot be read from here on; the message is one line, without the file's name."""


class Type(Enum):
    """What a member is."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    """A link, or a file with gaps: its content is not in one piece."""
    SPECIAL = auto()


_TYPES: Final = {
    b"0": Type.FILE, b"\0": Type.FILE, b"7": Type.FILE, b"1": Type.LINK, b"2": Type.LINK, b"S": Type.LINK,
    b"5": Type.FOLDER, b"D": Type.FOLDER,
}  # fmt: skip
_EXTENSIONS: Final = (b"L", b"K", b"x", b"X", b"g")
_WITHOUT_CONTENT: Final = (b"1", b"2", b"3", b"4", b"5", b"6")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a tar file."""

    name: str
    type: Type
    offset: int
    """Where its content begins, in bytes from the start of the file."""
    size: int
    changed: int
    """When it was last changed, in seconds since 1970; 0 if nobody knows."""


def members(file: BinaryIO) -> Iterator[Member]:
    """The members of a plain tar file, one after the other; each is whole.

    Args:
        file: may be read from any place between two members.

    Raises:
        TarError: the file is no plain tar file, or is cut or damaged after the members so far.

    >>> from io import BytesIO
    >>> list(members(BytesIO(bytes(2 * BLOCK))))
    []
    """
    length, at = file.seek(0, os.SEEK_END), 0
    if not length:
        raise TarError("the file is empty")
    shared, own = dict[str, bytes](), dict[str, bytes]()
    while (header := _block(file, at)) is not None:
        if header[156:157] in _EXTENSIONS:
            records, at = _extension(file, header, at)
            (shared if header[156:157] == b"g" else own).update(records)
            continue

        member, at = _member(file, header, at, shared | own)
        if member.offset + member.size > length:
            raise TarError(f"it ends at byte {length:,}, within {member.name}")
        yield member
        own = {}
    if own:
        raise TarError(f"it ends at byte {at:,}, before the member that is announced there")
    _check_end(file, at)


def _extension(file: BinaryIO, header: bytes, at: int) -> tuple[dict[str, bytes], int]:
    """What a header says of the member after it, or of all members, and where the next header is."""
    size = _size(header, {}, at)
    if size > MAX_EXTENSION:
        raise TarError(f"the records at byte {at:,} have {size:,} bytes, more than {MAX_EXTENSION:,}")
    content, after = _read(file, at + BLOCK, size), at + BLOCK + _padded(size)
    if header[156:157] == b"L":
        return {"path": content}, after
    return ({"linkpath": content} if header[156:157] == b"K" else _records(content, at)), after


def _member(file: BinaryIO, header: bytes, at: int, records: dict[str, bytes]) -> tuple[Member, int]:
    """The member of a header, and where the next header is."""
    kind = header[156:157]
    name = records.get("path", _name(header)).partition(b"\0")[0].decode("utf-8", "surrogateescape")
    member_type = _TYPES.get(kind, Type.SPECIAL)
    if member_type is Type.FILE and name.endswith("/"):  # as before there was a type for folders
        member_type = Type.FOLDER
    elif member_type is Type.FILE and any(key.startswith("GNU.sparse.") for key in records):
        member_type = Type.LINK

    offset = at + BLOCK
    if kind == b"S" and header[482]:
        more = True
        while more:
            more = bool(_read(file, offset, BLOCK)[504])
            offset += BLOCK
    size = 0 if kind in _WITHOUT_CONTENT else _size(header, records, at)
    return Member(name, member_type, offset, size, _changed(header, records)), offset + _padded(size)


def _block(file: BinaryIO, at: int) -> bytes | None:
    """The header at a place; None at the end of the file, or at the block of zeros that stands for it."""
    file.seek(at)
    header = file.read(BLOCK)
    if not header or (len(header) == BLOCK and not any(header)):
        return None
    if len(header) < BLOCK and at:
        raise TarError(f"it ends at byte {at + len(header):,}, within the header of a member")
    if not _is_header(header):
        raise TarError(f"the header at byte {at:,} is damaged" if at else "not a plain tar file")
    return header


def _is_header(header: bytes) -> bool:
    """Whether a block has the sum that its bytes should have."""
    if len(header) < BLOCK:
        return False
    try:
        stated = _number(header[148:156])
    except ValueError:
        return False
    rest = header[:148] + b" " * 8 + header[156:]
    return stated in (
        sum(rest),
        sum(rest) - 256 * sum(byte > 127 for byte in rest),
    )  # the latter of old programs


def _number(digits: bytes) -> int:
    """A number of a header: octal digits, or its bytes after a mark."""
    if digits[0] in (0o200, 0o377):
        return int.from_bytes(digits[1:], "big") - (0 if digits[0] == 0o200 else 256 ** (len(digits) - 1))
    text = digits.partition(b"\0")[0].strip()
    if not re.fullmatch(rb"[0-7]*", text):
        raise ValueError
    return int(text or b"0", 8)


def _size(header: bytes, records: dict[str, bytes], at: int) -> int:
    """The number of bytes of a member."""
    stated = records.get("size", b"")
    try:
        size = int(stated) if re.fullmatch(rb"\d{1,19}", stated) else _number(header[124:136])
    except ValueError:
        size = -1
    if not 0 <= size < 2**62 or (stated and not re.fullmatch(rb"\d{1,19}", stated)):
        raise TarError(f"the size of the member at byte {at:,} is no size")
    return size


def _changed(header: bytes, records: dict[str, bytes]) -> int:
    """When a member was last changed; 0 if that is no time."""
    try:
        time = float(records["mtime"]) if "mtime" in records else float(_number(header[136:148]))
    except (ValueError, OverflowError):
        return 0
    return int(time) if math.isfinite(time) and abs(time) < 2**62 else 0


def _name(header: bytes) -> bytes:
    """The name of a member in its header, which may be in two parts."""
    name, above = header[:100].partition(b"\0")[0], header[345:500].partition(b"\0")[0]
    return above + b"/" + name if above and header[257:263] == b"ustar\0" else name


def _records(content: bytes, at: int) -> dict[str, bytes]:
    """The records before a member, each a line with its length, name and value: `19 path=in/dog.jpg`."""
    found, begin = dict[str, bytes](), 0
    while begin < len(content) and content[begin]:
        length = re.compile(rb"(\d{1,7}) ").match(content, begin)
        end = begin + int(length[1]) if length else begin
        if length is None or not length.end() < end <= len(content):
            raise TarError(f"the records at byte {at:,} are damaged")
        name, _, value = content[length.end() : end - 1].partition(b"=")
        found[name.decode("utf-8", "replace")] = value
        begin = end
    return found


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    """Bytes that must be there."""
    file.seek(at)
    content = file.read(size)
    if len(content) < size:
        raise TarError(f"it ends at byte {at + len(content):,}, before the member that is announced there")
    return content


def _padded(size: int) -> int:
    """The bytes that a member takes."""
    return -(-size // BLOCK) * BLOCK


def _check_end(file: BinaryIO, at: int) -> None:
    """Raise TarError if another tar file stands after the end of this one."""
    file.seek(at)
    for begin in range(at, at + LOOK_BEYOND, MAX_EXTENSION):
        content = file.read(MAX_EXTENSION)
        if not content:
            return
        if any(content):
            first = next(n for n in range(0, len(content), BLOCK) if any(content[n : n + BLOCK]))
            if _is_header(content[first : first + BLOCK]):
                raise TarError(
                    f"it ends at byte {at:,}, and another tar file begins at byte {begin + first:,}: "
                    "divide it there"
                )
            return
