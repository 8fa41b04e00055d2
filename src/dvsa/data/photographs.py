"""The photographs in a folder: picture files, and members of tar files."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from dvsa.data.dataset import DataError, Source

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


NamedSource = tuple[str, Source]
"""A photograph's name, and where its bytes are."""


class Photographs:
    """Every photograph in a folder, at any depth, except in hidden folders.

    The name of a photograph is its path from the folder, with `/`. A member of a tar file has the name that
    it would have after unpacking in place. Tar files must not be compressed: members are read by seeking.
    """

    def __init__(self, root: Path) -> None:
        """Search the folder; raises DataError for a broken or compressed tar file."""
        # Shallow paths come first: `a.jpg` means `images/a.jpg` rather than `images/small/a.jpg`.
        self.found: tuple[NamedSource, ...] = tuple(
            sorted(_sources(root), key=lambda item: (item[0].count("/"), item[0], str(item[1].path)))
        )
        """The name and source of each photograph; two files may have the same name."""


def _sources(root: Path) -> Iterator[NamedSource]:
    """The photographs in a folder, in no particular order."""
    for inner, path in files_below(root):
        if path.suffix == ".tar":
            for name, source in tar_members(path):
                yield str(inner.parent / name), source
        elif _is_photograph(path.name):
            yield str(inner), Source(path)


def files_below(root: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files in a folder, at any depth, except in hidden folders: the path from the folder, and the path.

    Links are followed, because image folders are often links; a link to a parent folder does not loop.
    """
    visited = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        subfolders[:] = [] if real in visited else [s for s in subfolders if not s.startswith(".")]
        if real in visited:
            continue
        visited.add(real)

        inner = PurePosixPath(Path(folder).relative_to(root).as_posix())
        for file in files:
            yield inner / file, Path(folder, file)


def tar_members(path: Path) -> Iterator[NamedSource]:
    """The photographs in a tar file; raises DataError if it is broken or compressed."""
    if not path.is_file():
        raise DataError(f"{path} is not a regular file: leave it out")
    try:
        with tarfile.open(path, "r:") as archive:
            members = archive.getmembers()
    except (tarfile.TarError, EOFError) as error:
        raise DataError(
            f"{path} is not a plain tar file ({error}): fetch it again, or decompress it"
        ) from error
    for member in members:
        if member.isreg() and not member.issparse() and _is_photograph(member.name):
            yield member.name, Source(path, member.offset_data, member.size)


def _is_photograph(name: str) -> bool:
    # Files that start with a dot are not photographs: macOS puts one beside each picture.
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
