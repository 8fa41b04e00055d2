"""What the endpoints share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Request

from dvsa.index import Index
from dvsa.model import Model
from dvsa.web import schemas
from dvsa.web.gate import Gate
from dvsa.web.hits import Hits
from dvsa.web.metrics import Metrics
from dvsa.web.opening import opened
from dvsa.web.photographs import Kept, Photographs
from dvsa.web.settings import Settings

STATIC: Final = Path(__file__).parent / "static"
"""The page and all that it needs."""


@dataclass(frozen=True, eq=False, slots=True)
class Service:
    """A model, perhaps an index, and what people asked about last."""

    model: Model
    index: Index | None
    settings: Settings
    gate: Gate
    photographs: Photographs
    hits: Hits
    metrics: Metrics

    async def keep(self, content: bytes, name: str) -> schemas.Photo:
        """Look at a photograph, keep it, and say all about it; whoever asks has a place already."""
        kept = await self.gate.run(opened, self.model, content, name, self.settings.max_pixels)
        self.photographs.keep(kept)
        return kept.answer

    def photograph(self, identifier: str) -> Kept:
        """One that is kept; 404 where it is not."""
        kept = self.photographs.get(identifier)
        if kept is None:
            raise HTTPException(404, "there is no such photograph any more: open it again")
        return kept


def _of_request(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Shared = Annotated[Service, Depends(_of_request)]
"""The service, as endpoints ask for it."""
