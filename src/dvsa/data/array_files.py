"""Arrays from files of numpy, `.npy` and `.npz`: nothing is unpickled, and all damage is a DataError."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dvsa.data.dataset import DataError

Array = NDArray[np.generic]
"""An array as a file has it: of any type and shape."""

_MAGIC = b"\x93NUMPY"


def mapped(path: Path, mode: Literal["r", "c"] = "r") -> Array:
    """The array of a `.npy` file, mapped into memory, not read.

    Args:
        path: the file.
        mode: `r` for an array that cannot be written, `c` for one whose changes do not reach the file.

    Raises:
        OSError: the file cannot be opened.
        DataError: it is not an array of numbers, or is cut short; the message names the file.
    """
    path.open("rb").close()
    with _named(f"{path} is not an array of numbers, or is cut short"):
        array: Array = np.lib.format.open_memmap(path, mode=mode)
    return array


@dataclass(frozen=True, slots=True)
class Members:
    """The arrays in an open `.npz` file, by their keys."""

    path: Path
    archive: zipfile.ZipFile
    limit: int
    """The largest array that is read, in bytes."""

    def first(self, keys: Sequence[str]) -> Array | None:
        """The array under the first of the keys that is there; None if none is.

        Raises:
            DataError: it is too large, damaged or not an array; the message names the file and the key.
        """
        names = set(self.archive.namelist())
        key = next((key for key in keys if f"{key}.npy" in names), None)
        if key is None:
            return None
        place = f"{self.path}: {key!r}"
        size = self.archive.getinfo(f"{key}.npy").file_size
        if size > self.limit:
            raise DataError(f"{place} has {size:,} bytes, which is too large for one photograph")
        with _named(f"{place} is not an array of numbers, or is damaged"):
            content = self.archive.read(f"{key}.npy")  # at most `size` bytes, and their checksum is checked
            array: Array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
        return array


@contextmanager
def members(path: Path, limit: int) -> Iterator[Members]:
    """The arrays in a `.npz` file, each of at most `limit` bytes.

    Raises:
        OSError: the file cannot be opened.
        DataError: it is not an `.npz` file, or is cut short; the message names the file.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) == _MAGIC:
            raise DataError(f"{path} is a single array: save it with the key x in an .npz file")
        with _named(f"{path} is not a file of arrays, or is cut short"):
            archive = zipfile.ZipFile(file)
        with archive:
            yield Members(path, archive, limit)


@contextmanager
def _named(fault: str) -> Iterator[None]:
    """Turn whatever reading an array raises into a DataError that begins with `fault`."""
    try:
        with np.errstate(over="raise"):  # for shapes that no computer can hold
            yield
    # The header of an array is Python source, which numpy evaluates without checking the types of all that it
    # finds; zipfile and its decompressors trust what they read, too. So damage raises almost any exception.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{fault} ({reason:.200})") from error
