"""Arrays that are computed once and kept on disk, whole or in shards."""

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from dvsa import files
from dvsa.data import DataError
from dvsa.data.array_files import mapped
from dvsa.learn.loop.order import chunks

Array = npt.NDArray[np.generic]
SHARD = 1024
"""Rows of a shard."""


def cache_dir() -> Path:
    """The folder of cached arrays: DVSA_CACHE, or `dvsa` in the user's cache folder.

    It may be deleted whenever no training runs.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DVSA_CACHE") or Path(home) / "dvsa")


def cached(key: bytes, shape: tuple[int, ...], dtype: str, fill: Callable[[Array], None]) -> Array:
    """A memory-mapped array whose content depends on `key` alone; `fill` computes it the first time.

    A file that cannot be read as this array is computed again. If several processes need the array at once,
    one computes it and the others wait.
    """
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        array = _kept(path, shape, dtype)
        if array is None:
            with files.replacing(path) as partial:
                filled = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
                fill(filled)
                filled.flush()
            array = mapped(path, "c")
    return array


def shards(count: int) -> Iterator[slice]:
    """The rows of each shard of an array of `count` rows."""
    return chunks(count, SHARD)


class CachedShards:
    """An array (K, ...) in shards of `SHARD` rows on disk; `shards[k]` reads row k.

    Each shard has its own key, so an interruption loses only the shard that is being computed. Rows are read
    by their positions: the pages of a mapped file would count as memory of this process.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        shape: tuple[int, ...],
        dtype: str,
        fill: Callable[[slice, Array], None],
    ) -> None:
        """Compute the shards that are missing.

        Args:
            keys: for each shard, a key on which its content depends alone.
            shape: of the array.
            dtype: of the array.
            fill: computes some rows into an array.
        """
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._places: list[tuple[Path, int]] = []
        for key, rows in zip(keys, shards(shape[0]), strict=True):
            count = rows.stop - rows.start
            array = cached(key, (count, *shape[1:]), dtype, partial(fill, rows))
            assert isinstance(array, np.memmap)
            self._places.append((_path(key), array.offset))

    def __getitem__(self, k: int) -> Array:
        """Row k; threads may ask at once."""
        shard, place = divmod(k, SHARD)
        path, offset = self._places[shard]
        row = np.empty(self.shape[1:], self.dtype)
        with path.open("rb", buffering=0) as file:
            file.seek(offset + place * row.nbytes)
            if file.readinto(row.data.cast("B")) < row.nbytes:
                raise OSError(f"{path} is cut short: delete it, and start again")
        return row


def _path(key: bytes) -> Path:
    return cache_dir() / f"{hashlib.sha256(key).hexdigest()[:32]}.npy"


def _kept(path: Path, shape: tuple[int, ...], dtype: str) -> Array | None:
    """The array in a file; None if there is no file, or a crash or a full disk has damaged it."""
    if not path.is_file():
        return None
    try:
        array = mapped(path, "c")
    except DataError:
        return None
    return array if array.shape == shape and array.dtype == dtype else None


def source_code(*modules: ModuleType) -> str:
    """The source of the modules that compute an array, for its key: a change of the code recomputes it.

    A package stands for all modules in its folder.
    """
    paths = [Path(inspect.getfile(module)) for module in modules]
    files_of = [sorted(p.parent.glob("*.py")) if p.name == "__init__.py" else [p] for p in paths]
    return "".join(path.read_text("utf-8") for files in files_of for path in files)
