"""The manifest of an index: its segments, and how much of each of their files is valid.

    manifest.json            which segments there are, and the checksums of all files; replaced atomically
    lock                     held by the one process that writes
    000001.rows              content digest and number of regions of each photograph of a segment
    000001.vectors           float16, a row for each region
    000001.boxes             float32, a row for each region
    000001.photographs       a line of JSON for each photograph
    000001.4096.codes        the sketch of its first 4,096 photographs (see dvsa.index.sketch)
    000001.4096.basis

Files of segments only grow. Bytes beyond the length in the manifest come from a writer that crashed before it
acknowledged them; the next writer cuts them off. It also deletes files that the manifest does not name.

The manifest has the SHA-256 of its own content. Format 1 had one checksum for each file and none for the
sketches and the manifest; it is read without its sketches. In format 2 a photograph had no copies,
and in format 3 nothing said what is recorded about it. The next writer makes format 4 of them.

    seen                     which files were read when, a cache (see dvsa.index.seen)
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from dvsa import files
from dvsa.index.checked_file import Extent
from dvsa.index.values import SearchError
from dvsa.regions import MAX_REGIONS
from dvsa.typed_json import JsonObject, parse

INDEX_FORMAT: Final = 4
READ: Final = (1, 2, 3, INDEX_FORMAT)
INDEX_MANIFEST: Final = "manifest.json"
LOCK: Final = "lock"

PARTS: Final = ("rows", "vectors", "boxes", "photographs")
"""The files that every segment has."""
SKETCH_PARTS: Final = ("codes", "basis")
"""The files of a sketch."""
SKETCH_WIDTH: Final = 32
"""Numbers in the sketch of a region."""
ROW_BYTES: Final = 36
MAX_MANIFEST_BYTES: Final = 256 * 2**20
MAX_EMBEDDING: Final = 2**16

LEFTOVERS: Final = rf"{files.PARTIAL}|{re.escape(INDEX_MANIFEST)}\.new"
"""Temporary files of a crashed writer, of this version or an earlier one; never a file of the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """The manifest's record of one segment."""

    name: str
    """Its number, in at least six digits."""
    photographs: int
    """Includes removed ones."""
    regions: int
    norm: float
    """The length of its longest vector."""
    removed: tuple[int, ...]
    """Rows of removed photographs, in ascending order."""
    sketched: int
    """How many photographs have a sketch, counted from the first."""
    files: Mapping[str, Extent]
    """By their part: one of `PARTS`, or of `SKETCH_PARTS` if there is a sketch."""

    def file_name(self, part: str) -> str:
        """The name of one of its files."""
        return f"{self.name}.{self.sketched}.{part}" if part in SKETCH_PARTS else f"{self.name}.{part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexManifest:
    """The content of `manifest.json`."""

    bundle: str
    """Name of the bundle that made the vectors."""
    digest: str
    """SHA-256 of that bundle's manifest."""
    embedding: int
    """The number D."""
    next: int = 1
    """The number of the next segment."""
    segments: tuple[SegmentRecord, ...] = ()
    format: int = INDEX_FORMAT
    """The format that was read; always written as `INDEX_FORMAT`."""


def read(folder: Path) -> IndexManifest:
    """Read the manifest of an index, and check every value in it.

    Raises:
        SearchError: there is no index, its manifest is damaged, or its format is newer than `INDEX_FORMAT`.
    """
    path = folder / INDEX_MANIFEST
    try:
        found = parse(files.read_bounded(path, MAX_MANIFEST_BYTES, follow=False))
    except (FileNotFoundError, NotADirectoryError):
        raise SearchError(f"{folder} has no index: make one with dvsa index PHOTOS --out {folder}") from None
    except ValueError as error:
        raise SearchError(f"{path} is damaged ({error}): index the photographs again") from error

    version = found.get("format") if isinstance(found, dict) else None
    if type(version) is int and version > INDEX_FORMAT:
        raise SearchError(f"{folder} has format {version}, newer than {INDEX_FORMAT}: update dvsa to read it")
    if not isinstance(found, dict) or type(version) is not int or version not in READ:
        raise SearchError(f"{path} is not the manifest of an index: index the photographs again")

    top = JsonObject(found, str(path), SearchError, "index the photographs again")
    if version == 1:
        return _manifest(top, 1)
    top.only("format", "sha256", "index")
    index = top.record("index")
    if top.text("sha256") != _digest(index.content):
        raise SearchError(f"{path} is damaged: its SHA-256 is not as recorded; index the photographs again")
    return _manifest(index, version)


