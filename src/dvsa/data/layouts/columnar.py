"""Tables of Parquet and Arrow, which may contain the photographs; reading them needs the extra `parquet`.

Arrow files are those that the library `datasets` writes (`save_to_disk`, its cache).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from dvsa.data.dataset import DamagedError, DataError, Source
from dvsa.data.layouts.columns import PHOTO, columns
from dvsa.data.layouts.tables import Table, Values

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".arrow")
_BATCH = 10_000
_LOCK = RLock()


@dataclass(frozen=True, slots=True)
class PackedSource(Source):
    """A photograph in a row of a table; `offset` is the row, counted from 0 over the whole file."""

    column: str = "image"

    def read(self) -> bytes:
        """Read the bytes; raises DataError if the row has none, or the file is damaged."""
        value = _cell(self.path, self.column, self.offset)
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes) or not data:
            raise DataError(
                f"{self.path}, row {self.offset + 1} has no bytes of a photograph in {self.column!r}"
            )
        return data

    @property
    def length(self) -> int:
        """The photograph's size in bytes; the row is read for it."""
        return len(self.read())


def open_table(path: Path, inner: str) -> Table | None:
    """Open a Parquet or Arrow file; None if it is no table of photographs with sentences.

    Raises:
        DataError: pyarrow is missing, the file is damaged, or its columns are ambiguous.
    """
    schema = _schema(path)
    packed = next((field.name for field in _by_preference(schema) if _holds_bytes(field.type)), None)
    # Photographs without paths need no name; a column of them may have any name, such as `jpg`.
    names = [field.name for field in schema if field.name != packed]
    if packed is not None:
        named = packed if _is_named(schema.field(packed).type) and packed.casefold() in PHOTO else "image"
        names.append(named)
    found = columns(names, str(path))
    if found is None:
        return None

    wanted = [name for name in (found.photo, *found.sentences, found.split) if name and name in schema.names]
    embedded = None
    if packed is not None and _filled(path, packed, schema):
        embedded = _sources(path, packed)
    return Table(path, inner, found, lambda: _rows(path, schema, wanted), "row", embedded)


def _sources(path: Path, column: str) -> Callable[[int], Source]:
    return lambda number: PackedSource(path, number - 1, column=column)


def _by_preference(schema: "pa.Schema") -> list["pa.Field"]:
    """The columns, those first that are called like photographs."""
    return sorted(schema, key=lambda field: field.name.casefold() not in PHOTO)


def _holds_bytes(kind: "pa.DataType") -> bool:
    import pyarrow.types as types

    if types.is_struct(kind):
        return any(kind.field(n).name == "bytes" for n in range(kind.num_fields))
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _is_named(kind: "pa.DataType") -> bool:
    """Whether a column of photographs also has their paths."""
    import pyarrow.types as types

    return bool(types.is_struct(kind)) or not _holds_bytes(kind)


def _rows(path: Path, schema: "pa.Schema", wanted: Sequence[str]) -> Iterator[tuple[int, Values]]:
    """The rows without the bytes of photographs."""
    number = 0
    for batch in _batches(path, schema, wanted):
        for values in batch:
            number += 1
            yield number, values


def _batches(path: Path, schema: "pa.Schema", wanted: Sequence[str]) -> Iterator[list[dict[str, object]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.suffix.lower() == ".parquet":
            # Of a struct with bytes, only the path is read.
            leaves = [f"{name}.path" if _holds_bytes(schema.field(name).type) else name for name in wanted]
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH, columns=leaves):
                    yield batch.to_pylist()
            return
        table = _arrow(path).select(list(wanted))
        for at, name in enumerate(wanted):
            if _holds_bytes(schema.field(name).type):
                paths = [chunk.field("path") for chunk in table.column(name).chunks]
                kind = schema.field(name).type.field("path").type
                table = table.set_column(at, name, pa.chunked_array(paths, kind))
        for batch in table.to_batches(_BATCH):
            yield batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(f"{path}: the file is damaged ({error}): fetch it again") from error


def _filled(path: Path, column: str, schema: "pa.Schema") -> bool:
    """Whether the column has bytes; a struct may have only paths."""
    value = _cell(path, column, 0)
    return bool(value.get("bytes") if isinstance(value, dict) else value)


def _schema(path: Path) -> "pa.Schema":
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise DataError(f"{path}: reading it needs pyarrow: pip install 'dvsa[parquet]'") from error
    try:
        return pq.read_schema(path) if path.suffix.lower() == ".parquet" else _arrow(path).schema
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(f"{path}: the file is damaged ({error}): fetch it again") from error


def _cell(path: Path, column: str, row: int) -> object:
    """One value; None for a row that the file does not have."""
    import pyarrow as pa

    try:
        with _LOCK:  # threads that read neighbours must not each load the same rows
            if path.suffix.lower() == ".arrow":
                values = _arrow(path).column(column)
                return values[row].as_py() if row < len(values) else None
            for group, count in enumerate(_group_sizes(path)):
                if row < count:
                    return _group(path, column, group)[row].as_py()
                row -= count
            return None
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(f"{path}: the file is damaged ({error}): fetch it again") from error


@lru_cache(maxsize=64)
def _arrow(path: Path) -> "pa.Table":
    """A file of Arrow's stream or file format, mapped into memory."""
    import pyarrow as pa

    try:
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


@lru_cache(maxsize=64)
def _group_sizes(path: Path) -> tuple[int, ...]:
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    return tuple(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))


@lru_cache(maxsize=2)
def _group(path: Path, column: str, group: int) -> "pa.ChunkedArray":
    """A column of one row group; the last two are kept, because photographs are read in order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column]).column(column)
