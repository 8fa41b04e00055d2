"""Endpoints: search in an index."""

import time
from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from dvsa import index
from dvsa.index import Hit, Index, Photograph, SearchError
from dvsa.model import Model
from dvsa.photo import Photo
from dvsa.web import hits, schemas
from dvsa.web.errors import faults, refused
from dvsa.web.photos import JPEG
from dvsa.web.service import Service, Shared

router = APIRouter(prefix="/api/search", tags=["search"])


class Side(IntEnum):
    """Most pixels of a picture's longer side."""

    SMALL = 320
    LARGE = 1024


Sentence = Annotated[str | None, Query(max_length=10_000, description="What to look for.")]
Likeness = Annotated[str | None, Query(description="A photograph that is open, to look for others like it.")]
Part = Annotated[
    str | None,
    Query(description="The part of it that counts: x0,y0,x1,y1 in fractions.", examples=["0,0,0.5,1"]),
]
Count = Annotated[int, Query(ge=1, le=100, description="How many photographs.")]


@router.get("", responses=faults(404, 422, 429))
async def search(
    service: Shared, q: Sentence = None, photo: Likeness = None, box: Part = None, k: Count = 12
) -> schemas.Found:
    """Find photographs by a sentence (`q`), or by a photograph that is open or a box on it."""
    opened = _index(service)
    asked: str | Photo
    if q is not None and photo is None and box is None:
        asked = q
    elif photo is not None and q is None:
        asked = service.photograph(photo).view.photo
    else:
        raise HTTPException(422, "give a sentence q, or a photo with or without a box")
    with service.gate.place(), refused(422, ValueError):
        query, seconds, found = await service.gate.run(_found, service.model, opened, asked, box, k)
    service.hits.remember(found)
    return schemas.Found(query=query, seconds=seconds, hits=[hits.answer(hit) for hit in found])


@router.get("/{hit}/image", response_class=Response, responses={**JPEG, **faults(404, 415, 422, 429)})
async def image(hit: str, service: Shared, side: Side = Side.SMALL) -> Response:
    """A photograph that a search found, made small."""
    photograph = _hit(service, hit)
    with service.gate.place(), refused(404, SearchError):
        small = await service.gate.run(hits.thumbnail, photograph, int(side))
    return Response(small, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/{hit}/open", status_code=201, responses=faults(404, 413, 415, 422, 429))
async def open_hit(hit: str, service: Shared) -> schemas.Photo:
    """Open a photograph that a search found."""
    photograph = _hit(service, hit)
    with service.gate.place(), refused(404, SearchError):
        content = await service.gate.run(hits.content, photograph)
        return await service.keep(content, hits.name(photograph))


def _found(
    model: Model, opened: Index, asked: str | Photo, box: str | None, k: int
) -> tuple[str, float, list[Hit]]:
    began = time.perf_counter()
    if isinstance(asked, str):
        query = index.Query.of_sentence(model, asked)
    else:
        query = index.Query.of_photo(model, asked, None if box is None else _pixels(box, asked))
    found = opened.search(query, k)
    return query.text, time.perf_counter() - began, found


def _index(service: Service) -> Index:
    if service.index is None:
        raise HTTPException(404, "there is nothing to search in: start with dvsa serve --index INDEX")
    return service.index


def _hit(service: Service, identifier: str) -> Photograph:
    _index(service)
    found = service.hits.get(identifier)
    if found is None:
        raise HTTPException(404, "no search found such a photograph: search again")
    return found


def _pixels(box: str, photo: Photo) -> list[float]:
    """The box in pixels of the original; raises ValueError where it is none."""
    try:
        x0, y0, x1, y1 = (float(edge) for edge in box.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = 0.0
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ValueError(f"the box {box!r:.80} is none: give x0,y0,x1,y1 in fractions")
    return [x0 * photo.width, y0 * photo.height, x1 * photo.width, y1 * photo.height]
