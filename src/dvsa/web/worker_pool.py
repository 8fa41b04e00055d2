"""A pool of threads with a limited queue: requests beyond it are refused."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class BusyError(Exception):
    """All slots of the pool are taken."""


class WorkerPool:
    """Threads for the work, and one slot for each request that is running or waiting.

    Slots are counted on the event loop; the work is done in the threads. If a request is cancelled while it
    waits for a thread, its work is never started.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        """Run at most `workers` requests at once, and let at most `waiting` more wait."""
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="dvsa")
        self._slots = workers + waiting
        self.taken = 0
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
        """Call `work` in a thread as soon as one is free, and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._timed, work, arguments)

    def _timed(self, work: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
        """Do the work in this thread, and note when it began."""
        job = object()
        self._began[job] = time.monotonic()
        try:
            return work(*arguments)
        finally:
            del self._began[job]

    def longest(self) -> float:
        """For how many seconds the oldest piece of work has been running; 0 if there is none."""
        return time.monotonic() - min([*self._began.values()], default=time.monotonic())

    @property
    def full(self) -> bool:
        """Whether all slots are taken."""
        return self.taken >= self._slots
