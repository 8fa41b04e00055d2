"""Metrics of the service for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds; 0.03 and 0.35 are the targets for an alignment and an upload."""


class ServiceMetrics:
    """The metrics of one service; several services in one process do not share them."""

    def __init__(self, open_photos: Callable[[], float], taken_slots: Callable[[], float]) -> None:
        """Create the metrics; the two functions are called whenever the metrics are read."""
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "dvsa_requests", "Requests that were answered.", ["endpoint", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "dvsa_request_seconds",
            "Time from the first byte of a request to the first byte of its response.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=self._registry,
        )

        photographs = Gauge("dvsa_photographs", "Open photographs in memory.", registry=self._registry)
        photographs.set_function(open_photos)
        taken = Gauge("dvsa_places_taken", "Requests that are running or waiting.", registry=self._registry)
        taken.set_function(taken_slots)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class MetricsMiddleware:
    """Middleware that counts and times every request, and sends the time in the header `Server-Timing`."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        """Count into `metrics`."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, and count it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        started = time.perf_counter()

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = self._count(scope, message["status"], started)
                MutableHeaders(scope=message)["Server-Timing"] = f"total;dur={1000 * seconds:.1f}"
            await send(message)

        try:
            return await self._app(scope, receive, send_timed)
        except Exception:
            self._count(scope, 500, started)
            raise

    def _count(self, scope: Scope, status: int, started: float) -> float:
        """Count a response; returns the seconds that it took."""
        seconds = time.perf_counter() - started
        endpoint = str(getattr(scope.get("route"), "path", "other"))  # the route, so there are only a few
        self._metrics.requests.labels(endpoint, str(status)).inc()
        self._metrics.seconds.labels(endpoint).observe(seconds)
        return seconds
