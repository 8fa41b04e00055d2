"""Two lanes for decoding: a picture that takes long must not make the others wait.

Every picture is first decoded in the quick lane, which ends it after 0.4 seconds: a photograph of 12
megapixels needs a third of that. The others go on to the slow lane, which has one process, the full time and
few places, and works only when the processor has nothing else to do. So somebody who sends expensive pictures
waits behind their own, and not before other users.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from dvsa.decode import Decoder, TookTooLongError
from dvsa.photo import Photo
from dvsa.web.worker_pool import BusyError, begun_within

QUICK_SECONDS: Final = 0.4
"""Processor time of a picture in the quick lane."""
SLOW_PLACES: Final = 3
"""Pictures in the slow lane: the one that is decoded, and those that wait."""

SLOW_WAIT: Final = 15.0
"""Seconds by the clock that a request waits for the slow lane."""


class DecodingLanes:
    """Decodes photographs for the event loop, in processes with limits."""

    def __init__(self, workers: int, patience: float = 10.0) -> None:
        """Have `workers` processes in the quick lane, and one in the slow lane.

        A picture waits at most `patience` seconds for the quick lane.
        """
        self._workers, self._patience, self._users = workers, patience, 0
        self._quick: Decoder | None = None
        self._slow: Decoder | None = None
        # Each thread waits for a process. The model has threads of its own, so it does not wait with them.
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="dvsa-quick")
        self._slow_threads = ThreadPoolExecutor(1, thread_name_prefix="dvsa-slow")
        self._taken = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have the processes run inside the block, which may be entered again."""
        if self._quick is None or self._slow is None:
            self._quick, self._slow = (
                Decoder(self._workers, seconds=QUICK_SECONDS),
                Decoder(1, background=True),
            )
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                self._quick.close()
                self._slow.close()
                self._quick = self._slow = None

    async def read(self, content: bytes, name: str, most_pixels: int | None = None) -> Photo:
        """Decode a photograph.

        Raises:
            TooLargeError: it costs too much memory or time, or has more than `most_pixels`.
            PhotoError: it is not a picture, or it is damaged.
            BusyError: all processes are busy for too long.
        """
        loop, quick, slow = asyncio.get_running_loop(), self._quick, self._slow
        if quick is None or slow is None:
            raise RuntimeError("the service has not been started")
        try:
            return await begun_within(
                self._patience, self._threads, lambda: quick.read(content, name, most_pixels=most_pixels)
            )
        except TookTooLongError:
            if self._taken >= SLOW_PLACES:
                raise BusyError from None

        self._taken += 1
        work = loop.run_in_executor(
            self._slow_threads, lambda: slow.read(content, name, most_pixels=most_pixels)
        )
        work.add_done_callback(self._leave)
        try:
            return await asyncio.wait_for(asyncio.shield(work), SLOW_WAIT)
        except TimeoutError:
            raise BusyError from None

    def _leave(self, work: "asyncio.Future[Photo]") -> None:
        """Free a place, also if nobody waits for the result any more."""
        self._taken -= 1
        if not work.cancelled():
            work.exception()  # otherwise asyncio logs that nobody asked for it

    def alive(self) -> int:
        """The number of processes that run."""
        return sum(decoder.alive() for decoder in (self._quick, self._slow) if decoder is not None)
