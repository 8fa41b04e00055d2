"""The photographs that are open: an LRU cache with expiry, in memory only."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from dvsa.model import View
from dvsa.web import schemas


@dataclass(frozen=True, eq=False, slots=True)
class OpenPhoto:
    """A photograph that the service has opened, with what it needs to answer requests about it."""

    view: View
    """Its picture is the square that the network sees, not the original."""
    response: schemas.PhotoJson
    jpeg: bytes
    """The picture for the page: without metadata, its longer side at most 1024 pixels."""


class PhotoCache:
    """An LRU cache of open photographs; a photograph expires if it is not used for a time.

    Not thread-safe: only the event loop uses it.
    """

    def __init__(self, size: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most `size` photographs, each until `seconds` after its last use."""
        self._size, self._seconds, self._clock = size, seconds, clock
        self._photos: OrderedDict[str, tuple[float, OpenPhoto]] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        """The number of photographs in the cache."""
        return len(self._photos)

    def add(self, photo: OpenPhoto) -> None:
        """Add a photograph; if the cache is full, the least recently used one is removed."""
        self.remove_expired()
        self._photos[photo.response.id] = (self._clock(), photo)
        while len(self._photos) > self._size:
            self._photos.popitem(last=False)

    def get(self, identifier: str) -> OpenPhoto | None:
        """Return a photograph and mark it as just used; None if it is unknown or expired."""
        self.remove_expired()
        if identifier not in self._photos:
            return None
        _, photo = self._photos.pop(identifier)
        self._photos[identifier] = (self._clock(), photo)
        return photo

    def remove_expired(self) -> None:
        """Remove the photographs that were not used for too long."""
        oldest = self._clock() - self._seconds
        while self._photos and next(iter(self._photos.values()))[0] < oldest:
            self._photos.popitem(last=False)
