"""A thorough check of a data set: what it contains, and every fault of its lists, files and annotations."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dvsa.data.dataset import DataError, Dataset, Example, Problem
from dvsa.data.loading import load
from dvsa.photo import PhotoError, read

HARMLESS = frozenset({"no annotation", "stray photograph", "stray sentences", "unmatched sentence"})
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
class DataReport:
    """The result of `check`."""

    dataset: str
    counts: dict[str, SplitCounts]
    """By split, in the order of the examples."""
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether all problems are of the kinds in `HARMLESS`: no example is lost or leaks between splits."""
        return all(problem.kind in HARMLESS for problem in self.problems)


def check(
    root: Path,
    entities: Path | None = None,
    *,
    decode: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Count and check a data set.

    Args:
        root: the data set's folder, as for `load`.
        entities: Flickr30k Entities, as for `load`.
        decode: whether to decode each photograph; otherwise only unreadable files are found.
        progress: called with (photographs done, photographs in all) after each photograph.

    Raises:
        DataError: the data set cannot be loaded at all.
    """
    dataset = load(root, entities)
    problems = list(dataset.problems)
    digests: defaultdict[str, list[Example]] = defaultdict(list)

    # Read every photograph, in threads.
    pool = ThreadPoolExecutor()
    try:
        checked = pool.map(lambda example: _check_photograph(example, decode), dataset.examples)
        for done, (example, result) in enumerate(zip(dataset.examples, checked, strict=True), 1):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                digests[result].append(example)
            if progress is not None:
                progress(done, len(dataset.examples))
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt must not wait for all photographs

    # The same content must not be in two splits.
    for same in digests.values():
        if len({example.split for example in same}) > 1:
            places = ", ".join(f"{example.name} ({example.split})" for example in same)
            problems.append(
                Problem("doubled photograph", same[0].name, f"one file in several splits: {places}")
            )
    return DataReport(dataset.name, _count(dataset), tuple(problems))


def _check_photograph(example: Example, decode: bool) -> str | Problem:
    """The SHA-256 of the photograph's file, or the problem with it."""
    try:
        data = example.read()
        if decode:
            read(data, example.name)
    except (PhotoError, DataError, OSError) as error:
        return Problem("broken photograph", example.name, str(error).removeprefix(f"{example.name}: "))
    return hashlib.sha256(data).hexdigest()


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
