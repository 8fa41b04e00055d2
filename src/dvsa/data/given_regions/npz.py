"""One `.npz` file for each photograph, as bottom-up attention is often stored.

Keys: `x` or `features` (I × F, or F × I), `bbox` or `boxes` (I × 4, pixels), `num_bbox` (I), `image_w` and
`image_h` or `img_w` and `img_h`. Others, such as the object `info`, are not read.
"""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import MAX_BYTES, Array, Record, Size
from dvsa.data.photographs import files_below

_FEATURES, _BOXES, _COUNT = ("x", "features"), ("bbox", "boxes"), ("num_bbox",)
_SIZES = (("image_w", "image_h"), ("img_w", "img_h"))


@dataclass(frozen=True)
class NpzFiles:
    """The files in a folder, at any depth."""

    folder: Path
    inner: Sequence[str]
    """Their paths from the folder, with `/`."""

    @cached_property
    def names(self) -> Sequence[str]:
        """The paths without `.npz`: `1.jpg.npz` and `1.npz` are of the photograph `1.jpg`."""
        return [path.removesuffix(".npz") for path in self.inner]

    @property
    def files(self) -> Sequence[Path]:
        """The files."""
        return [self.folder / path for path in self.inner]

    def read(self, position: int) -> Record:
        """Read one file."""
        path = self.folder / self.inner[position]
        with path.open("rb") as file:
            try:
                content = np.load(file, allow_pickle=False)
            except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
                raise DataError(f"{path} is not a file of arrays, or is cut short ({error})") from error
            if not isinstance(content, NpzFile):
                raise DataError(f"{path} is a single array: save it with the key x in an .npz file")
            return _record(path, content)


def read(path: Path) -> NpzFiles | None:
    """The layout of a folder; None if it has no such file."""
    inner = sorted(str(name) for name, _ in files_below(path) if name.suffix == ".npz")
    return NpzFiles(path, inner) if inner else None


def _record(path: Path, content: NpzFile) -> Record:
    """The record in a file."""
    feature_IF, box_I4 = _first(path, content, _FEATURES), _first(path, content, _BOXES)
    count = _number(path, content, _COUNT)
    if count is None and box_I4 is not None and box_I4.ndim:
        count = len(box_I4)

    # The photograph has `count` regions, so an array of F rows stands on its side.
    if feature_IF is not None and feature_IF.ndim == 2 and count is not None and count in feature_IF.shape:
        feature_IF = feature_IF if len(feature_IF) == count else feature_IF.T
    elif feature_IF is not None and count is not None:
        raise DataError(f"{path} has {count:g} regions, but features of shape {feature_IF.shape}")
    return Record(str(path), feature_IF, box_I4, size=_size(path, content))


def _size(path: Path, content: NpzFile) -> Size | None:
    """The photograph's size; None if the file does not say it."""
    for keys in _SIZES:
        width, height = (_number(path, content, (key,)) for key in keys)
        if width is not None and height is not None:
            return width, height
    return None


def _number(path: Path, content: NpzFile, keys: Sequence[str]) -> float | None:
    """The number under the first of the keys that is there; None if none is."""
    array = _first(path, content, keys)
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise DataError(f"{path}: {keys[0]!r} is not one number")
    return float(array.item())


def _first(path: Path, content: NpzFile, keys: Sequence[str]) -> Array | None:
    """The array under the first of the keys that is there; None if none is."""
    key = next((key for key in keys if key in content.files), None)
    if key is None:
        return None
    try:
        size = content.zip.getinfo(f"{key}.npy").file_size if content.zip else 0
        if size > MAX_BYTES:
            raise DataError(f"{path}: {key!r} has {size:,} bytes, which is too large for one photograph")
        array: Array = content[key]
    except (
        KeyError,
        ValueError,
        EOFError,
        OSError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: {key!r} is not an array of numbers, or is damaged ({error})") from error
    return array
