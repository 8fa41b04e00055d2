"""HDF5 files of features, in two forms; reading them needs the extra `hdf5`.

Indexed, as for VQA: the datasets `image_features` (N × I × F, or all regions × F with `pos_boxes`, N × 2: the
first region of each photograph and the one after its last); `spatial_features` (corners in fractions, and
more) or `image_bb` (corners in pixels); `image_w` and `image_h` (N), which may be missing. The ids of the N
photographs are the dataset `image_ids` or `image_id`, or `NAME_imgid2idx.json` beside `NAME.hdf5`.

Grouped: a group for each photograph, called by its id, with the datasets `features` (I × F), `boxes` (I × 4,
pixels) and `scores` (I), and `image_w` and `image_h`, or `img_w` and `img_h`, as datasets or attributes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dvsa.arrays import IntArray
from dvsa.data.array_files import Array
from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import FRACTIONS, MAX_BYTES, Joined, Record, Records, Size
from dvsa.data.text_files import json_field, read_json

if TYPE_CHECKING:
    import h5py

_SUFFIXES = frozenset({".h5", ".hdf5"})
_IDS = ("image_ids", "image_id")
_ARRAYS = ("features", "boxes", "scores")
_SIZES = (("image_w", "image_h"), ("img_w", "img_h"))


@dataclass(frozen=True)
class Indexed:
    """A file with one array for all photographs."""

    path: Path
    names: Sequence[str]
    rows: Sequence[int]
    """The row of each photograph in the arrays."""
    bounds_N2: IntArray | None
    """For each row, the first of its regions and the one after the last; None if the arrays are N × I."""

    @property
    def files(self) -> Sequence[Path]:
        """The one file."""
        return [self.path]

    def read(self, position: int) -> Record:
        """Read one photograph."""
        row, place = self.rows[position], f"{self.path}: {self.names[position]}"
        with _open(self.path) as file:
            part = row if self.bounds_N2 is None else _range(self.bounds_N2[row], place)
            feature_IF = _read(file, "image_features", part, place)

            # Fractions need no size of the photograph.
            spatial = _read(file, "spatial_features", part, place)
            if spatial is not None:
                return Record(place, feature_IF, spatial[..., :4], size=FRACTIONS)
            sides = [_number(_read(file, key, row, place), key, place) for key in _SIZES[0]]
            return Record(place, feature_IF, _read(file, "image_bb", part, place), size=_size(*sides))


@dataclass(frozen=True)
class Grouped:
    """A file with a group for each photograph."""

    path: Path
    names: Sequence[str]

    @property
    def files(self) -> Sequence[Path]:
        """The one file."""
        return [self.path]

    def read(self, position: int) -> Record:
        """Read one group."""
        name = self.names[position]
        place = f"{self.path}: {name}"
        with _open(self.path) as file:
            group = _group(file, name)
            if group is None:
                raise DataError(f"{place} is not a group of this file itself")
            feature_IF, box_I4, score_I = (_read(group, key, (), place) for key in _ARRAYS)
            sizes = [_size(*(_fact(group, key, place) for key in keys)) for keys in _SIZES]
        return Record(place, feature_IF, box_I4, score_I, sizes[0] or sizes[1])


def read(path: Path) -> Records | None:
    """The layout of a file, or of the files in a folder; None if none is called `.h5` or `.hdf5`."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in candidates if file.suffix in _SUFFIXES]
    return Joined([_read_index(file) for file in files]) if files else None


def _read_index(path: Path) -> Records:
    """The photographs in a file; raises DataError if it has neither form."""
    with _open(path) as file:
        images = _dataset(file, "image_features", str(path))
        if images is None:
            return Grouped(path, _groups(file))
        bounds_N2 = _bounds(file, path)
        count = len(images if bounds_N2 is None else bounds_N2)
        ids = next((ids for key in _IDS if (ids := _dataset(file, key, str(path))) is not None), None)
        rows = _rows(path, count) if ids is None else dict(enumerate(_names(ids, count, path)))
        if bounds_N2 is not None:
            _refuse_shared(bounds_N2, rows, path)
    return Indexed(path, list(rows.values()), list(rows), bounds_N2)


def _rows(path: Path, count: int) -> dict[int, str]:
    """The id of each row, from the index beside the file."""
    index = path.with_name(f"{path.stem}_imgid2idx.json")
    if not index.is_file():
        raise DataError(f"{path} needs the dataset image_ids, or {index.name}; a pickled index is not read")
    content = read_json(index)
    found: dict[int, str] = {}
    for name in content if isinstance(content, dict) else ():
        row = json_field(content, name, int, index)
        if found.setdefault(row, name) != name:
            raise DataError(f"{index}: {found[row]} and {name} are both row {row}: correct one of them")
    if not found or not all(0 <= row < count for row in found):
        raise DataError(f"{index}: give an object with a row from 0 to {count - 1} for each id")
    return found


def _groups(file: "h5py.File") -> list[str]:
    """The names of the photographs: all that is in the file, or else all groups in groups that have features.

    The latter takes ten times as long: a minute for half a million photographs.
    """
    names = list(file)
    first = _group(file, names[0]) if names else None
    if first is not None and "features" in first:
        return names
    found: list[str] = []
    file.visit(found.append)  # does not follow links to other files
    return [key.removesuffix("/features") for key in found if key.endswith("/features")]


