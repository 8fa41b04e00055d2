"""The official layouts of Flickr8K and Flickr30K: a file of sentences, and a list for each split."""

from pathlib import Path

from dvsa.data.dataset import DataError, Problem
from dvsa.data.layouts import karpathy
from dvsa.data.layouts.listing import Listing, Row
from dvsa.data.layouts.split_lists import ENTITIES, FLICKR8K, split_rows
from dvsa.data.text_files import read_text

_OFFICIAL = (
    ("flickr8k", "Flickr8k.token.txt", FLICKR8K),
    ("flickr30k", "results_20130124.token", ENTITIES),
)
"""(data set, file of its sentences, lists of its splits)."""


def read(root: Path, entities: Path) -> Listing | None:
    """Read the official files; without split lists, a Karpathy JSON in the folder is used instead.

    Raises:
        DataError: the sentences are there, but neither the split lists nor a Karpathy JSON, or a line is
            malformed.
    """
    for name, file, lists in _OFFICIAL:
        path = root / file
        if not path.is_file():
            continue
        has_json = bool(karpathy.files(root))
        try:
            rows = split_rows((root, entities), path)
        except DataError:
            if has_json:
                return None
            raise
        if rows:
            return _read(name, path, rows)
        if not has_json:
            raise DataError(f"{path} needs {', '.join(lists.values())}: put them into {root}")
    return None


def _read(name: str, path: Path, listed: list[Row]) -> Listing:
    """The sentences of photographs and their numbers, `1.jpg#0<TAB>sentence`.

    Neighbouring lines of one photograph become one row.
    """
    why = f"{path.name} with lists of splits"
    listing = Listing(name, listed, [path], f"{name}, official", why)
    seen: set[str] = set()
    last, own = "", list[str]()
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        key, tab, sentence = line.partition("\t")
        photo, mark, digits = key.rpartition("#")
        if not (tab and mark and photo and digits.isdecimal()):
            raise DataError(f"{path}, line {number}: expected photograph, number, sentence: {line[:60]!r}")
        if key in seen:
            again = f"sentence {digits} again in line {number} of {path.name}"
            listing.problems.append(Problem("doubled name", photo, again))
            continue
        seen.add(key)
        if photo != last:
            last, own = photo, []
            listing.rows.append(Row(photo, own, None, f"{path}, line {number}"))
        own.append(sentence)
    return listing
