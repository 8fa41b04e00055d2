"""A file of an index, mapped into memory, with a checksum for each page, checked when it is first used.

So opening an index reads none of its vectors, and still no answer depends on a byte that was not checked.
"""

import threading
import zlib
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.arrays import BoolArray, IntArray
from dvsa.index.values import SearchError

PAGE: Final = 2**17
"""Bytes of a page. A pruned search reads single photographs, so larger pages would cost it more."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The valid part of a file, from its start, and the checksums of its pages."""

    size: int = 0
    """In bytes."""
    page: int = PAGE
    """Bytes of a page; the last page may be shorter."""
    sums: str = ""
    """CRC-32 of each page, 8 hexadecimal digits each."""

    @property
    def pages(self) -> int:
        """The number of pages."""
        return -(-self.size // self.page)

    def extended(self, content: bytes | NDArray[np.uint8]) -> "Extent":
        """The extent after `content` is written behind it. The old content is not needed.

        >>> Extent().extended(b"photo").extended(b"graph") == Extent().extended(b"photograph")
        True
        """
        content_N = np.frombuffer(content, np.uint8)

        # A page that is not full yet gets its rest; its checksum goes on from the one that it has.
        sums, used = self.sums, self.size % self.page
        first = (self.page - used) % self.page
        if used:
            crc = zlib.crc32(content_N[:first].data, int(sums[-8:], 16))
            sums = f"{sums[:-8]}{crc:08x}"

        starts = range(first, len(content_N), self.page)
        sums += "".join(f"{zlib.crc32(content_N[n : n + self.page].data):08x}" for n in starts)
        return Extent(self.size + len(content_N), self.page, sums)


class CheckedFile:
    """The valid part of a file. Threads may share it; the file stays readable when it is deleted."""

    def __init__(self, path: Path, extent: Extent) -> None:
        """Map the file into memory.

        Raises:
            OSError: there is no such file.
            SearchError: it is no regular file, or a link, or shorter than its extent.
        """
        self.path, self.extent = path, extent
        try:
            with files.opened(path, follow=False) as file:
                if file.seek(0, 2) < extent.size:
                    raise SearchError(
                        f"{path} is damaged: it is shorter than its expected {extent.size:,} bytes"
                    )
                mapped = np.memmap(file, np.uint8, "r", shape=(extent.size,)) if extent.size else ()
        except files.UnreadableError as error:
            raise SearchError(f"{path}: {error}: index the photographs again") from error
        self.content: NDArray[np.uint8] = np.asarray(mapped, np.uint8)
        """The bytes. Call `check` for those that you use."""
        self._left_P: BoolArray = np.ones(extent.pages, np.bool_)
        self._lock = threading.Lock()

    def check(self, start: int = 0, stop: int | None = None) -> None:
        """Check the pages of the bytes from `start` to before `stop`, by default all.

        Raises:
            SearchError: a page is damaged.
        """
        stop = self.extent.size if stop is None else stop
        if start < stop:
            self._check(slice(start // self.extent.page, (stop - 1) // self.extent.page + 1))

    def check_ranges(self, start_N: IntArray, stop_N: IntArray) -> None:
        """Check the pages of several ranges of bytes, none of them empty."""
        if not self._left_P.any():
            return

        # Ranges open and close at pages; the pages in between are those where more have opened than closed.
        change_P = np.zeros(len(self._left_P) + 1, np.int64)
        np.add.at(change_P, start_N // self.extent.page, 1)
        np.add.at(change_P, (stop_N - 1) // self.extent.page + 1, -1)
        self._check(change_P.cumsum()[:-1] > 0)

    def _check(self, used: slice | BoolArray) -> None:
        """Check those of the used pages that were not checked before."""
        wanted_P = np.zeros_like(self._left_P)
        wanted_P[used] = True
        for page in np.flatnonzero(wanted_P & self._left_P).tolist():
            start, size = page * self.extent.page, self.extent.page
            # Of an old file the only page is the whole file: no two threads should check that at once.
            with self._lock if size > PAGE else nullcontext():
                found = zlib.crc32(self.content[start : start + size].data) if self._left_P[page] else None
                if found is not None and found != int(self.extent.sums[8 * page : 8 * page + 8], 16):
                    end = min(start + size, self.extent.size)
                    raise SearchError(
                        f"{self.path} is damaged between bytes {start:,} and {end:,}: its CRC-32 is not as "
                        "recorded; index its photographs again"
                    )
                self._left_P[page] = False
