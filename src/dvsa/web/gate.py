"""How much is done at once: a few threads, a few who wait, and no more."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class BusyError(Exception):
    """Every place is taken."""


class Gate:
    """So many places, and threads that work for those who have one.

    Places are taken on the event loop, work is done off it. A request that is given up while it waits for
    a thread is never worked on.
    """

    def __init__(self, workers: int, waiting: int) -> None:
        """Work on `workers` things at once, while at most `waiting` more wait."""
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="dvsa")
        self._places = workers + waiting
        self.taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place; raises BusyError where none is left."""
        if self.taken >= self._places:
            raise BusyError
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Do something in a thread, when one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
