"""A thorough check of a data set: what it contains, and every fault of its lists, files and annotations."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from dvsa.data.dataset import DataError, Dataset, Example, Problem
from dvsa.data.given_regions import GivenRegions, RegionCounts
from dvsa.data.loading import load
from dvsa.photo import PhotoError, read

T = TypeVar("T")

HARMLESS = frozenset(
    {
        "ignored file",
        "missing delimiter",
        "no annotation",
        "other spelling",
        "stray photograph",
        "stray sentences",
        "surplus field",
        "two names",
        "unmatched sentence",
    }
)
"""Kinds of problems that real data sets have and that do not affect the examples."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split contains."""

    photographs: int
    sentences: int
    phrases: int
    """Phrases of Flickr30k Entities, including those without a box."""
    boxes: int
    """Different boxes of phrases."""


@dataclass(frozen=True, slots=True)
class RegionsReport:
    """What regions from files contain about the examples of a data set."""

    source: str
    """The file or folder."""
    features: int
    """The width of features; 0 if there are only boxes."""
    boxed: bool
    """Whether there are boxes."""
    counts: RegionCounts
    """Of the examples whose regions are sound."""
    unused: int
    """Photographs in the files that are not examples."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """The result of `check`."""

    dataset: str
    counts: dict[str, SplitCounts]
    """By split, in the order of the examples."""
    problems: tuple[Problem, ...]
    regions: RegionsReport | None = None
    """None if there are no regions from files."""
    layout: str = ""
    """The layout in which the folder was read."""
    why: str = ""
    """What in the folder decided for this layout."""

    @property
    def ok(self) -> bool:
        """Whether all problems are of the kinds in `HARMLESS`: no example is lost or leaks between splits."""
        return all(problem.kind in HARMLESS for problem in self.problems)


def check(
    root: str | Path,
    entities: str | Path | None = None,
    *,
    regions: GivenRegions | None = None,
    decode: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Count and check a data set.

    Args:
        root: the data set's folder, as for `load`.
        entities: Flickr30k Entities, as for `load`.
        regions: regions from files, as for `load`; those of every example are read.
        decode: whether to decode each photograph; otherwise only unreadable files are found.
        progress: called with (done, in all) after each photograph, and after the regions of each.

    Raises:
        DataError: the data set cannot be loaded at all.
    """
    dataset = load(root, entities, regions)
    problems = list(dataset.problems)
    digests: defaultdict[str, list[Example]] = defaultdict(list)
    photographs = [example for example in dataset.examples if example.source is not None]
    done, total = count(1), len(photographs) + (len(dataset.examples) if dataset.regions is not None else 0)

    def advance() -> None:
        if progress is not None:
            progress(next(done), total)

    # Read every photograph, then every photograph's regions.
    for example, result in _in_threads(partial(_check_photograph, decode=decode), photographs, advance):
        if isinstance(result, Problem):
            problems.append(result)
        else:
            digests[result].append(example)
    report = None
    if dataset.regions is not None:
        report = _check_regions(dataset, dataset.regions, advance, problems, digests)

    # The same content must not be in two splits.
    for same in digests.values():
        if len({example.split for example in same}) > 1:
            places = ", ".join(f"{example.name} ({example.split})" for example in same)
            problems.append(
                Problem("doubled photograph", same[0].name, f"one file in several splits: {places}")
            )
    counts = _count(dataset)
    return DataReport(dataset.name, counts, tuple(problems), report, dataset.layout, dataset.why)


def _in_threads(
    task: Callable[[Example], T], examples: Sequence[Example], advance: Callable[[], None]
) -> Iterator[tuple[Example, T]]:
    """Each example with the result of a task that reads files; `advance` is called after each."""
    pool = ThreadPoolExecutor()
    try:
        for pair in zip(examples, pool.map(task, examples), strict=True):
            yield pair
            advance()
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt must not wait for all photographs


def _check_photograph(example: Example, decode: bool) -> str | Problem:
    """The SHA-256 of the photograph's file, or the problem with it."""
    try:
        data = example.read()
        if decode:
            read(data, example.name)
    except (PhotoError, DataError, OSError) as error:
        return Problem("broken photograph", example.name, str(error).removeprefix(f"{example.name}: "))
    return hashlib.sha256(data).hexdigest()


def _check_regions(
    dataset: Dataset,
    given: GivenRegions,
    advance: Callable[[], None],
    problems: list[Problem],
    digests: defaultdict[str, list[Example]],
) -> RegionsReport:
    """Read the regions of all examples; add the problems with them, and digests instead of photographs."""

    def check_one(example: Example) -> tuple[int, str | None] | Problem:
        try:
            if given.find(example.name) is None:
                return Problem("no regions", example.name, f"not in {given.source}")
            regions = given.of(example)
        except (PhotoError, DataError, OSError) as error:
            return Problem("broken regions", example.name, str(error))
        return len(regions), regions.digest if example.source is None else None

    counts = []
    for example, result in _in_threads(check_one, dataset.examples, advance):
        if isinstance(result, Problem):
            problems.append(result)
        else:
            counts.append(result[0])
            if result[1] is not None:
                digests[result[1]].append(example)

    # One record must not be of two photographs.
    matches = given.matches(dataset.examples)
    problems += [
        Problem("shared regions", names[0], f"{', '.join(names)} all have those of {record}")
        for record, names in matches.items()
        if len(names) > 1
    ]
    unused = len(given.names) - len(matches)
    return RegionsReport(str(given.source), given.features, given.boxed, RegionCounts.of(counts), unused)


def _count(dataset: Dataset) -> dict[str, SplitCounts]:
    """The size of each split."""
    splits: defaultdict[str, list[Example]] = defaultdict(list)
    for example in dataset.examples:
        splits[example.split].append(example)
    return {
        split: SplitCounts(
            photographs=len(examples),
            sentences=sum(len(example.sentences) for example in examples),
            phrases=sum(len(example.phrases) for example in examples),
            boxes=sum(len({box for p in example.phrases for box in p.boxes}) for example in examples),
        )
        for split, examples in splits.items()
    }
