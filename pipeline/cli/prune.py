"""The command that removes old results."""

from __future__ import annotations

import click

from pipeline.cli.options import output_option


@click.command()
@output_option
@click.option(
    "--keep-runs",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Newest runs whose artifacts and logs are kept.",
)
@click.option(
    "--keep-versions",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Newest model versions that are kept.",
)
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="DAYS",
    help="Remove only what has not changed for this many days.",
)
@click.option(
    "--yes", is_flag=True, help="Remove the files. Without this option, they are only listed."
)
def prune(output: str, keep_runs: int, keep_versions: int, days: float, yes: bool) -> None:
    """Remove old artifacts, model versions, checkpoints, trials and logs.

    The served model, the model before it and all that the next run can take from the cache are
    kept. `radio-signals runs` still lists a run whose artifacts were removed, without its metrics.
    """
    from pipeline.history.prune import Limits
    from pipeline.local.prune import prune_output

    try:
        prune_output(output, Limits(keep_runs, keep_versions, days), remove=yes)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
