"""The official layouts of Flickr8K and Flickr30K: a file of sentences, and a list for each split."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError, Problem
from dvsa.data.layouts import karpathy
from dvsa.data.layouts.listing import Listing
from dvsa.data.text_files import read_text

_FLICKR8K_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "val": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_ENTITIES_LISTS = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}
_OFFICIAL = (
    ("flickr8k", "Flickr8k.token.txt", _FLICKR8K_LISTS),
    ("flickr30k", "results_20130124.token", _ENTITIES_LISTS),
    ("flickr30k", "results.csv", _ENTITIES_LISTS),
)
"""(data set, file of its sentences, lists of its splits)."""

_TOKEN_LINE = re.compile(r"(?P<photo>.+)#(?P<number>\d+)\t(?P<sentence>.*)")
# The second bar is optional: one line of the real results.csv lacks it.
_BAR_LINE = re.compile(r"(?P<photo>[^|]+?)\s*\|\s*(?P<number>\d+)\s*\|?\s*(?P<sentence>.*)")


def read(root: Path, entities: Path) -> Listing | None:
    """Read the official files; without split lists, a Karpathy JSON in the folder is used instead.

    Raises:
        DataError: the sentences are there, but neither the split lists nor a Karpathy JSON, or a line is
            malformed.
    """
    for name, sentences, lists in _OFFICIAL:
        if not (root / sentences).is_file():
            continue
        places = {
            split: root / file if (root / file).is_file() else entities / file
            for split, file in lists.items()
        }
        missing = [lists[split] for split, path in places.items() if not path.is_file()]
        if not missing:
            return _read(name, root / sentences, places)
        if not karpathy.files(root):
            raise DataError(f"{root / sentences} needs {', '.join(missing)}: put them into {root}")
    return None


def _read(name: str, sentences: Path, lists: Mapping[str, Path]) -> Listing:
    listing = Listing(name)

    # Sentences. The first line of results.csv is a header.
    pattern = _BAR_LINE if sentences.suffix == ".csv" else _TOKEN_LINE
    seen = set()
    for number, line in enumerate(read_text(sentences).split("\n"), 1):
        match = pattern.fullmatch(line)
        if match is None:
            if line.strip() and not (number == 1 and pattern is _BAR_LINE):
                raise DataError(
                    f"{sentences}, line {number}: expected photograph, number, sentence: {line[:60]!r}"
                )
        elif match.group("photo", "number") in seen:
            again = f"sentence {match['number']} again in line {number} of {sentences.name}"
            listing.problems.append(Problem("doubled name", match["photo"], again))
        else:
            seen.add(match.group("photo", "number"))
            listing.sentences[match["photo"]].append(match["sentence"])

    # Splits. The lists of Flickr30k Entities leave `.jpg` out.
    for split, path in lists.items():
        for photo in read_text(path).split():
            listing.entries.append((photo if PurePosixPath(photo).suffix else f"{photo}.jpg", split))
    return listing
