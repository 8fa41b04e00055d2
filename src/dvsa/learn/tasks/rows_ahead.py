"""Rows of arrays that are too large for memory: threads make those of coming batches ahead of time."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import cached_property, partial
from itertools import chain, islice, tee

import numpy as np
import torch
from torch import Tensor

from dvsa.ahead import in_order
from dvsa.learn.loop.order import chunks
from dvsa.learn.loop.transfer import on_device
from dvsa.learn.tasks.cache import Array, CachedShards, cached

MAPPED = 2**27
"""An array with at most as many bytes is one file, mapped into memory;"""
COPIED = 2**31
"""and so is one that is to be copied to a GPU and has at most as many bytes as this."""
AHEAD = 256
"""How many rows are ready or in work, at least one for each thread."""

MEASURED = 4096
"""The most rows of an array outside of memory from which its mean and spread are measured."""


class RowsAhead:
    """An array (K, ...) whose rows are made when they are asked for.

    Indexing with a slice or with indices gives rows on the device. Within `expecting`, threads have those of
    the next batches ready.
    """

    def __init__(self, row: Callable[[int], Array], shape: Sequence[int], device: torch.device) -> None:
        """Args:
        row: makes row k, in any thread.
        shape: of the array, (K, ...).
        device: where rows go.
        """
        self._row, self.shape, self.device = row, torch.Size(shape), device
        self._coming: Iterator[tuple[list[int], Iterator[Array]]] = iter(())
        self._next: tuple[list[int], Iterator[Array]] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice | Sequence[int]) -> Tensor:
        wanted = [*range(len(self))[index]] if isinstance(index, slice) else [*index]
        if self._next is not None and self._next[0] == wanted:
            rows = list(islice(self._next[1], len(wanted)))
            self._next = next(self._coming, None)
        else:
            rows = list(self._threads.map(self._row, wanted))
        empty = np.empty((0, *self.shape[1:]), np.float16)
        return on_device(np.stack(rows) if rows else empty, self.device)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="rows")

    @contextmanager
    def expecting(self, batches: Iterable[Sequence[int]]) -> Iterator[None]:
        """Prepare batches, which will be asked for in this order; other rows can be asked for in between."""
        asked, made = tee([*batch] for batch in batches)
        workers = os.cpu_count() or 1
        rows = in_order(self._row, chain.from_iterable(made), workers, max(1, AHEAD // workers))
        with closing(rows):
            self._coming = ((batch, rows) for batch in asked)
            self._next = next(self._coming, None)
            try:
                yield
            finally:
                self._next = None


Rows = Tensor | RowsAhead
"""An array (K, ...) of numbers of photographs: in memory on the device, or made in parts."""


def rows_of(row: Callable[[int], Array], shape: Sequence[int], dtype: str, device: torch.device) -> Rows:
    """An array of which `row` makes row k: on the GPU if a quarter of its free memory is enough."""
    ahead = RowsAhead(row, shape, device)
    if device.type != "cuda" or _size(shape, dtype) > torch.cuda.mem_get_info(device)[0] // 4:
        return ahead
    held = torch.empty(ahead.shape, dtype=getattr(torch, dtype), device=device)
    for part in chunks(len(ahead), AHEAD):
        held[part] = ahead[part]
    return held


def cached_rows(
    keys: Sequence[bytes],
    shape: tuple[int, ...],
    dtype: str,
    fill: Callable[[slice, Array], None],
    device: torch.device,
) -> Rows:
    """An array that is computed once and kept on disk.

    Args:
        keys: for each shard of `SHARD` rows, a key on which its content depends alone.
        shape: of the array.
        dtype: of the array.
        fill: computes some rows into an array.
        device: where rows go.
    """
    if is_small(shape, dtype, device):
        array = cached(b"".join(keys), shape, dtype, partial(fill, slice(0, shape[0])))
        return torch.from_numpy(array).to(device)
    return rows_of(CachedShards(keys, shape, dtype, fill).__getitem__, shape, dtype, device)


def is_small(shape: Sequence[int], dtype: str, device: torch.device) -> bool:
    """Whether an array is kept whole."""
    return _size(shape, dtype) <= (COPIED if device.type == "cuda" else MAPPED)


def _size(shape: Sequence[int], dtype: str) -> int:
    """In bytes."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def take(rows: Rows, index: Sequence[int]) -> Tensor:
    """Some rows, on the device.

    >>> take(torch.arange(6).reshape(3, 2), [2, 0])
    tensor([[4, 5],
            [0, 1]])
    """
    return rows[on_device(index, rows.device)] if isinstance(rows, Tensor) else rows[index]


def expecting(rows: Rows, batches: Iterable[Sequence[int]]) -> AbstractContextManager[None]:
    """Prepare the rows of batches that will be asked for in this order."""
    return nullcontext() if isinstance(rows, Tensor) else rows.expecting(batches)


def whole(rows: Rows) -> Tensor:
    """All rows, for arrays that are known to be small."""
    return rows if isinstance(rows, Tensor) else rows[:]


def measured(rows: Rows) -> Tensor:
    """The rows by which the mean and the spread of all are measured: all, or some of those that are ahead."""
    return rows if isinstance(rows, Tensor) else rows[:: -(-len(rows) // MEASURED)]
