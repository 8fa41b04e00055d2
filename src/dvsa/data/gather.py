"""Find the photographs that a user names: files, folders, globs and tar files."""

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError, Source
from dvsa.data.photographs import SUFFIXES, NamedSource, Photographs, tar_members
from dvsa.files import spelled


def find(names: Iterable[str | Path]) -> list[NamedSource]:
    """The photographs in files, folders (at any depth), globs and plain tar files; each path once.

    A member of a tar file has the path that it would have after unpacking in place.

    Raises:
        FileNotFoundError: a name matches nothing.
        DataError: a tar file is broken, or there are no photographs at all.
    """
    names = list(names)
    found: dict[str, Source] = {}

    for name in names:
        path = spelled(Path(name).expanduser())
        matches = [path] if path.exists() else list(map(Path, sorted(glob.glob(str(path), recursive=True))))
        if not matches:
            raise FileNotFoundError(f"{name}: there is no such file, folder or glob: check its path")
        for match in matches:
            for photograph, source in _inside(Path(os.path.abspath(match))):
                found.setdefault(photograph, source)

    if not found:
        raise DataError(f"{', '.join(map(str, names))}: no photographs here ({', '.join(sorted(SUFFIXES))})")
    return list(found.items())


def _inside(path: Path) -> Iterator[NamedSource]:
    """The photographs in a folder or a tar file, or the one photograph that a path names."""
    if path.is_dir():
        for name, source in Photographs(path).found:
            yield str(path / name), source
    elif path.suffix == ".tar":
        for name, source in tar_members(path):
            yield str(path.parent / PurePosixPath(name)), source
    else:
        yield str(path), Source(path)
