"""The HTTP server of the service: uvicorn with deadlines, a limit of connections, and bounded logs.

uvicorn waits for a silent client as long as that likes, and counts no connections. This protocol closes a
connection that sends no complete header in time, or does not take its response. If there are too many, it
closes the one that has been silent longest: that does not send its header or its body, or take its response,
or whose answer is held back because too many of its requests failed.
"""

import asyncio
import logging
import time
from typing import ClassVar, Final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from dvsa.web.brake import HELD, Brake
from dvsa.web.protection import HEADERS
from dvsa.web.settings import Settings

LOGGERS: Final = ("uvicorn.error", "asyncio", "dvsa.web")
LINES, SECONDS, LENGTH = 20, 60.0, 500
"""A logger writes at most so many lines in so many seconds, each of at most so many letters."""


def server_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the app that `create_app` made."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns about every malformed form
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, BoundedLog) for known in logger.filters):
            logger.addFilter(BoundedLog())

    protocol = type(
        "Protocol", (GuardedProtocol,), {"settings": settings, "silent": {}, "brake": app.state.brake}
    )
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


class GuardedProtocol(H11Protocol):
    """One connection; a subclass for each server has its settings and its silent connections."""

    settings: ClassVar[Settings]
    silent: ClassVar[dict["GuardedProtocol", None]]
    """The connections that do not let the service work, and may be closed; the longest silent first."""

    brake: ClassVar[Brake]

    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a header; make room if there are too many connections."""
        super().connection_made(transport)
        self._await_header()
        if len(self.connections) > self.settings.connections:
            oldest = next(iter(self.silent))
            oldest._heard()
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._heard()
        self.resume_writing()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Handle what has arrived; the deadline ends when a header is complete."""
        before = self.cycle
        super().handle_events()
        cycle = self.cycle
        if cycle is not before:
            self._heard()
            self.scope[HELD] = self._held  # type: ignore[typeddict-unknown-key]

        was, self._in_body = self._in_body, False
        if cycle is not None and not cycle.response_complete and not self.transport.is_closing():
            self._in_body = cycle.more_body
            if was or self._in_body or self._stalled is not None:
                self._held(self._in_body or self._stalled is not None)

    def _held(self, held: bool) -> None:
        """Whether this connection may be closed to make room; it is the last one of those that may."""
        self.silent.pop(self, None)
        if held:
            self.silent[self] = None

    def on_response_complete(self) -> None:
        """Wait for the next header. The rest of a body that nobody reads counts as silence."""
        before = self.cycle
        super().on_response_complete()
        if self.cycle is before and not self.transport.is_closing():
            self._await_header()

    def pause_writing(self) -> None:
        """The client does not take its response: give up after a time."""
        super().pause_writing()
        self._held(True)
        self._stalled = self.loop.call_later(self.settings.timeout_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client goes on."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
            self._held(False)
        if self.flow is not None:
            super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, with the headers that every answer has; later if it comes often."""
        seconds = self.brake.failed(self.client[0] if self.client else "")
        if seconds:
            self.transport.pause_reading()
            self._heard()
            self._held(True)
            self._timer = self.loop.call_later(seconds, self._answer_400, msg)
        else:
            self._answer_400(msg)

    def _answer_400(self, msg: str) -> None:
        body = msg.encode("ascii")
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            *HEADERS.items(),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _await_header(self) -> None:
        self._heard()
        self.silent[self] = None
        self._timer = self.loop.call_later(self.settings.header_seconds, self.transport.abort)

    def _heard(self) -> None:
        self.silent.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedLog(logging.Filter):
    """Lets few lines through, so that nobody can fill a disk with a log; says how many it left out."""

    def __init__(self) -> None:
        super().__init__()
        self._began, self._lines, self._left_out = time.monotonic(), 0, 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is written; a long line is cut."""
        now = time.monotonic()
        if now - self._began > SECONDS:
            self._began, self._lines = now, 0
        self._lines += 1
        if self._lines > LINES:
            self._left_out += 1
            return False

        line = record.getMessage()
        line = "".join(letter if letter.isprintable() else "?" for letter in line[:LENGTH])
        if self._left_out:
            line += f" ({self._left_out:,} lines before this one are left out)"
            self._left_out = 0
        record.msg, record.args = line, None
        return True
