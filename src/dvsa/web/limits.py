"""How large a request may be, and how long it may take."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON_BYTES: Final = 2**16
"""Of a question: a sentence of 500 words, and then some."""


class BodyLimit:
    """Counts the bytes of a body while it comes in, and refuses it as soon as they are too many."""

    def __init__(self, app: ASGIApp, upload_path: str, upload_bytes: int) -> None:
        """Allow `upload_bytes` at one path, and no more than a question has anywhere else."""
        self._app, self._path, self._bytes = app, upload_path, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        upload = scope["path"] == self._path
        most = self._bytes if upload else JSON_BYTES
        fault = (
            f"{'the photograph' if upload else 'the question'} has more than {most:,} bytes: make it smaller"
        )
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said[:20]) > most:
            return await JSONResponse({"detail": fault}, 413)(scope, receive, send)

        left = most

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, fault)
            return message

        return await self._app(scope, counted, send)


class Deadline:
    """Gives up a request whose answer has not begun in time."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        """Wait for `seconds`."""
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and stop it in time."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(self._seconds) as deadline:

                async def begun(message: Message) -> None:
                    deadline.reschedule(None)
                    await send(message)

                await self._app(scope, receive, begun)
        except TimeoutError:
            if not deadline.expired():
                raise
            fault = f"no answer within {self._seconds:g} seconds: try again later"
            await JSONResponse({"detail": fault}, 504)(scope, receive, send)
