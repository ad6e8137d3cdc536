"""The command that serves the pushed models."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.options import debug_option
from pipeline.serving.options import Options

_DEFAULTS = Options()


def _read_labels(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, int]:
    labels = {}
    for text in texts:
        name, _, version = text.partition("=")
        if not name or not version.isdecimal():
            raise click.BadParameter(f"{text} is not of the form NAME=VERSION.")
        labels[name] = int(version)
    return labels


@click.command()
@click.option(
    "--serving",
    default=_DEFAULTS.serving,
    show_default=True,
    help="Folder of the pushed models, or its address in a bucket.",
)
@click.option("--host", default=_DEFAULTS.host, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=_DEFAULTS.port,
    type=click.IntRange(0, 65535),
    show_default=True,
    help="Port to listen on; 0 for any that is free.",
)
@click.option(
    "--model-name",
    default=_DEFAULTS.model_name,
    show_default=True,
    help="Name of the model in addresses.",
)
@click.option(
    "--keep",
    default=_DEFAULTS.keep,
    type=click.IntRange(1),
    show_default=True,
    help="Number of newest versions that stay loaded.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VERSION",
    callback=_read_labels,
    help="A name for a version, which stays loaded. Can be repeated. latest and previous exist.",
)
@click.option(
    "--poll-seconds",
    default=_DEFAULTS.poll_seconds,
    type=click.FloatRange(0.1),
    show_default=True,
    help="Time between two looks at the folder.",
)
@click.option("--wait", is_flag=True, help="Start even if there is no model yet.")
@click.option(
    "--max-batch",
    default=_DEFAULTS.max_batch,
    type=click.IntRange(1),
    show_default=True,
    help="Images of concurrent requests that the model answers together.",
)
@click.option(
    "--max-wait-ms",
    default=_DEFAULTS.max_wait_ms,
    type=click.FloatRange(0),
    show_default=True,
    help="How long an image waits for others while the model is idle.",
)
@click.option(
    "--max-queue",
    default=_DEFAULTS.max_queue,
    type=click.IntRange(1),
    show_default=True,
    help="Images that may wait. Further requests get status 429.",
)
@click.option(
    "--max-body-mb",
    default=_DEFAULTS.max_body_mb,
    type=click.FloatRange(0.001),
    show_default=True,
    help="Size of a request in megabytes. Larger ones get status 413.",
)
@click.option(
    "--timeout",
    default=_DEFAULTS.timeout,
    type=click.FloatRange(0.01),
    show_default=True,
    help="Seconds after which a request gets status 504.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name of this server, such as that of a proxy before it. Can be repeated.",
)
@click.option(
    "--allow-origin",
    "allowed_origins",
    multiple=True,
    metavar="URL",
    help="A web site whose scripts may read answers. Can be repeated.",
)
@click.option("--access-log/--no-access-log", default=True, help="Print a line for each request.")
@click.option(
    "--log-format",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Print text, or lines of JSON.",
)
@debug_option()
def serve(log_format: str, debug: bool, **options: Any) -> None:  # noqa: ARG001 - see main
    """Answer requests over HTTP with the newest pushed model.

    Clients of TensorFlow Serving (REST, /v1) and of the Open Inference Protocol (/v2) can ask it,
    and people can drop files on the page at /. It loads a version that is pushed meanwhile and
    switches to it without losing a request. It refuses one that is damaged, and keeps the old one.

      radio-signals serve --serving runs/serving

    It listens on this machine only. With --host 0.0.0.0, everybody who reaches the machine can use
    it: there is no password. INT and TERM end it when all accepted requests are answered.
    """
    from pipeline.serving.server import serve as run_server

    run_server(Options(**options, as_json=log_format == "json"))
