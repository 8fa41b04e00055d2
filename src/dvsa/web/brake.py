"""Slows down clients whose requests fail again and again, so that a flood of them costs little."""

import asyncio
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

STEP: Final = 0.1
"""Seconds that each further failure adds to the wait."""
LONGEST: Final = 10.0
"""The longest wait, in seconds."""
LONGEST_IF_BUSY: Final = 1.0
"""The same for 429, which is no fault of the client; it should wait a second anyway."""
ADDRESSES: Final = 10_000
"""Addresses that are remembered; beyond that, the one whose last failure is oldest is forgotten."""
BUSY: Final = 429
HELD: Final = "dvsa.held"
"""Key of a scope's function that the server gives: called with whether an answer is held back now."""


@dataclass(slots=True)
class _Failures:
    count: float
    since: float


class Brake:
    """The failures of each address. They are forgotten at a steady rate.

    >>> brake = Brake(free=2)
    >>> [brake.failed("192.0.2.1", now=0.0) for _ in range(4)]
    [0.0, 0.0, 0.1, 0.2]
    >>> brake.failed("192.0.2.1", now=60.0)
    0.1
    """

    def __init__(self, free: int) -> None:
        """Let each address fail `free` times a minute before it has to wait."""
        self._free = free
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def failed(self, address: str, now: float | None = None) -> float:
        """Count a failure; the seconds that its answer has to wait."""
        return self._wait(address, 1, now)

    def wait(self, address: str, now: float | None = None) -> float:
        """The seconds that an answer has to wait that is no failure of the client."""
        return min(LONGEST_IF_BUSY, self._wait(address, 0, now))

    def _wait(self, address: str, more: int, now: float | None) -> float:
        now, key = time.monotonic() if now is None else now, _network(address)
        known = self._failures.pop(key, _Failures(0, now))
        left = max(0.0, known.count - (now - known.since) * self._free / 60)
        # No more than the longest wait needs: those who get the address after a flood do not wait for hours.
        count = min(left + more, self._free + LONGEST / STEP)
        if count > 0:
            self._failures[key] = _Failures(count, now)
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)
        return min(LONGEST, STEP * max(0.0, count - self._free))


def _network(address: str) -> str:
    """The address, or of IPv6 the first half: one user has all addresses that begin with it."""
    with suppress(ValueError):
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address):
            return str(parsed.ipv4_mapped or int(parsed) >> 64)
    return address


class SlowFailures:
    """Middleware that lets the answers to failed requests wait, as its brake says.

    Answers with a status from 400 to 499 are failures, except 429.
    """

    def __init__(self, app: ASGIApp, brake: Brake) -> None:
        """Watch `app`."""
        self._app, self._brake = app, brake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and perhaps delay its answer."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        address = (scope.get("client") or ("",))[0]

        async def send_later(message: Message) -> None:
            if message["type"] == "http.response.start" and 400 <= message["status"] < 500:
                busy = message["status"] == BUSY
                seconds = self._brake.wait(address) if busy else self._brake.failed(address)
                held = scope.get(HELD, _ignore)
                held(True)
                try:
                    await _unless_gone(receive, seconds)
                finally:
                    held(False)
            await send(message)

        return await self._app(scope, receive, send_later)


def _ignore(held: bool) -> None:
    """What a server does that does not want to know which answers are held back."""


async def _unless_gone(receive: Receive, seconds: float) -> None:
    """Wait, but not for a client that has gone. What it still sends is dropped."""
    if seconds <= 0:
        return

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with suppress(TimeoutError):
        await asyncio.wait_for(gone(), seconds)
