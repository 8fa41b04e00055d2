"""A pool of threads with a limited queue: requests that would wait too long are refused."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar, TypeVarTuple

RECENT: Final = 20
"""The mean duration of work is over about so many of its last pieces."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class BusyError(Exception):
    """All slots of the pool are taken."""


async def begun_within(seconds: float, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """The result of work in a thread; raises BusyError if no thread takes it soon enough."""
    job = threads.submit(work)
    result = asyncio.wrap_future(job)
    try:
        await asyncio.wait({result}, timeout=seconds)
        if job.cancel():  # which does not end work that has begun
            raise BusyError
        return await result
    except asyncio.CancelledError:
        job.cancel()
        raise


class WorkerPool:
    """Threads for the work, and one slot for each request that is running or waiting.

    Slots are counted on the event loop; the work is done in the threads. If a request is cancelled while it
    waits for a thread, its work is never started.
    """

    def __init__(self, workers: int, waiting: int, patience: float = 15.0) -> None:
        """Run at most `workers` requests at once, and let at most `waiting` more wait.

        Fewer may wait if the last one would have to wait for more than `patience` seconds, and nobody waits
        longer.
        """
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="dvsa")
        self._workers, self._slots, self._patience = workers, workers + waiting, patience
        self.taken, self._mean_seconds = 0, 0.0
        self._began: dict[object, float] = {}

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot inside the block; raises BusyError if all are taken."""
        if self.full:
            raise BusyError
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Call `work` in a thread as soon as one is free, and return its result.

        Raises:
            BusyError: none was free soon enough.
        """
        return await begun_within(self._patience, self._threads, lambda: self._timed(work, arguments))

    def _timed(self, work: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
        """Do the work in this thread, and note when it began."""
        job = object()
        self._began[job] = time.monotonic()
        try:
            return work(*arguments)
        finally:
            seconds = time.monotonic() - self._began.pop(job)
            self._mean_seconds += (seconds - self._mean_seconds) / RECENT

    def longest(self) -> float:
        """For how many seconds the oldest piece of work has been running; 0 if there is none."""
        return time.monotonic() - min([*self._began.values()], default=time.monotonic())

    @property
    def full(self) -> bool:
        """Whether all slots are taken, or those that are taken mean too long a wait."""
        wait = self.taken / self._workers * self._mean_seconds
        return self.taken >= self._slots or wait > self._patience
