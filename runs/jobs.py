"""Work on several things at a time that do not depend on one another."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def at_once(jobs: int, work: Callable[[T], None], things: Iterable[T]) -> None:
    """Work on all things: in `jobs` processes, or one after the other in this process if `jobs` is 1."""
    if jobs == 1:
        for thing in things:
            work(thing)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, things))
