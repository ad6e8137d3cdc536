"""What is seen of a server: metrics for Prometheus, a log of requests, headers for browsers."""

from __future__ import annotations

import logging
import time
from collections import Counter as Tally
from functools import partial
from urllib.parse import quote

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.served_model import CLASS, Answers

_ACCESS = logging.getLogger("radio_signals.access")

# What probes and scrapers ask every few seconds.
_UNLOGGED = ("/metrics", "/v2/health/live", "/v2/health/ready")

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_IMAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_LONGEST_PATH = 200

# Pages load nothing from elsewhere, run no script but their own, and appear in no other page.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        # A time for each series, which nobody asks for. The function has no types.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self._requests = counter(
            "radio_signals_requests", "Requests by their answer.", ("route", "method", "status")
        )
        self._seconds = histogram(
            "radio_signals_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("route",),
            buckets=_SECONDS,
        )
        self._batches = histogram(
            "radio_signals_batch_images", "Images in a call of the model.", buckets=_IMAGES
        )
        self._classes = counter("radio_signals_answers", "Images by their class.", ("class",))
        self.waiting = gauge("radio_signals_waiting_images", "Images that wait for a call.")
        self._version = gauge("radio_signals_model_version", "Version that answers.")
        self._loaded = gauge(
            "radio_signals_loaded_versions", "Versions that are loaded.", ("version",)
        )
        self._load_seconds = gauge(
            "radio_signals_model_load_seconds", "Time to load and warm the last version."
        )
        self._load_failures = counter(
            "radio_signals_model_load_failures", "Versions that were refused."
        )

    def answered(self, images: int, answers: Answers) -> None:
        """See `batching.Observer`."""
        self._batches.observe(images)
        for name, count in Tally(answers[CLASS].tolist()).items():
            self._classes.labels(name.decode()).inc(count)

    def loaded(self, seconds: float) -> None:
        """See `versions.Watcher`."""
        self._load_seconds.set(seconds)

    def refused(self) -> None:
        """See `versions.Watcher`."""
        self._load_failures.inc()

    def serving(self, versions: list[int]) -> None:
        """See `versions.Watcher`."""
        self._version.set(versions[0])
        self._loaded.clear()
        for version in versions:
            self._loaded.labels(str(version)).set(1)

    def note_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that has been answered."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Observed:
    """A web application whose requests are counted and logged, and whose answers are guarded."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, access_log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI defines."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        self._metrics.note_request(route, scope["method"], status, seconds)
        if self._access_log and not (route in _UNLOGGED and status < 400):
            path = quote(scope["path"], "/:")[:_LONGEST_PATH]
            fields = {
                "client": (scope.get("client") or ("-",))[0],
                "method": scope["method"],
                "path": path,
                "status": status,
                "milliseconds": round(1e3 * seconds, 2),
            }
            text = "{client} {method} {path} {status} {milliseconds:.1f} ms".format(**fields)
            _ACCESS.info(text, extra={"fields": fields})
