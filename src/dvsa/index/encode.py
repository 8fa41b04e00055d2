"""From photographs to entries of an index: read, digest, look, encode."""

import io
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from PIL import ExifTags, Image

from dvsa.index.gather import Named
from dvsa.index.records import Added, Entry, Photograph, content_id
from dvsa.model import Model
from dvsa.photo import Photo, read, squash

TOGETHER: Final = 4
"""Photographs that go through the network at once."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photograph that does not go into the index."""

    path: str
    fault: str | None
    """Why it cannot; None where it is there already."""


Encoder = Callable[[Iterable[Named], Container[str], Mapping[str, str]], Iterator[Entry | Skipped]]
"""Makes entries of photographs whose identifiers are not yet known, with the user's fields."""


def encoder(model: Model) -> Encoder:
    """An encoder that works in this process."""

    def encode(
        named: Iterable[Named], known: Container[str], fields: Mapping[str, str]
    ) -> Iterator[Entry | Skipped]:
        waiting: list[tuple[Photograph, Photo]] = []
        for item in named:
            opened = _opened(item, known, fields)
            if isinstance(opened, Skipped):
                yield opened
            else:
                waiting.append(opened)
            if len(waiting) == TOGETHER:
                yield from _looked_at(model, waiting)
                waiting = []
        yield from _looked_at(model, waiting)

    return encode


def _opened(
    named: Named, known: Container[str], fields: Mapping[str, str]
) -> tuple[Photograph, Photo] | Skipped:
    path, source = named
    try:
        content = source.read()
        digest = content_id(content)
        if digest in known:
            return Skipped(path, None)
        photo = read(content, name=path)
    except OSError as error:
        return Skipped(path, f"{path}: {error.strerror}")
    except ValueError as error:
        return Skipped(path, str(error))
    photograph = Photograph(
        id=digest, path=path, file=str(source.path), offset=source.offset, size=len(content),
        width=photo.width, height=photo.height, taken=taken(content), fields=fields,
    )  # fmt: skip
    return photograph, photo


def _looked_at(model: Model, opened: list[tuple[Photograph, Photo]]) -> Iterator[Entry]:
    if not opened:
        return
    size = model.bundle.manifest.size
    fine, coarse, score_BN, box_BN4 = model.look(np.stack([squash(photo, size) for _, photo in opened]))
    box_BI4 = np.stack([model.propose(score_BN[b], box_BN4[b])[0] for b in range(len(opened))])
    _, v_BID = model.encode(fine, coarse, box_BI4)
    for (photograph, _), box_I4, v_ID in zip(opened, box_BI4, v_BID, strict=True):
        yield Entry(photograph, box_I4, v_ID)


def fresh(items: Iterable[Entry | Skipped], known: set[str], outcome: Added) -> list[Entry]:
    """Entries whose content is not known yet, and is from now on; `outcome` counts everything."""
    found = []
    for item in items:
        if isinstance(item, Skipped) and item.fault is not None:
            outcome.faults.append(item.fault)
        elif isinstance(item, Skipped) or item.photograph.id in known:
            outcome.known += 1
        else:
            outcome.added += 1
            known.add(item.photograph.id)
            found.append(item)
    return found


def taken(content: bytes) -> str | None:
    """When a photograph was taken, as `Photograph.taken`; None where its EXIF data do not say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exif = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "TIFF", "WEBP")).getexif()
            details = exif.get_ifd(ExifTags.IFD.Exif)
            said = (
                details.get(ExifTags.Base.DateTimeOriginal)
                or details.get(ExifTags.Base.DateTimeDigitized)
                or exif.get(ExifTags.Base.DateTime)
            )
            return datetime.strptime(str(said).strip("\0 "), "%Y:%m:%d %H:%M:%S").isoformat()
        except Exception:  # no EXIF data, or damaged ones, of which Pillow raises nearly anything
            return None