def _manifest(top: JsonObject, version: int) -> IndexManifest:
    """The manifest of a JSON object."""
    embedding, following = top.whole("embedding", low=1, high=MAX_EMBEDDING), top.whole("next", low=1)
    segments = tuple(_segment(item, embedding, version) for item in top.list_of_records("segments"))
    numbers = [int(segment.name) for segment in segments]
    if len({*numbers}) < len(numbers) or max(numbers, default=0) >= following:
        raise SearchError(f"{top.source} numbers its segments twice: {top.remedy}")
    return IndexManifest(
        bundle=top.text("bundle"),
        digest=top.text("digest", "[0-9a-f]{64}", "64 hexadecimal digits"),
        embedding=embedding,
        next=following,
        segments=segments,
        format=version,
    )


def _segment(item: JsonObject, embedding: int, version: int) -> SegmentRecord:
    """The record of a segment, whose files have the sizes that its counts need."""
    photographs = item.whole("photographs", low=1, high=2**31)
    regions = item.whole("regions", low=photographs, high=photographs * MAX_REGIONS)
    sketched = item.whole("sketched", high=photographs) if version > 1 else 0
    extents = item.record("files")
    parts = (*PARTS, *(SKETCH_PARTS if sketched else ()))

    record = SegmentRecord(
        name=item.text("name", "[0-9]{6,9}", "the number of a segment"),
        photographs=photographs,
        regions=regions,
        norm=item.number("norm", low=0, high=65504.0 * embedding),
        removed=_removed(item, photographs),
        sketched=sketched,
        files={part: _extent(extents.record(part), version) for part in parts},
    )

    # Counts and sizes belong together, so that no row is beyond the end of its file.
    sizes = {"rows": ROW_BYTES * photographs, "vectors": 2 * embedding * regions, "boxes": 16 * regions}
    if sketched:
        sizes["basis"] = 4 * embedding * SKETCH_WIDTH
        each = sketched * SKETCH_WIDTH
        codes = record.files["codes"].size
        sizes["codes"] = each * min(max(codes // each, 1), MAX_REGIONS)
    for part, size in sizes.items():
        if record.files[part].size != size:
            raise SearchError(
                f"{item.source}: {item.path}files.{part}.size is {record.files[part].size}; "
                f"expected {size}: {item.remedy}"
            )
    return record


def _removed(item: JsonObject, photographs: int) -> tuple[int, ...]:
    """The rows of removed photographs."""
    last = -1
    for row in item.items("removed"):
        if type(row) is not int or not last < row < photographs:
            raise item.invalid("removed", f"ascending numbers below {photographs}")
        last = row
    return tuple(item.items("removed"))  # type: ignore[arg-type]


def _extent(item: JsonObject, version: int) -> Extent:
    """The extent of a file. In format 1 the whole file is one page."""
    size = item.whole("bytes" if version == 1 else "size")
    if version == 1:
        return Extent(size, max(size, 1), f"{item.whole('crc', high=2**32 - 1):08x}" if size else "")
    page = item.whole("page", low=4096)
    count = -(-size // page)
    sums = item.text("sums", "([0-9a-f]{8})*", f"{count} checksums")
    if len(sums) != 8 * count:
        raise item.invalid("sums", f"{count} checksums")
    return Extent(size, page, sums)


def write(folder: Path, manifest: IndexManifest) -> None:
    """Replace the manifest atomically; when this returns, it is on disk."""
    index = asdict(manifest)
    del index["format"]
    content = {"format": INDEX_FORMAT, "sha256": _digest(index), "index": index}
    files.write(folder / INDEX_MANIFEST, json.dumps(content, indent=1).encode())


def _digest(index: Mapping[str, object]) -> str:
    """SHA-256 of a JSON object, however it is laid out."""
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an index; the system releases it if the process dies.

    Raises:
        SearchError: another process holds the lock, or the lock is a link.
    """
    import fcntl  # only Unix has it; reading an index needs no lock

    try:
        lock = files.open_to_write(folder / LOCK, keep=True)
    except files.UnreadableError as error:
        raise SearchError(f"{folder / LOCK}: {error}: delete it") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SearchError(
                f"{folder} is being written by another process: try again when it has finished"
            ) from None
        yield
