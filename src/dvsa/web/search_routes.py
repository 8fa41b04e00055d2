"""Endpoints for searching an index."""

import time
from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from dvsa import index
from dvsa.index import Hit, Index, Photograph, SearchError
from dvsa.model import Model
from dvsa.photo import Photo
from dvsa.web import found_photographs, schemas
from dvsa.web.decoding import encode_jpeg
from dvsa.web.errors import error_responses, errors_as
from dvsa.web.photo_routes import JPEG
from dvsa.web.service import CurrentService, Service

router = APIRouter(prefix="/api/search", tags=["search"])


class Side(IntEnum):
    """The longer side of a picture, at most, in pixels."""

    SMALL = 320
    LARGE = 1024


SentenceParameter = Annotated[str | None, Query(max_length=10_000, description="The sentence to search for.")]
PhotoParameter = Annotated[
    str | None, Query(description="The id of an open photograph: search for similar ones.")
]
BoxParameter = Annotated[
    str | None,
    Query(description="Search by this part of it only: x0,y0,x1,y1 in fractions.", examples=["0,0,0.5,1"]),
]
CountParameter = Annotated[int, Query(ge=1, le=100, description="The number of photographs to return.")]


@router.get("", responses=error_responses(404, 422, 429))
async def search(
    service: CurrentService,
    q: SentenceParameter = None,
    photo: PhotoParameter = None,
    box: BoxParameter = None,
    k: CountParameter = 12,
) -> schemas.SearchJson:
    """Search by a sentence (`q`), by an open photograph (`photo`), or by a part of it (`box`)."""
    searched = _index(service)

    wanted: str | Photo
    if q is not None and photo is None and box is None:
        wanted = q
    elif photo is not None and q is None:
        wanted = service.photo(photo).view.photo
    else:
        raise HTTPException(422, "give q, or photo (box is optional)")

    with service.pool.slot(), errors_as(422, ValueError):
        query, seconds, hits = await service.pool.run(_search, service.model, searched, wanted, box, k)
    service.found.remember(hits)
    return schemas.SearchJson(
        query=query, seconds=seconds, hits=[found_photographs.to_json(hit) for hit in hits]
    )


@router.get(
    "/{hit}/image", response_class=Response, responses={**JPEG, **error_responses(404, 413, 415, 422, 429)}
)
async def image(hit: str, service: CurrentService, side: Side = Side.SMALL) -> Response:
    """Return a small picture of a photograph that a search found."""
    photograph = _found(service, hit)
    with service.pool.slot(), errors_as(404, SearchError):
        content = await service.pool.run(found_photographs.content, photograph)
        photo = await service.decoder.read(content, found_photographs.file_name(photograph))
        jpeg = await service.pool.run(encode_jpeg, photo, int(side))
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.post("/{hit}/open", status_code=201, responses=error_responses(404, 413, 415, 422, 429))
async def open_hit(hit: str, service: CurrentService) -> schemas.PhotoJson:
    """Open a photograph that a search found."""
    photograph = _found(service, hit)
    with service.pool.slot(), errors_as(404, SearchError):
        content = await service.pool.run(found_photographs.content, photograph)
        return await service.open(content, found_photographs.file_name(photograph))


def _search(
    model: Model, searched: Index, wanted: str | Photo, box: str | None, k: int
) -> tuple[str, float, list[Hit]]:
    """The query's text, the seconds that the search took, and the hits."""
    started = time.perf_counter()
    if isinstance(wanted, str):
        query = index.Query.of_sentence(model, wanted)
    else:
        query = index.Query.of_photo(model, wanted, None if box is None else _pixels(box, wanted))
    hits = searched.search(query, k)
    return query.text, time.perf_counter() - started, hits


def _index(service: Service) -> Index:
    if service.index is None:
        raise HTTPException(404, "the service has no index: start it with dvsa serve --index INDEX")
    return service.index


def _found(service: Service, identifier: str) -> Photograph:
    _index(service)
    photograph = service.found.get(identifier)
    if photograph is None:
        raise HTTPException(404, "no recent search found this photograph: search again")
    return photograph


def _pixels(box: str, photo: Photo) -> list[float]:
    """A box in pixels of the original; raises ValueError if it is invalid."""
    try:
        x0, y0, x1, y1 = (float(edge) for edge in box.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = 0.0
    if not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
        raise ValueError(f"the box {box!r:.80} is invalid: give x0,y0,x1,y1 in fractions")
    return [x0 * photo.width, y0 * photo.height, x1 * photo.width, y1 * photo.height]
