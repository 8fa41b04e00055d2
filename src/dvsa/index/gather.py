"""The photographs that a user means: files, folders, globs and tar files."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import Source
from dvsa.data.photographs import SUFFIXES, Photographs, members
from dvsa.index.records import SearchError

Named = tuple[str, Source]
"""A photograph's path, and where its bytes lie."""


def find(what: Iterable[str | Path]) -> list[Named]:
    """The photographs in files, folders (at any depth), globs and plain tar files; each path once.

    A member of a tar file has the path that it would have if the tar file were unpacked where it lies.

    Raises:
        ValueError: a name is that of nothing, a tar file is broken, or there is no photograph at all.
    """
    what = list(what)
    found: dict[str, Source] = {}
    for name in what:
        path = Path(name).expanduser()
        matches = (
            [path]
            if path.exists()
            else [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
        )
        if not matches:
            raise FileNotFoundError(f"{name}: there is no such file, folder or glob")
        for match in matches:
            for member, source in _within(Path(os.path.abspath(match))):
                found.setdefault(member, source)
    if not found:
        raise SearchError(f"{', '.join(map(str, what))}: no photographs here ({', '.join(sorted(SUFFIXES))})")
    return list(found.items())


def _within(path: Path) -> Iterator[Named]:
    if path.is_dir():
        for name, source in Photographs(path).found:
            yield str(path / name), source
    elif path.suffix == ".tar":
        for name, source in members(path):
            yield str(path.parent / PurePosixPath(name)), source
    else:
        yield str(path), Source(path)
