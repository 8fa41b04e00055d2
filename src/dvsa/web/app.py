"""The service as an ASGI application: the page, the API, health and metrics."""

import asyncio
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from dvsa.index import Index, UnrecordedWarning
from dvsa.model import Model
from dvsa.version import VERSION
from dvsa.web import errors, photo_routes, schemas, search_routes
from dvsa.web.brake import Brake, SlowFailures
from dvsa.web.decoding import open_photo
from dvsa.web.found_photographs import FoundPhotographs
from dvsa.web.lanes import DecodingLanes
from dvsa.web.limits import BodyLimit, Deadline
from dvsa.web.monitoring import MetricsMiddleware, ServiceMetrics
from dvsa.web.photo_cache import PhotoCache
from dvsa.web.protection import CrossSiteGuard
from dvsa.web.service import STATIC, CurrentService, Service
from dvsa.web.settings import Settings
from dvsa.web.worker_pool import WorkerPool

SWITCH_SECONDS: Final = 0.0005
"""How long a thread may compute before another one gets Python's lock."""

router = APIRouter(tags=["service"])


def create_app(model: Model, index: Index | None = None, settings: Settings | None = None) -> FastAPI:
    """Create the service.

    Args:
        model: load it with `threads=1`, because the service has its own threads.
        index: the index to search, made by the same model; later changes to it are not seen.
        settings: limits, and who may use the service.
    """
    settings = settings or Settings()
    warnings.simplefilter("ignore", UnrecordedWarning)  # whoever searches is told, and no log fills up
    pool = WorkerPool(settings.workers, settings.waiting, settings.patience_seconds)
    decoder = DecodingLanes(settings.workers, settings.patience_seconds)
    photos = PhotoCache(settings.max_photographs, settings.keep_seconds)
    metrics = ServiceMetrics(open_photos=lambda: len(photos), taken_slots=lambda: pool.taken)

    app = FastAPI(
        title="dvsa",
        version=VERSION,
        description="Regions, captions and word-to-region alignments of photographs.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service = Service(model, index, settings, pool, decoder, photos, FoundPhotographs(), metrics)
    errors.install(app)
    for part in (photo_routes.router, search_routes.router, router):
        app.include_router(part)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    # A request passes the middleware that was added last first.
    app.add_middleware(errors.InternalErrors)
    app.add_middleware(BodyLimit, upload_path=photo_routes.UPLOAD_PATH, upload_bytes=settings.max_bytes)
    app.add_middleware(Deadline, seconds=settings.timeout_seconds)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    app.add_middleware(CrossSiteGuard, hosts=settings.hosts, origins=settings.allow_origins)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.state.brake = Brake(settings.failures)
    app.add_middleware(SlowFailures, brake=app.state.brake)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have everything run that the requests need."""
    # The event loop gives up Python's lock at every system call. By default, it then waits 5 ms for each
    # thread that computes, and answers few requests in a second.
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        async with _running(app.state.service):
            yield
    finally:
        sys.setswitchinterval(before)


@asynccontextmanager
async def _running(service: Service) -> AsyncIterator[None]:
    """Load the model before the first request, and remove expired photographs while the service runs."""

    async def remove_expired() -> None:
        while True:
            await asyncio.sleep(min(60.0, service.settings.keep_seconds))
            service.photos.remove_expired()

    async with service.decoder.running():
        warm_up = await service.decoder.read(photo_routes.WARM_UP_SAMPLE.read_bytes(), "sample")
        await service.pool.run(open_photo, service.model, warm_up)
        task = asyncio.create_task(remove_expired())
        yield
        task.cancel()


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """Return the page."""
    return FileResponse(STATIC / "index.html", media_type="text/html")


@router.get(
    "/healthz",
    responses={503: {"model": schemas.HealthJson, "description": "Failing."}, **errors.error_responses()},
)
async def healthz(service: CurrentService, response: Response) -> schemas.HealthJson:
    """Return the state of the service, its model, and the number of photographs."""
    bundle, status = service.model.bundle, service.status()
    if status == "failing":
        response.status_code = 503
    return schemas.HealthJson(
        status=status,
        workers=service.settings.workers,
        decoders=service.decoder.alive(),
        places_taken=service.pool.taken,
        model=bundle.manifest.name,
        digest=bundle.digest,
        photographs=len(service.photos),
        index=None if service.index is None else len(service.index),
        search_paths=service.settings.search_paths,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "For Prometheus."},
        **errors.error_responses(),
    },
)
async def metrics(service: CurrentService) -> Response:
    """Return the metrics of this process."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)
