"""Files of a folder that look like lists of photographs with sentences, whatever they are called."""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DamagedError, DataError, Problem
from dvsa.data.layouts import captions_json, coco, columnar, delimited, json_tables, karpathy
from dvsa.data.layouts.listing import Listing
from dvsa.data.layouts.mentions import UNKNOWN, mentions
from dvsa.data.layouts.shapes import shape
from dvsa.data.layouts.tables import Table
from dvsa.data.photographs import SUFFIXES, names_below, suffix_of

_TEXTS = {".csv", ".tsv", ".txt", ".token", ".psv"}
_LINES = {".jsonl", ".ndjson"}
_SUFFIXES = {*_TEXTS, *_LINES, *columnar.SUFFIXES, ".json", ".gz"}
_CALLED = re.compile(r"caption|sentence|metadata|results_\d+\.token", re.IGNORECASE)
_SIDECARS = {".txt", ".caption", ".json"}
_JSON = (".json", ".json.gz")
_FOREIGN = {"", ".db", ".ods", ".pkl", ".sqlite", ".xls", ".xlsx", ".xml", ".yaml", ".yml", ".zip"}
"""Suffixes of formats that are not read; a file with one of them is named if it is called like captions."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may list the photographs."""

    path: Path
    inner: str
    """The path from the data set's folder, with `/`."""
    what: str
    """What makes it look like a list, or why it cannot be read."""
    read: Callable[[list["Candidate"], str], Listing] | None
    """Reads several files of this kind as one listing with a name; None if it cannot be read."""
    damaged: bool = False
    """Whether it cannot be read because it is damaged."""


def candidates(root: Path, entities: Path) -> Iterator[Candidate]:
    """The candidates in a folder, at any depth; nothing of Flickr30k Entities and no sidecars of pictures."""
    pictures: set[str] = set()
    files: list[tuple[str, str]] = []
    for inner, place in names_below(root):
        suffix = suffix_of(inner)
        if suffix in _SUFFIXES or (suffix in _FOREIGN and _CALLED.search(inner.rpartition("/")[2])):
            files.append((inner, place))
        elif suffix in SUFFIXES:
            pictures |= {inner, inner[: -len(suffix)]}

    stems = {name.rpartition("/")[2] for name in pictures}
    for inner, place in sorted(files):
        path = Path(place)
        beside = suffix_of(inner) in _SIDECARS and inner[: -len(suffix_of(inner))] in pictures
        hidden = path.name.startswith((".", "cache-"))
        if not beside and not hidden and path.is_file() and not _is_inside(path, root, entities):
            found = _candidate(path, inner, stems)
            if found is not None:
                yield found


def _candidate(path: Path, inner: str, stems: Set[str]) -> Candidate | None:
    """The file, if it is a candidate; `stems` are names of photographs."""
    is_json = path.name.lower().endswith(_JSON)
    kind = shape(path, stems) if is_json else None
    if kind == "karpathy":
        return Candidate(path, inner, "images with sentences", _read_karpathy)
    try:
        table = _table(path, inner)
    except DataError as error:
        damaged = isinstance(error, DamagedError)
        return Candidate(path, inner, str(error).removeprefix(f"{path}: "), None, damaged)
    if table is not None:
        return Candidate(path, inner, f"columns {table.columns}", _read_tables)

    if is_json:
        if kind == "coco":
            return Candidate(path, inner, "COCO captions", _read_coco)
        if kind == "by photograph" or inner == "captions.json":
            return Candidate(path, inner, "sentences by photograph", _read_by_photograph)
    return _unreadable(path, inner, stems)


def _unreadable(path: Path, inner: str, stems: Set[str]) -> Candidate | None:
    """A file that cannot be read, if it is called like captions or has some."""
    suffix = path.suffix.lower()
    if suffix in _FOREIGN:
        return Candidate(path, inner, f"{suffix or 'a file without suffix'} is not read", None)
    has = mentions(path, stems)
    if has is not None:
        return Candidate(path, inner, has, None)
    if _CALLED.search(PurePosixPath(inner).stem) and suffix in {*_TEXTS, *_LINES, ".json", ".gz"}:
        return Candidate(path, inner, UNKNOWN, None)
    return None


def _table(path: Path, inner: str) -> Table | None:
    suffix = path.suffix.lower()
    if suffix in columnar.SUFFIXES:
        return columnar.open_table(path, inner)
    if suffix in _LINES:
        return json_tables.open_lines(path, inner)
    if suffix == ".json":
        return json_tables.open_list(path, inner) or json_tables.open_lines(path, inner)
    return delimited.open_table(path, inner) if suffix in _TEXTS else None


def _read_tables(files: list[Candidate], name: str) -> Listing:
    listing = Listing(name)
    for file in files:
        table = _table(file.path, file.inner)
        assert table is not None
        try:
            listing.rows.extend(list(table.rows()))
        except DamagedError as error:
            if len(files) == 1:
                raise
            listing.problems.append(Problem("broken file", file.inner, str(error)))
        listing.problems.extend(table.problems)
    return listing


def _read_karpathy(files: list[Candidate], name: str) -> Listing:
    listing = Listing(name)
    for file in files:
        listing.rows.extend(karpathy.read_file(file.path, name).rows)
    return listing


def _read_coco(files: list[Candidate], name: str) -> Listing:
    return Listing(name, coco.read_files([file.path for file in files], name).rows)


def _read_by_photograph(files: list[Candidate], name: str) -> Listing:
    listing = Listing(name)
    for file in files:
        captions_json.read_file(file.path, file.inner, listing)
    return listing


def _is_inside(path: Path, root: Path, entities: Path) -> bool:
    if {"Annotations", "Sentences"} & set(path.relative_to(root).parts[:-1]):
        return True
    return entities != root and entities.is_dir() and path.is_relative_to(entities)
