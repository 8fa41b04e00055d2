"""Frozen values of an index: what it knows of a photograph, what is added, what is found."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsa.data.dataset import Source
from dvsa.records import Alignment, Box


class SearchError(ValueError):
    """An index that is missing, damaged, in use or of another model; the message is one line."""


def content_id(content: bytes) -> str:
    """The identifier of a photograph: the SHA-256 of its file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """What an index keeps of a photograph beside its vectors."""

    id: str
    """`content_id` of the file's content; an index holds each content once."""
    path: str
    """Where it lay, absolute; a member of a tar file as if the tar had been unpacked where it lies."""
    file: str
    """The file that holds its bytes: `path`, or the tar file."""
    offset: int = 0
    """Of its first byte in `file`."""
    size: int = 0
    """In bytes."""
    width: int = 0
    """In pixels, after the EXIF orientation."""
    height: int = 0
    taken: str | None = None
    """When, by its EXIF data: ISO 8601 without a time zone, such as `2024-07-31T18:05:00`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Whatever the user wants to filter by."""

    def read(self) -> bytes:
        """Read the file's content, which is the content that was indexed.

        Raises:
            OSError: the file is gone.
            ValueError: the file has changed since it was indexed.
        """
        content = Source(Path(self.file), self.offset, None if self.file == self.path else self.size).read()
        if content_id(content) != self.id:
            raise SearchError(f"{self.path} has changed since it was indexed: index it again")
        return content


@dataclass(frozen=True, eq=False, slots=True)
class Entry:
    """A photograph with its regions, as it goes into an index."""

    photograph: Photograph
    box_I4: NDArray[np.floating]
    """In fractions of width and height."""
    v_ID: NDArray[np.floating]
    """The regions' vectors as the bundle gives them; kept in half precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which photographs a search may find: those that fulfil all that is given here."""

    prefix: str | None = None
    """What their paths begin with."""
    after: date | None = None
    """The first day on which they may be taken; those without a date are left out."""
    before: date | None = None
    """The last such day."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """User fields and the values that they must have."""

    def admits(self, photograph: Photograph) -> bool:
        """Whether a photograph fulfils it."""
        if self.prefix is not None and not photograph.path.startswith(self.prefix):
            return False
        if self.after is not None or self.before is not None:
            day = (photograph.taken or "")[:10]
            if not day or not str(self.after or "") <= day <= str(self.before or "9999-12-31"):
                return False
        return all(photograph.fields.get(name) == value for name, value in self.fields.items())


@dataclass(frozen=True, slots=True)
class Hit:
    """A photograph that was found, and why."""

    photograph: Photograph
    score: float
    """The MaxSim score of the photograph's stored vectors and the query."""
    boxes: tuple[Box, ...]
    """Its regions, in fractions of width and height."""
    alignment: Alignment
    """Which region each word of the query found; for a query by photograph, a word is one of its regions."""


@dataclass(slots=True)
class Added:
    """What became of photographs that were to be added."""

    added: int = 0
    known: int = 0
    """Photographs whose content the index had already."""
    faults: list[str] = field(default_factory=list)
    """A line for each photograph that could not be read."""


@dataclass(frozen=True, slots=True)
class Stats:
    """An index in figures."""

    bundle: str
    """Name of the bundle that made it."""
    photographs: int
    removed: int
    """Photographs that are marked as removed and take up room until `compact`."""
    regions: int
    segments: int
    bytes: int
    """On disk, all files together."""
