"""What kind of captions a JSON file contains, told from its beginning."""

import gzip
import mmap
import re
import zlib
from collections.abc import Set
from pathlib import Path
from typing import Literal

from dvsa.data.layouts.delimited import HEAD
from dvsa.data.photographs import SUFFIXES

Shape = Literal["karpathy", "coco", "by photograph"]

_FIRST_KEY = re.compile(r'\s*\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*\[\s*"')


def shape(path: Path, stems: Set[str] = frozenset()) -> Shape | None:
    """The kind of a `.json` or `.json.gz`; None for a file without captions in one of these kinds.

    Args:
        path: the file.
        stems: names of photographs without folders and suffixes, which may be keys.
    """
    try:
        head, whole = _beginning(path)
    except (OSError, EOFError, zlib.error):
        return None
    if '"images"' in head and '"sentences"' in head and '"filename"' in head:
        return "karpathy"
    if ('"images"' in head or '"annotations"' in head) and '"image_id"' in whole and '"caption"' in whole:
        return "coco"
    first = _FIRST_KEY.match(head)
    if first and (first[1] in stems or f".{first[1].rpartition('.')[2].lower()}" in SUFFIXES):
        return "by photograph"
    return None


class _Contents:
    """Which words a large file contains."""

    def __init__(self, path: Path, head: str) -> None:
        self._path, self._head = path, head

    def __contains__(self, text: str) -> bool:
        if text in self._head or self._path.suffix.lower() == ".gz":
            return text in self._head
        if self._path.stat().st_size == 0:
            return False
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(text.encode()) >= 0


def _beginning(path: Path) -> tuple[str, _Contents]:
    with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
        head = file.read(HEAD).decode("utf-8-sig", errors="replace")
    return head, _Contents(path, head)
