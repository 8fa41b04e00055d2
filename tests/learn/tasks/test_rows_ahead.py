"""Rows that are made ahead equal those of the whole array, in whatever order they are asked for."""

import threading
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dvsa.learn.tasks import cache, rows_ahead
from dvsa.learn.tasks.cache import Array
from dvsa.learn.tasks.rows_ahead import RowsAhead, cached_rows, expecting, measured, rows_of, take, whole

CPU = torch.device("cpu")
ROWS_KF: Array = np.arange(60, dtype=np.float16).reshape(20, 3)


def row_of(k: int) -> Array:
    row: Array = ROWS_KF[k]
    return row


indices = st.lists(st.integers(0, 19), max_size=6)


@given(st.lists(indices, max_size=5), st.lists(indices, max_size=5), st.randoms())
def test_rows_are_right_whether_they_are_expected_or_not(
    expected: list[list[int]], others: list[list[int]], random: Random
) -> None:
    ahead = RowsAhead(row_of, ROWS_KF.shape, CPU)
    asked = [(batch, True) for batch in expected]
    for other in others:
        asked.insert(random.randint(0, len(asked)), (other, False))
    with expecting(ahead, expected):
        for batch, _ in asked:
            np.testing.assert_array_equal(ahead[batch].numpy(), ROWS_KF[batch])
    np.testing.assert_array_equal(ahead[2:11:3].numpy(), ROWS_KF[2:11:3])


def test_the_next_batches_are_made_while_one_is_used() -> None:
    made: list[int] = []

    def row(k: int) -> Array:
        made.append(k)
        return row_of(k)

    ahead = RowsAhead(row, ROWS_KF.shape, CPU)
    with expecting(ahead, [[0, 1], [2, 3], [4, 5]]):
        ahead[[0, 1]]
        end = time.monotonic() + 20
        while len(made) < 6 and time.monotonic() < end:
            time.sleep(0.01)
        assert sorted(made) == [0, 1, 2, 3, 4, 5]
        ahead[[2, 3]]
        assert len(made) == 6  # nothing is made twice
    ahead[[4, 5]]
    assert len(made) == 8  # after the block nothing is ready


def test_an_error_of_a_row_reaches_the_one_that_asks() -> None:
    def row(k: int) -> Array:
        if k == 3:
            raise OSError("row 3 is gone")
        return row_of(k)

    ahead = RowsAhead(row, ROWS_KF.shape, CPU)
    with expecting(ahead, [[0, 1], [2, 3]]):
        ahead[[0, 1]]
        with pytest.raises(OSError, match="row 3 is gone"):
            ahead[[2, 3]]


def test_threads_end_with_the_block() -> None:
    before = threading.active_count()
    ahead = RowsAhead(row_of, ROWS_KF.shape, CPU)
    with expecting(ahead, [[k] for k in range(20)] * 50):
        ahead[[0]]
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize("limit", [0, 2**30])
def test_cached_rows_are_computed_once_in_shards_or_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int
) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))
    monkeypatch.setattr(rows_ahead, "MAPPED", limit)
    monkeypatch.setattr(cache, "SHARD", 8)
    computed: list[slice] = []

    def fill(rows: slice, array: np.ndarray) -> None:
        computed.append(rows)
        array[:] = ROWS_KF[rows]

    keys = [b"first", b"second", b"third"]
    for _ in range(2):
        rows = cached_rows(keys, ROWS_KF.shape, "float16", fill, CPU)
        assert isinstance(rows, RowsAhead) == (limit == 0)
        np.testing.assert_array_equal(whole(rows).numpy(), ROWS_KF)
        np.testing.assert_array_equal(take(rows, [19, 0, 7, 8]).numpy(), ROWS_KF[[19, 0, 7, 8]])
        assert len(computed) == (3 if limit == 0 else 1)

    # A change of one shard computes that one again.
    cached_rows([b"first", b"changed", b"third"], ROWS_KF.shape, "float16", fill, CPU)
    assert computed[-1] == (slice(8, 16) if limit == 0 else slice(0, 20))
    assert len(computed) == (4 if limit == 0 else 2)


def test_a_shard_that_is_cut_short_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVSA_CACHE", str(tmp_path))

    def fill(rows: slice, array: np.ndarray) -> None:
        array[:] = ROWS_KF[rows]

    shards = cache.CachedShards([b"a"], ROWS_KF.shape, "float16", fill)
    (path,) = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:-20])
    np.testing.assert_array_equal(shards[0], ROWS_KF[0])
    with pytest.raises(OSError, match=path.name):
        shards[19]


def test_means_are_measured_on_some_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_ahead, "MEASURED", 6)
    rows = rows_of(row_of, ROWS_KF.shape, "float16", CPU)
    np.testing.assert_array_equal(measured(rows).numpy(), ROWS_KF[::4])
    np.testing.assert_array_equal(measured(torch.from_numpy(ROWS_KF)).numpy(), ROWS_KF)
