"""Who may ask, and what a browser may do with the answers."""

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


class Guard:
    """Refuses what a foreign page makes a browser ask, and sends protective headers with every answer.

    A browser says by which name it called (Host). A foreign page can let its own name point to this machine
    (DNS rebinding), and so that name must be one that the service has. It says, too, whose page asks (Origin,
    Sec-Fetch-Site). Who is no browser can say what it likes, and is no danger: it could as well not ask.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str], origins: Sequence[str]) -> None:
        """Let pass what is called by this machine's own addresses, by `hosts`, or from `origins`."""
        self._app = app
        self._origins = {*origins}
        self._hosts = {*map(str.lower, hosts), *(urlsplit(origin).hostname for origin in origins)}
        self._any_address = bool({"0.0.0.0", "::"} & self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault(
                    "Cache-Control", "no-store" if scope["path"].startswith("/api/") else "no-cache"
                )
            await send(message)

        refusal = self._refusal(Headers(scope=scope), scope)
        answer = self._app if refusal is None else JSONResponse({"detail": refusal}, 403)
        return await answer(scope, receive, protected)

    def _refusal(self, headers: Headers, scope: Scope) -> str | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._known(host):
            return f"the service is not called {host!r:.80}: allow the name with --allow-origin"
        if origin is not None:
            if origin in self._origins or _same(origin, host):
                return None
            return f"pages of {origin!r:.80} may not ask: allow them with --allow-origin"
        navigates = headers.get("sec-fetch-mode") == "navigate" and not scope["path"].startswith("/api/")
        if headers.get("sec-fetch-site", "none") in ("none", "same-origin") or navigates:
            return None
        return "pages of other sites may not ask: allow them with --allow-origin"

    def _known(self, host: str) -> bool:
        name = _hostname(f"//{host}")
        if name is None or name == "localhost" or name in self._hosts:
            return name is not None
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback


def _same(origin: str, host: str) -> bool:
    """Whether an origin is that of the service itself; the scheme may be a proxy's."""
    return origin.startswith(("http://", "https://")) and origin.partition("://")[2].lower() == host.lower()


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
