"""Error responses: an HTTP status and a message of one line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dvsa.photo import PhotoError, TooLargeError
from dvsa.web.schemas import ErrorJson
from dvsa.web.upload import UploadError
from dvsa.web.worker_pool import BusyError

RETRY_AFTER = "1"
"""Seconds; slots of the worker pool become free several times a second."""

DESCRIPTIONS = {
    400: "The body cannot be read.",
    403: "The request comes from another site's page, or uses an unknown host name.",
    404: "Unknown or expired.",
    408: "The body did not arrive in time.",
    413: "Too many bytes or pixels.",
    415: "The file is not a picture, or it is damaged.",
    422: "An invalid parameter.",
    429: "The service is busy: retry after `Retry-After` seconds.",
    504: "The request timed out.",
}

Responses = dict[int | str, dict[str, object]]


def error_responses(*statuses: int) -> Responses:
    """The OpenAPI description of an endpoint's errors; every endpoint may return 403, 408 and 504."""
    return {
        status: {"model": ErrorJson, "description": DESCRIPTIONS[status]}
        for status in sorted({403, 408, 504, *statuses})
    }


@contextmanager
def errors_as(status: int, *kinds: type[Exception]) -> Iterator[None]:
    """Return errors of these kinds to the client, with this status and the error's message."""
    try:
        yield
    except kinds as error:
        raise HTTPException(status, str(error)) from None


def install(app: FastAPI) -> None:
    """Make the app return every error as `ErrorJson`."""

    @app.exception_handler(RequestValidationError)
    async def invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
        return _response(422, _first_problem(error))

    @app.exception_handler(UploadError)
    async def invalid_upload(request: Request, error: UploadError) -> JSONResponse:
        return _response(422, str(error))

    @app.exception_handler(PhotoError)
    async def invalid_photo(request: Request, error: PhotoError) -> JSONResponse:
        return _response(415, str(error))

    @app.exception_handler(TooLargeError)
    async def too_large(request: Request, error: TooLargeError) -> JSONResponse:
        return _response(413, str(error))

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> JSONResponse:
        return _response(429, "the service is busy: retry in a second", {"Retry-After": RETRY_AFTER})

    @app.exception_handler(ClientDisconnect)
    async def disconnected(request: Request, error: ClientDisconnect) -> JSONResponse:
        return _response(400, "the body is incomplete")  # the client is gone and will not read this


class InternalErrors:
    """Middleware that answers an unexpected error with 500; the security headers are added outside of it."""

    def __init__(self, app: ASGIApp) -> None:
        """Watch `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request; log an error."""
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            logging.getLogger("dvsa.web").exception("an unexpected error")
            answer = _response(500, "internal error: see the log of the service")
            await answer(scope, receive, send)


def _response(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": message}, status, headers)


def _first_problem(error: RequestValidationError) -> str:
    """The first problem of a request, without the values that the client sent."""
    first = error.errors()[0]
    field = first["loc"][1] if len(first["loc"]) > 1 else None
    return f"{field}: {first['msg']}" if isinstance(field, str) else str(first["msg"])
