"""Protection of the browser: which requests are allowed, and security headers for every response."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class CrossSiteGuard:
    """Middleware that refuses requests from other sites' pages, and adds security headers to every response.

    A browser sends the host name that it called (Host). Another site can let its own host name point to this
    machine (DNS rebinding), so the name must be one of the service's own. A browser also sends which page
    makes the request (Origin, Sec-Fetch-Site). Other clients can forge these headers, but they can reach the
    service anyway: the guard protects the user's browser; it does not replace a login.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        """Allow the loopback addresses, `hosts`, and pages and hosts of `origins`."""
        self._app = app
        self._origins = {*origins}
        self._hosts = {*map(str.lower, hosts), *(urlsplit(origin).hostname for origin in origins)}
        self._any_address = bool({"0.0.0.0", "::"} & self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                is_api = scope["path"].startswith("/api/")
                headers.setdefault("Cache-Control", "no-store" if is_api else "no-cache")
            await send(message)

        refusal = self._refusal(Headers(scope=scope), scope)
        app = self._app if refusal is None else JSONResponse({"detail": refusal}, 403)
        return await app(scope, receive, send_protected)

    def _refusal(self, headers: Headers, scope: Scope) -> str | None:
        """Why a request is refused; None if it is allowed."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._knows(host):
            return f"the host name {host!r:.80} is not allowed: allow it with --allow-origin"

        if origin is not None:
            if origin in self._origins or _is_own(origin, host):
                return None
            return f"requests from {origin!r:.80} are not allowed: allow them with --allow-origin"

        # A link from another site may lead to the page, but not to the API.
        is_link = headers.get("sec-fetch-mode") == "navigate" and not scope["path"].startswith("/api/")
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin") or is_link:
            return None
        return "requests from other sites are not allowed: allow them with --allow-origin"

    def _knows(self, host: str) -> bool:
        """Whether the service has this host name or address."""
        name = _hostname(f"//{host}")
        if name is None:
            return False
        if name == "localhost" or name in self._hosts:
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback


def _is_own(origin: str, host: str) -> bool:
    """Whether an origin is the service's own; the scheme may differ behind a proxy."""
    return origin.startswith(("http://", "https://")) and origin.partition("://")[2].lower() == host.lower()


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
