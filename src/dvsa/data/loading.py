"""One loader for all data sets, which joins their lists, photographs and phrases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError, Dataset, Example, GroundedPhrase, Problem
from dvsa.data.entities import Entities
from dvsa.data.given_regions import GivenRegions, load_regions
from dvsa.data.layouts import find
from dvsa.data.layouts.listing import Listing
from dvsa.data.photographs import Photographs
from dvsa.text import words

_ENTITIES = ("entities", "flickr30k_entities", "flickr30k_entities.tar.xz")
"""Names under which a data set's folder may contain Flickr30k Entities."""


def load(root: Path, entities: Path | None = None, regions: GivenRegions | None = None) -> Dataset:
    """Load a data set in any of the layouts that docs/data.md lists.

    Examples are complete: a photograph without a file, without sentences or in no list is left out, and
    listed in `Dataset.problems`. Photographs stay on disk until they are read. A listed photograph whose file
    is missing is kept if `regions` have its features; then `Example.source` is None.

    Args:
        root: the folder of the data set, or of a user's own photographs.
        entities: Flickr30k Entities: the folder with `Annotations/` and `Sentences/`, or a tar archive of the
            two. The default is `entities`, `flickr30k_entities` or `flickr30k_entities.tar.xz` in `root`, if
            one exists.
        regions: regions from files. The default is the folder itself if it has the features of its
            photographs, as SCAN's has.

    Raises:
        DataError: the folder, its lists, its photographs or the annotations are missing or malformed.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: name the folder of a data set or of photographs")
    if entities is not None and not entities.exists():
        raise DataError(f"{entities} is missing: name the folder or the archive of Flickr30k Entities")

    place = entities or next((root / name for name in _ENTITIES if (root / name).exists()), None)
    listing = find(root, place or root)
    photographs = Photographs(root)
    if regions is None and listing is not None and listing.featured:
        regions = load_regions(root)
    featured = regions is not None and regions.features > 0 and listing is not None
    if not photographs.found and not featured:
        raise DataError(f"{root} has no photographs, in folders or .tar files: unpack their archive there")
    if listing is None:
        return replace(_without_lists(root, photographs), regions=regions)

    dataset = _join(root, listing, photographs, Entities(place) if place else None, regions)
    if not dataset.examples:
        if any(problem.kind == "no sentences" for problem in dataset.problems):
            raise DataError(f"no photograph that {listing.name} lists in {root} has a sentence: write some")
        places = f"{root} or {regions.source}" if featured and regions else f"{root}"
        raise DataError(f"none of the photographs that {listing.name} lists is in {places}: put them there")
    return dataset


def _without_lists(root: Path, photographs: Photographs) -> Dataset:
    """A data set of photographs only."""
    examples: dict[str, Example] = {}
    problems = []
    for name, source in photographs.found:
        if name in examples:
            problems.append(Problem("doubled name", name, f"in {examples[name].file.path} and {source.path}"))
        else:
            examples[name] = Example(name, "", (), source)
    return Dataset(root.resolve().name, root, tuple(examples.values()), tuple(problems))


def _join(
    root: Path,
    listing: Listing,
    photographs: Photographs,
    entities: Entities | None,
    regions: GivenRegions | None,
) -> Dataset:
    """The complete examples of a listing, and the problems with all others."""
    splits, problems = _splits(listing.entries)
    problems.extend(listing.problems)
    examples = []

    for name, split in splits.items():
        files = photographs.named(name)
        sentences = [" ".join(sentence.split()) for sentence in listing.sentences.get(name, ())]
        with_words = tuple(sentence for sentence in sentences if words(sentence))
        problems.extend(Problem("empty sentence", name, repr(s)) for s in sentences if s not in with_words)
        if len(files) > 1:
            places = ", ".join(str(source.path) for _, source in files)
            problems.append(Problem("doubled name", name, f"files in {places}; the first is taken"))

        if not files and not _described(name, regions):
            problems.append(Problem("no photograph", name, f"{_place(split)}, but no file has this name"))
        elif not with_words:
            problems.append(Problem("no sentences", name, f"{_place(split)}, but without sentences"))
        else:
            phrases, unmatched = _phrases(name, with_words, entities)
            problems.extend(unmatched)
            examples.append(Example(name, split, with_words, files[0][1] if files else None, phrases))

    problems.extend(_strays(splits, listing, photographs))
    return Dataset(listing.name, root, tuple(examples), tuple(problems), regions=regions)


def _described(name: str, regions: GivenRegions | None) -> bool:
    """Whether there are features of a photograph."""
    return regions is not None and regions.features > 0 and regions.find(name) is not None


def _place(split: str) -> str:
    return f"listed in {split}" if split else "listed"


def _splits(entries: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[Problem]]:
    """The split of each photograph, in the order of the lists, and photographs that are listed twice."""
    splits: dict[str, str] = {}
    problems = []
    for name, split in entries:
        if name not in splits:
            splits[name] = split
        elif splits[name] == split:
            problems.append(Problem("doubled name", name, f"twice in the list of {split or 'photographs'}"))
        else:
            problems.append(Problem("split overlap", name, f"in {splits[name]!r} and {split!r}"))
            splits[name] = min(splits[name], split, key=_priority)
    return splits, problems


def _priority(split: str) -> int:
    """Of two splits that list a photograph, the lower one keeps it: training must not see it."""
    return {"test": 0, "val": 1}.get(split, 2)


def _phrases(
    name: str, sentences: tuple[str, ...], entities: Entities | None
) -> tuple[tuple[GroundedPhrase, ...], list[Problem]]:
    """The phrases of a photograph's sentences, and problems with them."""
    if entities is None:
        return (), []
    annotation = entities.annotation(name)
    if annotation is None:
        return (), [Problem("no annotation", name, "Flickr30k Entities has no files for it")]
    phrases, unmatched = annotation.ground(sentences)
    return phrases, [Problem("unmatched sentence", name, sentence) for sentence in unmatched]


def _strays(splits: Mapping[str, str], listing: Listing, photographs: Photographs) -> Iterator[Problem]:
    """Photographs in the folder and sentences in the lists that do not belong to the data set."""
    for name, sentences in listing.sentences.items():
        if name not in splits and not photographs.named(name):
            yield Problem(
                "stray sentences", name, f"{len(sentences)} sentences, but no photograph and in no list"
            )
    known = {PurePosixPath(name).name for name in (*splits, *listing.sentences)}
    for name, source in photographs.found:
        if PurePosixPath(name).name not in known:
            yield Problem("stray photograph", name, f"in {source.path}, but without sentences and in no list")
