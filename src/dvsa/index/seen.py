"""Which files a writer has read, and when they had last changed: so that it need not read them again.

The file `seen` of an index is a cache. It has the SHA-256 of its own content; if it is missing, damaged or of
another version, the next `Index.sync` reads every photograph, and finds the same.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dvsa import files
from dvsa.data.dataset import local_date

SEEN: Final = "seen"
VERSION: Final = 1
MAX_BYTES: Final = 2**32

SETTLED: Final = 2_000_000_000
"""A file that changed in the last two seconds, in nanoseconds, may change again with the same time."""

Stamp = tuple[int, int, int]
"""Size in bytes, and the times of the last changes of content and of status, in nanoseconds."""


class SeenFiles:
    """The stamp of each file that was read, and the identifier of the photograph that was in it."""

    def __init__(self) -> None:
        """Nothing was seen; use `SeenFiles.read` for those of an index."""
        self._seen: dict[str, tuple[Stamp, str]] = {}
        self._last: dict[str, tuple[Stamp, str]] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._began = time.time_ns()

    @classmethod
    def read(cls, folder: Path) -> "SeenFiles":
        """The files that the last writer of an index has seen; none if nobody knows."""
        seen = cls()
        try:
            content = files.read_bounded(folder / SEEN, MAX_BYTES, follow=False)
            digest, _, body = content.partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() == digest:
                version, found = json.loads(body)
                if version == VERSION:
                    seen._seen = {path: (tuple(stamp), name) for path, stamp, name in found}
        except (OSError, ValueError, TypeError):
            return cls()
        seen._last = dict(seen._seen)
        return seen

    def write(self, folder: Path) -> None:
        """Replace the cache of an index atomically."""
        found = [[path, stamp, name] for path, (stamp, name) in self._seen.items()]
        body = json.dumps([VERSION, found]).encode()
        files.write(folder / SEEN, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def identifier(self, path: str, file: str) -> str | None:
        """The photograph at a path, if its file has not changed since it was seen; None if nobody knows.

        Args:
            path: of the photograph.
            file: that contains it: the same, or a tar file.
        """
        stamp, name = self._seen.get(path, (None, None))
        return name if stamp is not None and stamp == self._stamp(file) else None

    def date_before(self, path: str) -> str | None:
        """The date of the file at a path as the last writer saw it; None if nobody knows."""
        stamp, _ = self._last.get(path, (None, None))
        return None if stamp is None else local_date(stamp[1] / 1e9)

    def remember(self, path: str, file: str, identifier: str) -> None:
        """Note which photograph was read at a path; `identifier` must have been asked for it before."""
        stamp = self._stamp(file)
        if stamp is not None and max(stamp[1:]) < self._began - SETTLED:
            self._seen[path] = stamp, identifier
        else:
            self._seen.pop(path, None)

    def keep(self, stays: Callable[[str], bool]) -> None:
        """Forget the paths that do not stay."""
        self._seen = {path: seen for path, seen in self._seen.items() if stays(path)}

    def _stamp(self, file: str) -> Stamp | None:
        """The stamp of a file as it was when it was first asked for, which is before it was read."""
        if file not in self._stamps:
            try:
                found = os.stat(file)
                self._stamps[file] = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            except OSError:
                self._stamps[file] = None
        return self._stamps[file]
