"""The web application: its routes, what its errors look like, and what runs beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from data.invalid import InvalidData, escape
from pipeline.serving.batching import Batcher, QueueFullError
from pipeline.serving.observed import Metrics, Observed
from pipeline.serving.options import Options
from pipeline.serving.page import routes as page
from pipeline.serving.protocols import open_inference, tensorflow_serving
from pipeline.serving.requests import Json, Service
from pipeline.serving.versions import NothingLoadedError, UnknownVersionError, Versions

_LOG = logging.getLogger("radio_signals.serving")

_THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")

# Errors that requests cause, and their statuses.
_STATUSES: dict[type[Exception], int] = {
    InvalidData: 400,
    UnknownVersionError: 404,
    QueueFullError: 429,
    NothingLoadedError: 503,
}


def make_app(options: Options, versions: Versions, metrics: Metrics) -> ASGIApp:
    """Return the application of a server."""
    batcher = Batcher(
        options.max_batch, options.max_queue, options.max_wait_ms / 1000, observer=metrics
    )
    metrics.waiting.set_function(lambda: batcher.waiting)
    service = Service(options, versions, batcher)

    async def show_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[
            *page.make_routes(),
            *tensorflow_serving.make_routes(),
            *open_inference.make_routes(),
            Route("/metrics", show_metrics),
        ],
        middleware=_choose_middleware(options),
        exception_handlers={
            HTTPException: _explain_http,
            Exception: _explain_unexpected,
            **dict.fromkeys(_STATUSES, _explain),
        },
        lifespan=lambda _: _watch(versions, options.poll_seconds, service),
    )
    app.state.service = service
    return Observed(app, metrics, access_log=options.access_log)


def _choose_middleware(options: Options) -> list[Middleware]:
    middleware = []
    if options.is_local or options.allowed_hosts:
        # A page of another site whose name leads to this machine does not get in.
        hosts = [*_THIS_MACHINE, *options.allowed_hosts]
        middleware.append(Middleware(TrustedHostMiddleware, hosts, www_redirect=False))
    if options.allowed_origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                options.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type"],
            )
        )
    return middleware


@contextlib.asynccontextmanager
async def _watch(versions: Versions, seconds: float, service: Service) -> AsyncIterator[None]:
    """Look at the serving folder again and again while the application lives."""
    thread = ThreadPoolExecutor(1, "versions")

    async def refresh() -> None:
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(thread, versions.refresh)
            except Exception:
                _LOG.exception("The serving folder could not be looked at.")
            await asyncio.sleep(seconds)

    task = asyncio.create_task(refresh())
    try:
        yield
    finally:
        task.cancel()
        # A version that is being loaded is not waited for.
        thread.shutdown(wait=False, cancel_futures=True)
        service.close()


async def _explain(_: Request, error: Exception) -> Response:
    status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return Json({"error": escape(str(error))}, status, headers)


async def _explain_http(request: Request, error: Any) -> Response:
    text = error.detail
    if "route" not in request.scope:
        text = f"There is nothing at {request.url.path}. /docs lists what there is."
    elif error.status_code == 405:
        allowed = " or ".join(sorted(error.headers["Allow"].split(", ")))
        text = f"{request.method} is not possible here; {allowed} is."
    return Json({"error": escape(text)}, error.status_code, error.headers)


async def _explain_unexpected(_: Request, __: Exception) -> Response:
    return Json({"error": "The server failed to answer; its log says why."}, 500)
