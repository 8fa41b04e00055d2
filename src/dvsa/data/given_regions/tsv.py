"""The `.tsv` files of bottom-up attention and LXMERT: a row for each photograph, with arrays in base64.

Six columns: image_id, image_w, image_h, num_boxes, boxes, features. Or LXMERT's ten: img_id, img_h, img_w,
objects_id, objects_conf, attrs_id, attrs_conf, num_boxes, boxes, features. Arrays are float32; boxes are
corners in pixels; objects_conf is the score of each box.
"""

import binascii
import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from dvsa.arrays import Floats
from dvsa.data.dataset import DataError
from dvsa.data.given_regions.record import MAX_BYTES, Joined, Record, Records

_FILE_NAME = re.compile(r".+\.tsv(\.\d+)?")
_COLUMNS = {
    6: ("id", "width", "height", "count", "boxes", "features"),
    10: ("id", "height", "width", "objects", "scores", "attrs", "attrs_conf", "count", "boxes", "features"),
}
"""The columns by their number."""

_START = 1 << 13
"""Bytes that the index reads of each row; in most files, they have all columns but the features."""


class Row(NamedTuple):
    """Where the row of a photograph is in its file."""

    name: str
    start: int
    """In bytes."""
    size: int
    """In bytes, without the end of the line."""


@dataclass(frozen=True)
class Tsv:
    """The rows of one file."""

    path: Path
    rows: Sequence[Row]

    @cached_property
    def names(self) -> Sequence[str]:
        """The image ids."""
        return [row.name for row in self.rows]

    @property
    def files(self) -> Sequence[Path]:
        """The one file."""
        return [self.path]

    def read(self, position: int) -> Record:
        """Read one row."""
        row = self.rows[position]
        place = f"{self.path}: {row.name}"
        with self.path.open("rb") as file:
            fields = _bytes_at(file, row.start, row.size).split(b"\t")
        if len(fields) not in _COLUMNS:
            raise DataError(f"{place} has {len(fields)} columns; give {' or '.join(map(str, _COLUMNS))}")
        return _record(place, dict(zip(_COLUMNS[len(fields)], fields, strict=True)))


def read(path: Path) -> Records | None:
    """The layout of a file, or of the files in a folder; None if none is called `.tsv` or `.tsv.0`."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in candidates if _FILE_NAME.fullmatch(file.name)]
    return Joined([Tsv(file, list(_rows(file))) for file in files]) if files else None


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a file. Most features are skipped: their length follows from the number of boxes."""
    width = 0
    with path.open("rb") as file:
        # Some editors begin a file with a byte-order mark.
        start = len(BOM_UTF8) if _bytes_at(file, 0, len(BOM_UTF8)) == BOM_UTF8 else 0
        total = os.fstat(file.fileno()).st_size
        while start < total:
            head = _bytes_at(file, start, _START)
            name, tab, _ = head.partition(b"\t")
            if not tab:
                raise DataError(f"{path}: byte {start} does not begin a row with columns separated by tabs")

            # If the row does not end where it should, its end is searched.
            size = _expected_size(head, width)
            if start + size != total and _bytes_at(file, start + size, 1) not in (b"\r", b"\n"):
                line = _line_at(file, start, path)
                size, width = len(line), _width(line)
            yield Row(name.decode(errors="replace"), start, size)
            ends = _bytes_at(file, start + size, 4)
            start += size + len(ends) - len(ends.lstrip(b"\r\n"))


def _line_at(file: BinaryIO, start: int, path: Path) -> bytes:
    """A line without its end; raises DataError if it is too long."""
    file.seek(start)
    line = file.readline(MAX_BYTES)
    if len(line) == MAX_BYTES:
        raise DataError(f"{path}: the row at byte {start} is longer than {MAX_BYTES:,} bytes")
    return line.rstrip(b"\r\n")


def _expected_size(head: bytes, width: int) -> int:
    """The bytes of a row whose features have `width` bytes for each region; 0 if that is not known."""
    fields = head.split(b"\t")
    count = _count(fields)
    letters = -(-count * width // 3) * 4  # three bytes become four letters
    return len(head) - len(fields[-1]) + letters if letters else 0


def _width(line: bytes) -> int:
    """The bytes of the features of each region in a row; 0 if that is not clear."""
    fields = line.split(b"\t")
    count = _count(fields)
    return len(fields[-1]) * 3 // 4 // count // 4 * 4 if count else 0


def _count(fields: Sequence[bytes]) -> int:
    """The number of boxes; 0 if the fields do not say it."""
    known = len(fields) in _COLUMNS and re.fullmatch(rb"\d{1,9}", fields[-3])
    return int(fields[-3]) if known else 0


def _record(place: str, fields: Mapping[str, bytes]) -> Record:
    """The record in a row."""
    numbers = {}
    for column in ("width", "height", "count"):
        if not re.fullmatch(rb"\d{1,18}", fields[column]):
            raise DataError(f"{place}: {column} {fields[column][:20]!r} is not a whole number")
        numbers[column] = int(fields[column])

    count = numbers["count"]
    arrays = {}
    for column in ("boxes", "features", "scores"):
        if column in fields:
            values = _decoded(place, column, fields[column])
            if not count or len(values) % count:
                raise DataError(f"{place}: {column} of {len(values)} numbers, but {count} regions")
            arrays[column] = values.reshape(count, -1)
    score_I = arrays["scores"].reshape(-1) if "scores" in arrays else None
    return Record(place, arrays["features"], arrays["boxes"], score_I, (numbers["width"], numbers["height"]))


def _decoded(place: str, column: str, field: bytes) -> Floats:
    """The float32 numbers of a field in base64."""
    try:
        return np.frombuffer(binascii.a2b_base64(field, strict_mode=True), dtype="<f4")
    except (binascii.Error, ValueError) as error:
        raise DataError(f"{place}: {column} are not float32 numbers in base64 ({error})") from error


def _bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
