"""Pages and their checksums: made step by step they are those of the whole, and what is used is checked."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvsa.index.checked_file import CheckedFile, Extent
from dvsa.index.values import SearchError


@settings(max_examples=200, deadline=None, derandomize=True)
@given(parts=st.lists(st.binary(max_size=50), max_size=6), page=st.integers(1, 40))
def test_checksums_made_step_by_step_are_those_of_the_whole(parts: list[bytes], page: int) -> None:
    extent = Extent(page=page)
    for part in parts:
        extent = extent.extended(part)
    whole = b"".join(parts)
    assert extent.size == len(whole)
    wanted = [zlib.crc32(whole[n : n + page]) for n in range(0, len(whole), page)]
    assert [int(extent.sums[8 * n : 8 * n + 8], 16) for n in range(extent.pages)] == wanted


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    size=st.integers(1, 200),
    page=st.integers(1, 40),
    ranges=st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60)), min_size=1, max_size=5),
    damaged=st.integers(0, 199),
)
def test_exactly_the_pages_that_are_used_are_checked(
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    page: int,
    ranges: list[tuple[int, int]],
    damaged: int,
) -> None:
    path = tmp_path_factory.mktemp("file") / "file"
    content = bytearray(np.random.default_rng(0).integers(0, 256, size, np.uint8).tobytes())
    extent = Extent(page=page).extended(bytes(content))
    content[damaged % size] ^= 1
    path.write_bytes(content)

    starts = np.array([start % size for start, _ in ranges])
    stops = np.minimum(starts + [length for _, length in ranges], size)
    pages = {p for a, b in zip(starts, stops, strict=True) for p in range(a // page, (b - 1) // page + 1)}
    for check in (
        lambda file: file.check_ranges(starts, stops),
        lambda file: [file.check(int(a), int(b)) for a, b in zip(starts, stops, strict=True)],
    ):
        file = CheckedFile(path, extent)
        if damaged % size // page in pages:
            with pytest.raises(SearchError, match="damaged between bytes"):
                check(file)
        else:
            check(file)
            assert {*np.flatnonzero(~file._left_P).tolist()} == pages


def test_links_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("link", "zero", "."):
        with pytest.raises(SearchError, match=r"it is (a link|not a regular file)"):
            CheckedFile(tmp_path / name, Extent())
    with pytest.raises(SearchError, match="shorter than its expected 4 bytes"):
        CheckedFile(tmp_path / "file", Extent(4, 4096, "00000000"))
