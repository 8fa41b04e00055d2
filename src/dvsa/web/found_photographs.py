"""The photographs that searches found, their pictures, and their JSON."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePath

from dvsa.index import Hit, Photograph, SearchError
from dvsa.web import schemas
from dvsa.web.upload import display_name


class FoundPhotographs:
    """The photographs that were found most recently; no other photograph of the index can be requested.

    Not thread-safe: only the event loop uses it.
    """

    def __init__(self, size: int = 10_000) -> None:
        """Remember at most `size` photographs."""
        self._size = size
        self._found: OrderedDict[str, Photograph] = OrderedDict()

    def remember(self, hits: Iterable[Hit]) -> None:
        """Allow requests for the photographs of a search."""
        for hit in hits:
            self._found[hit.photograph.id] = hit.photograph
            self._found.move_to_end(hit.photograph.id)
        while len(self._found) > self._size:
            self._found.popitem(last=False)

    def get(self, identifier: str) -> Photograph | None:
        """One of these photographs; None if no search has found it recently."""
        return self._found.get(identifier)


def file_name(photograph: Photograph) -> str:
    """The name of its file, without folders."""
    return display_name(PurePath(photograph.path).name)


def content(photograph: Photograph) -> bytes:
    """Its bytes; raises SearchError if the file is missing or has changed since it was indexed."""
    try:
        return photograph.read()
    except (OSError, ValueError):
        raise SearchError(
            f"{file_name(photograph)} is missing or has changed since it was indexed: index it again"
        ) from None


def to_json(hit: Hit) -> schemas.HitJson:
    """A hit in the form of the API."""
    photograph = hit.photograph
    return schemas.HitJson(
        id=photograph.id,
        name=file_name(photograph),
        score=hit.score,
        fits=hit.fits,
        others=len(hit.others),
        taken=photograph.taken,
        width=photograph.width,
        height=photograph.height,
        boxes=list(hit.boxes),
        words=[schemas.WordJson(**asdict(word)) for word in hit.alignment.words],
    )
