"""The service: the page, what it asks, and how it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from dvsa.index import Index
from dvsa.model import Model
from dvsa.photo import MAX_PIXELS
from dvsa.web import errors, photos, schemas, searching
from dvsa.web.gate import Gate
from dvsa.web.hits import Hits
from dvsa.web.limits import BodyLimit, Deadline
from dvsa.web.metrics import Measured, Metrics
from dvsa.web.opening import opened
from dvsa.web.photographs import Photographs
from dvsa.web.protection import Guard
from dvsa.web.service import STATIC, Service, Shared
from dvsa.web.settings import Settings

router = APIRouter(tags=["service"])


def create_app(model: Model, index: Index | None = None, settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        model: what answers; load it with `threads=1`, as the service has threads of its own.
        index: what is searched, as it is now; made by the same model.
        settings: limits, and who may ask.
    """
    settings = settings or Settings()
    gate = Gate(settings.workers, settings.waiting)
    photographs = Photographs(settings.max_photographs, settings.keep_seconds)
    metrics = Metrics(lambda: len(photographs), lambda: gate.taken)

    app = FastAPI(
        title="dvsa",
        version=version("dvsa"),
        description="What a photograph shows, and which words speak of which part of it.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service = Service(model, index, settings, gate, photographs, Hits(), metrics)
    errors.install(app)
    for part in (photos.router, searching.router, router):
        app.include_router(part)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    # The last one added is asked first.
    app.add_middleware(BodyLimit, upload_path=photos.UPLOADS, upload_bytes=settings.max_bytes)
    app.add_middleware(Deadline, seconds=settings.timeout_seconds)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    app.add_middleware(Guard, hosts=settings.hosts, origins=settings.allow_origins)
    app.add_middleware(Measured, metrics=metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model's graphs, and forget photographs in time also where nobody asks any more."""
    service: Service = app.state.service
    await service.gate.run(opened, service.model, photos.A_SAMPLE.read_bytes(), "sample", MAX_PIXELS)

    async def forget() -> None:
        while True:
            await asyncio.sleep(min(60.0, service.settings.keep_seconds))
            service.photographs.forget()

    task = asyncio.create_task(forget())
    yield
    task.cancel()


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page."""
    return FileResponse(STATIC / "index.html", media_type="text/html")


@router.get("/healthz", responses=errors.faults())
async def healthz(service: Shared) -> schemas.Health:
    """Whether the service works, and with what."""
    bundle = service.model.bundle
    return schemas.Health(
        status="ok", model=bundle.manifest.name, digest=bundle.digest,
        photographs=len(service.photographs), index=None if service.index is None else len(service.index),
    )  # fmt: skip


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "For Prometheus."}, **errors.faults()},
)
async def metrics(service: Shared) -> Response:
    """Figures of this process."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
