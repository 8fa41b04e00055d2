"""Find the photographs that a user names, in files, folders, globs and tar files, and what is left out."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from dvsa import files
from dvsa.data import tar_files
from dvsa.data.dataset import DataError, Source
from dvsa.data.ignoring import IGNORE_FILE, Given, Patterns, is_ignored
from dvsa.data.kinds import (
    HEAD,
    PHOTOGRAPH_SUFFIXES,
    Kind,
    is_drawing,
    is_thumbnail_folder,
    kind_of,
    kind_of_file,
    kind_of_path,
)
from dvsa.data.photographs import NamedSource, one_path_each, suffix_of


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder that was found and left out."""

    kind: Kind
    path: str
    reason: str = ""

    def __str__(self) -> str:
        """One line with the path, the kind and the reason."""
        return f"{self.path}: left out: {self.kind}" + (f" ({self.reason})" if self.reason else "")


@dataclass(slots=True)
class Gathered:
    """The photographs that were found, and what was left out."""

    sources: list[NamedSource] = field(default_factory=list)
    """Each path once."""
    left_out: list[LeftOut] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    """The files and folders that were searched."""
    unread: list[str] = field(default_factory=list)
    """Those that may still contain the photographs that were there."""
    unmatched: list[str] = field(default_factory=list)
    """The patterns of `exclude` that match nothing."""

    @property
    def counts(self) -> dict[str, int]:
        """How many files and folders of each kind were left out."""
        return dict(Counter(str(item.kind) for item in self.left_out))

    @property
    def faults(self) -> list[LeftOut]:
        """What was left out although it may show or contain photographs."""
        return [item for item in self.left_out if item.kind.is_fault]

    def covers(self, file: str) -> bool:
        """Whether a photograph in this file would have been found if it were still there.

        >>> gathered = gather(["examples"])
        >>> gathered.covers(os.path.abspath("examples/gone.jpg")), gathered.covers("/elsewhere.jpg")
        (True, False)
        """
        return _is_in(file, self.roots) and not _is_in(file, self.unread)


_UNREAD = (Kind.UNREADABLE_FOLDER, Kind.UNREADABLE_FILE, Kind.BROKEN_TAR)


