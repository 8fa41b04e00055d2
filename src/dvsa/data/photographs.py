"""The photographs in a folder: picture files, and members of tar files."""

import os
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import count
from pathlib import Path, PurePosixPath

from dvsa import files
from dvsa.data import tar_files
from dvsa.data.dataset import DamagedError, DataError, Problem, Source
from dvsa.data.kinds import PHOTOGRAPH_SUFFIXES

SUFFIXES = PHOTOGRAPH_SUFFIXES


NamedSource = tuple[str, Source]
"""A photograph's name, and where its bytes are."""


class Photographs:
    """Every photograph in a folder, at any depth, except in hidden folders.

    The name of a photograph is its path from the folder, with `/`. A member of a tar file has the name that
    it would have after unpacking in place. Tar files must not be compressed: members are read by seeking.
    """

    def __init__(self, root: Path) -> None:
        """Search the folder; raises DataError if it has nothing but damaged or compressed tar files."""
        self.problems: list[Problem] = []
        """The folders and tar files that cannot be read."""
        # Shallow paths come first: `a.jpg` means `images/a.jpg` rather than `images/small/a.jpg`.
        self.found: tuple[NamedSource, ...] = tuple(
            sorted(self._sources(root), key=lambda item: (item[0].count("/"), item[0], str(item[1].path)))
        )
        """The name and source of each photograph; two files may have the same name."""
        damaged = [problem for problem in self.problems if problem.kind == "broken file"]
        if damaged and not self.found:
            raise DataError(damaged[0].detail)

    def _sources(self, root: Path) -> Iterator[NamedSource]:
        """The photographs in a folder, in no particular order."""
        for inner, path in names_below(root, self._unread):
            if path.endswith(".tar"):
                try:
                    members = list(tar_members(Path(path)))
                except DamagedError as error:
                    self.problems.append(Problem("broken file", inner, str(error)))
                    continue
                for name, source in members:
                    yield str(PurePosixPath(inner).parent / name), source
            elif is_photograph(inner):
                yield inner, Source(Path(path))

    def _unread(self, error: OSError) -> None:
        self.problems.append(Problem("unreadable folder", str(error.filename), error.strerror or ""))


def files_below(root: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files in a folder, at any depth, except in hidden folders: the path from the folder, and the path.

    Links are followed, because image folders are often links; a link to a parent folder does not loop.
    """
    for inner, path in names_below(root):
        yield PurePosixPath(inner), Path(path)


def names_below(root: Path, unread: Callable[[OSError], object] | None = None) -> Iterator[tuple[str, str]]:
    """The same as strings, which are ten times as fast for a folder with many photographs.

    Args:
        root: the folder.
        unread: is told of each folder that cannot be read.
    """
    visited = set()
    for folder, subfolders, inside in os.walk(root, onerror=unread, followlinks=True):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in visited else [s for s in subfolders if not s.startswith(".")]
        if real in visited:
            continue
        visited.add(real)

        inner = Path(folder).relative_to(root).as_posix()
        above = "" if inner == "." else f"{inner}/"
        for file in inside:
            path = os.path.join(folder, file)
            if is_photograph(file) or file.endswith(".tar") or not _is_special(path):
                yield above + file, path


def _is_special(path: str) -> bool:
    """Whether a file is a pipe, a socket or a device, which no list of sentences is."""
    return os.path.exists(path) and not os.path.isfile(path)


def tar_members(path: Path) -> Iterator[NamedSource]:
    """The photographs in a tar file; raises DataError, of the kind DamagedError if it is broken."""
    for member in members_of(path):
        if member.type is tar_files.Type.FILE and is_photograph(member.name):
            yield member.name, Source(path, member.offset, member.size)


def members_of(path: Path) -> Iterator[tar_files.Member]:
    """The members of a tar file; raises DataError, of the kind DamagedError if it is broken."""
    try:
        with files.opened(path) as content:
            yield from tar_files.members(content)
    except files.UnreadableError:
        raise DataError(f"{path} is not a regular file: leave it out") from None
    except tar_files.TarError as error:
        raise DamagedError(
            f"{path} is not a plain tar file ({error}): fetch it again, or decompress it"
        ) from error


def one_path_each(found: Iterable[NamedSource]) -> list[NamedSource]:
    """The same photographs, each once, and each with a path of its own.

    If several have one path, the file keeps it, or else the member of the first tar file. The others get a
    path that begins with that of their tar file.

    >>> in_tar = [("/a/1.jpg", Source(Path(f"/a/{year}.tar"), 512, 90_000)) for year in (2020, 2019)]
    >>> [path for path, _ in one_path_each(in_tar)]
    ['/a/1.jpg', '/a/2020.tar/1.jpg']
    """
    by_path = defaultdict[str, dict[Source, None]](dict)
    for path, source in found:
        by_path[path][source] = None

    named, others = dict[str, Source](), list[NamedSource]()
    for path, sources in by_path.items():
        named[path], *rest = sorted(sources, key=lambda s: (s.size is not None, str(s.path), s.offset))
        others += ((path, source) for source in rest)
    there = set(named.values())
    for path, source in others:
        if source not in there:
            named[path_in_tar(path, source, named)] = source
    return list(named.items())


def path_in_tar(path: str, source: Source, taken: Container[str]) -> str:
    """Another path for a member of a tar file: `a.tar/1.jpg`, or `a.tar#2/1.jpg` if that is taken.

    >>> path_in_tar("/a/1.jpg", Source(Path("/a/2020.tar"), 512, 90_000), {"/a/2020.tar/1.jpg"})
    '/a/2020.tar#2/1.jpg'
    """
    inner = os.path.relpath(path, source.path.parent)
    names = (f"{source.path}{f'#{n}' if n > 1 else ''}/{inner}" for n in count(1))
    return next(name for name in names if name not in taken)


def is_photograph(name: str) -> bool:
    """Whether a path with `/` is that of a photograph, by its suffix."""
    # Files that start with a dot are not photographs: macOS puts one beside each picture.
    base = name.rpartition("/")[2]
    return suffix_of(base) in SUFFIXES and not base.startswith(".")


def suffix_of(name: str) -> str:
    """The suffix of a path with `/`, in lower case and with its dot; empty if it has none.

    >>> suffix_of("beach/1.JPG"), suffix_of("beach.old/1"), suffix_of(".jpg")
    ('.jpg', '', '')
    """
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if stem and dot and suffix else ""
