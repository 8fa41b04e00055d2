"""The manifest of an index: its segments, and how much of each of their files is valid.

    manifest.json            which segments there are; replaced atomically
    lock                     held by the one process that writes
    000001.rows              content digest and number of regions of each photograph of a segment
    000001.vectors           float16, a row for each region
    000001.boxes             float32, a row for each region
    000001.photographs       a line of JSON for each photograph
    000001.4096.codes.npy    the sketch of its first 4,096 photographs (see dvsa.index.sketch)
    000001.4096.basis.npy

Files of segments only grow. Bytes beyond the length in the manifest come from a writer that crashed before it
acknowledged them; the next writer cuts them off. It also deletes files that the manifest does not name.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dvsa import files
from dvsa.index.values import SearchError

INDEX_FORMAT = 1
INDEX_MANIFEST = "manifest.json"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Extent:
    """The valid part of a file, from its start."""

    bytes: int = 0
    crc: int = 0
    """CRC-32 of these bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """The manifest's record of one segment."""

    name: str
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


def read(folder: Path) -> IndexManifest:
    """Read the manifest of an index.

    Raises:
        SearchError: there is no index, its manifest is damaged, or its format is newer than `INDEX_FORMAT`.
    """
    path = folder / INDEX_MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise SearchError(f"{folder} has no index: make one with dvsa index PHOTOS --out {folder}") from None
    except ValueError as error:
        raise SearchError(f"{path} is damaged ({error}): index the photographs again") from error

    version = found.get("format") if isinstance(found, dict) else None
    if isinstance(version, int) and version > INDEX_FORMAT:
        raise SearchError(f"{folder} has format {version}, newer than {INDEX_FORMAT}: update dvsa to read it")

    try:
        if version != INDEX_FORMAT:
            raise ValueError("it has no format")
        segments = []
        for segment in found["segments"]:
            extents = {name: Extent(**extent) for name, extent in segment["files"].items()}
            segments.append(
                SegmentRecord(**{**segment, "removed": tuple(segment["removed"]), "files": extents})
            )
        facts = {key: value for key, value in found.items() if key != "format"}
        return IndexManifest(**{**facts, "segments": tuple(segments)})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SearchError(
            f"{path} is not the manifest of an index ({error}): index the photographs again"
        ) from None


def write(folder: Path, manifest: IndexManifest) -> None:
    """Replace the manifest atomically; when this returns, it is on disk."""
    content = json.dumps({"format": INDEX_FORMAT, **asdict(manifest)}, indent=1)
    files.write(folder / INDEX_MANIFEST, content.encode())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an index; the system releases it if the process dies.

    Raises:
        SearchError: another process holds the lock.
    """
    import fcntl  # only Unix has it; reading an index needs no lock

    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SearchError(
                f"{folder} is being written by another process: try again when it has finished"
            ) from None
        yield
