"""What a writer does to the files of an index: each change gives a new manifest, which nothing names yet.

Whoever calls holds the lock, and makes the change count by writing the manifest.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from dvsa.index import sketch
from dvsa.index.manifest import MANIFEST, Manifest, SegmentRecord, read
from dvsa.index.records import Entry, SearchError
from dvsa.index.segment import PARTS, Segment, append, empty

PHOTOGRAPHS: Final = 16_384
"""In a full segment: 168 MB at 20 regions of 256 numbers, and few files even for a million photographs."""

REGIONS: Final = 256
"""Most regions of a photograph."""

TOGETHER: Final = 1024
"""Photographs that compaction holds in memory."""


def appended(folder: Path, manifest: Manifest, entries: Sequence[Entry]) -> Manifest:
    """Entries behind the photographs that are there, in new segments as far as the last one is full."""
    records, following, done = list(manifest.segments), manifest.next, 0
    while done < len(entries):
        if not records or records[-1].photographs >= PHOTOGRAPHS:
            records.append(empty(following))
            following += 1
        room = PHOTOGRAPHS - records[-1].photographs
        records[-1] = append(folder, records[-1], entries[done : done + room])
        done += room
    return replace(manifest, segments=tuple(records), next=following)


def removed(manifest: Manifest, rows: dict[str, set[int]]) -> Manifest:
    """Marks on rows of segments, by the segments' names."""
    return replace(
        manifest,
        segments=tuple(
            replace(record, removed=tuple(sorted({*record.removed, *rows.get(record.name, ())})))
            for record in manifest.segments
        ),
    )


def compacted(folder: Path, manifest: Manifest, segments: Sequence[Segment]) -> Manifest:
    """New segments without removed photographs; full ones that have none stay as they are."""
    if not any(s.record.removed for s in segments):
        return manifest  # at most the last segment is not full
    stay = [s for s in segments if len(s) >= PHOTOGRAPHS and not s.record.removed]
    moving = (entry for s in segments if s not in stay for entry in s.entries())
    fresh = replace(manifest, segments=())
    while entries := list(islice(moving, TOGETHER)):
        fresh = appended(folder, fresh, entries)
    return replace(fresh, segments=(*(s.record for s in stay), *fresh.segments))


def sketched(folder: Path, manifest: Manifest, segments: Iterable[Segment]) -> Manifest:
    """Sketches for segments that are full or have grown by enough since their last one."""
    records = []
    for segment in segments:
        record, count = segment.record, len(segment)
        full = count >= PHOTOGRAPHS and record.sketched < count
        if full or count - record.sketched >= sketch.STEP:
            sketch.write(folder, record.name, segment.v_XD, segment.first_K)
            record = replace(record, sketched=count)
        records.append(record)
    return replace(manifest, segments=tuple(records))


def named(record: SegmentRecord) -> list[str]:
    """The files of a segment."""
    sketches = sketch.names(record.name, record.sketched) if record.sketched else ()
    return [*(f"{record.name}.{part}" for part in PARTS), *sketches]


def sweep(folder: Path, manifest: Manifest) -> None:
    """Delete files that the manifest does not name: leftovers of a crashed writer and of compaction."""
    kept = {name for record in manifest.segments for name in named(record)}
    for path in folder.iterdir():
        if re.match(rf"\d{{6}}\.|{re.escape(MANIFEST)}\.", path.name) and path.name not in kept:
            path.unlink()


def require_sound(entry: Entry, embedding: int) -> None:
    """Raise SearchError for an entry that an index cannot hold."""
    path, v_ID = entry.photograph.path, entry.v_ID
    if not re.fullmatch("[0-9a-f]{64}", entry.photograph.id):
        raise SearchError(f"{path} has the identifier {entry.photograph.id!r}: give 64 hexadecimal digits")
    if v_ID.ndim != 2 or v_ID.shape[1] != embedding or not 1 <= len(v_ID) <= REGIONS:
        raise SearchError(f"{path} has vectors {v_ID.shape}: give 1 to {REGIONS} of {embedding} numbers")
    if entry.box_I4.shape != (len(v_ID), 4):
        raise SearchError(f"{path} has boxes {entry.box_I4.shape}: give one for each of {len(v_ID)} vectors")
    with np.errstate(over="ignore"):
        if not np.isfinite(v_ID.astype(np.float16)).all():
            raise SearchError(f"{path} has vectors that are not finite in half precision")


def verify(folder: Path) -> list[str]:
    """A line for each fault of an index on disk; raises SearchError where it has no manifest."""
    manifest = read(folder)
    faults, seen = list[str](), set[str]()
    for record in manifest.segments:
        try:
            segment = Segment(folder, record, manifest.embedding)
        except FileNotFoundError as error:
            faults.append(f"{error.filename} is missing: index its photographs again")
        except (OSError, ValueError) as error:
            faults.append(str(error))
        else:
            faults += segment.faults()
            living = [name for name, alive in zip(segment.ids, segment.alive_K, strict=True) if alive]
            faults += [f"{folder}: {name} stands twice: remove it" for name in living if name in seen]
            seen.update(living)
    return faults
