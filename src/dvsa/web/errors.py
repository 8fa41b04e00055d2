"""Errors as statuses and one line each."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from dvsa.photo import PhotoError
from dvsa.web.gate import BusyError
from dvsa.web.opening import TooLargeError
from dvsa.web.schemas import Fault
from dvsa.web.upload import UploadError

RETRY_AFTER = "1"
"""Seconds; a place becomes free several times a second."""

WHY = {
    400: "The body cannot be read.",
    403: "A page of another site asks.",
    404: "Unknown, or forgotten.",
    413: "Too many bytes or pixels.",
    415: "No picture, or a damaged one.",
    422: "A value that is none.",
    429: "Every place is taken: ask again after `Retry-After` seconds.",
    504: "No answer in time.",
}

Responses = dict[int | str, dict[str, object]]


def faults(*statuses: int) -> Responses:
    """How OpenAPI describes faults of an endpoint; 403 and 504 may come from each."""
    return {status: {"model": Fault, "description": WHY[status]} for status in sorted({403, 504, *statuses})}


@contextmanager
def refused(status: int, *kinds: type[Exception]) -> Iterator[None]:
    """Makes an error of some kinds, whose message is one line for the user, an answer with a status."""
    try:
        yield
    except kinds as error:
        raise HTTPException(status, str(error)) from None


def install(app: FastAPI) -> None:
    """Have all errors answered as `Fault`."""

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return _fault(422, _line(error))

    @app.exception_handler(UploadError)
    async def no_upload(request: Request, error: UploadError) -> JSONResponse:
        return _fault(422, str(error))

    @app.exception_handler(PhotoError)
    async def no_photo(request: Request, error: PhotoError) -> JSONResponse:
        return _fault(415, str(error))

    @app.exception_handler(TooLargeError)
    async def too_large(request: Request, error: TooLargeError) -> JSONResponse:
        return _fault(413, str(error))

    @app.exception_handler(BusyError)
    async def busy(request: Request, error: BusyError) -> JSONResponse:
        return _fault(429, "all are at work: ask again in a second", {"Retry-After": RETRY_AFTER})

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> JSONResponse:
        return _fault(400, "the body ended too soon")  # nobody is there to read it

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        return _fault(500, "the service has a fault; its log says more")


def _fault(status: int, line: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": line}, status, headers)


def _line(error: RequestValidationError) -> str:
    """The first thing that is wrong with a question, without the question."""
    first = error.errors()[0]
    field = first["loc"][1] if len(first["loc"]) > 1 else None
    return f"{field}: {first['msg']}" if isinstance(field, str) else str(first["msg"])
