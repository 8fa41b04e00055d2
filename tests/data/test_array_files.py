"""Files of numpy: any damage is one line that names the file."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvsa.data import DataError, Example, load_regions
from dvsa.data.array_files import Array, mapped, members

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
LIMIT = 1 << 20


def npy(array: Array = X) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_header(text: str) -> bytes:
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + X.tobytes()


def written(descr: str = "'<f4'", shape: str = "(2, 3, 4)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


HEADERS = {
    "lost bracket": written(shape="(2, 3, 4"),
    "unclosed quote": written(descr="'<f4"),
    "list as a key": "{[]: 1}",
    "set of a dictionary": "{{}}",
    "not a dictionary": "[1, 2]",
    "other keys": "{'shape': (2, 3, 4)}",
    "truth values as a shape": written(shape="(True, 3)"),
    "a tuple of one as a type": written(descr="('<f4',)"),
    "no type": written(descr="None, 3"),
    "an object": written(descr="'|O'"),
    "no truth value": written(order="3"),
    "nested": "-" * 8000 + "1",
    "nested brackets": "(" * 400,
    "too long": "1" * 20_000,
    "an enormous side": written(shape=f"({10**26}, 3, 4)"),
    "enormous sides": written(shape=f"({2**62}, {2**62}, {2**62})"),
    "more than there is": written(shape="(1000000000, 36, 2048)"),
    "a negative side": written(shape="(-2, 3, 4)"),
    "two negative sides": written(shape="(-2, -3, 4)"),
}

FILES = {
    **{name: with_header(header) for name, header in HEADERS.items()},
    "empty": b"",
    "cut header": npy()[:40],
    "cut": npy()[:-1],
    "pickle": b"\x80\x04K\x01.",
    "text": b"text",
    "another version": npy()[:6] + b"\x09" + npy()[7:],
}

all_files = pytest.mark.parametrize("content", FILES.values(), ids=FILES)


def packed(content: bytes, name: str = "x.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def read_member(path: Path) -> Array | None:
    with members(path, LIMIT) as content:
        return content.first(("x",))


def assert_named(error: DataError, start: str) -> None:
    assert str(error).startswith(start)
    assert "\n" not in str(error)
    assert len(str(error)) < len(start) + 300


@all_files
def test_a_damaged_array_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        mapped(path)
    assert_named(caught.value, f"{path} is not an array of numbers, or is cut short (")


@all_files
def test_a_damaged_member_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(packed(content))
    with pytest.raises(DataError) as caught:
        read_member(path)
    assert_named(caught.value, f"{path}: 'x' is not an array of numbers, or is damaged (")


def test_an_archive_is_no_array_and_an_array_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(packed(npy()))
    with pytest.raises(DataError, match=r"a\.npy is not an array of numbers"):
        mapped(tmp_path / "a.npy")
    (tmp_path / "a.npz").write_bytes(npy())
    with pytest.raises(DataError, match=r"a\.npz is a single array: save it with the key x"):
        read_member(tmp_path / "a.npz")


def test_arrays_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(npy())
    np.testing.assert_array_equal(mapped(tmp_path / "a.npy"), X)
    copied = mapped(tmp_path / "a.npy", "c")
    copied[0] = np.zeros((), copied.dtype)  # changes the array, not the file
    np.testing.assert_array_equal(mapped(tmp_path / "a.npy"), X)

    (tmp_path / "a.npz").write_bytes(packed(npy()))
    np.testing.assert_array_equal(read_member(tmp_path / "a.npz"), X)
    (tmp_path / "a.npz").write_bytes(packed(b"no array", "y.npy"))  # only what is needed is read
    assert read_member(tmp_path / "a.npz") is None
    with pytest.raises(FileNotFoundError):
        mapped(tmp_path / "none.npy")
    with pytest.raises(FileNotFoundError):
        read_member(tmp_path / "none.npz")


Changes = Sequence[tuple[int, int]]
some_changes = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4)
"""Places, from the start, and the bytes that are put there."""
some_cuts = st.integers(0, 10_000) | st.none()


def damaged(content: bytes, changes: Changes, cut: int | None) -> bytes:
    """Most damage is in the header, of 128 bytes."""
    changed = bytearray(content)
    for place, byte in changes:
        changed[place % (len(content) if place % 4 == 0 else 128)] = byte
    return bytes(changed[: None if cut is None else cut % len(content)])


def answers_or_refuses(folder: Path, name: str) -> None:
    try:
        load_regions(folder).of(Example(name, "", (), None))
    except DataError as error:
        assert re.search(r"_ims\.npy|a\.npz", str(error))  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


@settings(max_examples=150, deadline=None)
@given(some_changes, some_cuts)
def test_a_file_of_scan_with_any_bytes_is_read_or_refused(changes: Changes, cut: int | None) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "test_ims.npy").write_bytes(damaged(npy(), changes, cut))
        (Path(folder) / "test_caps.txt").write_text("a dog\n" * 10)
        answers_or_refuses(Path(folder), "test#000001")


@settings(max_examples=150, deadline=None)
@given(some_changes, some_cuts, st.booleans())
def test_an_npz_with_any_bytes_is_read_or_refused(changes: Changes, cut: int | None, inside: bool) -> None:
    """Either the member is damaged, and its checksum is right, or the archive is."""
    good = npy(X[0])
    content = packed(damaged(good, changes, cut)) if inside else damaged(packed(good), changes, cut)
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.npz").write_bytes(content)
        answers_or_refuses(Path(folder), "a.jpg")
