"""Commands that show past and present runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import click

from pipeline.cli.options import output_option


@click.command()
@output_option
def runs(output: str) -> None:
    """List the runs of an output folder.

    For each run: number, start, model, accuracy, worst class, blessed, pushed model, data.
    """
    from pipeline.history.past_runs import list_past_runs
    from pipeline.terminal.console import print_table
    from pipeline.terminal.tables import build_runs_table

    with _show_lookup_errors():
        past_runs = list_past_runs(output)
    print_table(build_runs_table(past_runs))
    for problem in filter(None, (run.problem for run in past_runs)):
        click.echo(f"warning: {problem}", err=True)


@click.command()
@output_option
@click.option(
    "--run",
    "name",
    metavar="RUN",
    default="latest",
    show_default=True,
    help="Run whose report to find.",
)
@click.option("--compare", nargs=2, metavar="RUN RUN", help="Compare two runs side by side.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def report(output: str, name: str, compare: tuple[str, str] | None, open_page: bool) -> None:
    """Print the path of a run's report, or compare two runs.

    RUN is a number or the beginning of a date, as `radio-signals runs` lists them, or latest. A
    comparison is printed and also written as a page to OUTPUT/comparisons.
    """
    from pipeline.history.past_runs import find_run, list_past_runs, write_comparison
    from pipeline.terminal.console import print_table
    from pipeline.terminal.tables import build_comparison_table

    with _show_lookup_errors():
        past_runs = list_past_runs(output)
        chosen = [find_run(past_runs, text) for text in compare or (name,)]
    if compare:
        print_table(build_comparison_table(*chosen))
        page = write_comparison(output, *chosen)
    else:
        page = chosen[0].page
    click.echo(page if "://" in page else os.path.abspath(page))
    if open_page:
        click.launch(page)


@click.command()
@output_option
@click.option("--port", default=6006, show_default=True, help="Port on this machine.")
def tensorboard(output: str, port: int) -> None:
    """Show every training run of an output folder in TensorBoard.

    A run in progress gains a point after each epoch. Stop TensorBoard with Ctrl-C.
    """
    from pipeline.local.training_logs import serve_training_logs

    with _show_lookup_errors():
        serve_training_logs(output, port)


@contextlib.contextmanager
def _show_lookup_errors() -> Iterator[None]:
    """Report a folder or a run that does not exist as a wrong option."""
    try:
        yield
    except LookupError as error:
        raise click.UsageError(str(error)) from None
