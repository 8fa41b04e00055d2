"""Members of tar files: as the standard library finds them, and of files that are cut or made to do harm."""

import io
import struct
import tarfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.data.tar_files import BLOCK, Member, TarError, Type, members

CONTENT = b"a photograph " * 70
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def header(name: str, size: int, kind: bytes = b"0") -> bytearray:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return bytearray(info.tobuf(tarfile.GNU_FORMAT))


def whole(name: str = "dog.jpg", content: bytes = CONTENT) -> bytes:
    return bytes(header(name, len(content))) + content + bytes(-len(content) % BLOCK)


def with_records(records: Mapping[str, str]) -> bytes:
    """A member after records in the format of pax, as they are given."""
    lines = b""
    for key, value in records.items():
        rest = f" {key}={value}\n".encode()
        digits = next(n for n in range(1, 9) if len(str(len(rest) + n)) == n)
        lines += str(len(rest) + digits).encode() + rest
    return bytes(header("records", len(lines), b"x")) + lines + bytes(-len(lines) % BLOCK) + whole("cat.jpg")


def read(content: bytes) -> tuple[list[str], str]:
    """The names of the members of a tar file, and why it cannot be read to its end."""
    found = list[str]()
    try:
        for member in members(io.BytesIO(content)):
            found.append(member.name)
    except TarError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize("form", FORMATS)
def test_members_are_those_of_the_standard_library(form: int) -> None:
    names = ["a.jpg", "in/é.jpg", "in/" + "x" * 90 + "/" + "y" * 90 + ".jpg", "折り紙.jpg"]
    if form != tarfile.USTAR_FORMAT:
        names += ["deep/" * 60 + "z.jpg"]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for n, name in enumerate(names):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(CONTENT) + n, 1_600_000_000 + n
            archive.addfile(info, io.BytesIO(CONTENT + b"!" * n))
        for name, kind in (("folder", tarfile.DIRTYPE), ("l" * 90, tarfile.SYMTYPE), ("h", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "t" * 120 if form != tarfile.USTAR_FORMAT else "t"
            archive.addfile(info)
        info = tarfile.TarInfo("pipe")
        info.type = tarfile.FIFOTYPE
        archive.addfile(info)
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        expected = [(m.name, m.offset_data, m.size, int(m.mtime)) for m in archive if m.isreg()]

    found = list(members(io.BytesIO(stream.getvalue())))
    assert [(m.name, m.offset, m.size, m.changed) for m in found if m.type is Type.FILE] == expected
    others = [Type.FOLDER, Type.LINK, Type.LINK, Type.SPECIAL]
    assert [m.type for m in found[len(names) :]] == others


def test_members_before_a_cut_are_whole_and_the_cut_is_named() -> None:
    content = b"".join(map(whole, ("1.jpg", "2.jpg", "3.jpg")))
    size = len(whole("1.jpg"))
    for end in range(1, len(content)):
        found, fault = read(content[:end])
        complete = [f"{n}.jpg" for n in (1, 2, 3) if (n - 1) * size + BLOCK + len(CONTENT) <= end]
        assert found == complete
        assert bool(fault) == (end > len(complete) * size)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (b"?" * BLOCK, "the header at byte 1,536 is damaged"),
        (bytes(2 * BLOCK) + whole("other.jpg"), "another tar file begins at byte 2,560"),
        (bytes(header("announced", 9, b"L")) + b"a" * BLOCK, "before the member that is announced there"),
        (bytes(header("announced", 2**21, b"x")), "more than 1,048,576"),
        (with_records({"size": "-2048"}), "is no size"),
        (with_records({"size": "9" * 30}), "is no size"),
        (bytes(header("records", 9, b"x")) + b"5".ljust(BLOCK, b"5"), "records at byte 1,536 are damaged"),
        (bytes(header("far.jpg", 2**32)), "within far.jpg"),
    ],
)
def test_what_is_lost_after_damage_is_said(damage: bytes, fault: str) -> None:
    content = whole()
    assert len(content) == 3 * BLOCK
    found, why = read(content + damage)
    assert found == ["dog.jpg"]
    assert fault in why


@pytest.mark.parametrize("back", [1, BLOCK, 4 * BLOCK, 2**60])
def test_a_size_below_zero_does_not_hang(back: int) -> None:
    block = header("harm.jpg", 0)
    block[124:136] = struct.pack(">q", -back).rjust(12, b"\xff")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    found, why = read(whole() + bytes(block) + whole("cat.jpg"))
    assert found == ["dog.jpg"]
    assert "is no size" in why


@pytest.mark.parametrize("time", ["inf", "-inf", "nan", "1e300", "soon"])
def test_a_time_that_is_none_is_unknown(time: str) -> None:
    *_, cat = members(io.BytesIO(with_records({"mtime": time})))
    assert cat == Member("cat.jpg", Type.FILE, cat.offset, len(CONTENT), 0)


def test_long_chains_and_long_records_end() -> None:
    for one in (
        bytes(header("x", 2, b"L")) + b"a\0".ljust(BLOCK, b"\0"),
        with_records({"a": "b"})[: 2 * BLOCK],
    ):
        assert len(read(one * 5000 + whole())[0]) == 1
    digits = bytes(header("x", 2**20, b"x")) + b"7" * 2**20  # a search for a record costs hours
    assert read(digits + whole())[0] == []


@given(st.binary(max_size=2000), st.integers(0, 3000))
def test_any_bytes_end_in_members_or_a_fault(damage: bytes, at: int) -> None:
    content = bytearray(whole() + with_records({"path": "a.jpg"}) + bytes(2 * BLOCK))
    content[at : at + len(damage)] = damage
    for member in list_until_fault(bytes(content)):
        assert 0 <= member.offset <= member.offset + member.size <= len(content)


def list_until_fault(content: bytes) -> list[Member]:
    found = list[Member]()
    try:
        for member in members(io.BytesIO(content)):
            found.append(member)
    except TarError:
        pass
    return found
