"""From photographs to entries of an index: read, identify and encode them."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from dvsa.ahead import in_order
from dvsa.data.photographs import NamedSource
from dvsa.decode import Decoder, ReadPhoto
from dvsa.index.recording import recorded
from dvsa.index.values import Entry, Photograph, Place, content_id
from dvsa.model import Model
from dvsa.photo import Photo, squash

DECODERS: Final = 2
"""Photographs that are decoded at once, while the network encodes others."""

PHOTOS_PER_BATCH: Final = 4
"""Photographs that the network encodes at once."""


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


def encoder(model: Model, read: ReadPhoto | None = None) -> Encoder:
    """An encoder that computes vectors in this process.

    Args:
        model: computes them.
        read: decodes photographs; None for worker processes with limits (`dvsa.decode`).
    """

    def encode(
        sources: Iterable[NamedSource], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        batch: list[tuple[Photograph, Photo]] = []
        with ExitStack() as stack:
            decode = read or stack.enter_context(Decoder(DECODERS)).read
            opening = partial(_open, known=known, fields=fields, read=decode)
            results = in_order(opening, sources, DECODERS, PHOTOS_PER_BATCH)
            for opened in stack.enter_context(closing(results)):
                if isinstance(opened, Skipped):
                    yield opened
                else:
                    batch.append(opened)
                if len(batch) == PHOTOS_PER_BATCH:
                    yield from _encode_batch(model, batch)
                    batch = []
            if batch:
                yield from _encode_batch(model, batch)

    return encode


def _open(
    named: NamedSource, known: Container[str], fields: Mapping[str, str], read: ReadPhoto
) -> tuple[Photograph, Photo] | Skipped:
    """Read and decode a photograph whose identifier is not known yet."""
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
    return recorded(identifier, place, source, len(content), photo, fields), photo


def _encode_batch(model: Model, batch: list[tuple[Photograph, Photo]]) -> Iterator[Entry]:
    """The entries of decoded photographs, with the bundle's own regions."""
    size, photos = model.bundle.side, [photo for _, photo in batch]
    fine, coarse, score_BN, box_BN4 = model.look(np.stack([squash(photo, size) for photo in photos]))
    box_BI4 = np.stack([model.propose(score_BN[b], box_BN4[b])[0] for b in range(len(batch))])
    _, v_BID = model.encode(fine, coarse, box_BI4, photos)
    for (photograph, _), box_I4, v_ID in zip(batch, box_BI4, v_BID, strict=True):
        yield Entry(photograph, box_I4, v_ID)
