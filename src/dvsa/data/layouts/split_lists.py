"""Lists of the photographs of each split: those of Flickr8K and of Flickr30k Entities."""

from collections.abc import Sequence
from pathlib import Path

from dvsa.data.dataset import DataError
from dvsa.data.layouts.listing import Row
from dvsa.data.photographs import suffix_of
from dvsa.data.text_files import read_text

FLICKR8K = {
    "train": "Flickr_8k.trainImages.txt",
    "val": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
ENTITIES = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}


def split_rows(folders: Sequence[Path], sentences: Path) -> list[Row]:
    """The rows of the lists in the first of the folders that has each; none if there are no lists.

    Raises:
        DataError: some lists are there, and others missing; `sentences` is the file that needs them.
    """
    for lists in (FLICKR8K, ENTITIES):
        places = {
            split: path
            for split, file in lists.items()
            if (path := next((f / file for f in folders if (f / file).is_file()), None)) is not None
            and path != sentences
            and _lists_names(path)
        }
        missing = [lists[split] for split in lists if split not in places]
        if places and missing:
            raise DataError(f"{sentences} needs {', '.join(missing)}: put them into {folders[0]}")
        if places:
            return [row for split, path in places.items() for row in read_list(path, split)]
    return []


def read_list(path: Path, split: str) -> list[Row]:
    """A row for each name in a list; the lists of Flickr30k Entities leave `.jpg` out."""
    names = ((number, line.strip()) for number, line in enumerate(read_text(path).split("\n"), 1))
    return [
        Row(name if suffix_of(name) else f"{name}.jpg", (), split, f"{path}, line {n}", whole=True)
        for n, name in names
        if name
    ]


def _lists_names(path: Path) -> bool:
    """Whether every line is one name, as far as the beginning of the file tells."""
    with path.open("rb") as file:
        lines = file.read(4096).decode("utf-8-sig", errors="replace").split("\n")
    return all(len(line.split()) <= 1 for line in lines)
