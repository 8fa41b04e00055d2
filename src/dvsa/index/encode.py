"""From photographs to entries of an index: read, identify and encode them."""

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsa.ahead import in_order
from dvsa.data.photographs import NamedSource
from dvsa.decode import Decoder, ReadPhoto
from dvsa.index.recording import recorded
from dvsa.index.values import Entry, Photograph, Place, content_id
from dvsa.model import Model
from dvsa.photo import Photo, squash

PHOTOS_PER_BATCH: Final = 4
"""Photographs that the network encodes at once."""

MOST_WORKERS: Final = 8
"""More would hold many decoded photographs in memory, of some 13 MB each."""

AHEAD: Final = 4
"""Photographs for each worker that are decoded or in work at once."""

MOST_ITEMS: Final = 64
"""Photographs that wait for a batch, most of them skipped."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photograph that is not added to the index."""

    path: str
    fault: str | None
    """Why it cannot be added; None if the index already contains it."""
    id: str | None = None
    """Its identifier; None if its file could not be read."""


Encoder = Callable[[Iterable[NamedSource], Container[str], Mapping[str, str]], Iterator[Entry | Skipped]]
"""Makes entries of photographs whose identifiers are not known yet, and gives them the user's fields."""


class Opened(NamedTuple):
    """A decoded photograph."""

    photograph: Photograph
    photo: Photo
    square_HWC: NDArray[np.uint8]
    """What the network sees of it."""


def encoder(model: Model, read: ReadPhoto | None = None, workers: int | None = None) -> Encoder:
    """An encoder that computes vectors in this process.

    While the network encodes some photographs, the next ones are decoded.

    Args:
        model: computes them; load it with `threads=1`, because each worker runs the graphs for itself.
        read: decodes photographs; None for worker processes with limits (`dvsa.decode`).
        workers: how many photographs are decoded at once, and how many batches are encoded at once; None for
            as many as there are cores, at most `MOST_WORKERS`.
    """
    count = workers or min(os.cpu_count() or 1, MOST_WORKERS)

    def encode(
        sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        with ExitStack() as stack:
            decode = read or stack.enter_context(Decoder(count)).read
            opening = partial(
                open_photograph, known=known, fields=fields, read=decode, side=model.bundle.side
            )
            opened = stack.enter_context(closing(in_order(opening, sources, count, AHEAD)))
            encoding = in_order(partial(_encode_some, model), _batches(opened), count, ahead=1)
            for items in stack.enter_context(closing(encoding)):
                yield from items

    return encode


def _batches(opened: Iterable[Opened | Skipped]) -> Iterator[list[Opened | Skipped]]:
    """Lists with as many decoded photographs as the network encodes at once, and what is skipped between."""
    batch: list[Opened | Skipped] = []
    for item in opened:
        batch.append(item)
        if sum(isinstance(each, Opened) for each in batch) == PHOTOS_PER_BATCH or len(batch) == MOST_ITEMS:
            yield batch
            batch = []
    if batch:
        yield batch


def _encode_some(model: Model, items: Sequence[Opened | Skipped]) -> list[Entry | Skipped]:
    """Entries of what is decoded, after what is skipped."""
    skipped = [item for item in items if isinstance(item, Skipped)]
    decoded = [item for item in items if isinstance(item, Opened)]
    return [*skipped, *(encode_batch(model, decoded) if decoded else ())]


def open_photograph(
    named: NamedSource, known: Container[str], fields: Mapping[str, str], read: ReadPhoto, side: int
) -> Opened | Skipped:
    """Read and decode a photograph whose identifier is not known yet.

    Args:
        named: where it is.
        known: identifiers of photographs that are skipped.
        fields: the user's own fields.
        read: decodes it.
        side: of the square that the network sees.
    """
    path, source = named
    identifier = None
    try:
        content = source.read()
        identifier = content_id(content)
        if identifier in known:
            return Skipped(path, None, identifier)
        photo = read(content, name=path)
    except OSError as error:
        return Skipped(path, f"{path}: {error.strerror}", identifier)
    except ValueError as error:
        return Skipped(path, str(error), identifier)

    place = Place(path=path, file=str(source.path), offset=source.offset)
    photograph = recorded(identifier, place, source, len(content), photo, fields)
    return Opened(photograph, photo, squash(photo, side))


def encode_batch(model: Model, batch: Sequence[Opened]) -> Iterator[Entry]:
    """The entries of decoded photographs, with the bundle's own regions."""
    fine, coarse, score_BN, box_BN4 = model.look(np.stack([opened.square_HWC for opened in batch]))
    box_BI4 = np.stack([model.propose(score_BN[b], box_BN4[b])[0] for b in range(len(batch))])
    _, v_BID = model.encode(fine, coarse, box_BI4, [opened.photo for opened in batch])
    for opened, box_I4, v_ID in zip(batch, box_BI4, v_BID, strict=True):
        yield Entry(opened.photograph, box_I4, v_ID)
