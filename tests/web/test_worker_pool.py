import asyncio
import threading
import time
from contextlib import ExitStack

import pytest

from dvsa.web.worker_pool import BusyError, WorkerPool


def test_slots_are_limited_and_released() -> None:
    pool = WorkerPool(2, 1)
    with pool.slot(), pool.slot():
        with pool.slot(), pytest.raises(BusyError), pool.slot():
            pass
        with pool.slot():
            assert pool.taken == 3
    with pytest.raises(ZeroDivisionError), pool.slot():
        _ = 1 / 0
    assert pool.taken == 0


def test_a_request_is_refused_that_would_wait_too_long() -> None:
    """However many may wait: what counts is how long the last pieces of work took."""

    async def taken(seconds: float) -> int:
        pool = WorkerPool(2, 100, patience=1.0)
        for _ in range(100):
            await pool.run(time.sleep, seconds)
        with ExitStack() as stack:
            while not pool.full:
                stack.enter_context(pool.slot())
            return pool.taken

    assert asyncio.run(taken(0.0)) == 102
    assert 10 <= asyncio.run(taken(0.03)) <= 68  # 2 workers, at least 0.03 seconds each


def test_work_that_no_thread_takes_in_time_is_refused_and_never_runs() -> None:
    begun: list[int] = []

    def work(n: int) -> int:
        begun.append(n)
        time.sleep(0.4)
        return n

    async def two() -> tuple[int | BaseException, int | BaseException]:
        pool = WorkerPool(1, 5, patience=0.1)
        return await asyncio.gather(pool.run(work, 1), pool.run(work, 2), return_exceptions=True)

    first, second = asyncio.run(two())
    assert (first, type(second), begun) == (1, BusyError, [1])


def test_an_idle_pool_takes_work_that_is_longer_than_its_patience() -> None:
    async def twice() -> int:
        pool = WorkerPool(1, 5, patience=0.001)
        for _ in range(2):
            with pool.slot():
                await pool.run(time.sleep, 0.05)
        return pool.taken

    assert asyncio.run(twice()) == 0


def test_at_most_as_many_tasks_run_as_there_are_workers() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def work(n: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return n * n

    async def many() -> list[int]:
        pool = WorkerPool(2, 20)
        return await asyncio.gather(*(pool.run(work, n) for n in range(20)))

    assert asyncio.run(many()) == [n * n for n in range(20)]
    assert most == 2


def test_a_task_that_is_cancelled_while_it_waits_never_runs() -> None:
    begun: list[int] = []
    go = threading.Event()

    def work(n: int) -> None:
        begun.append(n)
        go.wait(5)

    async def cancelled() -> None:
        pool = WorkerPool(1, 2)
        first = asyncio.create_task(pool.run(work, 1))
        second = asyncio.create_task(pool.run(work, 2))
        await asyncio.sleep(0.05)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go.set()
        await first
        await pool.run(work, 3)

    asyncio.run(cancelled())
    assert begun == [1, 3]
