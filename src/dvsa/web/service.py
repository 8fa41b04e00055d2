"""The state that all endpoints share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from fastapi import Depends, HTTPException, Request

from dvsa.index import Index
from dvsa.model import Model
from dvsa.web import schemas
from dvsa.web.decoding import open_photo
from dvsa.web.found_photographs import FoundPhotographs
from dvsa.web.lanes import DecodingLanes
from dvsa.web.monitoring import ServiceMetrics
from dvsa.web.photo_cache import OpenPhoto, PhotoCache
from dvsa.web.settings import Settings
from dvsa.web.worker_pool import WorkerPool

STATIC: Final = Path(__file__).parent / "static"
"""The files of the page."""


@dataclass(frozen=True, eq=False, slots=True)
class Service:
    """The model, the index if there is one, and the photographs in use."""

    model: Model
    index: Index | None
    settings: Settings
    pool: WorkerPool
    decoder: DecodingLanes
    photos: PhotoCache
    found: FoundPhotographs
    metrics: ServiceMetrics

    def status(self) -> Literal["ok", "busy", "failing"]:
        """Whether the service can take a request, now or soon."""
        if not self.decoder.alive() or self.pool.longest() > self.settings.timeout_seconds:
            return "failing"
        return "busy" if self.pool.full else "ok"

    async def open(self, content: bytes, name: str) -> schemas.PhotoJson:
        """Open a photograph and add it to the cache; the caller already holds a slot of the pool."""
        decoded = await self.decoder.read(content, name, self.settings.max_pixels)
        photo = await self.pool.run(open_photo, self.model, decoded)
        self.photos.add(photo)
        return photo.response

    def photo(self, identifier: str) -> OpenPhoto:
        """Return an open photograph; 404 if it is unknown or expired."""
        photo = self.photos.get(identifier)
        if photo is None:
            raise HTTPException(404, "the photograph is unknown or expired: open it again")
        return photo


async def _of_request(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


CurrentService = Annotated[Service, Depends(_of_request)]
"""The type of an endpoint's argument that receives the service."""
