"""Photographs that searches found, and their pictures."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePath

from dvsa.index import Hit, Photograph, SearchError
from dvsa.photo import read
from dvsa.web import schemas
from dvsa.web.opening import jpeg
from dvsa.web.upload import shown


class Hits:
    """The photographs that were found last, by identifier: none other of the index is ever shown.

    Used by one thread alone, that of the event loop.
    """

    def __init__(self, most: int = 10_000) -> None:
        """Remember `most`."""
        self._most = most
        self._found: OrderedDict[str, Photograph] = OrderedDict()

    def remember(self, hits: Iterable[Hit]) -> None:
        """Let these be asked for by their identifiers."""
        for hit in hits:
            self._found[hit.photograph.id] = hit.photograph
            self._found.move_to_end(hit.photograph.id)
        while len(self._found) > self._most:
            self._found.popitem(last=False)

    def get(self, identifier: str) -> Photograph | None:
        """One of them; None where it was not found, or too long ago."""
        return self._found.get(identifier)


def name(photograph: Photograph) -> str:
    """The file's own name, without its folders."""
    return shown(PurePath(photograph.path).name)


def content(photograph: Photograph) -> bytes:
    """Its bytes; raises SearchError where they are gone or are no longer those that were indexed."""
    try:
        return photograph.read()
    except (OSError, ValueError):
        raise SearchError(
            f"{name(photograph)} is gone or has changed since it was indexed: index it again"
        ) from None


def thumbnail(photograph: Photograph, side: int) -> bytes:
    """A JPEG of at most `side` pixels; raises as `content` does, and PhotoError."""
    return jpeg(read(content(photograph), name(photograph)), side)


def answer(hit: Hit) -> schemas.Hit:
    """A hit as it goes over the wire."""
    photograph = hit.photograph
    return schemas.Hit(
        id=photograph.id, name=name(photograph), score=hit.score, width=photograph.width,
        height=photograph.height, boxes=list(hit.boxes),
        words=[schemas.Word(**asdict(word)) for word in hit.alignment.words],
    )  # fmt: skip
