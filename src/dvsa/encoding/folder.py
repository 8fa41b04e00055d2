"""A folder of Parquet files that grows shard by shard, and says what it is made of. Needs pyarrow.

    _encoding.json         the photographs, the bundle and the settings
    part-00000.parquet     the first photographs, a row for each
    part-00001.parquet     the next ones

Each file appears only when it is complete. So after an interruption the missing ones remain to be done.
Readers of Parquet take the folder as one table; they leave out files whose names begin with `_` or a dot.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from dvsa.bundle import Bundle
from dvsa.data.photographs import NamedSource
from dvsa.encoding.values import Settings
from dvsa.files import replacing, write
from dvsa.version import VERSION

CONTENTS: Final = "_encoding.json"
FORMAT: Final = 1
METADATA: Final = b"dvsa"
"""The key of the schema's metadata under which each file says how it was made, as JSON."""


class EncodingError(ValueError):
    """A folder has other contents than what is to be written; the message is one line."""


@dataclass(frozen=True, slots=True)
class EncodedFolder:
    """The Parquet files of some photographs."""

    path: Path
    sources: Sequence[NamedSource]
    shard: int
    """Photographs in a file."""
    contents: Mapping[str, object]
    """What `_encoding.json` contains."""

    @classmethod
    def open(
        cls, path: Path, sources: Sequence[NamedSource], bundle: Bundle, settings: Settings, shard: int
    ) -> "EncodedFolder":
        """Open a folder to write or to continue; it is made if there is none.

        Args:
            path: of the folder.
            sources: all photographs, in the order of the rows.
            bundle: that encodes them.
            settings: what is written of each.
            shard: photographs in a file.

        Raises:
            EncodingError: the folder contains something else.
            OSError: the folder cannot be made or read.
        """
        if shard < 1:
            raise ValueError(f"a file cannot have {shard} photographs: give 1 or more")
        contents = {
            "format": FORMAT,
            "photographs": len(sources),
            "list": _digest(sources),
            "shard": shard,
            "bundle": bundle.manifest.name,
            "digest": bundle.digest,
            **asdict(settings),
        }
        folder = cls(path, sources, shard, contents)
        folder._claim()
        return folder

    def _claim(self) -> None:
        """Write `_encoding.json` into a new or empty folder, or compare it with the one that is there."""
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / CONTENTS
        if not file.exists():
            if any(self.path.iterdir()):
                raise EncodingError(f"{self.path} is not empty and has no {CONTENTS}: name a new folder")
            write(file, json.dumps(self.contents, indent=1).encode())
            return

        try:
            there = json.loads(file.read_bytes())
        except ValueError as error:
            raise EncodingError(f"{file} is damaged ({error}): name a new folder") from error
        if there != self.contents:
            raise EncodingError(f"{self.path} {_difference(there, self.contents)}: name another folder")

    def __len__(self) -> int:
        """The number of files."""
        return -(-len(self.sources) // self.shard)

    def file(self, number: int) -> Path:
        """A file by its number."""
        return self.path / f"part-{number:05}.parquet"

    def sources_of(self, number: int) -> Sequence[NamedSource]:
        """The photographs of a file."""
        return self.sources[number * self.shard : (number + 1) * self.shard]

    def missing(self) -> list[int]:
        """The numbers of the files that are not there yet."""
        return [number for number in range(len(self)) if not self.file(number).exists()]

    def write(self, number: int, table: pa.Table, made_by: str) -> None:
        """Write a file atomically.

        Args:
            number: of the file.
            table: a row for each of its photographs.
            made_by: the program and the device that encoded them.

        Raises:
            OSError: the disk is full or not writable.
        """
        about = {**self.contents, "version": VERSION, "made_by": made_by}
        table = table.replace_schema_metadata({METADATA: json.dumps(about).encode()})
        with replacing(self.file(number)) as partial:
            # The numbers of vectors hardly repeat, so a dictionary would only cost time.
            pq.write_table(table, partial, compression="zstd", use_dictionary=False)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Path and error of each photograph that could not be read, from the files that are there.

        Raises:
            EncodingError: a file is damaged or belongs to something else.
        """
        for number in range(len(self)):
            if self.file(number).exists():
                yield from self._faults_of(number)

    def _faults_of(self, number: int) -> Iterator[tuple[str, str]]:
        file, wanted = self.file(number), len(self.sources_of(number))
        try:
            facts = pq.read_table(file, columns=["path", "error"])
        except (pa.ArrowException, OSError, KeyError) as error:
            raise EncodingError(
                f"{file} is damaged ({' '.join(str(error).split())}): delete it and start again"
            ) from error
        if len(facts) != wanted:
            raise EncodingError(f"{file} has {len(facts)} rows, not {wanted}: delete it and start again")
        bad = facts.filter(facts["error"].is_valid())
        yield from zip(bad["path"].to_pylist(), bad["error"].to_pylist(), strict=True)


def about(file: Path) -> dict[str, object]:
    """How a Parquet file of a folder was made: bundle, digest, settings, version, program and device.

    Raises:
        OSError: the file is missing or not a Parquet file.
        KeyError: it was made by another program.
    """
    found: dict[str, object] = json.loads(pq.read_schema(file).metadata[METADATA])
    return found


def _digest(sources: Sequence[NamedSource]) -> str:
    """SHA-256 of the names and the places of photographs."""
    digest = hashlib.sha256()
    for name, source in sources:
        line = f"{name}\0{source.path}\0{source.offset}\0{source.size}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _difference(there: object, wanted: Mapping[str, object]) -> str:
    """How the contents of a folder differ from what is to be written."""
    if not isinstance(there, dict) or there.get("format") != FORMAT:
        return "was written by another version of dvsa"
    name = next((name for name in wanted if there.get(name) != wanted[name]), None)
    if name in ("photographs", "list"):
        return f"has other photographs ({there['photographs']:,} of them, not {wanted['photographs']:,})"
    if name == "digest":
        return f"was made by another bundle of the name {wanted['bundle']}"
    if name is None:
        return f"has unknown fields in {CONTENTS}"
    return f"was made with {name} {there.get(name)}, not {wanted[name]}"
