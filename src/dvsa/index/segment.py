"""A segment: a block of photographs in files that only grow, mapped into memory to be read."""

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
from dvsa.index.manifest import Extent, SegmentRecord
from dvsa.index.records import Entry, Filter, Photograph, SearchError
from dvsa.index.sketch import Sketch

ROW: Final = np.dtype([("id", "V32"), ("regions", "<i4")])

PARTS: Final = ("rows", "vectors", "boxes", "photographs")

Halves = NDArray[np.float16]


class Segment:
    """The photographs of one segment, as they were when its record was written.

    The files are opened at once, so that they stay readable when a writer compacts the index.
    """

    def __init__(self, folder: Path, record: SegmentRecord, embedding: int) -> None:
        """Map the files; raises SearchError where one is shorter than the record says, OSError if missing."""
        self.folder, self.record = folder, record
        rows, vectors, boxes, lines = (_mapped(folder, record, part) for part in PARTS)
        self.row_K = np.array(rows.view(ROW))
        self.v_XD: Halves = vectors.view(np.float16).reshape(-1, embedding)
        self.box_X4: NDArray[np.float32] = boxes.view(np.float32).reshape(-1, 4)
        self.lines: NDArray[np.uint8] = lines
        self.first_K: NDArray[np.int64] = np.concatenate([[0], self.row_K["regions"].cumsum(dtype=np.int64)])
        """The first region of each photograph; one more at the end."""
        if (len(self.row_K), self.first_K[-1]) != (record.photographs, record.regions) or not (
            len(self.v_XD) == len(self.box_X4) == record.regions
        ):
            raise SearchError(f"{folder / record.name}.rows is damaged: index the photographs again")
        self.alive_K = np.ones(len(self.row_K), np.bool_)
        self.alive_K[list(record.removed)] = False
        self.sketch = Sketch(folder, record.name, record.sketched) if record.sketched else None

    def __len__(self) -> int:
        """The number of photographs, removed ones included."""
        return len(self.row_K)

    @property
    def ids(self) -> list[str]:
        """Identifier of every photograph, removed ones included."""
        return [bytes(row).hex() for row in self.row_K["id"]]

    def id(self, k: int) -> str:
        """Identifier of photograph k."""
        return bytes(self.row_K["id"][k]).hex()

    def vectors(self, k: int) -> NDArray[np.float32]:
        """The vectors of photograph k, (I, D)."""
        return self.v_XD[self.first_K[k] : self.first_K[k + 1]].astype(np.float32)

    def all_of(self, k: int) -> tuple[Photograph, NDArray[np.float32], NDArray[np.float32]]:
        """What is known of photograph k, its boxes (I, 4) and its vectors (I, D)."""
        return self.photograph(k), self.box_X4[self.first_K[k] : self.first_K[k + 1]], self.vectors(k)

    @cached_property
    def _line_K(self) -> NDArray[np.int64]:
        """Where each photograph's line begins; one more at the end."""
        return np.concatenate([[0], np.flatnonzero(self.lines == ord("\n")) + 1])

    def photograph(self, k: int) -> Photograph:
        """What is known of photograph k."""
        line = bytes(self.lines[self._line_K[k] : self._line_K[k + 1]])
        try:
            return Photograph(**json.loads(line))
        except (TypeError, ValueError) as error:
            path = self.folder / f"{self.record.name}.photographs"
            raise SearchError(f"{path}: line {k + 1} is damaged ({error}): see dvsa index-verify") from None

    def admitted(self, where: Filter | None) -> NDArray[np.bool_]:
        """Which photographs are not removed and fulfil a filter."""
        admitted_K = self.alive_K.copy()
        if where is not None:
            for k in np.flatnonzero(self.alive_K).tolist():
                admitted_K[k] = where.admits(self.photograph(k))
        return admitted_K

    def entries(self) -> Iterator[Entry]:
        """The photographs that are not removed, as they were added."""
        for k in np.flatnonzero(self.alive_K).tolist():
            yield Entry(*self.all_of(k))

    def faults(self) -> Iterator[str]:
        """A line for each thing that is not as it was written; none if all is well."""
        for part in PARTS:
            path = self.folder / f"{self.record.name}.{part}"
            content = _mapped(self.folder, self.record, part)
            if zlib.crc32(content.data) != self.record.files[part].crc:
                yield f"{path} is damaged: its CRC-32 is not as recorded; index its photographs again"


def append(folder: Path, record: SegmentRecord, entries: Sequence[Entry]) -> SegmentRecord:
    """Write photographs behind those of a segment and wait until they are on disk; returns its new record.

    Nothing of this counts until a manifest with the new record is written.

    Raises:
        OSError: the disk is full, or the folder may not be written; what counted before still does.
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
        record, files=extents, norm=max(record.norm, norm), regions=record.regions + len(v_XD),
        photographs=record.photographs + len(entries),
    )  # fmt: skip


def empty(number: int) -> SegmentRecord:
    """The record of a segment that has no files yet."""
    return SegmentRecord(
        name=f"{number:06}", photographs=0, regions=0, norm=0.0, removed=(), sketched=0, files={}
    )


def _append(path: Path, extent: Extent, content: bytes) -> Extent:
    with path.open("r+b" if extent.bytes else "wb") as file:
        if file.seek(0, 2) < extent.bytes:
            raise SearchError(
                f"{path} is damaged: it is shorter than the manifest says; see dvsa index-verify"
            )
        file.truncate(extent.bytes)  # what a writer left that did not live to see its manifest
        file.seek(extent.bytes)
        file.write(content)
        file.flush()
        files.sync(file.fileno())
    return Extent(extent.bytes + len(content), zlib.crc32(content, extent.crc))


def _mapped(folder: Path, record: SegmentRecord, part: str) -> NDArray[np.uint8]:
    path, wanted = folder / f"{record.name}.{part}", record.files[part].bytes
    if path.stat().st_size < wanted:
        raise SearchError(f"{path} is damaged: it is shorter than the {wanted:,} bytes that it should hold")
    return np.asarray(np.memmap(path, np.uint8, "r", shape=(wanted,)))
