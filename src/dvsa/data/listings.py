"""The layouts in which data sets list photographs, splits and sentences, read into one form."""

import csv
import gzip
import io
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from dvsa.data.dataset import DataError, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a data set's lists say, faults included."""

    name: str
    entries: list[tuple[str, str]] = field(default_factory=list)
    """(photograph, split) as listed: a photograph may stand twice, or have no file or no sentences."""
    sentences: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By photograph, as written."""
    problems: list[Problem] = field(default_factory=list)


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

_KARPATHY_NAME = re.compile(r"dataset_(\w+)\.json(\.gz)?")
_TOKEN_LINE = re.compile(r"(?P<photo>.+)#(?P<number>\d+)\t(?P<sentence>.*)")
# The second bar may be absent: one line of the real results.csv lacks it.
_BAR_LINE = re.compile(r"(?P<photo>[^|]+?)\s*\|\s*(?P<number>\d+)\s*\|?\s*(?P<sentence>.*)")


def find(root: Path, entities: Path) -> Listing | None:
    """Read the listing of a folder; None where it has none.

    Of several layouts the first counts: the official one of Flickr8K or Flickr30K, the Karpathy JSON, the
    official one of MSCOCO (it has no sentences for its test split, so the Karpathy JSON goes first),
    `captions.csv`, `captions.json`.

    Args:
        root: the data set's folder.
        entities: where the split lists of Flickr30k Entities are looked for too.

    Raises:
        DataError: a listing is incomplete or malformed, or there are several Karpathy JSONs.
    """
    karpathy = {
        match[1]: path
        for path in sorted(root.iterdir(), reverse=True)  # so that of x.json and x.json.gz the former stays
        if (match := _KARPATHY_NAME.fullmatch(path.name))
    }
    for name, sentences, lists in _OFFICIAL:
        if (root / sentences).is_file():
            paths = {split: _look(file, root, entities) for split, file in lists.items()}
            missing = [lists[split] for split, path in paths.items() if not path.is_file()]
            if not missing:
                return _official(name, root / sentences, paths)
            if not karpathy:
                raise DataError(f"{root / sentences} needs {', '.join(missing)}: put them into {root}")
    if len(karpathy) > 1:
        files = ", ".join(path.name for path in karpathy.values())
        raise DataError(f"{root} holds {files}: leave there only the one that lists its photographs")
    if karpathy:
        return _karpathy(*karpathy.popitem())
    for year in ("2014", "2017"):
        paths = {split: root / "annotations" / f"captions_{split}{year}.json" for split in ("train", "val")}
        paths = {split: path for split, path in paths.items() if path.is_file()}
        if paths:
            return _coco(paths)
    for path, read in ((root / "captions.csv", _captions_csv), (root / "captions.json", _captions_json)):
        if path.is_file():
            return read(path)
    return None


def _look(name: str, root: Path, entities: Path) -> Path:
    return root / name if (root / name).is_file() else entities / name


def _official(name: str, sentences: Path, lists: Mapping[str, Path]) -> Listing:
    listing = Listing(name)
    pattern = _BAR_LINE if sentences.suffix == ".csv" else _TOKEN_LINE
    seen = set()
    for place, line in enumerate(_text(sentences).split("\n"), 1):
        match = pattern.fullmatch(line)
        if match is None:
            if line.strip() and not (place == 1 and pattern is _BAR_LINE):  # which has a header
                raise DataError(
                    f"{sentences}, line {place}: want photograph, number, sentence: {line[:60]!r}"
                )
        elif match.group("photo", "number") in seen:
            again = f"sentence {match['number']} again in line {place} of {sentences.name}"
            listing.problems.append(Problem("doubled name", match["photo"], again))
        else:
            seen.add(match.group("photo", "number"))
            listing.sentences[match["photo"]].append(match["sentence"])
    for split, path in lists.items():
        for photo in _text(path).split():
            # The lists of Flickr30k Entities leave `.jpg` out.
            listing.entries.append((photo if PurePosixPath(photo).suffix else f"{photo}.jpg", split))
    return listing


def _karpathy(name: str, path: Path) -> Listing:
    listing = Listing(name)
    for image in _field(_json(path), "images", list, path):
        photo = _field(image, "filename", str, path)
        listing.entries.append((photo, _field(image, "split", str, path)))
        sentences = _field(image, "sentences", list, path)
        listing.sentences[photo] = [_field(sentence, "raw", str, path) for sentence in sentences]
    return listing


def _coco(paths: Mapping[str, Path]) -> Listing:
    listing = Listing("coco")
    for split, path in paths.items():
        content = _json(path)
        photos = {}
        for image in _field(content, "images", list, path):
            photo = photos[_field(image, "id", int, path)] = _field(image, "file_name", str, path)
            listing.entries.append((photo, split))
        for annotation in _field(content, "annotations", list, path):
            number = _field(annotation, "image_id", int, path)
            if number not in photos:
                raise DataError(f"{path}: a sentence is for image_id {number}, which it does not list")
            listing.sentences[photos[number]].append(_field(annotation, "caption", str, path))
    return listing


def _captions_csv(path: Path) -> Listing:
    listing = Listing(path.resolve().parent.name)
    rows = csv.DictReader(io.StringIO(_text(path)))
    entries: dict[tuple[str, str], None] = {}  # a photograph has a row for each sentence
    try:
        if not {"photo", "sentence"} <= set(rows.fieldnames or ()):
            raise DataError(f"{path}: the first line must read photo,sentence or photo,sentence,split")
        for row in rows:
            photo, sentence = row["photo"], row["sentence"]
            if not photo or sentence is None:
                raise DataError(f"{path}, line {rows.line_num}: a row needs a photo and a sentence")
            entries[photo, row.get("split") or ""] = None
            listing.sentences[photo].append(sentence)
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num} is not CSV ({error}): correct it") from error
    listing.entries.extend(entries)
    return listing


def _captions_json(path: Path) -> Listing:
    listing = Listing(path.resolve().parent.name)
    content = _json(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: want an object of photographs, each with a list of sentences")
    for photo in content:
        sentences = _field(content, photo, list, path)
        if not all(isinstance(sentence, str) for sentence in sentences):
            raise DataError(f"{path}: {photo!r} needs a list of sentences")
        listing.entries.append((photo, ""))
        listing.sentences[photo] = sentences
    return listing


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error


def _json(path: Path) -> object:
    try:
        data = path.read_bytes()
        content: object = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (ValueError, EOFError, RecursionError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not JSON ({error}): correct it or fetch it again") from error
    return content


def _field(record: object, key: str, kind: type[T], path: Path) -> T:
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kind):
        raise DataError(f"{path}: an entry has no {key!r} of type {kind.__name__}: {str(record)[:60]}")
    return value
