"""Data sets of any size: the lists of a large one are read once, by another process, and kept on disk.

As Python objects, the lists of 100,000 photographs take a gigabyte. The process that trains never has them in
memory.
"""

import hashlib
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from dvsa.data import DataError, Dataset, GivenRegions, hub, load, stored
from dvsa.data.photographs import names_below, tar_members
from dvsa.data.storing import store
from dvsa.learn.runs.inputs import Tell, silent
from dvsa.learn.tasks.cache import cache_dir
from dvsa.version import VERSION

LARGE = 20_000
"""A data set with more files than this, members of tar files included, is large,"""
LARGE_BYTES = 2 * 2**30
"""and so is one with more bytes than this."""


def load_for_training(
    root: str | Path,
    entities: Path | None = None,
    regions: GivenRegions | None = None,
    tell: Tell = silent,
) -> Dataset:
    """A data set with splits. If it is large, its examples are on disk, in the folder of cached files.

    They are read again after any change of a file's size or time. A data set with given regions is always in
    memory.

    Args:
        root: as for `load`.
        entities: as for `load`.
        regions: as for `load`.
        tell: is called with a line before the lists of a large data set are read.

    Raises:
        DataError: as `load`.
    """
    folder = hub.fetch(root) if hub.is_address(root) else Path(root)
    if regions is not None or not _is_large(folder):
        return load(root, entities, regions).divided()

    kept = cache_dir() / f"examples-{_stamp(folder, entities)[:32]}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):
        if not kept.is_dir():
            tell(f"{root}: reading the lists of this large data set, once")
            _store_elsewhere(folder, entities, kept)
    data = stored.read(kept)
    return replace(data, name=hub.title(root)) if hub.is_address(root) else data


def _is_large(root: Path) -> bool:
    count = size = 0
    for _, path in names_below(root):
        size += os.path.getsize(path) if os.path.isfile(path) else 0
        count += 1
        if path.endswith(".tar"):
            with suppress(DataError):  # `load` says what is wrong with it
                count += sum(1 for _ in tar_members(Path(path)))
        if count > LARGE or size > LARGE_BYTES:
            return True
    return False


def _stamp(root: Path, entities: Path | None) -> str:
    """Depends on the names, sizes and times of all files."""
    digest = hashlib.sha256(f"{VERSION} {root.resolve()} {entities}".encode(errors="surrogateescape"))
    for inner, path in _all_files(root, entities):
        about = os.stat(path)
        line = f"{inner} {about.st_size} {about.st_mtime_ns}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _all_files(root: Path, entities: Path | None) -> Iterator[tuple[str, str]]:
    for place in [root] if entities is None else [root, entities]:
        found = names_below(place) if place.is_dir() else [(place.name, str(place))]
        yield from sorted(item for item in found if os.path.isfile(item[1]))


def _store_elsewhere(root: Path, entities: Path | None, folder: Path) -> None:
    """Let another process do the work of `store`; its memory is free again afterwards."""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            pool.submit(store, root, entities, folder).result()
    except BrokenProcessPool as error:
        raise DataError(
            f"{root}: the process that reads the lists was ended, perhaps for lack of memory: divide the "
            "data set into several"
        ) from error
