"""Arrays that are computed once and kept on disk."""

import hashlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from dvsa import files
from dvsa.data import DataError
from dvsa.data.array_files import mapped


def cache_dir() -> Path:
    """The folder of cached arrays: DVSA_CACHE, or `dvsa` in the user's cache folder.

    It may be deleted whenever no training runs.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DVSA_CACHE") or Path(home) / "dvsa")


def cached(
    key: bytes, shape: tuple[int, ...], dtype: str, fill: Callable[[npt.NDArray[np.generic]], None]
) -> npt.NDArray[np.generic]:
    """A memory-mapped array whose content depends on `key` alone; `fill` computes it the first time.

    A file that cannot be read as this array is computed again. If several processes need the array at once,
    one computes it and the others wait.
    """
    path = cache_dir() / f"{hashlib.sha256(key).hexdigest()[:32]}.npy"
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


def _kept(path: Path, shape: tuple[int, ...], dtype: str) -> npt.NDArray[np.generic] | None:
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
