"""Runs that do not build on one another, several at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")


def at_once(jobs: int, work: Callable[[T], None], things: Iterable[T]) -> None:
    """Work on all things, so many at a time in processes of their own; one after the other here for 1."""
    if jobs == 1:
        for thing in things:
            work(thing)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, things))
