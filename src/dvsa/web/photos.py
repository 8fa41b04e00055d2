"""Endpoints: a photograph, and what one asks about it."""

import json
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

from dvsa.web import answers, schemas
from dvsa.web.errors import Responses, faults, refused
from dvsa.web.service import STATIC, Shared
from dvsa.web.upload import FORM, uploaded

UPLOADS: Final = "/api/photos"
SAMPLES: Final = STATIC / "samples"
A_SAMPLE: Final = SAMPLES / "photographer.jpg"

router = APIRouter(tags=["photographs"])

JPEG: Final[Responses] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG."}}


@router.post(UPLOADS, status_code=201, openapi_extra=FORM, responses=faults(413, 415, 422, 429))
async def upload(request: Request, service: Shared) -> schemas.Photo:
    """Open a photograph: its regions, its caption, and a phrase for each region.

    It is kept in memory until nobody asked about it for an hour, or many others came.
    """
    with service.gate.place():
        return await service.keep(*await uploaded(request))


@router.get("/api/photos/{photo}", responses=faults(404, 422))
async def photo(photo: str, service: Shared) -> schemas.Photo:
    """What was said when the photograph was opened."""
    return service.photograph(photo).answer


@router.get("/api/photos/{photo}/image", response_class=Response, responses={**JPEG, **faults(404, 422)})
async def image(photo: str, service: Shared) -> Response:
    """The photograph, upright, without metadata, at most 1024 pixels long."""
    return Response(service.photograph(photo).jpeg, media_type="image/jpeg")


@router.post("/api/photos/{photo}/align", responses=faults(400, 404, 413, 422, 429))
async def align(photo: str, question: schemas.AlignQuestion, service: Shared) -> schemas.Alignment:
    """Lay a sentence on the photograph: which region each word speaks of, and the segments of the MRF."""
    view = service.photograph(photo).view
    with service.gate.place(), refused(422, ValueError):
        return await service.gate.run(answers.alignment, view, question.sentence, question.beta)


@router.post("/api/photos/{photo}/caption", responses=faults(400, 404, 413, 422, 429))
async def caption(photo: str, question: schemas.CaptionQuestion, service: Shared) -> schemas.Captions:
    """Sentences for the photograph: greedy, by beam search, or drawn at random."""
    view = service.photograph(photo).view
    with service.gate.place(), refused(422, ValueError):
        return await service.gate.run(answers.captions, view, question)


@router.get("/api/samples", responses=faults())
async def samples() -> list[schemas.Sample]:
    """Photographs to try."""
    listed = json.loads((SAMPLES / "samples.json").read_bytes())
    return [schemas.Sample(name=name, title=title) for name, title in listed.items()]


@router.post("/api/samples/{name}", status_code=201, responses=faults(404, 422, 429))
async def sample(name: str, service: Shared) -> schemas.Photo:
    """Open a photograph to try."""
    if name not in {sample.name for sample in await samples()}:
        raise HTTPException(404, "there is no such sample: /api/samples lists them")
    with service.gate.place():
        return await service.keep((SAMPLES / name).read_bytes(), name)
