import asyncio
import threading
import time

import pytest

from dvsa.web.gate import BusyError, Gate


def test_places_are_few_and_come_back() -> None:
    gate = Gate(2, 1)
    with gate.place(), gate.place():
        with gate.place(), pytest.raises(BusyError), gate.place():
            pass
        with gate.place():
            assert gate.taken == 3
    with pytest.raises(ZeroDivisionError), gate.place():
        _ = 1 / 0
    assert gate.taken == 0


def test_no_more_is_done_at_once_than_there_are_workers() -> None:
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
        gate = Gate(2, 20)
        return await asyncio.gather(*(gate.run(work, n) for n in range(20)))

    assert asyncio.run(many()) == [n * n for n in range(20)]
    assert most == 2


def test_what_is_given_up_while_it_waits_is_never_done() -> None:
    begun: list[int] = []
    go = threading.Event()

    def work(n: int) -> None:
        begun.append(n)
        go.wait(5)

    async def given_up() -> None:
        gate = Gate(1, 2)
        first = asyncio.create_task(gate.run(work, 1))
        second = asyncio.create_task(gate.run(work, 2))
        await asyncio.sleep(0.05)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go.set()
        await first
        await gate.run(work, 3)

    asyncio.run(given_up())
    assert begun == [1, 3]