@contextmanager
def _open(path: Path) -> "Iterator[h5py.File]":
    """An open file; errors of h5py become DataError."""
    try:
        import h5py
    except ModuleNotFoundError:
        raise DataError(f"{path} needs h5py to be read: pip install 'dvsa[hdf5]'") from None
    try:
        with h5py.File(path, "r") as file:
            yield file
    except DataError:
        raise
    except (OSError, RuntimeError, LookupError, TypeError, ValueError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path} is not an HDF5 file in this layout, or is damaged ({reason})") from error


def _group(file: "h5py.File", name: str) -> "h5py.Group | None":
    """A group; None if it is something else, or a link."""
    import h5py

    found = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    return found if isinstance(found, h5py.Group) else None


def _dataset(group: "h5py.Group", key: str, place: str) -> "h5py.Dataset | None":
    """A dataset; None if there is none.

    Raises:
        DataError: it is something else, a link, or has its data in other files.
    """
    import h5py

    link = group.get(key, getlink=True)
    if link is None:
        return None
    dataset = group[key] if isinstance(link, h5py.HardLink) else None
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise DataError(f"{place}: {key} is not a dataset of this file itself")
    if dataset.shape is None:
        raise DataError(f"{place}: {key} is an empty dataset, without a shape: write its numbers")
    return dataset


def _read(group: "h5py.Group", key: str, part: "int | slice | tuple[()]", place: str) -> Array | None:
    """A row, some rows or all of a dataset; None if there is none, DataError if that is too large."""
    dataset = _dataset(group, key, place)
    if dataset is None:
        return None
    if isinstance(part, slice) and part.stop > len(dataset):  # h5py would cut the slice
        raise DataError(f"{place}: {key} has {len(dataset)} rows, but pos_boxes go to {part.stop}")
    rows = part.stop - part.start if isinstance(part, slice) else 1
    size = rows * prod(dataset.shape if part == () else dataset.shape[1:]) * dataset.dtype.itemsize
    if size > MAX_BYTES:
        raise DataError(f"{place}: {size:,} bytes of {key} are too many for one photograph")
    return np.asarray(dataset[part])


def _names(ids: "h5py.Dataset", count: int, path: Path) -> list[str]:
    """The ids as text; raises DataError unless they are whole numbers or text, one for each photograph."""
    import h5py

    if ids.shape != (count,) or count * ids.dtype.itemsize > MAX_BYTES:
        raise DataError(f"{path}: ids of shape {ids.shape}, but {count} photographs")
    if h5py.check_string_dtype(ids.dtype) is not None:
        return list(map(str, ids.asstr(errors="replace")[:]))
    if ids.dtype.kind not in "iu":
        raise DataError(f"{path}: ids of type {ids.dtype}; give whole numbers or text")
    return [str(int(number)) for number in ids[:]]


def _bounds(file: "h5py.File", path: Path) -> IntArray | None:
    """The dataset `pos_boxes`; None if there is none, DataError if it is not of N × 2 whole numbers."""
    bounds = _dataset(file, "pos_boxes", str(path))
    if bounds is None:
        return None
    if bounds.shape[1:] != (2,) or bounds.dtype.kind not in "iu" or 16 * len(bounds) > MAX_BYTES:
        kind = f"type {bounds.dtype} and shape {bounds.shape}"
        raise DataError(f"{path}: pos_boxes of {kind}; give two whole numbers for each photograph")
    return np.asarray(bounds[:]).astype(np.int64)


def _range(bounds_2: IntArray, place: str) -> slice:
    """The rows of a photograph's regions: the first, and the one after the last."""
    first, after = bounds_2.tolist()
    if not 0 <= first < after:
        rule = "the first row and the one after the last"
        raise DataError(f"{place}: [{first}, {after}] in pos_boxes are not {rule}")
    return slice(first, after)


def _refuse_shared(bounds_N2: IntArray, rows: Mapping[int, str], path: Path) -> None:
    """Raise DataError if two photographs have regions in common. Reading refuses what is no range at all."""
    end, before = 0, ""
    for row in sorted(rows, key=bounds_N2[:, 0].__getitem__):
        first, after = bounds_N2[row].tolist()
        if 0 <= first < after:
            if first < end:
                both = f"{before} and {rows[row]}"
                raise DataError(f"{path}: {both} share regions in pos_boxes: give each its own")
            end, before = after, rows[row]


def _fact(group: "h5py.Group", key: str, place: str) -> float | None:
    """The number in a dataset or attribute; None if there is none."""
    array = _read(group, key, (), place)
    if array is None and key in group.attrs:
        array = np.asarray(group.attrs[key])
    return _number(array, key, place)


def _number(array: Array | None, key: str, place: str) -> float | None:
    """The one number in an array; raises DataError if it is something else."""
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise DataError(f"{place}: {key} is not one number")
    return float(array.item())


def _size(width: float | None, height: float | None) -> Size | None:
    return None if width is None or height is None else (width, height)
