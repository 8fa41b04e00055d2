import asyncio
import threading
import time

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