def gather(
    names: Iterable[str | Path],
    *,
    exclude: Sequence[str] = (),
    without: Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> Gathered:
    """The photographs in files, folders (at any depth), globs and plain tar files; each path once.

    What is a photograph is judged by the content of files. A member of a tar file has the path that it would
    have after unpacking in place; if another photograph has that path, its path begins with that of its tar
    file. A file that is named is read, even if it seems to be no photograph.

    Args:
        names: of files, folders and tar files, and globs; `~` is the user's home.
        exclude: patterns, as in `.gitignore`, of what to leave out of folders, or paths.
        without: a folder to pass over, such as that of an index.
        progress: called with the number of photographs so far, after each folder.

    Raises:
        FileNotFoundError: a name matches nothing.
        DataError: there are no photographs at all, or a pattern is invalid.

    >>> [Path(path).name for path, _ in gather(["examples"], exclude=["cat*"]).sources]
    ['astronaut.jpg', 'photographer.jpg']
    """
    names = list(names)
    search = _Search(exclude, without, progress)
    for name in names:
        path = files.spelled(Path(os.path.expanduser(name)))
        matches = [str(path)] if os.path.lexists(path) else files.matching(str(path))
        if not matches:
            raise FileNotFoundError(f"{name}: there is no such file, folder or glob: check its path")
        for match in matches:
            search.root(os.path.abspath(match), named=match == str(path))

    found = search.gathered
    found.sources, found.unmatched = one_path_each(search.found), search.given.unmatched
    if not found.sources:
        counts = ", ".join(f"{kind}: {count}" for kind, count in found.counts.items())
        reasons = "; ".join(map(str, found.faults[:3])) or (
            f"left out: {counts}" if counts else "nothing at all"
        )
        raise DataError(f"{', '.join(map(str, names))}: no photographs here ({reasons})")
    return found


def find(names: Iterable[str | Path]) -> list[NamedSource]:
    """The photographs of `gather`, without what was left out.

    >>> len(find(["examples"]))
    3
    """
    return gather(names).sources


class _Search:
    """A search for photographs that is under way."""

    def __init__(
        self, exclude: Sequence[str], without: Path | None, progress: Callable[[int], object] | None
    ) -> None:
        self.gathered = Gathered()
        self.found: list[NamedSource] = []
        """What is reached twice is there twice."""
        self.given, self._progress = Given(exclude), progress
        self._visited = {_identity(str(without))} if without is not None and without.exists() else set()

    def root(self, path: str, *, named: bool) -> None:
        """Search one file or folder that the user named, or that a glob matches."""
        self.gathered.roots.append(path)
        name, is_folder = os.path.basename(path), os.path.isdir(path)
        self.given.search(os.path.dirname(path))
        shown = f"{name}/" if is_folder else name
        self.given.note(shown)
        if is_ignored(shown, self.given.patterns):
            self._leave_out(Kind.EXCLUDED, path)
            return
        if is_folder:
            self.given.search(path)
            # Shallow paths come first, so that a photograph is found under its plainest path.
            below = sorted(
                self._below(path, "", []), key=lambda item: (item[0].count("/"), item[0], str(item[1].path))
            )
            for inner, source in below:
                self.found.append((os.path.join(path, inner), source))
            return

        kind = Kind.DRAWING if is_drawing(name) else kind_of_file(Path(path))
        if kind is Kind.TAR:
            for inner, source in self._members(path, "", []):
                self.found.append((str(Path(path).parent / inner), source))
        elif kind is Kind.PHOTOGRAPH or (named and kind is Kind.OTHER):  # the decoder says what is wrong
            self.found.append((path, Source(Path(path))))
        else:
            self._leave_out(kind, path)

    def _below(self, folder: str, above: str, patterns: list[Patterns]) -> Iterator[NamedSource]:
        """The photographs in a folder and its subfolders, by their paths from the root."""
        identity = _identity(folder)
        if identity in self._visited:  # a link to a folder above, or the index itself
            return
        self._visited.add(identity)
        try:
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(Kind.UNREADABLE_FOLDER, folder, error.strerror or "")
            return

        try:
            own = Patterns.read(Path(folder), above)
        except DataError as error:  # nobody knows what its owner wants to leave out
            self._leave_out(Kind.UNREADABLE_FOLDER, folder, str(error))
            return
        patterns = [own, *patterns] if own is not None else patterns
        for entry in entries:
            yield from self._entry(entry, f"{above}{entry.name}", patterns)
        if self._progress is not None:
            self._progress(len(self.found))

    def _entry(
        self, entry: "os.DirEntry[str]", inner: str, patterns: list[Patterns]
    ) -> Iterator[NamedSource]:
        """The photographs of one file or subfolder."""
        is_folder = _is_folder(entry)
        shown = f"{inner}/" if is_folder else inner
        self.given.note(shown)
        if is_thumbnail_folder(entry.name) and is_folder:
            self._leave_out(Kind.THUMBNAILS, entry.path)
        elif entry.name.startswith("."):
            if entry.name != IGNORE_FILE:
                self._leave_out(Kind.HIDDEN, entry.path)
        elif is_ignored(shown, [*self.given.patterns, *patterns]):
            self._leave_out(Kind.EXCLUDED, entry.path)
        elif is_folder:
            yield from self._below(entry.path, f"{inner}/", patterns)
        elif is_drawing(entry.name):
            self._leave_out(Kind.DRAWING, entry.path)
        else:
            yield from self._file(entry, inner, patterns)

    def _file(self, entry: "os.DirEntry[str]", inner: str, patterns: list[Patterns]) -> Iterator[NamedSource]:
        """The photographs of one file."""
        # The suffix of most files says that they are photographs: whoever reads them finds what is wrong.
        is_clear = suffix_of(entry.name) in PHOTOGRAPH_SUFFIXES and entry.is_file(follow_symlinks=False)
        kind = Kind.PHOTOGRAPH if is_clear else kind_of_file(Path(entry.path))
        if kind is Kind.PHOTOGRAPH:
            yield inner, Source(Path(entry.path))
        elif kind is Kind.TAR:
            yield from self._members(entry.path, inner.rpartition("/")[0], patterns)
        else:
            self._leave_out(kind, entry.path)

    def _members(self, path: str, folder: str, patterns: list[Patterns]) -> Iterator[NamedSource]:
        """The photographs in a tar file, by the paths that they would have after unpacking in its folder."""
        whole = 0
        try:
            with files.opened(Path(path)) as content:
                for member in tar_files.members(content):
                    whole += 1
                    if member.type is tar_files.Type.FOLDER:
                        continue
                    unpacked = str(PurePosixPath(folder) / member.name)
                    kind = self._kind_of_member(member, unpacked, content, patterns)
                    if kind is Kind.PHOTOGRAPH:
                        yield unpacked, Source(Path(path), member.offset, member.size, member.changed)
                    else:
                        self._leave_out(kind, f"{path}/{member.name}")
        except OSError as error:
            self._leave_out(Kind.UNREADABLE_FILE, path, error.strerror or "")
        except ValueError as error:
            used = f"; its members before that are used: {whole:,}" if whole else ""
            self._leave_out(Kind.BROKEN_TAR, path, f"{error}{used}")

    def _kind_of_member(
        self, member: tar_files.Member, unpacked: str, content: BinaryIO, patterns: list[Patterns]
    ) -> Kind:
        """What a member of a tar file is."""
        inner = PurePosixPath(member.name)
        self.given.note(unpacked)
        if (reason := kind_of_path(inner)) is not None:
            return reason
        if is_ignored(unpacked, [*self.given.patterns, *patterns]):
            return Kind.EXCLUDED
        if member.type is not tar_files.Type.FILE:
            return Kind.TAR_LINK if member.type is tar_files.Type.LINK else Kind.SPECIAL
        content.seek(member.offset)
        return kind_of(inner.name, content.read(min(HEAD, member.size)))

    def _leave_out(self, kind: Kind, path: str, reason: str = "") -> None:
        self.gathered.left_out.append(LeftOut(kind, path, reason))
        if kind in _UNREAD:
            self.gathered.unread.append(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _identity(folder: str) -> tuple[int, int] | str:
    """What two paths of the same folder have in common."""
    try:
        found = os.stat(folder)
    except OSError:
        return folder
    return found.st_dev, found.st_ino


def _is_in(file: str, places: Iterable[str]) -> bool:
    """Whether a file is one of some files, or in one of some folders."""
    return any(file == place or file.startswith(place.rstrip(os.sep) + os.sep) for place in places)
