"""The manifest of an index: which segments there are and how much of each file counts.

    manifest.json            what is here; replaced at once or not at all
    lock                     held by the one process that writes
    000001.rows              digest of the content, and number of regions, of each photograph of a segment
    000001.vectors           float16, a row a region
    000001.boxes             float32, a row a region
    000001.photographs       a line of JSON a photograph
    000001.4096.codes.npy    the sketch of its first 4,096 photographs (see dvsa.index.sketch)
    000001.4096.basis.npy

Files of segments only ever grow. What lies beyond the length in the manifest was not yet acknowledged when
its writer died; the next writer cuts it off. A file that the manifest does not name is nobody's.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dvsa import files
from dvsa.index.records import SearchError

FORMAT = 1
MANIFEST = "manifest.json"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a file counts."""

    bytes: int = 0
    crc: int = 0
    """CRC-32 of these bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """What the manifest says of one segment."""

    name: str
    photographs: int
    """Removed ones included."""
    regions: int
    norm: float
    """Of its longest vector."""
    removed: tuple[int, ...]
    """Rows of removed photographs, rising."""
    sketched: int
    """How many photographs from the first on have a sketch."""
    files: Mapping[str, Extent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `manifest.json` holds."""

    bundle: str
    """Name of the bundle that made the vectors."""
    digest: str
    """SHA-256 of that bundle's manifest."""
    embedding: int
    """The number D."""
    next: int = 1
    """The number of the next segment."""
    segments: tuple[SegmentRecord, ...] = ()


def read(folder: Path) -> Manifest:
    """The manifest of an index; raises SearchError where there is none, or none that this version reads."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise SearchError(
            f"{folder} holds no index: make one with dvsa index PHOTOS --out {folder}"
        ) from None
    except ValueError as error:
        raise SearchError(f"{path} is damaged ({error}): index the photographs again") from error
    version = found.get("format") if isinstance(found, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise SearchError(f"{folder} is of format {version}, newer than {FORMAT}: update dvsa to read it")
    try:
        if version != FORMAT:
            raise ValueError("no format")
        segments = tuple(
            SegmentRecord(
                **{
                    **segment,
                    "removed": tuple(segment["removed"]),
                    "files": {name: Extent(**extent) for name, extent in segment["files"].items()},
                }
            )
            for segment in found["segments"]
        )
        return Manifest(**{**{k: v for k, v in found.items() if k != "format"}, "segments": segments})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SearchError(
            f"{path} is no manifest of an index ({error}): index the photographs again"
        ) from None


def write(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest; when this returns, it is on disk, and with it all that it names."""
    content = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1)
    files.write(folder / MANIFEST, content.encode())


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the lock of an index, which a dying process lets go; raises SearchError where another has it."""
    import fcntl  # Unix alone has it; reading needs no lock

    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SearchError(
                f"{folder} is being written by another process: try again when it is done"
            ) from None
        yield
