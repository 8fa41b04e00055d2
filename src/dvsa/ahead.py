"""Work done by threads ahead of the one that uses it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def in_order(
    function: Callable[[Item], Made], items: Iterable[Item], workers: int, ahead: int = 2
) -> Generator[Made, None, None]:
    """The results of a function, in the order of the items.

    Threads are at work on the next items while the caller uses a result.

    Args:
        function: is called in threads.
        items: are taken one by one, as results are used.
        workers: the number of threads.
        ahead: how many items are in work or finished for each thread; this bounds the memory.

    >>> list(in_order(str.upper, ["a", "b", "c"], workers=2))
    ['A', 'B', 'C']
    """
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="dvsa") as threads:
        try:
            for item in items:
                waiting.append(threads.submit(function, item))
                if len(waiting) >= ahead * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def chunks(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    """Consecutive lists of `size` items; the last may be shorter.

    >>> list(chunks("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
