"""The process: it loads the newest version, listens, says so, and ends in order."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn
from rich.console import Console

from data.invalid import InvalidData
from pipeline.serving.app import make_app
from pipeline.serving.observed import Metrics
from pipeline.serving.options import Options
from pipeline.serving.versions import Versions
from pipeline.terminal.console import make_console, show_spinner
from pipeline.terminal.json_log import JsonFormatter, format_json_line

_LOG = logging.getLogger("radio_signals.serving")
_LOGS = ("radio_signals.serving", "radio_signals.access", "uvicorn.error")

# Clients keep connections; one that is closed just as they use it again costs them a request.
_KEEP_ALIVE_SECONDS = 75
_MOST_CONNECTIONS = 1000


def serve(options: Options) -> None:
    """Serve until INT or TERM, and return when all accepted requests are answered.

    Raises:
      InvalidData: there is no model that can be served, or the port is taken.
    """
    # What TensorFlow writes of its own is of no use here; its errors are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    console = make_console(as_json=options.as_json)
    _set_up_logs(as_json=options.as_json)
    metrics = Metrics()
    versions = Versions(
        options.serving, metrics, options.keep, options.labels, warm_images=options.max_batch
    )
    with bind(options.host, options.port) as listener:
        with show_spinner(console, f"loading the newest model of {options.serving}"):
            _run_graphs_as_exported()
            versions.refresh(keep=1)
        if not versions.loaded and not options.wait:
            raise InvalidData(
                f"{options.serving} holds no model that can be served. Push one with "
                "`radio-signals run`, give another folder with --serving, or wait for the first "
                "with --wait."
            )
        config = uvicorn.Config(
            make_app(options, versions, metrics),
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(2 * options.timeout) + 1,
            limit_concurrency=_MOST_CONNECTIONS,
        )
        port = listener.getsockname()[1]
        _Server(config, lambda: _announce(console, options, versions, port)).run([listener])
    _LOG.info("ended")


def _run_graphs_as_exported() -> None:
    """Stop TensorFlow from optimising graphs before it first runs them.

    That takes as long as loading a model, and makes answers only a few percent faster
    (benchmarks/serving.py).
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


class _Server(uvicorn.Server):
    """Uvicorn's server, which says when it listens, and does not raise signals again at the end."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Note INT and TERM. Nothing else ends the process meanwhile."""
        signals = (signal.SIGINT, signal.SIGTERM)
        # Otherwise `ending_on_signals` would end the process after a few seconds.
        wakeup = signal.set_wakeup_fd(-1)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakeup)


class _JsonLines(JsonFormatter):
    """Formats what is logged, with the fields of requests."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line of JSON."""
        fields: Mapping[str, Any] | None = getattr(record, "fields", None)
        if fields is None:
            return super().format(record)
        return format_json_line(record.getMessage(), record.levelname, **fields)


def _set_up_logs(*, as_json: bool) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        _JsonLines() if as_json else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    )
    for name in _LOGS:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False
        logger.setLevel(logging.WARNING if name == "uvicorn.error" else logging.INFO)


def bind(host: str, port: int) -> socket.socket:
    """Take a port, before the model is loaded, which takes seconds. Nobody is let in yet.

    Raises:
      InvalidData: it cannot be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio send the end of an answer without a delay.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        return listener
    except OSError as error:
        listener.close()
        raise InvalidData(
            f"Port {port} of {host} cannot be listened on: {error.strerror or error}. Give another "
            "with --port or --host."
        ) from None


def _announce(console: Console, options: Options, versions: Versions, port: int) -> None:
    # Shown, not bound.
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 # nosec B104
    shown = everywhere.get(options.host, options.host)
    url = f"http://{shown}:{port}"
    if versions.loaded:
        model = versions.loaded[0]
        console.print(
            f"Serving {options.model_name}, version {model.version}, from {options.serving}: "
            f"{model.height} x {model.width}, {', '.join(model.classes)}"
        )
    else:
        console.print(f"Waiting for the first model in {options.serving}")
    console.print(
        f"page     {url}/\n"
        f"v1       {url}/v1/models/{options.model_name}:predict\n"
        f"v2       {url}/v2/models/{options.model_name}/infer\n"
        f"routes   {url}/docs\n"
        f"metrics  {url}/metrics"
    )
    if not options.is_local:
        console.print(
            "Whoever reaches this machine can use the server: it asks for no password. Put a proxy "
            "with TLS and authentication before it."
        )
