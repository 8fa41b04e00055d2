"""Photographs that people ask about, in memory alone."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from dvsa.model import View
from dvsa.web import schemas


@dataclass(frozen=True, eq=False, slots=True)
class Kept:
    """A photograph as the service keeps it."""

    view: View
    """Its picture is the square that the network sees, not the original."""
    answer: schemas.Photo
    jpeg: bytes
    """To be shown: without metadata, at most 1024 pixels long."""


class Photographs:
    """The last so many photographs, each until nobody asked about it for so long.

    Used by one thread alone, that of the event loop.
    """

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most `most`, each for `seconds` after the last question about it."""
        self._most, self._seconds, self._clock = most, seconds, clock
        self._held: OrderedDict[str, tuple[float, Kept]] = OrderedDict()  # the longest not asked about first

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def keep(self, kept: Kept) -> None:
        """Hold one more, in place of the one that was longest not asked about where there are too many."""
        self._held[kept.answer.id] = (self._clock(), kept)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        self.forget()

    def get(self, identifier: str) -> Kept | None:
        """One of them, from now on the last to go; None where it is unknown or forgotten."""
        self.forget()
        if identifier not in self._held:
            return None
        _, kept = self._held.pop(identifier)
        self._held[identifier] = (self._clock(), kept)
        return kept

    def forget(self) -> None:
        """Let go of those that nobody asked about for too long."""
        oldest = self._clock() - self._seconds
        while self._held and next(iter(self._held.values()))[0] < oldest:
            self._held.popitem(last=False)
