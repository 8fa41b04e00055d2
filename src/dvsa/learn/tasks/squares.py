"""Photographs decoded to squares of pixels: all of them at once, or one by one."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from dvsa import photo, photo_exif, photo_formats, photo_modes, photo_raw, photo_repair
from dvsa.ahead import in_order
from dvsa.data import DataError, Example
from dvsa.learn.loop.progress import progress
from dvsa.learn.tasks.cache import Array, cached, shards, source_code

Made = TypeVar("Made")
UNREADABLE = (photo.PhotoError, DataError, OSError)
"""What reading a photograph may raise."""


class Squares:
    """The photographs of some examples as squares of `size` pixels, uint8 (K, size, size, 3)."""

    def __init__(self, examples: Sequence[Example], size: int, *, quiet: bool = False) -> None:
        self.examples, self.size, self.quiet = examples, size, quiet
        self.shape = (len(examples), size, size, 3)
        code = source_code(photo, photo_exif, photo_formats, photo_modes, photo_raw, photo_repair)
        self.keys = [self._key(rows, code) for rows in shards(len(examples))]
        """Of each shard; it depends on everything that the squares depend on."""
        self._readable_K: npt.NDArray[np.bool_] | None = None

    def _key(self, rows: slice, code: str) -> bytes:
        digest = hashlib.sha256(f"photographs {self.size} {code}".encode())
        for example in self.examples[rows]:
            file = example.file
            place = (example.name, str(file.path), file.offset, file.size, file.path.stat().st_mtime_ns)
            digest.update(repr(place).encode())
        return digest.digest()

    def one(self, k: int) -> npt.NDArray[np.uint8]:
        """Photograph k.

        Raises:
            PhotoError, DataError, OSError: it cannot be read.
        """
        example = self.examples[k]
        return photo.squash(photo.read(example.read(), name=example.name), self.size)

    def fault(self, k: int) -> str:
        """Why photograph k cannot be read; empty if it can."""
        try:
            self.one(k)
        except UNREADABLE as error:
            return str(error)
        return ""

    def all(self) -> Array:
        """All photographs, mapped into memory from the cache; black where one cannot be read."""

        def fill(pixels_KHWC: Array) -> None:
            readable_K = np.zeros(len(self.examples), np.bool_)
            for k, square in enumerate(self._each("reading photographs", self._one_or_none)):
                readable_K[k] = square is not None
                pixels_KHWC[k] = 0 if square is None else square
            self._readable_K = readable_K

        return cached(self._whole(b"squares"), self.shape, "uint8", fill)

    def readable(self) -> npt.NDArray[np.bool_]:
        """Which photographs can be read, (K,); all are decoded once to find out."""

        def fill(readable_K: Array) -> None:
            if self._readable_K is not None:
                readable_K[:] = self._readable_K
                return
            for k, fault in enumerate(self._each("checking photographs", self.fault)):
                readable_K[k] = not fault

        return np.array(cached(self._whole(b"readable"), self.shape[:1], "bool", fill), np.bool_)

    def _one_or_none(self, k: int) -> npt.NDArray[np.uint8] | None:
        try:
            return self.one(k)
        except UNREADABLE:
            return None

    def _each(self, what: str, function: Callable[[int], Made]) -> Iterator[Made]:
        """The results of a function for all photographs, computed by threads."""
        with progress(what, len(self.examples), quiet=self.quiet) as advance:
            for result in in_order(function, range(len(self.examples)), os.cpu_count() or 1, ahead=8):
                yield result
                advance(1)

    def _whole(self, what: bytes) -> bytes:
        return what + b"".join(self.keys)
