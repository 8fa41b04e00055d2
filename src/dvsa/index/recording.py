"""What an index records about a photograph besides its vectors, and reading that again."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial
from importlib.util import find_spec
from typing import Final

from dvsa.ahead import in_order
from dvsa.data.dataset import Source
from dvsa.decode import Decoder, ReadPhoto
from dvsa.index.near import perceptual_hash
from dvsa.index.values import HASHED, SHOT, Added, Photograph, Place, content_id
from dvsa.photo import Photo

Row = tuple[str, int]
"""The name of a segment, and the row of a photograph in it."""

READERS: Final = 2
"""Photographs that are decoded at once."""


def version() -> int:
    """The version of what can be recorded here: `HASHED` with the extra `duplicates`, `SHOT` without it."""
    return HASHED if find_spec("imagehash") else SHOT


def recorded(
    identifier: str, place: Place, source: Source, size: int, photo: Photo, fields: Mapping[str, str]
) -> Photograph:
    """What is recorded about a photograph.

    Args:
        identifier: its `content_id`.
        place: where it is.
        source: the same, with its date.
        size: of its content, in bytes.
        photo: the decoded photograph.
        fields: the user's own fields.
    """
    latitude, longitude = photo.shot.place or (None, None)
    return Photograph(
        id=identifier,
        path=place.path,
        file=place.file,
        offset=place.offset,
        size=size,
        width=photo.width,
        height=photo.height,
        taken=photo.taken or source.date(),
        fields=fields,
        camera=photo.shot.camera,
        latitude=latitude,
        longitude=longitude,
        phash=perceptual_hash(photo.image) if version() == HASHED else None,
        recorded=version(),
    )


def read_again(
    rows: Iterable[tuple[Row, Photograph, Source]], outcome: Added, read: ReadPhoto | None = None
) -> Iterator[tuple[Row, Photograph]]:
    """The photographs of an index with all that is recorded about them today.

    Those that cannot be read are left out, and named among the faults of `outcome`. So are those whose files
    have changed in the meantime, which the next synchronisation finds.

    Args:
        rows: the photographs, and where one of their files is.
        outcome: counts them.
        read: decodes photographs; None for worker processes with limits.
    """
    with ExitStack() as stack:
        decode = read or stack.enter_context(Decoder(READERS)).read
        results = in_order(partial(_again, read=decode), rows, READERS, ahead=4)
        for row, known, found in stack.enter_context(closing(results)):
            if isinstance(found, Photograph):
                outcome.read_again += known.recorded < found.recorded
                yield row, found
            elif found is not None:
                outcome.faults.append(found)


def _again(
    item: tuple[Row, Photograph, Source], read: ReadPhoto
) -> tuple[Row, Photograph, Photograph | str | None]:
    """A photograph as it was, and as it is recorded today.

    Instead of the latter: None if its file has changed, or why it cannot be read.
    """
    row, known, source = item
    try:
        content = source.read()
        if content_id(content) != known.id:
            return row, known, None
        photo = read(content, name=known.path)
    except OSError as error:
        return row, known, f"{known.path}: {error.strerror}"
    except ValueError as error:
        return row, known, str(error)
    found = recorded(known.id, known.places[0], source, len(content), photo, known.fields)
    return row, known, found.at(known.places)
