"""Endpoints for photographs: upload, picture, alignment, captions, samples."""

import json
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

from dvsa.web import responses, schemas
from dvsa.web.errors import Responses, error_responses, errors_as
from dvsa.web.service import STATIC, CurrentService
from dvsa.web.upload import FORM, read_upload

UPLOAD_PATH: Final = "/api/photos"
SAMPLES: Final = STATIC / "samples"
WARM_UP_SAMPLE: Final = SAMPLES / "photographer.jpg"
"""The photograph that the service opens when it starts, so that the model is loaded."""

router = APIRouter(tags=["photographs"])

JPEG: Final[Responses] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG."}}


@router.post(UPLOAD_PATH, status_code=201, openapi_extra=FORM, responses=error_responses(413, 415, 422, 429))
async def upload(request: Request, service: CurrentService) -> schemas.PhotoJson:
    """Open a photograph: find its regions, and write its caption and a phrase for each region.

    The photograph stays in memory until it is not used for an hour, or until newer ones need its place.
    """
    with service.pool.slot():
        return await service.open(*await read_upload(request))


@router.get("/api/photos/{photo}", responses=error_responses(404, 422))
async def photo(photo: str, service: CurrentService) -> schemas.PhotoJson:
    """Return the same response as when the photograph was opened."""
    return service.photo(photo).response


@router.get(
    "/api/photos/{photo}/image", response_class=Response, responses={**JPEG, **error_responses(404, 422)}
)
async def image(photo: str, service: CurrentService) -> Response:
    """Return the picture: upright, without metadata, its longer side at most 1024 pixels."""
    return Response(service.photo(photo).jpeg, media_type="image/jpeg")


@router.post("/api/photos/{photo}/align", responses=error_responses(400, 404, 413, 422, 429))
async def align(photo: str, request: schemas.AlignRequest, service: CurrentService) -> schemas.AlignmentJson:
    """Align a sentence with the photograph: the region of each word, and the segments of the MRF."""
    view = service.photo(photo).view
    with service.pool.slot(), errors_as(422, ValueError):
        return await service.pool.run(responses.alignment, view, request.sentence, request.beta)


@router.post("/api/photos/{photo}/caption", responses=error_responses(400, 404, 413, 422, 429))
async def caption(
    photo: str, request: schemas.CaptionRequest, service: CurrentService
) -> schemas.CaptionsJson:
    """Write captions by greedy search, beam search or sampling."""
    view = service.photo(photo).view
    with service.pool.slot(), errors_as(422, ValueError):
        return await service.pool.run(responses.captions, view, request)


@router.get("/api/samples", responses=error_responses())
async def samples() -> list[schemas.SampleJson]:
    """List the example photographs, one that the model describes well first."""
    told = json.loads((SAMPLES / "samples.json").read_bytes())
    return [
        schemas.SampleJson(name=name, title=one["title"], note=one.get("note")) for name, one in told.items()
    ]


@router.post("/api/samples/{name}", status_code=201, responses=error_responses(404, 422, 429))
async def sample(name: str, service: CurrentService) -> schemas.PhotoJson:
    """Open an example photograph."""
    if name not in {sample.name for sample in await samples()}:
        raise HTTPException(404, "there is no sample of this name: /api/samples lists them")
    with service.pool.slot():
        return await service.open((SAMPLES / name).read_bytes(), name)
