"""Writing the examples of a data set to disk, so that `dvsa.data.stored` reads them one by one."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from dvsa import files
from dvsa.data import stored
from dvsa.data.dataset import DataError, Example, Problem, Source
from dvsa.data.layouts.columnar import PackedSource
from dvsa.data.loading import load

PACKED: Final = "photographs.bin"
"""The photographs from tables, one after the other: a table cannot be read fast in any other order."""


def store(root: Path, entities: Path | None, folder: Path) -> None:
    """Load a data set, divide it if it has no splits, and write it into a new folder.

    Raises:
        DataError: as `load`; or the data set has features of regions in place of photographs.
        OSError: the disk is full.
    """
    data = load(root, entities).divided()
    with files.new_folder(folder) as partial:
        with (partial / PACKED).open("wb") as pack:
            place = folder / PACKED
            unpacked = [_unpacked(example, pack, place) for example in data.examples]
        examples = tuple(found for found in unpacked if isinstance(found, Example))
        problems = (*data.problems, *(found for found in unpacked if isinstance(found, Problem)))
        stored.write(replace(data, examples=examples, problems=problems), partial)


def _unpacked(example: Example, pack: BinaryIO, place: Path) -> Example | Problem:
    """The same example; its photograph is copied from the row of a table. A problem if that is broken."""
    if not isinstance(example.source, PackedSource):
        return example
    try:
        content = example.read()
    except (DataError, OSError) as error:
        return Problem("broken photograph", example.name, str(error))
    pack.write(content)
    return replace(example, source=Source(place, pack.tell() - len(content), len(content)))
