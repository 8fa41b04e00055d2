"""A list of photographs with sentences under any name: the file, or the files, that a folder is read from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError, Problem
from dvsa.data.layouts.candidates import Candidate, candidates
from dvsa.data.layouts.columns import family, split_in
from dvsa.data.layouts.listing import Listing
from dvsa.data.layouts.split_lists import split_rows
from dvsa.data.names import is_of_flickr8k
from dvsa.data.text_files import read_text

_STEMS = ("captions", "metadata", "results", "dataset")
_SUFFIXES = (".csv", ".json", ".tsv", ".txt", ".token", ".jsonl", ".ndjson", ".parquet", ".arrow")
_SPLITS = ("", "train", "restval", "val", "test")
_REQUIRED = ("captions.csv", "captions.json")


def read(root: Path, entities: Path) -> Listing | None:
    """Read the lists of a folder; None if it has none.

    Files that differ only in folders, numbers and names of splits are parts of one list, such as
    `train/metadata.csv` and `test/metadata.csv`. Of several lists, that in the fewest folders is read; of
    these, the first of `captions`, `metadata`, `results` and `dataset`, or else the only one.

    Raises:
        DataError: the lists are malformed, or it is not clear which one to read.
    """
    found = list(candidates(root, entities))
    readable = [candidate for candidate in found if candidate.read is not None]
    for candidate in found:
        if candidate.inner in _REQUIRED and candidate.read is None:
            read_text(candidate.path)  # says so if it is no text
            raise DataError(_malformed(candidate))
    if not readable:
        unread = [
            c for c in found if "dvsa[parquet]" in c.what or c.path.suffix.lower() in (".parquet", ".arrow")
        ]
        if unread:
            raise DataError(f"{unread[0].path}: {unread[0].what}")
        return None

    chosen = _chosen(readable, root)
    first = chosen[0]
    assert first.read is not None
    listing = first.read(chosen, _name(root, first))
    if not any(row.split for row in listing.rows):
        listed = split_rows((first.path.parent, root, entities), first.path)
        if listed:
            unlisted = [replace(row, split=None) for row in listing.rows]
            listing.rows[:] = listed + unlisted

    name = listing.name
    if not listing.rows:
        raise DataError(
            f"{first.path} lists no photographs: its first line names columns, and no row follows"
        )
    if all(map(is_of_flickr8k, {row.photo for row in listing.rows})):
        name = "flickr8k"
    files = [candidate.path for candidate in chosen]
    listing.problems.extend(_unread(found, files))
    more = f" and {len(chosen) - 1} more" if len(chosen) > 1 else ""
    why = f"{first.inner}{more}: {first.what}"
    return replace(listing, name=name, files=files, layout=_layout(first), why=why, searched=True)


def ignored(root: Path, entities: Path, listing: Listing | None) -> list[Problem]:
    """The files that look like lists and were not read, unless the listing's problems name them already."""
    if listing is not None and listing.searched:
        return []
    return _unread(candidates(root, entities), None if listing is None else listing.files)


def _unread(found: Iterable[Candidate], files: Sequence[Path] | None) -> list[Problem]:
    """The candidates that are not among the files that were read; harmless if there are such files."""
    used = {path.resolve() for path in files or ()}
    kind = "unread captions" if files is None else "ignored file"
    instead = f"; {files[0].name} is read" if files else ""
    return [
        Problem("broken file", candidate.inner, candidate.what)
        if candidate.damaged
        else Problem(kind, candidate.inner, f"{candidate.what}{instead}")
        for candidate in found
        if candidate.path.resolve() not in used
    ]


def _chosen(readable: Sequence[Candidate], root: Path) -> list[Candidate]:
    """The files of one list."""
    groups: defaultdict[tuple[str, object], list[Candidate]] = defaultdict(list)
    for candidate in readable:
        groups[family(PurePosixPath(candidate.inner).name), candidate.read].append(candidate)

    ranked = sorted(groups.values(), key=_rank)
    best = ranked[0]
    if len(ranked) > 1 and _rank(ranked[1]) == _rank(best):
        both = f"{best[0].inner} and {ranked[1][0].inner}"
        raise DataError(f"{root}: {both} both list photographs with sentences: leave one of them there")

    # A file lists the photographs of its folder: one further inside would list some again.
    folders = {PurePosixPath(c.inner).parent for c in best}
    best = [c for c in best if not folders & set(PurePosixPath(c.inner).parent.parents)]
    return sorted(best, key=lambda c: (_SPLITS.index(split_in(c.inner)), c.inner))


def _rank(group: Sequence[Candidate]) -> tuple[int, int, int]:
    """Less goes first."""
    path = PurePosixPath(min(group, key=lambda c: (c.inner.count("/"), c.inner)).inner)
    stem = path.name.split(".")[0].casefold()
    stem = next((known for known in _STEMS if stem.startswith(known)), stem)
    known = stem in _STEMS
    suffix = path.suffix.lower()
    order = _SUFFIXES.index(suffix) if known and suffix in _SUFFIXES else len(_SUFFIXES)
    return len(path.parts), _STEMS.index(stem) if known else len(_STEMS), order


def _name(root: Path, first: Candidate) -> str:
    return (
        "flickr30k" if first.path.name == "results.csv" and "comment" in first.what else root.resolve().name
    )


def _layout(first: Candidate) -> str:
    if not first.what.startswith("columns"):
        return first.what
    stem, suffix = first.path.name.split(".")[0], first.path.suffix
    return "imagefolder" if stem == "metadata" else f"table ({suffix.removeprefix('.')})"


def _malformed(candidate: Candidate) -> str:
    return (
        f"{candidate.path}: the first line must be photo,sentence or photo,sentence,split, or name these "
        f"columns in another way that docs/data.md lists ({candidate.what})"
    )
