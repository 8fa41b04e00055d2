"""A segment of an index: a block of photographs in files that only grow, read through memory maps."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.arrays import IntArray
from dvsa.index import column_file
from dvsa.index.checked_file import CheckedFile, Extent
from dvsa.index.columns import Columns, admitted, columns_of, unrecorded
from dvsa.index.index_manifest import PARTS, SegmentRecord
from dvsa.index.lines import facts_of, photograph_of
from dvsa.index.sketch import Sketch
from dvsa.index.values import Entry, Filter, Photograph, SearchError
from dvsa.regions import MAX_REGIONS

ROW: Final = np.dtype([("id", "V32"), ("regions", "<i4")])

REGIONS_PER_CHECK: Final = 100_000
"""Regions whose vectors are checked at once."""


class IndexSegment:
    """The photographs of one segment, as they were when its record was written.

    All files are opened at construction, so they stay readable when a writer compacts the index. The rows are
    checked then, all else when it is first used; every method raises SearchError for what is damaged.
    """

    def __init__(self, folder: Path, record: SegmentRecord, embedding: int) -> None:
        """Map the files into memory.

        Raises:
            OSError: a file is missing.
            SearchError: a file is shorter than the record says, or its content contradicts the record.
        """
        self.folder, self.record = folder, record
        self._files = {
            part: CheckedFile(folder / record.file_name(part), extent)
            for part, extent in record.files.items()
        }

        self._files["rows"].check()
        self.row_K = np.array(self._files["rows"].content.view(ROW))
        count_K = self.row_K["regions"]
        self.first_K: NDArray[np.int64] = np.concatenate([[0], count_K.cumsum(dtype=np.int64)])
        """The first region of each photograph, and one past the last region."""
        if self.first_K[-1] != record.regions or not ((count_K >= 1) & (count_K <= MAX_REGIONS)).all():
            raise SearchError(f"{folder / record.name}.rows is damaged: index the photographs again")

        self._v_XD: NDArray[np.float16] = (
            self._files["vectors"].content.view(np.float16).reshape(-1, embedding)
        )
        self._box_X4: NDArray[np.float32] = self._files["boxes"].content.view(np.float32).reshape(-1, 4)
        self.alive_K = np.ones(len(self.row_K), np.bool_)
        self.alive_K[list(record.removed)] = False
        self.sketch = (
            Sketch(self._files["codes"], self._files["basis"], record.sketched) if record.sketched else None
        )

    def __len__(self) -> int:
        """The number of photographs, including removed ones."""
        return len(self.row_K)

    @property
    def ids(self) -> list[str]:
        """The identifier of every photograph, including removed ones."""
        return [bytes(row).hex() for row in self.row_K["id"]]

    def id(self, k: int) -> str:
        """The identifier of photograph k."""
        return bytes(self.row_K["id"][k]).hex()

    def regions(self, first: int, last: int) -> NDArray[np.float16]:
        """The vectors of the regions from `first` to before `last`, of any photographs."""
        row = self._v_XD.itemsize * self._v_XD.shape[1]
        self._files["vectors"].check(first * row, last * row)
        return self._v_XD[first:last]

    def regions_of(self, at_K: IntArray) -> NDArray[np.float16]:
        """The vectors of the regions of some photographs, one photograph after another."""
        first_K, last_K = self.first_K[at_K], self.first_K[at_K + 1]
        if at_K[-1] - at_K[0] == len(at_K) - 1:  # consecutive rows are read in place
            return self.regions(int(first_K[0]), int(last_K[-1]))

        row = self._v_XD.itemsize * self._v_XD.shape[1]
        self._files["vectors"].check_ranges(first_K * row, last_K * row)
        count_K = last_K - first_K
        begin_K = count_K.cumsum() - count_K
        gathered_XD: NDArray[np.float16] = self._v_XD[
            np.arange(count_K.sum()) + np.repeat(first_K - begin_K, count_K)
        ]
        return gathered_XD

    def vectors(self, k: int) -> NDArray[np.float32]:
        """The vectors of photograph k, (I, D)."""
        return self.regions(int(self.first_K[k]), int(self.first_K[k + 1])).astype(np.float32)

    def boxes(self, k: int) -> NDArray[np.float32]:
        """The boxes of photograph k, (I, 4)."""
        first, last = int(self.first_K[k]), int(self.first_K[k + 1])
        self._files["boxes"].check(first * 16, last * 16)
        box_I4 = self._box_X4[first:last]
        if not np.isfinite(box_I4).all():
            raise SearchError(
                f"{self._files['boxes'].path}: a box of photograph {k + 1} is not finite: "
                "index its photographs again"
            )
        return box_I4

    def entry_parts(
        self, k: int, where: Filter | None = None
    ) -> tuple[Photograph, NDArray[np.float32], NDArray[np.float32]]:
        """Photograph k, at a path that a filter means, with its boxes (I, 4) and its vectors (I, D)."""
        photograph = self.photograph(k)
        return where.shown(photograph) if where else photograph, self.boxes(k), self.vectors(k)

    @cached_property
    def _line_K(self) -> NDArray[np.int64]:
        """Where each photograph's line of JSON begins, and one past the last line."""
        file = self._files["photographs"]
        file.check()
        line_K = np.concatenate([[0], np.flatnonzero(file.content == ord("\n")) + 1])
        if len(line_K) != len(self) + 1 or line_K[-1] != file.extent.size:
            raise SearchError(
                f"{file.path} has {len(line_K) - 1:,} lines for {len(self):,} photographs: "
                "index its photographs again"
            )
        return line_K

    def photograph(self, k: int) -> Photograph:
        """Photograph k."""
        file = self._files["photographs"]
        line = bytes(file.content[self._line_K[k] : self._line_K[k + 1]])
        try:
            return photograph_of(json.loads(line), self.id(k))
        except (ValueError, RecursionError) as error:
            raise SearchError(
                f"{file.path}: line {k + 1} is damaged ({error}): see dvsa index verify"
            ) from None

    def allowed(self, where: Filter | None) -> NDArray[np.bool_]:
        """Which photographs a search may find: not removed, and accepted by the filter."""
        if where is None or where == Filter():
            return self.alive_K.copy()
        return self.alive_K & admitted(self.columns, where)

    def unrecorded(self, where: Filter) -> int:
        """How many photographs a filter leaves out because nobody looked at what it asks for."""
        return int((self.alive_K & unrecorded(self.columns, where)).sum()) if where != Filter() else 0

    @cached_property
    def columns(self) -> Columns:
        """What filters ask of the photographs, including removed ones."""
        kept = column_file.read(self.folder, self.record)
        return kept or columns_of([self.photograph(k) for k in range(len(self))])

    def keep_columns(self) -> None:
        """Write the columns, unless the file has them."""
        if not column_file.is_current(self.folder, self.record):
            column_file.write(self.folder, self.record, column_file.with_cities(self.columns))

    def entries(self) -> Iterator[Entry]:
        """The photographs that are not removed, as they were added."""
        for k in np.flatnonzero(self.alive_K).tolist():
            yield Entry(*self.entry_parts(k))

    def faults(self) -> Iterator[str]:
        """A line for each damaged file, and for each fault in what the files say."""
        for file in self._files.values():
            try:
                file.check()
            except SearchError as error:
                yield str(error)
                return

        # An exponent of only ones means infinity or NaN.
        for start in range(0, len(self._v_XD), REGIONS_PER_CHECK):
            bits_XD = self._v_XD[start : start + REGIONS_PER_CHECK].view(np.uint16)
            if ((bits_XD & 0x7C00) == 0x7C00).any():
                path = self._files["vectors"].path
                yield f"{path} has vectors that are not finite: index its photographs again"
                break
        for k in range(len(self)):
            try:
                self.photograph(k)
                self.boxes(k)
            except SearchError as error:
                yield str(error)
                break


