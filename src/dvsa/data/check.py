"""A thorough look at a data set: what it holds, and every fault of its lists, files and annotations."""

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
"""Kinds of problems that real data sets have and that leave the examples as they should be."""


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """What one split holds."""

    photographs: int
    sentences: int
    phrases: int
    """Phrases of Flickr30k Entities, those without a box included."""
    boxes: int
    """Different boxes that phrases point to."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """What `check` found."""

    dataset: str
    counts: dict[str, SplitCounts]
    """By split, in the order of the examples."""
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem costs or leaks an example; problems of the kinds in `HARMLESS` do not."""
        return all(problem.kind in HARMLESS for problem in self.problems)


def check(
    root: Path,
    entities: Path | None = None,
    *,
    decode: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Count and examine a data set.

    Args:
        root: the data set's folder, as for `load`.
        entities: Flickr30k Entities, as for `load`.
        decode: whether to decode each photograph; without it broken ones are found only if unreadable.
        progress: called with (photographs done, photographs in all) after each photograph.

    Raises:
        DataError: the data set cannot be loaded at all.
    """
    dataset = load(root, entities)
    problems = list(dataset.problems)
    digests: defaultdict[str, list[Example]] = defaultdict(list)
    pool = ThreadPoolExecutor()
    try:
        looks = pool.map(lambda example: _look(example, decode), dataset.examples)
        for done, (example, look) in enumerate(zip(dataset.examples, looks, strict=True), 1):
            if isinstance(look, Problem):
                problems.append(look)
            else:
                digests[look].append(example)
            if progress is not None:
                progress(done, len(dataset.examples))
    finally:
        pool.shutdown(cancel_futures=True)  # so that an interrupt need not wait for all photographs
    for same in digests.values():
        if len({example.split for example in same}) > 1:
            places = ", ".join(f"{example.name} ({example.split})" for example in same)
            problems.append(
                Problem("doubled photograph", same[0].name, f"one file in several splits: {places}")
            )
    return DataReport(dataset.name, _count(dataset), tuple(problems))


def _look(example: Example, decode: bool) -> str | Problem:
    """The SHA-256 of the photograph's bytes, or what is wrong with them."""
    try:
        data = example.read()
        if decode:
            read(data, example.name)
    except (PhotoError, DataError, OSError) as error:
        return Problem("broken photograph", example.name, str(error))
    return hashlib.sha256(data).hexdigest()


def _count(dataset: Dataset) -> dict[str, SplitCounts]:
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
