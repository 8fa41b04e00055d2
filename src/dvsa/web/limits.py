"""Limits of a request: the size of its body, and the time until its response begins."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BYTES: Final = 2**16
"""The largest JSON body; a sentence of 500 words needs much less."""


class BodyLimit:
    """Middleware that counts the bytes of a body as they arrive, and refuses the request above a limit."""

    def __init__(self, app: ASGIApp, upload_path: str, upload_bytes: int) -> None:
        """Allow `upload_bytes` at `upload_path`, and `JSON_BYTES` at every other path."""
        self._app, self._path, self._bytes = app, upload_path, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and count its body."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        is_upload = scope["path"] == self._path
        limit = self._bytes if is_upload else JSON_BYTES
        what = "photograph" if is_upload else "request"
        message = f"the {what} has more than {limit:,} bytes: make it smaller"

        # A request that declares a body that is too large is refused before the body is read.
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            return await JSONResponse({"detail": message}, 413)(scope, receive, send)

        left = limit

        async def receive_counted() -> Message:
            nonlocal left
            part = await receive()
            left -= len(part.get("body", b""))
            if left < 0:
                raise HTTPException(413, message)
            return part

        return await self._app(scope, receive_counted, send)


class Deadline:
    """Middleware that cancels a request if its response has not begun in time."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        """Wait for at most `seconds`."""
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and cancel it after the deadline."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        complete = False

        async def receive_noted() -> Message:
            nonlocal complete
            part = await receive()
            complete = not part.get("more_body", False)
            return part

        try:
            async with asyncio.timeout(self._seconds) as deadline:

                async def send_without_deadline(message: Message) -> None:
                    deadline.reschedule(None)  # the response has begun
                    await send(message)

                await self._app(scope, receive_noted, send_without_deadline)

        except TimeoutError:
            if not deadline.expired():
                raise
            # A client that is slow is not a fault of the service.
            status, what = (
                (504, "no response") if complete or not _has_body(scope) else (408, "no whole body")
            )
            message = f"{what} within {self._seconds:g} seconds: try again later"
            headers = {"Connection": "close"} if status == 408 else None
            await JSONResponse({"detail": message}, status, headers)(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    """Whether a request announces a body."""
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