def append_entries(folder: Path, record: SegmentRecord, entries: Sequence[Entry]) -> SegmentRecord:
    """Append photographs to a segment's files, wait until they are on disk, and return the new record.

    The new photographs only count once a manifest with the new record is written.

    Raises:
        OSError: the disk is full, or the folder is not writable; earlier photographs are not affected.
    """
    row_K = np.zeros(len(entries), ROW)
    row_K["id"] = [np.void(bytes.fromhex(entry.photograph.id)) for entry in entries]
    row_K["regions"] = [len(entry.v_ID) for entry in entries]
    v_XD = np.concatenate([entry.v_ID for entry in entries]).astype(np.float16)
    box_X4 = np.concatenate([entry.box_I4 for entry in entries]).astype(np.float32)
    lines = "".join(json.dumps(facts_of(entry.photograph)) + "\n" for entry in entries)

    contents = (row_K.tobytes(), v_XD.tobytes(), box_X4.tobytes(), lines.encode("ascii"))
    extents = {
        part: _append(folder / record.file_name(part), record.files.get(part, Extent()), content)
        for part, content in zip(PARTS, contents, strict=True)
    }
    if not record.photographs:
        files.sync_folder(folder)

    norm = float(np.linalg.norm(v_XD.astype(np.float32), axis=1).max())
    return replace(
        record,
        files={**record.files, **extents},
        norm=max(record.norm, norm),
        regions=record.regions + len(v_XD),
        photographs=record.photographs + len(entries),
    )


def empty_record(number: int) -> SegmentRecord:
    """The record of a segment that has no files yet."""
    return SegmentRecord(
        name=f"{number:06}", photographs=0, regions=0, norm=0.0, removed=(), sketched=0, files={}
    )


def _append(path: Path, extent: Extent, content: bytes) -> Extent:
    """Write content after the valid part of a file, and wait until it is on disk."""
    try:
        opened = files.open_to_write(path, keep=True)
    except files.UnreadableError as error:
        raise SearchError(f"{path}: {error}: delete it") from error
    with opened as file:
        if file.seek(0, 2) < extent.size:
            raise SearchError(
                f"{path} is damaged: it is shorter than the manifest says; see dvsa index verify"
            )
        file.truncate(extent.size)  # bytes of a writer that crashed before it wrote its manifest
        file.seek(extent.size)
        file.write(content)
        file.flush()
        files.sync(file.fileno())
    return extent.extended(content)
