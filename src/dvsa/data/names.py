"""One photograph under several names: with or without folders and suffix, or by its number."""

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache

from dvsa.data.photographs import SUFFIXES

# Flickr8K's 1000268201_693b08cb0e.jpg is Flickr30K's 1000268201.jpg, and COCO_val2014_000000000042.jpg is
# 000000000042.jpg in the lists of 2017.
_NUMBERED = re.compile(r"(?:COCO_[a-z]+\d{4}_)?(\d+)(?:_[0-9a-f]{10})?")

_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060 \t\r\n\xa0"
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_OF_FLICKR8K = re.compile(r"\d{5,}_[0-9a-f]{10}")


def without_suffix(name: str) -> str:
    """A name without the suffix of a picture file.

    >>> without_suffix("beach/1.JPG"), without_suffix("beach/version.2")
    ('beach/1', 'beach/version.2')
    """
    stem, _, suffix = name.rpartition(".")
    return stem if f".{suffix.lower()}" in SUFFIXES and _last(stem) else name


def without_number(name: str) -> str:
    """A picture file's name without the number of its sentence.

    >>> without_number("1.jpg#0"), without_number("train#000123")
    ('1.jpg', 'train#000123')
    """
    if "#" not in name:
        return name
    plain, mark, number = name.rpartition("#")
    return plain if mark and number.isalnum() and without_suffix(plain) != plain else name


@lru_cache(maxsize=1 << 18)
def plain(name: str) -> str:
    r"""A name in one spelling: `/` between folders, no `./`, composed letters (NFC), no marks around parts.

    >>> plain(".\\images\\1.jpg"), plain("images//a/../1.jpg")
    ('images/1.jpg', 'images/1.jpg')
    """
    if _PLAIN.fullmatch(name):  # as most names are
        return name
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    text = "/".join(part.strip(_INVISIBLE) for part in text.split("/"))
    text = posixpath.normpath(re.sub("^/+", "/", text))
    return re.sub(r"^(\.\./)+", "", text)


def digits(name: str) -> str | None:
    """The number that Flickr or COCO gave a photograph, as it is written in its name; None if it has none.

    >>> digits("1000268201_693b08cb0e.jpg"), digits("COCO_val2014_000000000042"), digits("a/dog.jpg")
    ('1000268201', '000000000042', None)
    """
    match = _NUMBERED.fullmatch(_base(name))
    return match[1] if match else None


def is_of_flickr8k(name: str) -> bool:
    """Whether a photograph is called as in Flickr8K, by its number and ten digits of its secret.

    >>> is_of_flickr8k("Images/1000268201_693b08cb0e.jpg"), is_of_flickr8k("1000268201.jpg")
    (True, False)
    """
    return _OF_FLICKR8K.fullmatch(_base(name)) is not None


class NameIndex:
    """Finds photographs in a list of names, however a data set writes their names."""

    def __init__(self, names: Sequence[str]) -> None:
        """Index the names."""
        self._names = names
        self._by_base: defaultdict[str, list[int]] = defaultdict(list)
        self._by_number: defaultdict[int, list[int]] = defaultdict(list)
        for position, name in enumerate(names):
            self._by_base[_base(name)].append(position)
            number = digits(name)
            if number is not None:
                self._by_number[int(number)].append(position)

    def find(self, name: str) -> list[int]:
        """The positions in the list that may mean a photograph: none, one, or several if that is not clear.

        The first of these rules that any name fulfils decides: it is the same name; one is the end of the
        other's path; one is the end of the other's path when its suffix is added; the number of Flickr or
        COCO is the same.
        """
        same_base = self._by_base.get(_base(name), ())
        for alike in _RULES:
            found = [position for position in same_base if alike(self._names[position], name)]
            if found:
                return found
        number = digits(name)
        return [] if number is None else self._by_number.get(int(number), [])


def _base(name: str) -> str:
    """The last part of a path, without suffix."""
    return _last(without_suffix(name))


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _same(name: str, other: str) -> bool:
    return name == other


def _same_end(name: str, other: str) -> bool:
    """Whether one name is the end of the other's path."""
    return f"/{name}".endswith(f"/{other}") or f"/{other}".endswith(f"/{name}")


def _same_end_without_suffix(name: str, other: str) -> bool:
    """The same if at most one of the names has a suffix: `1.jpg` and `1.png` may be two photographs."""
    plain, plain_other = without_suffix(name), without_suffix(other)
    return (plain == name or plain_other == other) and _same_end(plain, plain_other)


_RULES: tuple[Callable[[str, str], bool], ...] = (_same, _same_end, _same_end_without_suffix)
