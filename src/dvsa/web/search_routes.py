"""Endpoints for searching an index."""

import time
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from dvsa import index
from dvsa.index import Hit, Index, Photograph, SearchError
from dvsa.index.answer import ignored_parts, never_looked_at, no_answer
from dvsa.index.order import ordered
from dvsa.model import Model
from dvsa.photo import Photo
from dvsa.web import found_photographs, schemas
from dvsa.web.decoding import encode_jpeg
from dvsa.web.errors import error_responses, errors_as
from dvsa.web.photo_routes import JPEG
from dvsa.web.questions import Question
from dvsa.web.service import CurrentService, Service

router = APIRouter(prefix="/api/search", tags=["search"])


class Side(IntEnum):
    """The longer side of a picture, at most, in pixels."""

    SMALL = 320
    LARGE = 1024


MOST_HITS = 100
"""Most photographs that a search returns."""

LIKE_HITS = 12
"""The photographs that are returned for a photograph, whose regions have no calibration."""


@router.get("", responses=error_responses(404, 422, 429))
async def search(service: CurrentService, question: Annotated[Question, Query()]) -> schemas.SearchJson:
    """Search by a sentence (`q`), by an open photograph (`photo`) or a part of it (`box`), or by both."""
    searched = _index(service)
    if (question.q is None and question.photo is None) or (question.box and question.photo is None):
        raise HTTPException(422, "give q, or photo (box is optional), or both")
    if question.path is not None and not service.settings.search_paths:
        raise HTTPException(422, "this service does not search by path; dvsa serve --search-paths allows it")
    photo = None if question.photo is None else service.photo(question.photo).view.photo

    with service.pool.slot(), errors_as(422, ValueError):
        found = await service.pool.run(_search, service.model, searched, question, photo)
    service.found.remember(found.hits)
    return schemas.SearchJson(
        query=found.query.text,
        seconds=found.seconds,
        unknown={word: list(near) for word, near in found.query.nearest.items()},
        answer=found.answer,
        nearest=found.nearest,
        note=found.note,
        hits=[found_photographs.to_json(hit) for hit in found.hits],
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


@dataclass(frozen=True, slots=True)
class _Found:
    """The result of a search."""

    query: index.Query
    seconds: float
    hits: list[Hit]
    answer: str | None
    nearest: bool
    note: str | None


def _search(model: Model, searched: Index, question: Question, photo: Photo | None) -> _Found:
    """Search, and say why if there is no answer."""
    started = time.perf_counter()
    query, where = question.query(model, photo), question.filter()
    count = LIKE_HITS if question.k is None and not query.is_calibrated else question.k
    hits = searched.search(query, count, where, order="score")[:MOST_HITS]
    answer, nearest = None, list[Hit]()
    if not hits:
        nearest = searched.search(replace(query, without=()), 1, where)
        best = nearest[0] if nearest else None
        answer = no_answer(query, best, found_photographs.file_name, empty=not len(searched))
    unrecorded = searched.unrecorded(where)
    notes = [ignored_parts(query), never_looked_at(unrecorded) if unrecorded else None]
    note = "; ".join(filter(None, notes)) or None
    seconds = time.perf_counter() - started
    return _Found(query, seconds, ordered(hits, question.sort), answer, bool(nearest), note)


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
