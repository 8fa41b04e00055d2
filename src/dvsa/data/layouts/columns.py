"""The names that people give to columns and splits, declared once for every kind of table."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from dvsa.data.dataset import DataError

PHOTO = (
    "file_name", "filename", "photo", "photograph", "photo_name", "image_file", "image_path", "image_name",
    "filepath", "file_path", "path", "file", "img_path", "__key__", "img", "images", "image", "picture",
    "image_id",
)  # fmt: skip
"""Columns of photographs, by preference: a table may have several, such as `filename` and `image`."""

SENTENCES = (
    "caption", "captions", "text", "texts", "sentence", "sentences", "comment", "comments", "raw",
    "description", "descriptions", "answer", "txt",
)  # fmt: skip
"""Columns of sentences; a table has one of them, or several with numbers, such as `caption_0`."""

SPLIT = ("split", "splits", "subset", "partition")
"""Columns of splits."""

NUMBERED = re.compile(rf"({'|'.join(SENTENCES)})_?(\d+)")

_SPLITS = {
    "train": ("train", "training"),
    "restval": ("restval",),
    "val": ("val", "valid", "validation", "dev", "development"),
    "test": ("test", "testing"),
}
_SPLIT_OF = {alias: split for split, aliases in _SPLITS.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table say what, by their names in the table."""

    photo: str
    sentences: tuple[str, ...]
    split: str | None

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.photo, *self.sentences, self.split)))


def columns(names: Sequence[str], where: str) -> Columns | None:
    """Find the columns of a table; None if it is not a table of photographs with sentences.

    Args:
        names: the header, in any case; spaces and hyphens count as `_`.
        where: the file, for errors.

    Raises:
        DataError: a name that is needed is there twice, or two columns may be the sentences.

    >>> columns(["Image", "comment_number", "Comment"], "results.csv")
    Columns(photo='Image', sentences=('Comment',), split=None)
    """
    plain = [_plain(name) for name in names]

    def named(*wanted: str) -> list[str]:
        return [names[plain.index(name)] for name in wanted if name in plain]

    photo, single, split = named(*PHOTO), named(*SENTENCES), named(*SPLIT)
    numbered = sorted((int(m[2]), m[1], n) for n in plain if (m := NUMBERED.fullmatch(n)))
    if not photo or not (single or numbered):
        return None

    sentences = tuple(single or named(*(name for _, _, name in numbered)))
    if len(single) > 1 or len({kind for _, kind, _ in numbered}) > 1 or (single and numbered):
        both = ", ".join(single + [name for _, _, name in numbered])
        raise DataError(f"{where}: the columns {both} may all be the sentences: leave or rename all but one")
    found = Columns(photo[0], sentences, split[0] if split else None)
    twice = [
        n for n in (found.photo, *sentences, found.split) if n is not None and plain.count(_plain(n)) > 1
    ]
    if twice:
        raise DataError(f"{where}: the column {twice[0]!r} is there twice: keep one of them")
    return found


@lru_cache(maxsize=1024)
def split_of(name: str) -> str | None:
    """The split that a name means, in any case; empty for an empty name, None for an unknown one.

    >>> split_of("Validation"), split_of(" DEV "), split_of(""), split_of("trian")
    ('val', 'val', '', None)
    """
    name = name.strip().casefold()
    return _SPLIT_OF.get(name) if name else ""


def split_in(path: str) -> str:
    """The split that a path names in one of its words, the last one first; empty if there is none.

    >>> split_in("data/train-00000-of-00002.parquet"), split_in("val2017/1.jpg"), split_in("captions.csv")
    ('train', 'val', '')
    """
    parts = re.findall(r"[a-z]+", path.casefold())
    return next((_SPLIT_OF[part] for part in reversed(parts) if part in _SPLIT_OF), "")


def family(path: str) -> str:
    """What is the same in the paths of the files of one table: without the names of splits and numbers.

    >>> family("train/metadata.csv") == family("test/metadata.csv")
    True
    """
    words = re.sub(r"\d+", "", path.casefold())
    return re.sub(r"[a-z]+", lambda m: "*" if m[0] in _SPLIT_OF else m[0], words)


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())
