"""Joins what the lists of a data set say with its photographs and phrases."""

import posixpath
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dvsa.data.dataset import DataError, Dataset, Example, GroundedPhrase, Problem, Source
from dvsa.data.entities import Entities
from dvsa.data.finding import Finder, Found, is_absolute
from dvsa.data.given_regions import GivenRegions
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.names import plain
from dvsa.data.photographs import NamedSource, Photographs
from dvsa.text import words


@dataclass(slots=True)
class _Group:
    """All that the lists say about one photograph."""

    found: Found
    names: dict[str, Row] = field(default_factory=dict)
    """The names that it has in the lists, each with the first row that has it."""
    sentences: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    """The splits that list it."""
    whole: Row | None = None
    """The row that says all about it, if the layout has such rows."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in the lists; its path if no list has that in plain spelling."""
        first = next(iter(self.names))
        return self.found.path if self.found.respelt or self.found.source is None else plain(first)


def join(
    root: Path,
    listing: Listing,
    photographs: Photographs,
    entities: Entities | None,
    regions: GivenRegions | None,
) -> Dataset:
    """The complete examples of a listing, and the problems with all others.

    Raises:
        DataError: the lists contradict each other, or a name fits two different files.
    """
    groups = _grouped(listing, Finder(root, photographs))
    listed = [group for group in groups if group.splits]
    examples, problems = [], []

    for group, name in zip(listed, _unique_names(listed), strict=True):
        problems.extend(group.problems)
        split = min(group.splits, key=_priority)
        sentences = [" ".join(sentence.split()) for sentence in group.sentences]
        with_words = tuple(sentence for sentence in sentences if _has_word(sentence))
        if len(with_words) < len(sentences):
            problems.extend(Problem("empty sentence", name, repr(s)) for s in sentences if not _has_word(s))

        if group.found.source is None and not _described(name, regions):
            problems.append(Problem("no photograph", name, f"{_place(split)}, but no file has this name"))
        elif not with_words:
            problems.append(Problem("no sentences", name, f"{_place(split)}, but without sentences"))
        else:
            phrases, unmatched = _phrases(name, with_words, entities)
            problems.extend(unmatched)
            examples.append(Example(name, split, with_words, group.found.source, phrases))

    problems.extend(listing.problems)
    problems.extend(_doubled(groups))
    problems.extend(_strays(groups, photographs))
    layout, why = listing.layout, listing.why
    return Dataset(
        listing.name, root, tuple(examples), tuple(problems), regions=regions, layout=layout, why=why
    )


def _grouped(listing: Listing, finder: Finder) -> list[_Group]:
    """The rows of each photograph together, in the order of the lists."""
    groups: dict[Hashable, _Group] = {}
    known: dict[tuple[str, str, str | None, bool], Found] = {}
    for row in listing.rows:
        inside = row.source is not None
        key = (row.photo, row.folder, row.split, inside)
        if key not in known:
            known[key] = _packed(row, row.source) if row.source else _find(row, finder, listing.featured)
        found = known[key]
        group = groups.setdefault(found.key, _Group(found))
        _add(group, row, found)
    return list(groups.values())


def _find(row: Row, finder: Finder, featured: bool) -> Found:
    """The photograph that a row names; a name of features means only a photograph of the same name."""
    found = finder.find(row.photo, row.folder, row.split, row.where)
    name = plain(row.photo)
    return Found(("none", name), name) if featured and found.respelt else found


def _packed(row: Row, source: Source) -> Found:
    """A photograph inside a list: one name of one split is one photograph."""
    name = plain(row.photo)
    name = posixpath.basename(name) if is_absolute(name) else name
    return Found(("inside", row.split, name), name, source)


def _add(group: _Group, row: Row, found: Found) -> None:
    """Add a row to what is known about its photograph; raises DataError if it contradicts that."""
    name = plain(row.photo)
    if row.photo not in group.names:
        others = [other for other in group.names.values() if plain(other.photo) != name]
        if others and (found.guessed or group.found.guessed):
            one = others[0]
            raise DataError(
                f"{row.where}: {row.photo!r} and {one.photo!r} ({one.where}) may only mean {found.path}, "
                "although their names differ: write its path"
            )
        if others:
            detail = f"{row.photo} ({row.where}) and {others[0].photo} ({others[0].where}) are one file"
            group.problems.append(Problem("two names", name, detail))
        elif found.respelt and found.source is not None:
            group.problems.append(Problem("other spelling", found.path, f"{row.where} has {row.photo!r}"))
        group.names[row.photo] = row

    if row.whole and group.whole is not None:
        if row.sentences and (list(row.sentences), row.split) != (
            list(group.whole.sentences),
            group.whole.split,
        ):
            _refuse_second(group.whole, row)
        if row.split == group.whole.split:
            listed = f"twice in the list of {row.split or 'photographs'}"
            group.problems.append(Problem("doubled name", name, listed))
    elif row.whole:
        group.whole = row
    if not (row.whole and group.whole is not row):
        group.sentences.extend(row.sentences)

    if row.split is not None and row.split not in group.splits:
        if group.splits:
            both = f"in {group.splits[0]!r} and {row.split!r}"
            group.problems.append(Problem("split overlap", name, both))
        group.splits.append(row.split)


def _refuse_second(first: Row, second: Row) -> None:
    raise DataError(
        f"{second.where} is the same photograph as {first.where}, with other sentences or in another split: "
        "keep one, or put photographs of one name into the folders that the list names"
    )


def _unique_names(groups: list[_Group]) -> list[str]:
    """A name for each photograph: as listed, and with the folder or split where two have the same."""
    names = [group.name for group in groups]
    count = Counter(names)
    longer = [
        f"{group.splits[0]}/{name}" if group.found.path == name else group.found.path
        for group, name in zip(groups, names, strict=True)
    ]
    return [more if count[name] > 1 else name for name, more in zip(names, longer, strict=True)]


def _doubled(groups: list[_Group]) -> Iterator[Problem]:
    """Files that a name means as well, and that no list names otherwise."""
    ambiguous = [group for group in groups if group.found.others]
    taken = {group.found.source for group in groups} if ambiguous else set()
    for group in ambiguous:
        others: list[NamedSource] = [item for item in group.found.others if item[1] not in taken]
        if others and group.found.source is not None:
            sources = (group.found.source, *(source for _, source in others))
            places = ", ".join(str(source.path) for source in sources)
            yield Problem("doubled name", group.name, f"files in {places}; the first is taken")


def _has_word(sentence: str) -> bool:
    """Whether `words` finds any; most sentences begin with one."""
    return sentence[:1].isalpha() or bool(words(sentence))


def _described(name: str, regions: GivenRegions | None) -> bool:
    """Whether there are features of a photograph."""
    return regions is not None and regions.features > 0 and regions.find(name) is not None


def _place(split: str) -> str:
    return f"listed in {split}" if split else "listed"


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


def _strays(groups: list[_Group], photographs: Photographs) -> Iterator[Problem]:
    """Photographs in the folder and sentences in the lists that do not belong to the data set."""
    bases: defaultdict[str, int] = defaultdict(int)
    for group in groups:
        if not group.splits and group.found.source is None:
            detail = f"{len(group.sentences)} sentences, but no photograph and in no list"
            yield Problem("stray sentences", group.name, detail)
        for name in (group.found.path, *group.names):
            bases[posixpath.basename(plain(name))] += 1
    for name, source in photographs.found:
        if posixpath.basename(plain(name)) not in bases:
            yield Problem("stray photograph", name, f"in {source.path}, but without sentences and in no list")
