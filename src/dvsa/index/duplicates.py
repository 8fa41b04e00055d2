"""The near duplicates of an index."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dvsa import photo
from dvsa.decode import ReadPhoto
from dvsa.index.near import frames, groups, perceptual_hash
from dvsa.index.reader import IndexReader
from dvsa.index.values import Filter, Photograph

Progress = Callable[[str, int, int], object]
"""Called with what is being done, how many are done, and the total."""


def duplicates(
    index: IndexReader,
    where: Filter | None = None,
    read: ReadPhoto = photo.read,
    progress: Progress = lambda what, done, total: None,
) -> tuple[list[list[Photograph]], list[str]]:
    """Groups of near duplicates in an index, the best of each first (`dvsa.index.near.groups`).

    Photographs that were indexed without the extra `duplicates` have no hash: they are read again.

    Args:
        index: the index.
        where: which photographs are compared; None for all.
        read: decodes photographs.
        progress: called with the number of photographs that have been read, and that have been compared.

    Returns:
        The groups, and a line for each photograph that could not be read.

    Raises:
        ModuleNotFoundError: the extra `duplicates` is not installed, and a photograph has no hash.

    >>> from dvsa.index import Index
    >>> duplicates(Index.open("album.index"))
    ([], [])
    """
    found, vectors, faults = (
        list[Photograph](),
        list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]](),
        list[str](),
    )
    total = len(index)
    for done, entry in enumerate(index.entries_where(where), 1):
        known = entry.photograph
        if known.phash is None:
            try:
                known = replace(known, phash=perceptual_hash(read(known.read(), name=known.path).image))
            except (OSError, ValueError) as error:
                faults.append(f"{known.path}: {error.strerror}" if isinstance(error, OSError) else str(error))
                continue
            finally:
                progress("reading photographs", done, total)
        found.append(known)
        vectors.append(entry.v_ID[-1].astype(np.float32))

    if not found:
        return [], faults
    compared = groups(found, frames(np.stack(vectors)), lambda done: progress("comparing", done, len(found)))
    return [_of(found, group) for group in compared], faults


def _of(photographs: Sequence[Photograph], places: Sequence[int]) -> list[Photograph]:
    return [photographs[place] for place in places]
