"""Changes to the files of an index: each returns a new manifest, which takes effect when it is written.

The caller holds the lock of the index.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from dvsa.index import sketch
from dvsa.index.checked_file import CheckedFile, Extent
from dvsa.index.index_manifest import (
    INDEX_FORMAT,
    LEFTOVERS,
    LOCK,
    IndexManifest,
    SegmentRecord,
    read,
)
from dvsa.index.lines import facts_of, photograph_of
from dvsa.index.segment import IndexSegment, append_entries, empty_record
from dvsa.index.values import Entry, Photograph, SearchError
from dvsa.regions import MAX_REGIONS

SEGMENT_SIZE: Final = 16_384
"""Photographs in a full segment: 168 MB at 20 regions of 256 numbers, and few files even for a million."""

PHOTOS_PER_SEGMENT: Final = 1024
"""Photographs that compaction holds in memory."""


def check_empty(folder: Path) -> None:
    """Raise SearchError if a new index cannot be made in a folder.

    Files of a process that died while it made an index here do not count.
    """
    if folder.is_dir() and all(
        path.name == LOCK or re.fullmatch(LEFTOVERS, path.name) for path in folder.iterdir()
    ):
        return
    if folder.exists() or folder.is_symlink():
        raise SearchError(f"{folder} already exists: name a new or an empty folder")


def append(folder: Path, manifest: IndexManifest, entries: Sequence[Entry]) -> IndexManifest:
    """Add entries: the last segment is filled first, then new segments are made.

    Raises:
        SearchError: the index cannot store an entry; none is added.
    """
    for entry in entries:
        check_entry(entry, manifest.embedding)
    records, number, done = list(manifest.segments), manifest.next, 0

    while done < len(entries):
        if not records or records[-1].photographs >= SEGMENT_SIZE:
            records.append(empty_record(number))
            number += 1
        room = SEGMENT_SIZE - records[-1].photographs
        records[-1] = append_entries(folder, records[-1], entries[done : done + room])
        done += room

    return replace(manifest, segments=tuple(records), next=number)


def grown(segments: Iterable[IndexSegment], before: Mapping[str, int]) -> list[IndexSegment]:
    """The segments that have doubled, or are full now; `before` has their earlier lengths by their names."""
    lengths = [(segment, len(segment), before.get(segment.record.name, 0)) for segment in segments]
    return [segment for segment, now, had in lengths if now > had and now >= min(2 * had, SEGMENT_SIZE)]


def mark_removed(manifest: IndexManifest, rows: dict[str, set[int]]) -> IndexManifest:
    """Mark rows as removed; `rows` has them by the name of their segment."""
    return replace(
        manifest,
        segments=tuple(
            replace(record, removed=tuple(sorted({*record.removed, *rows.get(record.name, ())})))
            for record in manifest.segments
        ),
    )


def rewritten(
    folder: Path,
    manifest: IndexManifest,
    segments: Sequence[IndexSegment],
    photographs: Mapping[tuple[str, int], Photograph | None],
) -> IndexManifest:
    """Photographs of which other things are known: each gets a new row with its vectors for its old one.

    Args:
        folder: of the index.
        manifest: of the index.
        segments: all of them.
        photographs: what is known now, by the name of the segment and the row; None removes a photograph.
    """
    by_name = {segment.record.name: segment for segment in segments}
    entries, rows = [], defaultdict[str, set[int]](set)
    for (name, row), photograph in photographs.items():
        rows[name].add(row)
        if photograph is not None:
            _, box_I4, v_ID = by_name[name].entry_parts(row)
            entries.append(Entry(photograph, box_I4, v_ID))
    return mark_removed(append(folder, manifest, entries), rows)


def compact(folder: Path, manifest: IndexManifest, segments: Sequence[IndexSegment]) -> IndexManifest:
    """Copy the photographs that are not removed to new segments; full segments without removals stay."""
    if not any(s.record.removed for s in segments):
        return manifest  # nothing to free: only the last segment may not be full

    stay = [s for s in segments if len(s) >= SEGMENT_SIZE and not s.record.removed]
    moving = (entry for s in segments if s not in stay for entry in s.entries())
    moved = replace(manifest, segments=())
    while entries := list(islice(moving, PHOTOS_PER_SEGMENT)):
        moved = append(folder, moved, entries)
    return replace(moved, segments=(*(s.record for s in stay), *moved.segments))


def add_sketches(folder: Path, manifest: IndexManifest, segments: Iterable[IndexSegment]) -> IndexManifest:
    """Write sketches for segments that are full or have grown by `sketch.STEP` since their last one."""
    records = []
    for segment in segments:
        record, count = segment.record, len(segment)
        full = count >= SEGMENT_SIZE and record.sketched < count
        if full or count - record.sketched >= sketch.STEP:
            record = sketch.write(folder, record, segment.regions(0, record.regions), segment.first_K)
        records.append(record)
    return replace(manifest, segments=tuple(records))


def file_names(record: SegmentRecord) -> list[str]:
    """The files of a segment."""
    return [record.file_name(part) for part in record.files]


def upgraded(folder: Path, manifest: IndexManifest) -> IndexManifest:
    """An index of an earlier format in the present one: every file is checked and gets its checksums.

    Raises:
        SearchError: a file is damaged.
    """
    if manifest.format > 1:
        return replace(manifest, format=INDEX_FORMAT)
    records = []
    for record in manifest.segments:
        extents = {}
        for part, extent in record.files.items():
            file = CheckedFile(folder / record.file_name(part), extent)
            file.check()
            extents[part] = Extent().extended(file.content)
        records.append(replace(record, files=extents))
    return replace(manifest, segments=tuple(records), format=INDEX_FORMAT)


def delete_unused(folder: Path, manifest: IndexManifest) -> None:
    """Delete files that the manifest does not name: leftovers of a crashed writer or of compaction."""
    used = {name for record in manifest.segments for name in file_names(record)}
    for path in folder.iterdir():
        leftover = re.match(r"\d{6}\.", path.name) or re.fullmatch(LEFTOVERS, path.name)
        if leftover and path.name not in used and (path.is_symlink() or not path.is_dir()):
            path.unlink()


def check_entry(entry: Entry, embedding: int) -> None:
    """Raise SearchError for an entry that an index cannot store."""
    path, v_ID = entry.photograph.path, entry.v_ID
    if not re.fullmatch("[0-9a-f]{64}", entry.photograph.id):
        raise SearchError(f"{path} has the identifier {entry.photograph.id!r}: give 64 hexadecimal digits")
    try:
        photograph_of(json.loads(json.dumps(facts_of(entry.photograph))), entry.photograph.id)
    except (TypeError, ValueError) as error:
        raise SearchError(f"{path} cannot be stored: {error}") from None
    if v_ID.ndim != 2 or v_ID.shape[1] != embedding or not 1 <= len(v_ID) <= MAX_REGIONS:
        raise SearchError(f"{path} has vectors {v_ID.shape}: give 1 to {MAX_REGIONS} of {embedding} numbers")
    if entry.box_I4.shape != (len(v_ID), 4):
        raise SearchError(f"{path} has boxes {entry.box_I4.shape}: give one for each of {len(v_ID)} vectors")
    if not np.isfinite(entry.box_I4).all():
        raise SearchError(f"{path} has boxes that are not finite")
    with np.errstate(over="ignore"):
        if not np.isfinite(v_ID.astype(np.float16)).all():
            raise SearchError(f"{path} has vectors that are not finite in half precision")


def verify(folder: Path) -> list[str]:
    """Check every file of an index against its checksums, and what the files say.

    Returns:
        A line for each fault.

    Raises:
        SearchError: the index has no valid manifest.
    """
    manifest = read(folder)
    faults, seen = list[str](), set[str]()

    for record in manifest.segments:
        try:
            segment = IndexSegment(folder, record, manifest.embedding)
        except FileNotFoundError as error:
            faults.append(f"{error.filename} is missing: index its photographs again")
            continue
        except (OSError, ValueError) as error:
            faults.append(str(error))
            continue

        faults += segment.faults()
        alive = [name for name, alive in zip(segment.ids, segment.alive_K, strict=True) if alive]
        faults += [f"{folder} contains {name} twice: remove it" for name in alive if name in seen]
        seen.update(alive)
    return faults
