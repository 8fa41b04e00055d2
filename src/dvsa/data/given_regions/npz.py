"""One `.npz` file for each photograph, as bottom-up attention is often stored.

Keys: `x` or `features` (I × F, or F × I), `bbox` or `boxes` (I × 4, pixels), `num_bbox` (I), `image_w` and
`image_h` or `img_w` and `img_h`. Others, such as the object `info`, are not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dvsa.data.array_files import Members, members
from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import MAX_BYTES, Record, Size
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
        with members(path, MAX_BYTES) as content:
            return _record(path, content)


def read(path: Path) -> NpzFiles | None:
    """The layout of a folder; None if it has no such file."""
    inner = sorted(str(name) for name, _ in files_below(path) if name.suffix == ".npz")
    return NpzFiles(path, inner) if inner else None


def _record(path: Path, content: Members) -> Record:
    """The record in a file."""
    feature_IF, box_I4 = content.first(_FEATURES), content.first(_BOXES)
    count = _number(path, content, _COUNT)
    if count is None and box_I4 is not None and box_I4.ndim:
        count = len(box_I4)

    # The photograph has `count` regions, so an array of F rows stands on its side.
    if feature_IF is not None and feature_IF.ndim == 2 and count is not None and count in feature_IF.shape:
        feature_IF = feature_IF if len(feature_IF) == count else feature_IF.T
    elif feature_IF is not None and count is not None:
        raise DataError(f"{path} has {count:g} regions, but features of shape {feature_IF.shape}")
    return Record(str(path), feature_IF, box_I4, size=_size(path, content))


def _size(path: Path, content: Members) -> Size | None:
    """The photograph's size; None if the file does not say it."""
    for keys in _SIZES:
        width, height = (_number(path, content, (key,)) for key in keys)
        if width is not None and height is not None:
            return width, height
    return None


def _number(path: Path, content: Members, keys: Sequence[str]) -> float | None:
    """The number under the first of the keys that is there; None if none is."""
    array = content.first(keys)
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise DataError(f"{path}: {keys[0]!r} is not one number")
    return float(array.item())
