"""What the service counts, for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds; 0.03 and 0.35 are the aims for an alignment and an upload."""


class Metrics:
    """Figures of one service, apart from those of any other in the process."""

    def __init__(self, photographs: Callable[[], float], places: Callable[[], float]) -> None:
        """Count, and ask how many photographs are held and how many places are taken when it is asked."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "dvsa_requests", "Requests that were answered.", ["endpoint", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "dvsa_request_seconds", "From a request's first byte to the first byte of its answer.",
            ["endpoint"], buckets=BUCKETS, registry=self._registry,
        )  # fmt: skip
        held = Gauge("dvsa_photographs", "Photographs in memory.", registry=self._registry)
        held.set_function(photographs)
        taken = Gauge("dvsa_places_taken", "Questions that are worked on or wait.", registry=self._registry)
        taken.set_function(places)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All figures in the format of Prometheus."""
        return generate_latest(self._registry)


class Measured:
    """Counts and times each request, and tells the browser how long it took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Count into `metrics`."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = self._counted(scope, message["status"], began)
                MutableHeaders(scope=message)["Server-Timing"] = f"total;dur={1000 * seconds:.1f}"
            await send(message)

        try:
            return await self._app(scope, receive, timed)
        except Exception:
            self._counted(scope, 500, began)
            raise

    def _counted(self, scope: Scope, status: int, began: float) -> float:
        """Count an answer; returns the seconds that it took."""
        seconds = time.perf_counter() - began
        endpoint = str(getattr(scope.get("route"), "path", "other"))  # few, whatever is asked
        self._metrics.requests.labels(endpoint, str(status)).inc()
        self._metrics.seconds.labels(endpoint).observe(seconds)
        return seconds
