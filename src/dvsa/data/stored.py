"""Data sets whose examples are on disk and not in memory."""

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final, overload

import numpy as np

from dvsa.data.array_files import mapped
from dvsa.data.dataset import Dataset, Example, GroundedPhrase, Problem, Source
from dvsa.data.subset import Subset

EXAMPLES: Final = "examples.jsonl"
"""A line of JSON for each example."""
ENDS: Final = "ends.npy"
"""Where each line ends, in bytes."""
SPLITS: Final = "splits.npy"
"""The number of each example's split in the list of `ABOUT`."""
ABOUT: Final = "about.json"
"""Everything else of the data set."""


class StoredExamples(Sequence[Example]):
    """The examples in a folder that `write` has made, each read when it is asked for; nine bytes for each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EXAMPLES
        self._end_K = np.array(mapped(folder / ENDS), np.int64)
        self._split_K = np.array(mapped(folder / SPLITS), np.uint8)

    def __len__(self) -> int:
        return len(self._end_K)

    @overload
    def __getitem__(self, k: int) -> Example: ...
    @overload
    def __getitem__(self, k: slice) -> list[Example]: ...
    def __getitem__(self, k: int | slice) -> Example | list[Example]:
        if isinstance(k, slice):
            return [self[place] for place in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(k)
        k %= len(self)
        begin = int(self._end_K[k - 1]) if k else 0
        with self._path.open("rb") as file:  # each call opens it again, so threads are independent
            file.seek(begin)
            return _parsed(file.readline())

    def __iter__(self) -> Iterator[Example]:
        with self._path.open("rb") as file:
            yield from map(_parsed, file)

    def of_splits(self, numbers: Iterable[int]) -> Subset[Example]:
        """The examples of some splits, which have numbers here."""
        return Subset(self, np.flatnonzero(np.isin(self._split_K, list(numbers))))


@dataclass(frozen=True)
class StoredDataset(Dataset):
    """A data set whose examples are on disk."""

    splits: tuple[str, ...] = ()
    """The splits that occur."""

    def of_splits(self, names: Set[str]) -> Sequence[Example]:
        """The examples of some splits, in their order; they stay on disk."""
        assert isinstance(self.examples, StoredExamples)
        return self.examples.of_splits(n for n, split in enumerate(self.splits) if split in names)


def write(data: Dataset, folder: Path) -> None:
    """Write a data set without regions into a folder that is there; raises OSError if the disk is full."""
    splits: dict[str, int] = {}
    ends, numbers = np.zeros(len(data.examples), np.int64), np.zeros(len(data.examples), np.uint8)
    with (folder / EXAMPLES).open("wb") as file:
        for k, example in enumerate(data.examples):
            file.write(_line(example))
            ends[k], numbers[k] = file.tell(), splits.setdefault(example.split, len(splits))
    np.save(folder / ENDS, ends)
    np.save(folder / SPLITS, numbers)

    about = {
        "name": data.name,
        "root": str(data.root),
        "problems": [(p.kind, p.name, p.detail) for p in data.problems],
        "split_by_name": data.split_by_name,
        "layout": data.layout,
        "why": data.why,
        "splits": list(splits),
    }
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def read(folder: Path) -> StoredDataset:
    """The data set that `write` has written into a folder."""
    about = json.loads((folder / ABOUT).read_text("utf-8"))
    return StoredDataset(
        name=about["name"],
        root=Path(about["root"]),
        examples=StoredExamples(folder),
        problems=tuple(Problem(*problem) for problem in about["problems"]),
        split_by_name=about["split_by_name"],
        layout=about["layout"],
        why=about["why"],
        splits=tuple(about["splits"]),
    )


def _line(example: Example) -> bytes:
    source = example.file
    phrases = [(p.sentence, p.first, p.last, p.text, p.chain, p.kinds, p.boxes) for p in example.phrases]
    place = (str(source.path), source.offset, source.size)
    return json.dumps((example.name, example.split, example.sentences, place, phrases)).encode() + b"\n"


def _parsed(line: bytes) -> Example:
    name, split, sentences, (path, offset, size), phrases = json.loads(line)
    found = tuple(
        GroundedPhrase(sentence, first, last, text, chain, tuple(kinds), tuple(map(tuple, boxes)))
        for sentence, first, last, text, chain, kinds, boxes in phrases
    )
    return Example(name, split, tuple(sentences), Source(Path(path), offset, size), found)
