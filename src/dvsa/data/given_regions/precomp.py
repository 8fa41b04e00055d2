"""The layout of SCAN and VSE++: `train_ims.npy` and `train_caps.txt`, and the same for dev and test.

`{split}_ims.npy` has the features of N photographs, (N, I, F) or (N, F), or each of them five times.
`{split}_caps.txt` has five lines for each photograph. `{split}_ids.txt` may give their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dvsa.data.array_files import Array, mapped
from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import MAX_BYTES, Joined, Record, Records
from dvsa.data.text_files import json_field, read_json, read_text

CAPTIONS = 5
"""Lines of captions for each photograph."""

_STEMS = {"train": ("train",), "val": ("dev", "val"), "test": ("test", "testall")}
"""How the files of each split begin; the first that exists is read."""


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """One split: K photographs with five sentences each."""

    name: str
    """`train`, `val` or `test`."""
    files: tuple[Path, ...]
    """The features, the captions and, if there are any, the ids."""
    sentences: Sequence[Sequence[str]]
    """As written, for each photograph."""
    names: Sequence[str]
    """From the ids; without them such as `train#000123`, counted from 0."""
    array: Array
    """K photographs or each five times, then I × F or F; mapped into memory, not read."""

    def read(self, position: int) -> Record:
        """Read one photograph; F numbers alone are one region.

        Raises:
            DataError: its five rows differ.
        """
        step = len(self.array) // len(self.names)
        start = position * step
        first = self.array[start].tobytes()
        for row in range(start + 1, start + step):
            if self.array[row].tobytes() != first:
                rows = f"rows {start} and {row} (from 0)"
                raise DataError(f"{self.files[0]}: {rows} differ, but their captions are of one photograph")
        feature_IF = self.array[start] if self.array.ndim == 3 else self.array[start : start + 1]
        return Record(f"{self.files[0]}: {self.names[position]}", np.array(feature_IF))


def read(path: Path) -> Records | None:
    """The layout of a folder; None if it is another one, DataError if it is malformed."""
    splits = read_splits(path)
    return Joined(splits) if splits else None


def read_splits(folder: Path) -> list[Split]:
    """The splits of a folder; none if it has another layout.

    Raises:
        DataError: captions are missing, or features, captions and ids are not of the same photographs.
    """
    found = []
    for split, stems in _STEMS.items():
        stem = next((stem for stem in stems if (folder / f"{stem}_ims.npy").is_file()), None)
        if stem is not None:
            images, captions, ids = (folder / f"{stem}_{part}" for part in ("ims.npy", "caps.txt", "ids.txt"))
            sentences = _sentences(captions)
            names = [f"{split}#{k:06d}" for k in range(len(sentences))]
            if ids.is_file():
                names = _names(ids, len(sentences))
            files = tuple(path for path in (images, captions, ids) if path.is_file())
            found.append(Split(split, files, sentences, names, _array(images, len(sentences))))
    return found


def _sentences(path: Path) -> list[list[str]]:
    """The lines of each photograph; raises DataError unless there are five each."""
    if not path.is_file():
        raise DataError(f"{path} is missing: put it beside the features")
    lines = _lines(path)
    if len(lines) % CAPTIONS:
        raise DataError(f"{path} has {len(lines)} lines; give {CAPTIONS} for each photograph")
    return [lines[start : start + CAPTIONS] for start in range(0, len(lines), CAPTIONS)]


def _names(path: Path, count: int) -> list[str]:
    """The names of the photographs: the ids, looked up in `id_mapping.json` if that is beside them."""
    ids = [line.strip() for line in _lines(path)]
    if len(ids) == count * CAPTIONS:
        ids = ids[::CAPTIONS]
    if len(ids) != count or not all(ids):
        raise DataError(f"{path} does not have an id for each of the {count} photographs")

    mapping = path.with_name("id_mapping.json")
    if not mapping.is_file():
        return ids
    content = read_json(mapping)
    return [json_field(content, number, str, mapping) for number in ids]


def _array(path: Path, count: int) -> Array:
    """The features of `count` photographs, mapped into memory; raises DataError for anything else."""
    array = mapped(path)
    if array.ndim not in (2, 3) or len(array) not in (count, count * CAPTIONS):
        lines = f"the {count * CAPTIONS} lines of captions"
        raise DataError(f"{path} has the shape {array.shape}; for {lines} give ({count}, regions, width)")
    if array[:1].nbytes > MAX_BYTES:
        raise DataError(f"{path}: {array[:1].nbytes:,} bytes for each photograph are too many")
    return array


def _lines(path: Path) -> list[str]:
    """The lines of a text file; the last one may be without its end."""
    return read_text(path).removesuffix("\n").split("\n")
