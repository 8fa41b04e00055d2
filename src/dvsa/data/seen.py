"""What a model has seen and read: kept with a run and its bundle, so that no figure rests on it."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import Example

FILE = "photographs.tsv"
"""Name of the file of photographs in the folder of a run or a bundle."""
READ_FILE = "read.tsv"
"""Name of the file of what was read without a photograph."""

_LINE = re.compile(r"(train|val)\t([0-9a-f]{16})\t([0-9a-f]{16})")
# Flickr8K's 1000268201_693b08cb0e.jpg is Flickr30K's 1000268201.jpg, and COCO_val2014_000000000042.jpg is
# 000000000042.jpg in the lists of 2017. COCO keeps its zeros, so no number of COCO is one of Flickr.
_NUMBERED = re.compile(r"(?:COCO_[a-z]+\d{4}_)?(\d{5,})(?:_[0-9a-f]{10})?\.jpg")


@dataclass(frozen=True, slots=True)
class Seen:
    """The photographs that a model was trained on (`train`) and chosen on (`val`)."""

    names: Mapping[str, str]
    """The split of each, by `name_digest`."""
    contents: Mapping[str, str]
    """The split of each, by `content_digest`."""

    @classmethod
    def read(cls, path: Path) -> "Seen":
        """Read what `write` wrote; raises ValueError, naming the line, where it is something else."""
        names: dict[str, str] = {}
        contents: dict[str, str] = {}
        for number, line in enumerate(path.read_text("ascii", "replace").splitlines(), 1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"{path}, line {number} is no split and two digests: {line[:60]!r}")
            split, name, content = match.groups()
            for known, digest in ((names, name), (contents, content)):
                if known.get(digest) != "train":  # what is in both splits was trained on
                    known[digest] = split
        return cls(names, contents)


@dataclass(frozen=True, slots=True)
class Read:
    """What a model read that was written for photographs which it did not see."""

    names: frozenset[str] = frozenset()
    """The photographs, by `name_digest`."""
    words: frozenset[str] = frozenset()
    """Words of the vocabulary that only these sentences have."""

    @classmethod
    def read(cls, path: Path) -> "Read":
        """Read what `write_read` wrote; raises ValueError, naming the line, where it is something else."""
        found: dict[str, set[str]] = {"photograph": set(), "word": set()}
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            kind, _, value = line.partition("\t")
            if kind not in found or not value:
                raise ValueError(f"{path}, line {number} is no photograph and no word: {line[:60]!r}")
            found[kind].add(value)
        return cls(frozenset(found["photograph"]), frozenset(found["word"]))


def write_read(path: Path, photographs: Iterable[str], words: Iterable[str]) -> None:
    """Write what was read: names of photographs, with or without `.jpg`, and words that only it has."""
    digests = sorted(name_digest(n if n.endswith(".jpg") else f"{n}.jpg") for n in photographs)
    lines = [f"photograph\t{digest}\n" for digest in digests] + [f"word\t{w}\n" for w in sorted(words)]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def name_digest(name: str) -> str:
    """16 hexadecimal digits for a photograph's name, the same for each that Flickr or COCO gives it."""
    match = _NUMBERED.fullmatch(PurePosixPath(name).name)
    return _digest((match[1] if match else name).encode(errors="surrogateescape"))


def content_digest(example: Example) -> str:
    """16 hexadecimal digits for the bytes of a photograph's file; raises OSError or DataError."""
    return _digest(example.read())


def write(path: Path, training: Sequence[Example], val: Sequence[Example]) -> None:
    """Write a line for each photograph: split, name and content, 38 bytes.

    Reads every photograph. Raises OSError or DataError where one cannot be read.
    """
    lines = [
        f"{split}\t{name_digest(example.name)}\t{content_digest(example)}\n"
        for split, examples in (("train", training), ("val", val))
        for example in examples
    ]
    path.write_text("".join(lines), encoding="ascii", newline="\n")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
