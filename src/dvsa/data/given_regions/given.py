"""Regions that somebody else chose or described: the boxes and features of photographs, from files."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dvsa import photo
from dvsa.arrays import Doubles, Floats
from dvsa.data.dataset import DataError, Example
from dvsa.data.given_regions.record import Record, Records, Size, features, fractions, scores
from dvsa.data.names import NameIndex
from dvsa.regions import MAX_REGIONS


@dataclass(frozen=True, eq=False, slots=True)
class RegionsOfPhotograph:
    """The regions of one photograph: boxes, features or both, checked, and at least one region."""

    box_I4: Doubles | None
    """In fractions of width and height, within the photograph; None if there are only features."""
    feature_IF: Floats | None
    """Finite; None if there are only boxes."""
    score_I: Floats | None
    """The detector's confidence in [0, 1]; None if the file has no scores."""

    def __len__(self) -> int:
        """The number of regions, I."""
        return next(len(array) for array in (self.box_I4, self.feature_IF) if array is not None)

    @property
    def digest(self) -> str | None:
        """SHA-256 of the features in hexadecimal, the same in all layouts; None if there are only boxes."""
        if self.feature_IF is None:
            return None
        return hashlib.sha256(self.feature_IF.astype("<f4").tobytes()).hexdigest()


@dataclass(frozen=True, slots=True)
class RegionCounts:
    """How many regions photographs have."""

    photographs: int
    fewest: int
    """Regions of the photograph with the fewest."""
    most: int
    mean: float

    @classmethod
    def of(cls, count_K: Sequence[int]) -> "RegionCounts":
        """The statistics of the numbers of regions of K photographs; K may be 0.

        >>> RegionCounts.of([36, 10, 20])
        RegionCounts(photographs=3, fewest=10, most=36, mean=22.0)
        """
        if not count_K:
            return cls(0, 0, 0, 0.0)
        return cls(len(count_K), min(count_K), max(count_K), float(np.mean(count_K)))


class GivenRegions:
    """The regions in a file or a folder, by photograph. They stay on disk until `of` reads them.

    `of` is safe in threads and in forked workers.
    """

    def __init__(self, source: Path, records: Records) -> None:
        """Index the records and read the first one; use `load_regions`, which finds the layout.

        Raises:
            DataError: there are no records, two have one name, or the first one is malformed.
            OSError: it cannot be read.
        """
        if not records.names:
            raise DataError(f"{source} has the regions of no photograph")
        twice = [name for name, count in Counter(records.names).items() if count > 1]
        if twice:
            raise DataError(f"{source} has the regions of {twice[0]} twice: keep one of them")

        first = records.read(0)
        self.source = source
        self.features = 0 if first.feature_IF is None else features(first).shape[1]
        """The width F of features; 0 if there are only boxes."""
        self.boxed = first.box_I4 is not None
        """Whether there are boxes."""
        self._records, self._first = records, first.place
        if not self.features and not self.boxed:
            raise DataError(f"{first.place} has neither boxes nor features")

    @property
    def names(self) -> Sequence[str]:
        """The photographs, as the files name them."""
        return self._records.names

    @property
    def stamp(self) -> str:
        """Path, size and time of change of each file: something else if what was read may have changed."""
        facts = [(str(path.resolve()), path.stat()) for path in self._records.files]
        return repr([(path, stat.st_size, stat.st_mtime_ns) for path, stat in facts])

    def find(self, name: str) -> str | None:
        """The name under which the files have a photograph; None if they do not have it.

        A file name, the end of a path, and a number of Flickr or COCO are enough, as `NameIndex` says.

        Raises:
            DataError: several names may be meant.
        """
        position = self._position(name)
        return None if position is None else self.names[position]

    def of(self, example: Example) -> RegionsOfPhotograph:
        """Read the regions of a photograph, which itself is read only if the files do not say its size.

        Raises:
            DataError: they are missing, ambiguous or malformed, or features have another width than those of
                the first record. The message names the file and the photograph.
            OSError: a file cannot be read.
            PhotoError: the photograph cannot be read.
        """
        position = self._position(example.name)
        if position is None:
            raise DataError(f"{self.source} has no regions of {example.name}: add them, or leave it out")
        record = self._records.read(position)
        for what, here, expected in (
            ("features", record.feature_IF is not None, self.features > 0),
            ("boxes", record.box_I4 is not None, self.boxed),
        ):
            if here != expected:
                raise DataError(f"{record.place} has {what if here else 'no ' + what}, unlike {self._first}")

        box_I4 = fractions(record, record.size or _size_of(example, record)) if self.boxed else None
        feature_IF = features(record) if self.features else None
        if feature_IF is not None and feature_IF.shape[1] != self.features:
            width = f"features of width {feature_IF.shape[1]}, unlike {self.features} of {self._first}"
            raise DataError(f"{record.place} has {width}")
        regions = RegionsOfPhotograph(box_I4, feature_IF, scores(record))

        arrays = {"features": feature_IF, "boxes": box_I4, "scores": regions.score_I}
        rows = {what: len(array) for what, array in arrays.items() if array is not None}
        if len(set(rows.values())) > 1:
            counted = ", ".join(f"{count} {what}" for what, count in rows.items())
            raise DataError(f"{record.place} has {counted}: give as many of each")
        if len(regions) > MAX_REGIONS:
            raise DataError(
                f"{record.place} has {len(regions):,} regions: keep the best {MAX_REGIONS} or fewer"
            )
        return regions

    def check(
        self, examples: Sequence[Example], progress: Callable[[int, int], None] | None = None
    ) -> RegionCounts:
        """Read the regions of all examples once, so that faults are found before training.

        Missing and ambiguous photographs are found first, before anything is read.

        Args:
            examples: the photographs.
            progress: called with (photographs done, photographs in all) after each photograph.

        Raises:
            DataError: as `of`; or two photographs have the same regions.
            OSError, PhotoError: as `of`.
        """
        for example in examples:
            if self._position(example.name) is None:
                raise DataError(f"{self.source} has no regions of {example.name}: add them, or leave it out")
        for record, names in self.matches(examples).items():
            if len(names) > 1:
                raise DataError(f"{self.source}: {record} may be {names[0]} or {names[1]}: give longer names")

        counts = []
        for done, example in enumerate(examples, 1):
            counts.append(len(self.of(example)))
            if progress is not None:
                progress(done, len(examples))
        return RegionCounts.of(counts)

    def matches(self, examples: Sequence[Example]) -> dict[str, list[str]]:
        """The photographs by the name that the files have for them; missing and ambiguous ones are left out.

        A list has more than one photograph if these have the same regions.
        """
        found: defaultdict[str, list[str]] = defaultdict(list)
        for example in examples:
            positions = self._index.find(example.name)
            if len(positions) == 1:
                found[self.names[positions[0]]].append(example.name)
        return dict(found)

    def _position(self, name: str) -> int | None:
        """The position of a photograph's record."""
        found = self._index.find(name)
        if len(found) > 1:
            some = " and ".join(self.names[position] for position in found[:2])
            raise DataError(f"{self.source}: {name} may be {some}: give longer names")
        return found[0] if found else None

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex(self.names)


def _size_of(example: Example, record: Record) -> Size:
    """The size of the photograph itself; DataError if there is none."""
    try:
        return photo.size(example.read(), example.name)
    except DataError as error:
        raise DataError(f"{record.place} has boxes in pixels without a size; {error}") from error
