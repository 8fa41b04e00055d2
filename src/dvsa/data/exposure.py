"""Exposure: which photographs and sentences a model was trained on.

The files are kept with a run and its bundle, so that an evaluation can refuse data that the model has seen.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvsa.data.dataset import Example
from dvsa.data.given_regions import GivenRegions
from dvsa.data.names import digits, plain, without_suffix
from dvsa.data.photographs import SUFFIXES

PHOTOS_FILE = "photographs.tsv"
"""The file that lists the photographs, in the folder of a run or a bundle."""

TEXT_FILE = "read.tsv"
"""The file that lists the extra sentences, in the folder of a run or a bundle."""

_LINE = re.compile(r"(train|val)\t([0-9a-f]{16})\t([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class PhotoExposure:
    """The photographs that a model was trained on (`train`) and selected on (`val`)."""

    names: Mapping[str, str]
    """The split of each, by `name_digest`."""
    contents: Mapping[str, str]
    """The split of each, by `content_digest`."""

    @classmethod
    def read(cls, path: Path) -> "PhotoExposure":
        """Read a file that `write_photos` wrote; raises ValueError for an invalid line."""
        return cls.parse(path.read_bytes(), str(path))

    @classmethod
    def parse(cls, content: bytes, source: str) -> "PhotoExposure":
        """Read the content of such a file; errors begin with `source`."""
        names: dict[str, str] = {}
        contents: dict[str, str] = {}
        for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"{source}, line {number} is not a split and two digests: {line[:60]!r}")
            split, name, photograph = match.groups()
            for known, digest in ((names, name), (contents, photograph)):
                if known.get(digest) != "train":  # a photograph in both splits counts as trained on
                    known[digest] = split
        return cls(names, contents)


@dataclass(frozen=True, slots=True)
class TextExposure:
    """What a model learned from sentences without their photographs."""

    names: frozenset[str] = frozenset()
    """The photographs that the sentences describe, by `name_digest`."""
    words: frozenset[str] = frozenset()
    """Words of the vocabulary that occur only in these sentences."""

    @classmethod
    def read(cls, path: Path) -> "TextExposure":
        """Read a file that `write_text` wrote; raises ValueError for an invalid line."""
        return cls.parse(path.read_bytes(), str(path))

    @classmethod
    def parse(cls, content: bytes, source: str) -> "TextExposure":
        """Read the content of such a file; errors begin with `source`."""
        found: dict[str, set[str]] = {"photograph": set(), "word": set()}
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            kind, _, value = line.partition("\t")
            if kind not in found or not value:
                raise ValueError(f"{source}, line {number} is not a photograph or a word: {line[:60]!r}")
            found[kind].add(value)
        return cls(frozenset(found["photograph"]), frozenset(found["word"]))


def write_photos(
    path: Path, training: Sequence[Example], val: Sequence[Example], regions: GivenRegions | None = None
) -> None:
    """Write a line for each photograph: its split and the digests of its name and content, 38 bytes.

    Reads every photograph, or its features in `regions`. Raises OSError or DataError if one cannot be read.
    """
    with path.open("w", encoding="ascii", newline="\n") as file:
        for split, examples in (("train", training), ("val", val)):
            for example in examples:
                digests = f"{name_digest(example.name)}\t{content_digest(example, regions)}"
                file.write(f"{split}\t{digests}\n")


def write_text(path: Path, photographs: Iterable[str], words: Iterable[str]) -> None:
    """Write the described photographs (names with or without suffix) and the words found only there."""
    digests = sorted({name_digest(name) for n in photographs for name in _file_names(n)})
    lines = [f"photograph\t{digest}\n" for digest in digests] + [f"word\t{w}\n" for w in sorted(words)]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def name_digest(name: str) -> str:
    """16 hexadecimal digits for a photograph's name; all names that Flickr or COCO gives it have the same.

    >>> name_digest("1000268201_693b08cb0e.jpg") == name_digest("1000268201.jpg")
    True
    """
    # COCO keeps its zeros, so no number of COCO equals one of Flickr. Short numbers are not of either.
    name = plain(name)
    number = digits(name) if name.casefold().endswith(".jpg") else None
    known = number if number and len(number) >= 5 else name
    return _digest(known.encode(errors="surrogateescape"))


def content_digest(example: Example, regions: GivenRegions | None = None) -> str:
    """16 hexadecimal digits for the content of a photograph's file; without one, for its features.

    Raises OSError or DataError if it cannot be read, or if there are neither.
    """
    digest = regions.of(example).digest if example.source is None and regions is not None else None
    return _digest(example.read()) if digest is None else digest[:16]


def _file_names(name: str) -> list[str]:
    """The names that a photograph's file may have: numbers of Flickr and COCO are of `.jpg` files."""
    if without_suffix(name) != name:
        return [name]
    number = digits(name)
    if number and len(number) >= 5:
        return [f"{name}.jpg"]
    return [f"{name}{form(suffix)}" for suffix in sorted(SUFFIXES) for form in (str.lower, str.upper)]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
