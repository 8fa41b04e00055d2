"""Results in order, computed ahead of the caller but not without bound."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvsa.ahead import chunks, in_order


@given(st.integers(0, 40), st.integers(1, 5), st.integers(1, 3))
def test_results_come_in_the_order_of_the_items(count: int, workers: int, ahead: int) -> None:
    assert list(in_order(lambda n: n * n, range(count), workers, ahead)) == [n * n for n in range(count)]


def test_slow_items_do_not_change_the_order() -> None:
    def slow_first(n: int) -> int:
        time.sleep(0.02 if n % 3 == 0 else 0)
        return n

    assert list(in_order(slow_first, range(12), workers=3)) == list(range(12))


def test_items_are_taken_as_results_are_used() -> None:
    taken: list[int] = []

    def items() -> object:
        for n in range(100):
            taken.append(n)
            yield n

    results = in_order(lambda n: n, items(), workers=2, ahead=3)  # type: ignore[arg-type, var-annotated]
    for _ in range(5):
        next(results)
    assert len(taken) <= 5 + 2 * 3
    results.close()


def test_an_error_ends_the_work() -> None:
    begun: list[int] = []
    gate = threading.Event()

    def work(n: int) -> int:
        begun.append(n)
        if n == 1:
            raise ValueError("item 1 is bad")
        gate.wait(0.05)
        return n

    with pytest.raises(ValueError, match="item 1 is bad"):
        list(in_order(work, range(50), workers=1))
    assert len(begun) < 6


@given(st.lists(st.integers()), st.integers(1, 7))
def test_chunks_hold_all_items(items: list[int], size: int) -> None:
    made = list(chunks(items, size))
    assert [item for chunk in made for item in chunk] == items
    assert all(len(chunk) == size for chunk in made[:-1])
    assert all(1 <= len(chunk) <= size for chunk in made)
