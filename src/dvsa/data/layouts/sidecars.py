"""Text files beside photographs: `1.txt` or `1.caption` has the sentences of `1.jpg`, one on each line.

In tar files this is the format of WebDataset: members with one name up to the first dot belong together.
There, `1.json` may have the sentences as well.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DamagedError, DataError, Problem, Source
from dvsa.data.layouts.columns import columns, split_in
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.layouts.tables import sentences_in
from dvsa.data.names import without_suffix
from dvsa.data.photographs import SUFFIXES, files_below, members_of, names_below
from dvsa.data.tar_files import Type
from dvsa.data.text_files import parse_json

_TEXTS = (".txt", ".caption", ".captions", ".text")
_JSON = ".json"
_LOOKED_AT = 20
MAX_SIZE = 1 << 20
"""The largest text of one photograph, in bytes."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A file beside others, or in a tar file."""

    name: str
    """The path from the data set's folder, or in the tar file."""
    source: Source
    where: str


def read_folder(root: Path, entities: Path) -> Listing | None:
    """Read the sidecars in a folder; None unless one of them has a word.

    Raises:
        DataError: two photographs share a sidecar, or one is too large or no UTF-8.
    """
    groups: defaultdict[str, list[_Member]] = defaultdict(list)
    for inner, path in files_below(root):
        if _is_of_interest(str(inner)) and not {"Annotations", "Sentences"} & set(inner.parts):
            groups[_stem(str(inner))].append(_Member(str(inner), Source(path), str(path)))

    rows, files = [], []
    for group in groups.values():
        for row, text in _rows(group, lambda member: split_in(str(PurePosixPath(member.name).parent))):
            if row.sentences:
                rows.append(replace(row, source=None))
                files.append(text.source.path)
    if not rows:
        return None
    why = (
        f"{files[0].name} and {len(files) - 1:,} more beside photographs" if len(files) > 1 else files[0].name
    )
    return Listing(root.resolve().name, rows, files, "sidecars", why)


def unread(root: Path, listing: Listing) -> Problem | None:
    """What to say about sidecars in a folder whose listing is another one; None if it has none.

    Only names are compared, and a few files are looked at: numbers of boxes are no sentences.
    """
    names = [inner for inner, _ in names_below(root)]
    pictures = {_stem(name) for name in names if _is_picture(name)}
    texts = sorted(n for n in names if PurePosixPath(n).suffix.lower() in _TEXTS and _stem(n) in pictures)
    read = {path.resolve() for path in listing.files}
    texts = [name for name in texts if (root / name).resolve() not in read]
    first = next((name for name in texts[:_LOOKED_AT] if _has_words(root / name)), None)
    if first is None:
        return None
    more = f" and {len(texts) - 1:,} more" if len(texts) > 1 else ""
    instead = listing.files[0].name if listing.files else listing.name
    return Problem("ignored file", first, f"sentences beside photographs{more}; {instead} is read")


def _has_words(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return any(map(str.isalpha, file.read(1 << 12).decode("utf-8-sig", errors="ignore")))
    except OSError:
        return False


def read_tars(root: Path, entities: Path) -> Listing | None:
    """Read tar files in the format of WebDataset; None unless one of them has a sentence.

    Raises:
        DataError: as for `read_folder`.
    """
    listing = Listing(root.resolve().name, layout="WebDataset")
    for inner, path in sorted(files_below(root), key=lambda item: str(item[0])):
        if path.suffix == ".tar" and path != entities:
            with suppress(DamagedError):  # `Photographs` names it
                _read_tar(path, str(inner), listing)
    if not any(row.sentences for row in listing.rows):
        return None
    why = f"{listing.files[0].name}: photographs with texts of the same names ({len(listing.files):,} files)"
    return replace(listing, why=why)


def _read_tar(path: Path, inner: str, listing: Listing) -> None:
    groups: defaultdict[str, list[_Member]] = defaultdict(list)
    for member in members_of(path):
        if member.type is Type.FILE and _is_of_interest(member.name):
            source = Source(path, member.offset, member.size)
            where = f"{path}: {member.name}"
            groups[_key(member.name)].append(_Member(member.name, source, where))

    shard = inner.removesuffix(".tar")
    split = split_in(inner)
    found = [pair for group in groups.values() for pair in _rows(group, lambda member: split)]
    if not found:
        return
    listing.files.append(path)
    for row, _ in found:
        listing.rows.append(Row(f"{shard}/{row.photo}", row.sentences, split, row.where, source=row.source))
    for key, group in groups.items():
        if not any(_is_picture(member.name) for member in group):
            listing.problems.append(Problem("stray sentences", f"{shard}/{key}", "a text, but no photograph"))


def _rows(group: list[_Member], split: Callable[[_Member], str]) -> Iterator[tuple[Row, _Member]]:
    """The row of a photograph and its sidecar; none if a group has only one of the two."""
    photos = [member for member in group if _is_picture(member.name)]
    texts = [member for member in group if not _is_picture(member.name)]
    if not photos or not texts:
        return
    if len(photos) > 1:
        names = " and ".join(member.name for member in photos)
        raise DataError(f"{texts[0].where} may be of {names}: rename one of them")
    text = min(texts, key=lambda member: PurePosixPath(member.name).suffix == _JSON)
    photo = photos[0]
    yield Row(photo.name, _sentences(text), split(photo), text.where, source=photo.source, whole=True), text


def _sentences(member: _Member) -> list[str]:
    """The lines with a letter: other programs write numbers of boxes into files of these names."""
    if member.source.length > MAX_SIZE:
        raise DataError(f"{member.where} is larger than {MAX_SIZE} bytes: it is not the text of a photograph")
    try:
        text = member.source.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{member.where} is not UTF-8 text ({error}): save it as UTF-8") from error
    if PurePosixPath(member.name).suffix.lower() == _JSON:
        return _sentences_of_json(parse_json(text, member.where), member.where)
    return [line for line in re.split(r"\r\n|\n|\r", text) if any(mark.isalpha() for mark in line)]


def _sentences_of_json(content: object, where: str) -> list[str]:
    """The sentences of an object, under the names of columns."""
    if isinstance(content, Mapping):
        found = columns(["image", *(key for key in content if key.casefold() != "image")], where)
        if found is not None:
            return [sentence for key in found.sentences for sentence in sentences_in(content[key], where)]
    return []


def _key(name: str) -> str:
    """What members of a tar file have in common: the path up to the first dot of the file's name."""
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.split(".")[0]


def _stem(name: str) -> str:
    """What a photograph and its sidecar have in common: the path without suffixes, `1.jpg.txt` has two."""
    return without_suffix(name if _is_picture(name) else str(PurePosixPath(name).with_suffix("")))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _is_of_interest(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.name.startswith(".") and path.suffix.lower() in {*SUFFIXES, *_TEXTS, _JSON}
