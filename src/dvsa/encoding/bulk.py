"""Encode any number of photographs into a folder of Parquet files. Needs pyarrow."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import onnxruntime
import pyarrow as pa

from dvsa.data.gather import LeftOut, gather
from dvsa.encoding.encoder import encoder
from dvsa.encoding.folder import EncodedFolder
from dvsa.encoding.table import schema, table, utf8
from dvsa.encoding.values import Encoded, Encoder, Settings
from dvsa.model import Model

SHARD: Final = 10_000
"""Photographs in a file, by default: about 110 MB with 20 regions of 256 numbers."""

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many are done, and the total."""

Fault = tuple[str, str]
"""A photograph that could not be read: its path, and the error."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What is in the folder after a call, and what the call has done."""

    photographs: int
    encoded: int
    """Photographs of this call, those included that could not be read."""
    shards: int
    faults: tuple[Fault, ...]
    """Every photograph in the folder that could not be read."""
    seconds: float
    """How long encoding and writing took."""
    left_out: tuple[LeftOut, ...] = ()
    """Files and folders that were left out, each with its kind."""


def write(
    photographs: Iterable[str | Path],
    folder: str | Path,
    model: Model,
    settings: Settings | None = None,
    *,
    encode: Encoder | None = None,
    made_by: str | None = None,
    shard: int = SHARD,
    progress: Progress | None = None,
) -> Summary:
    """Write regions, vectors and captions of photographs as Parquet files.

    A photograph that cannot be read is a row with its error. After an interruption the same call continues:
    files that are complete stay as they are.

    Args:
        photographs: names of files, folders, globs and tar files.
        folder: a new or empty one, or one that an earlier call has begun.
        model: encodes the photographs.
        settings: what to write of each photograph.
        encode: does the work with the same settings; None for an encoder in this process.
        made_by: the program and the device of `encode`, which every file records.
        shard: photographs in a file.
        progress: called with the number of finished photographs.

    Raises:
        ValueError: there are no photographs, the folder contains something else, or the bundle cannot give
            what is asked for.
        OSError: a name matches nothing, or the folder cannot be written. Complete files stay.

    >>> import dvsa
    >>> summary = write(["examples"], "encoded", dvsa.load(threads=1), Settings(captions=False))
    >>> summary.photographs, summary.shards, summary.faults
    (3, 1, ())
    """
    settings = settings or Settings()
    settings.check(model.bundle)
    gathered = gather(photographs, without=Path(folder))
    sources = gathered.sources
    there = EncodedFolder.open(Path(folder), sources, model.bundle, settings, shard)
    faults, missing = list(there.faults()), there.missing()

    began = time.monotonic()
    pending = list(chain.from_iterable(map(there.sources_of, missing)))
    results = (encode or encoder(model, settings))(pending)
    counted = _counted(results, faults, len(sources) - len(pending), len(sources), progress)
    columns = schema(settings, model.bundle.manifest.embedding)
    tables = (table(encoded, columns) for encoded in counted)
    _write_shards(there, missing, tables, made_by or f"onnxruntime {onnxruntime.__version__} on the CPU")
    return Summary(
        photographs=len(sources),
        encoded=len(pending),
        shards=len(there),
        faults=tuple(faults),
        seconds=time.monotonic() - began,
        left_out=tuple(gathered.left_out),
    )


def _counted(
    results: Iterable[Encoded], faults: list[Fault], done: int, total: int, progress: Progress | None
) -> Iterator[Encoded]:
    """The results, whose photographs are counted, and whose faults are added to a list."""
    for encoded in results:
        faults.extend((utf8(f.path), utf8(f.error)) for f in encoded.facts if f.error is not None)
        done += len(encoded.facts)
        if progress is not None:
            progress("encoding photographs", done, total)
        yield encoded


def _write_shards(
    folder: EncodedFolder, missing: Sequence[int], tables: Iterator[pa.Table], made_by: str
) -> None:
    """Write the missing files from the rows of their photographs, each while the next one is encoded."""
    numbers = deque(missing)
    held: list[pa.Table] = []
    count = 0
    writing: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:
        for part in tables:
            held.append(part)
            count += len(part)

            # As many rows as a file has photographs; what is left over is for the next file.
            while numbers and count >= (wanted := len(folder.sources_of(numbers[0]))):
                whole = pa.concat_tables(held)
                held, count = [whole.slice(wanted)], count - wanted
                if writing is not None:
                    writing.result()  # a full disk ends the work here
                writing = writer.submit(folder.write, numbers.popleft(), whole.slice(0, wanted), made_by)
        if writing is not None:
            writing.result()
