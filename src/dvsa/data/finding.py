"""Which photograph of a folder a list means, however the list writes its name."""

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dvsa.data.dataset import DataError, Source
from dvsa.data.layouts.columns import split_in
from dvsa.data.names import digits, plain, without_suffix
from dvsa.data.photographs import NamedSource, Photographs


@dataclass(frozen=True, slots=True)
class Found:
    """What a name means."""

    key: Hashable
    """Equal for all names of one file, also by links."""
    path: str
    """The photograph's path in the folder; the plain name if there is no file."""
    source: Source | None = None
    """None if no file has the name."""
    respelt: bool = False
    """Whether the name is not written as the path or its end."""
    guessed: bool = False
    """Whether it is the only file that fits, although its path has another form: by its number, by letters in
    another case, or by the end of an absolute path from elsewhere."""
    others: tuple[NamedSource, ...] = ()
    """Files deeper in folders that the name fits as well."""


@dataclass(frozen=True, slots=True)
class _Known:
    path: str
    """In the composed form of Unicode (NFC)."""
    item: NamedSource


def is_absolute(name: str) -> bool:
    """Whether a plain name begins at the root of a disk.

    >>> is_absolute("/data/1.jpg"), is_absolute("C:/data/1.jpg"), is_absolute("data/1.jpg")
    (True, True, False)
    """
    return name.startswith("/") or re.match(r"[A-Za-z]:/", name) is not None


class Finder:
    """Finds photographs by the names in lists."""

    def __init__(self, root: Path, photographs: Photographs) -> None:
        """Index the photographs of a data set's folder."""
        self._root = plain(str(root.resolve()))
        self._by_base: defaultdict[str, list[_Known]] = defaultdict(list)
        self._by_number: defaultdict[int, list[_Known]] = defaultdict(list)
        for item in photographs.found:
            known = _Known(plain(item[0]), item)
            self._by_base[_base(known.path)].append(known)
            number = digits(posixpath.basename(known.path))
            if number is not None:
                self._by_number[int(number)].append(known)
        self._identities: dict[str, Hashable] = {}

    def find(self, name: str, folder: str = "", split: str | None = None, where: str = "") -> Found:
        """The photograph that a list means.

        The first rule that any file fulfils decides: its path is the name, from the given folder; the path
        ends with the name; the name is an absolute path, or begins with the data set's folder; the name lacks
        the suffix. Then the same in any case, and the number of Flickr or COCO. Of several files, one
        below the list's folder or in the folder of the split is taken, else the one in the fewest folders.

        Raises:
            DataError: two files fit equally well, and differ; the message begins with `where`.
        """
        written = plain(name)
        for candidates, respelt, guessed in self._candidates(written, name, folder):
            if candidates:
                first, others = self._best(candidates, folder, split, f"{where}: {name!r}")
                path, source = first.item
                return Found(self.identity(source), path, source, respelt or written != name, guessed, others)
        return Found(("none", written), written)

    def identity(self, source: Source) -> Hashable:
        """Equal for the same bytes on disk: links to a file are the file."""
        path = str(source.path)  # its hash is much cheaper than that of a Path
        if path not in self._identities:
            try:
                status = os.stat(path)
                self._identities[path] = (status.st_dev, status.st_ino) if status.st_ino else path
            except OSError:  # a broken link: reading it fails later, with its name
                self._identities[path] = path
        return self._identities[path], source.offset

    def _candidates(self, name: str, written: str, folder: str) -> Iterator[tuple[list[_Known], bool, bool]]:
        """For each rule: the files that fit, whether the name is respelt, and whether this is a guess."""
        known = self._by_base.get(_base(name), [])
        if folder:
            beside = plain(f"{folder}/{written.strip()}")
            yield [k for k in known if k.path == beside], False, False

        for fold in (str, str.casefold):  # in the list's own case first
            for fits, respelt, guessed in _RULES:
                found = [k for k in known if fits(fold(k.path), fold(name), fold(self._root))]
                yield found, respelt or fold is not str, guessed or fold is not str
        if name.isdecimal():
            yield self._by_number.get(int(name), []), True, True

    def _best(
        self, candidates: list[_Known], folder: str, split: str | None, what: str
    ) -> tuple[_Known, tuple[NamedSource, ...]]:
        """The file that is taken, and the others that fit less well."""
        if len(candidates) == 1:
            return candidates[0], ()
        below = [k for k in candidates if k.path.startswith(f"{plain(folder)}/")] if folder else []
        candidates = below or candidates
        if split:
            own = [k for k in candidates if split_in(posixpath.dirname(k.path)) == split]
            if len(own) == 1:
                return own[0], ()

        first, *others = candidates  # ordered by depth
        for other in others:
            same_depth = other.path.count("/") == first.path.count("/")
            if same_depth and not _same(first.item[1], other.item[1]):
                places = f"{_place(first.item)} or {_place(other.item)}"
                raise DataError(f"{what} may be {places}: write enough of the path")
        ours = self.identity(first.item[1])
        return first, tuple(k.item for k in others if self.identity(k.item[1]) != ours)


def _base(path: str) -> str:
    return posixpath.basename(without_suffix(path)).casefold()


def _ends(path: str, end: str) -> bool:
    return f"/{path}".endswith(f"/{end.removeprefix('/')}")


_RULES: tuple[tuple[Callable[[str, str, str], bool], bool, bool], ...] = (
    # (whether a path fits a name in a root, whether that is another spelling, whether it is a guess)
    (lambda path, name, root: _ends(path, name), False, False),
    (lambda path, name, root: _ends(f"{root}/{path}", name), True, False),
    (lambda path, name, root: is_absolute(name) and _ends(name, path), True, True),
    (lambda path, name, root: _ends(without_suffix(path), name), True, False),
    (lambda path, name, root: is_absolute(name) and _ends(path, posixpath.basename(name)), True, True),
)


def _place(item: NamedSource) -> str:
    name, source = item
    return name if str(source.path).endswith(name) else f"{name} in {source.path}"


def _same(a: Source, b: Source) -> bool:
    """Whether two files have the same bytes."""
    return a.length == b.length and a.read() == b.read()
