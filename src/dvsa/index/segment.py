"""A segment of an index: a block of photographs in files that only grow, read through memory maps."""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.index.index_manifest import Extent, SegmentRecord
from dvsa.index.sketch import Sketch
from dvsa.index.values import Entry, Filter, Photograph, SearchError

ROW: Final = np.dtype([("id", "V32"), ("regions", "<i4")])

PARTS: Final = ("rows", "vectors", "boxes", "photographs")


class IndexSegment:
    """The photographs of one segment, as they were when its record was written.

    All files are opened at construction, so they stay readable when a writer compacts the index.
    """

    def __init__(self, folder: Path, record: SegmentRecord, embedding: int) -> None:
        """Map the files into memory.

        Raises:
            OSError: a file is missing.
            SearchError: a file is shorter than the record says, or its content contradicts the record.
        """
        self.folder, self.record = folder, record
        rows, vectors, boxes, lines = (_mapped(folder, record, part) for part in PARTS)

        self.row_K = np.array(rows.view(ROW))
        self.v_XD: NDArray[np.float16] = vectors.view(np.float16).reshape(-1, embedding)
        self.box_X4: NDArray[np.float32] = boxes.view(np.float32).reshape(-1, 4)
        self.lines: NDArray[np.uint8] = lines
        self.first_K: NDArray[np.int64] = np.concatenate([[0], self.row_K["regions"].cumsum(dtype=np.int64)])
        """The first region of each photograph, and one past the last region."""

        if (len(self.row_K), self.first_K[-1]) != (record.photographs, record.regions) or not (
            len(self.v_XD) == len(self.box_X4) == record.regions
        ):
            raise SearchError(f"{folder / record.name}.rows is damaged: index the photographs again")

        self.alive_K = np.ones(len(self.row_K), np.bool_)
        self.alive_K[list(record.removed)] = False
        self.sketch = Sketch(folder, record.name, record.sketched) if record.sketched else None

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

    def vectors(self, k: int) -> NDArray[np.float32]:
        """The vectors of photograph k, (I, D)."""
        return self.v_XD[self.first_K[k] : self.first_K[k + 1]].astype(np.float32)

    def entry_parts(self, k: int) -> tuple[Photograph, NDArray[np.float32], NDArray[np.float32]]:
        """Photograph k with its boxes (I, 4) and its vectors (I, D)."""
        return self.photograph(k), self.box_X4[self.first_K[k] : self.first_K[k + 1]], self.vectors(k)

    @cached_property
    def _line_K(self) -> NDArray[np.int64]:
        """Where each photograph's line of JSON begins, and one past the last line."""
        return np.concatenate([[0], np.flatnonzero(self.lines == ord("\n")) + 1])

    def photograph(self, k: int) -> Photograph:
        """Photograph k; raises SearchError if its line of JSON is damaged."""
        line = bytes(self.lines[self._line_K[k] : self._line_K[k + 1]])
        try:
            return Photograph(**json.loads(line))
        except (TypeError, ValueError) as error:
            path = self.folder / f"{self.record.name}.photographs"
            raise SearchError(f"{path}: line {k + 1} is damaged ({error}): see dvsa index-verify") from None

    def allowed(self, where: Filter | None) -> NDArray[np.bool_]:
        """Which photographs a search may find: not removed, and accepted by the filter."""
        allowed_K = self.alive_K.copy()
        if where is not None:
            for k in np.flatnonzero(self.alive_K).tolist():
                allowed_K[k] = where.admits(self.photograph(k))
        return allowed_K

    def entries(self) -> Iterator[Entry]:
        """The photographs that are not removed, as they were added."""
        for k in np.flatnonzero(self.alive_K).tolist():
            yield Entry(*self.entry_parts(k))

    def faults(self) -> Iterator[str]:
        """A line for each damaged file."""
        for part in PARTS:
            path = self.folder / f"{self.record.name}.{part}"
            content = _mapped(self.folder, self.record, part)
            if zlib.crc32(content.data) != self.record.files[part].crc:
                yield f"{path} is damaged: its CRC-32 is not as recorded; index its photographs again"


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
    lines = "".join(json.dumps(asdict(entry.photograph)) + "\n" for entry in entries)

    contents = (row_K.tobytes(), v_XD.tobytes(), box_X4.tobytes(), lines.encode("ascii"))
    extents = {
        part: _append(folder / f"{record.name}.{part}", record.files.get(part, Extent()), content)
        for part, content in zip(PARTS, contents, strict=True)
    }
    if not record.photographs:
        files.sync_folder(folder)

    norm = float(np.linalg.norm(v_XD.astype(np.float32), axis=1).max())
    return replace(
        record,
        files=extents,
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
    with path.open("r+b" if extent.bytes else "wb") as file:
        if file.seek(0, 2) < extent.bytes:
            raise SearchError(
                f"{path} is damaged: it is shorter than the manifest says; see dvsa index-verify"
            )
        file.truncate(extent.bytes)  # bytes of a writer that crashed before it wrote its manifest
        file.seek(extent.bytes)
        file.write(content)
        file.flush()
        files.sync(file.fileno())
    return Extent(extent.bytes + len(content), zlib.crc32(content, extent.crc))


def _mapped(folder: Path, record: SegmentRecord, part: str) -> NDArray[np.uint8]:
    """The valid bytes of one file, mapped into memory."""
    path, expected = folder / f"{record.name}.{part}", record.files[part].bytes
    if path.stat().st_size < expected:
        raise SearchError(f"{path} is damaged: it is shorter than its expected {expected:,} bytes")
    return np.asarray(np.memmap(path, np.uint8, "r", shape=(expected,)))
