"""The command `radio-signals`.

Nothing heavy is imported before a command needs it: `--help` must answer at once, and
importing TFX takes ten seconds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import Any, NoReturn

import click

from data.reading.layout import FORMAT_NAMES
from data.simulation.presets import PRESETS
from pipeline.terminal import failures
from trainer.models import MODELS

_DIRECTORY = click.Path(file_okay=False)
_FILE = click.Path(dir_okay=False)


def _reading_options(command):
    """Adds the options of how strictly data are read."""
    for option in reversed(
        (
            click.option(
                "--format",
                type=click.Choice(("auto", *FORMAT_NAMES)),
                help="Of the files.  [default: auto]",
            ),
            click.option("--span", type=int, help="Read DIR/span-N/; the newest unless given."),
            click.option(
                "--max-bad-rows",
                type=int,
                help="Leave out up to so many bad rows instead of refusing.  [default: 0]",
            ),
            click.option(
                "--allow-duplicates",
                is_flag=True,
                default=None,
                help="Let a spectrogram be in training and in validation.",
            ),
        )
    ):
        command = option(command)
    return command


_RUN_OPTIONS = (
    click.option("--data", "data_dir", type=click.Path(), help="The data folder.  [required]"),
    click.option("--output", type=_DIRECTORY, help="Where results go.  [default: runs]"),
    click.option("--model", type=click.Choice(list(MODELS)), help="[default: compact]"),
    click.option("--epochs", type=int, help="Passes over the training images.  [default: 12]"),
    click.option("--batch-size", type=int, help="Images a training step.  [default: 32]"),
    click.option("--seed", type=int, help="Of shuffling, weights and augmentation.  [default: 0]"),
    _reading_options,
    click.option("--initial-weights", type=_FILE, help="Start from these weights (.weights.h5)."),
    click.option(
        "--warm-start",
        is_flag=True,
        default=None,
        help="Start from the newest pushed model that fits, if there is one.",
    ),
    click.option("--early-stopping", type=int, help="End after so many epochs without a gain."),
    click.option("--infer-schema", is_flag=True, default=None, help="Derive the schema from data."),
    click.option("--schema", type=_FILE, help="Import this schema, not the packaged one."),
    click.option("--config", "config_file", type=_FILE, help="A YAML file of configuration keys."),
    click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="One key, repeatable."
    ),
    click.option("--beam-args", help="Options for Apache Beam, in one string."),
    click.option("--no-cache", is_flag=True, help="Run every step, even if nothing changed."),
    click.option("--debug", is_flag=True, help="Show a traceback if something breaks."),
)


def _run_options(command):
    """Adds the options of a run of the pipeline."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="radio-signals", prog_name="radio-signals")
def cli() -> None:
    """Classify radio-signal spectrograms with a TFX pipeline.

    \b
    Try it on simulated data:
      radio-signals data simulate simulated --train 800 --validation 200
      radio-signals run --data simulated
    """


@cli.group()
def data() -> None:
    """Make and look at data folders."""


@data.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--train", default=3200, show_default=True, help="Training images.")
@click.option("--validation", default=800, show_default=True, help="Validation images.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other images.")
@click.option(
    "--preset",
    default="basic",
    show_default=True,
    type=click.Choice(list(PRESETS)),
    help="basic: every signal is visible. hard: down to what an eye just misses.",
)
@click.option(
    "--classes",
    default="squiggle,narrowbanddrd,narrowband,noise",
    show_default=True,
    metavar="NAMES",
    help="In the order of the label columns; primary for the seven of the larger SETI sets.",
)
@click.option("--height", default=64, show_default=True, help="Rows (time) of an image.")
@click.option("--width", default=128, show_default=True, help="Columns (frequency) of an image.")
@click.option("--workers", type=int, help="Processes; one a core unless given.")
@click.option("--overwrite", is_flag=True, help="Replace a data set that is there.")
def simulate(
    directory, train, validation, seed, preset, classes, height, width, workers, overwrite
) -> None:
    """Write a SIMULATED data set to DIRECTORY, in the layout of the published one.

    train/ and validation/ each get images.csv, a spectrogram a row, and labels.csv, a one-hot
    row each.

    \b
    The seven classes of the SETI primary sets, in their size:
      radio-signals data simulate DIR --classes primary --height 384 --width 512
    """
    from data.simulation.classes import PRIMARY
    from data.simulation.dataset import simulate_dataset
    from pipeline.terminal.console import plain_console, progress_bar

    names = [name.strip() for name in classes.split(",")]
    console = plain_console()
    started = time.perf_counter()
    with progress_bar(console, "simulating", total=train + validation) as advance:
        try:
            simulate_dataset(
                directory,
                train=train,
                validation=validation,
                seed=seed,
                preset=preset,
                classes=PRIMARY if names == ["primary"] else names,
                height=height,
                width=width,
                workers=workers,
                overwrite=overwrite,
                progress=advance,
            )
        except FileExistsError as error:
            raise click.UsageError(f"{error} Option: --overwrite.") from None
        except (ValueError, NotADirectoryError) as error:
            raise click.UsageError(str(error)) from None
    click.echo(
        f"{directory}: {train:,} training and {validation:,} validation images, simulated "
        f"(preset {preset}, seed {seed}) in {time.perf_counter() - started:.1f} s"
    )


@data.command()
@click.argument("directory", type=click.Path())
@click.option("--config", "config_file", type=_FILE, help="A YAML file of configuration keys.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One key, repeatable.")
@_reading_options
def check(directory, config_file, settings, **options) -> None:
    """Read everything in DIRECTORY and list every problem, with file, row and column.

    It finds what `run` would refuse, and takes seconds.

    \b
    Exit status: 0 no errors, perhaps warnings; 2 errors.
    """
    from pipeline.cli.data_check import check_here
    from pipeline.config.config import load_config

    options = {"data": directory, "input": options}
    check_here(load_config(config_file, settings, options))


@data.command()
@click.argument("directory", type=_DIRECTORY)
@click.option(
    "--output", type=_FILE, default="gallery.png", show_default=True, help="The picture to write."
)
@click.option(
    "--split", default="train", show_default=True, type=click.Choice(["train", "validation"])
)
@click.option("--per-class", default=4, show_default=True, help="Spectrograms of each class.")
@click.option("--config", "config_file", type=_FILE, help="YAML with classes, height and width.")
def show(directory, output, split, per_class, config_file) -> None:
    """Draw a labelled gallery of the spectrograms in DIRECTORY."""
    from data.gallery import draw_gallery
    from pipeline.config.config import load_config

    layout = load_config(config_file).layout if config_file else None
    draw_gallery(directory, output, split=split, per_class=per_class, layout=layout)
    click.echo(output)


@cli.command()
@_run_options
def run(debug, **options) -> None:
    """Run the whole pipeline here: check, train, evaluate, push if good enough.

    Steps that an earlier run into the same output folder already did, with the same data and
    settings, are answered from its cache.

    \b
    Exit status: 0 blessed and pushed; 2 input or configuration refused, nothing trained;
    3 trained but not blessed, nothing pushed; 130 interrupted; 1 anything else.
    """
    _run(options, debug)


@cli.command()
@_run_options
@click.option("--trials", type=int, help="Settings to try at most.  [default: 20]")
@click.option("--minutes", type=float, help="Search for so many minutes at most.")
@click.option(
    "--trial-epochs", type=int, help="Epochs of a trial; half of those of training unless given."
)
def tune(debug, trials, minutes, trial_epochs, **options) -> None:
    """Search for better settings of training, then run the pipeline with the best.

    Learning rate and its schedule, batch size, weight decay, label smoothing and augmentation
    are tried in short trainings, the model's own settings first. What an option or the
    configuration sets is left as it is. The best settings train the model, which is evaluated
    and pushed as by `run`.

    An interrupted search goes on with the trials that are finished when the same command is
    given again; so does a search that is given more --trials or --minutes.

    \b
    Afterwards, in the output folder:
      latest/tuning.csv   the leaderboard: every trial, best first
      latest/tuned.yaml   the best settings, for `radio-signals run --config`

    Exit status: as of `run`.
    """
    options["tuning"] = {
        "enabled": True,
        "trials": trials,
        "minutes": minutes,
        "epochs": trial_epochs,
    }
    _run(options, debug)


def _run(options: dict[str, Any], debug: bool) -> NoReturn:
    """Run the pipeline with the options of `_run_options`, and exit with its status."""
    import shlex

    from pipeline.config.config import ConfigError, load_config
    from pipeline.local.foreground import run_here

    options = dict(options)
    config_file, settings = options.pop("config_file"), options.pop("settings")
    options["data"] = options.pop("data_dir")
    options["cache"] = False if options.pop("no_cache") else None
    options["input"] = {
        name: options.pop(name) for name in ("format", "span", "max_bad_rows", "allow_duplicates")
    }
    beam_args = options.pop("beam_args")
    if beam_args:
        options["beam"] = {"args": shlex.split(beam_args)}
    config = load_config(config_file, settings, options)
    if not config.data:
        raise ConfigError(
            "No data folder is given: add --data DIR. To make one with simulated data: "
            "radio-signals data simulate DIR"
        )
    for key, file in (("initial_weights", config.initial_weights), ("schema", config.schema_file)):
        if file and not os.path.isfile(file):
            raise ConfigError(f"{key}: the file {file} does not exist.")
    raise SystemExit(run_here(config, debug))


@cli.command("compile")
@click.argument("file", type=_FILE)
@click.option("--image", required=True, help="That every step runs in; see the Dockerfile.")
@click.option(
    "--root", required=True, help="Bucket folder for artifacts: minio://, s3:// or gs://..."
)
@click.option(
    "--serving", required=True, help="Where models are pushed: a path in a volume, or in a bucket."
)
@click.option(
    "--data", required=True, help="The data folder: a path in a volume, or in a bucket, as --root."
)
@click.option("--model", type=click.Choice(list(MODELS)), help="[default: compact]")
@click.option("--epochs", type=int, help="Passes over the training images.  [default: 12]")
@click.option("--config", "config_file", type=_FILE, help="A YAML file of configuration keys.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One key, repeatable.")
@click.option("--debug", is_flag=True, help="Show a traceback if something breaks.")
def compile_(file, image, root, serving, config_file, settings, debug, **options) -> None:
    """Write the same pipeline as a package for Kubeflow Pipelines.

    FILE is YAML that a stock installation takes, by its pages or by `radio-signals submit`. Data
    folder, model, epochs, learning rate and accuracy threshold can be set anew for each run.

    \b
    In the configuration, under kubeflow:
      resources      {default: {cpu: 2, memory: 8}, Trainer: {cpu: 4, memory: 16,
                     accelerator: nvidia.com/gpu}}    by step; memory in GB
      volumes        {/mnt/radio: CLAIM}              claims by path
      secrets        {NAME: SECRET/KEY}               environment variables from secrets
      env, node_selector, tolerations, retries, pull_policy, pull_secret
    """
    from pipeline.config.config import load_config
    from pipeline.terminal.console import quiet_libraries

    config = load_config(config_file, settings, options)
    with quiet_libraries():
        from pipeline.kubeflow.compile.compilation import compile_to

        summary = compile_to(file, config, image, root, serving)
    click.echo(f"{file}: {summary}")


@cli.command()
@click.option("--output", type=_DIRECTORY, default="runs", show_default=True, help="As for run.")
def runs(output) -> None:
    """List the runs into an output folder: when, what of, how good, blessed, pushed."""
    from pipeline.history.past_runs import past_runs
    from pipeline.terminal.runs_table import runs_table

    with _lookup_is_usage():
        found = past_runs(output)
    _print_table(runs_table(found))


@cli.command()
@click.option("--output", type=_DIRECTORY, default="runs", show_default=True, help="As for run.")
@click.option("--run", "wanted", default="latest", show_default=True, help="Which, see RUN.")
@click.option("--compare", nargs=2, metavar="RUN RUN", help="Two runs side by side.")
@click.option("--open", "show_it", is_flag=True, help="Open it in the browser.")
def report(output, wanted, compare, show_it) -> None:
    """Say where a run's report is, or compare two runs.

    RUN is a number or the beginning of a date, as `radio-signals runs` lists them, or latest. A
    comparison is printed, and is a page in OUTPUT/comparisons.
    """
    from pipeline.history.past_runs import find_run, past_runs

    with _lookup_is_usage():
        found = past_runs(output)
        chosen = [find_run(found, name) for name in compare or (wanted,)]
    page = _compared(output, *chosen) if compare else chosen[0].page
    click.echo(os.path.abspath(page) if "://" not in page else page)
    if show_it:
        click.launch(page)


def _compared(output: str, first, second) -> str:
    """Print two runs side by side; return the page of the same."""
    from components.report.page.comparison import render_comparison
    from pipeline.terminal.runs_table import comparison_table

    _print_table(comparison_table(first, second))
    folder = os.path.join(output, "comparisons")
    os.makedirs(folder, exist_ok=True)
    page = os.path.join(folder, f"{first.number}-{second.number}.html")
    with open(page, "w", encoding="utf-8") as file:
        file.write(render_comparison({f"run {run.number}": run.metrics for run in (first, second)}))
    return page


def _print_table(table) -> None:
    """Print a table of rich, as wide as it is where no terminal bounds it."""
    from pipeline.terminal.console import plain_console

    console = plain_console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)


@contextlib.contextmanager
def _lookup_is_usage():
    """Name what was asked for and is not there, as a wrong option is named."""
    try:
        yield
    except LookupError as error:
        raise click.UsageError(str(error)) from None


@cli.command()
@click.option("--output", type=_DIRECTORY, default="runs", show_default=True, help="As for run.")
@click.option("--port", default=6006, show_default=True, help="Where the browser finds it.")
def tensorboard(output, port) -> None:
    """Show every training run into an output folder in TensorBoard.

    A run that is training now is shown epoch by epoch. Ctrl-C ends it.
    """
    if not os.path.isdir(output):
        raise click.UsageError(f"{output} does not exist. Run the pipeline into it first.")
    logs = os.path.join(os.path.abspath(output), "artifacts", "Trainer", "model_run")
    options = {
        "logdir": logs,
        "port": port,
        # It keeps ten pictures of a kind unless told otherwise: fewer than a run has epochs.
        "samples_per_plugin": "images=500",
    }
    arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    os.execv(sys.executable, [sys.executable, "-m", "tensorboard.main", *arguments])


@cli.command()
@click.argument("package", metavar="FILE.yaml", type=_FILE)
@click.option("--host", help="Address of Kubeflow Pipelines, such as http://localhost:8080.")
@click.option("--namespace", help="Yours, in an installation with many users.")
@click.option("--token", help="Bearer token, if the installation asks for one.")
@click.option("--ca-cert", type=_FILE, help="Certificate of an authority to trust, PEM.")
@click.option("--pipeline-name", metavar="NAME", help="Another than the package's own.")
@click.option(
    "--version", metavar="NAME", help="Of this package among the pipeline's; made of its content."
)
@click.option(
    "--experiment",
    metavar="NAME",
    envvar="KF_PIPELINES_DEFAULT_EXPERIMENT_NAME",
    default="Default",
    show_default=True,
    help="What the run is listed under.",
)
@click.option("--run-name", metavar="NAME", help="The pipeline's name and the time unless given.")
@click.option("--root", metavar="URI", help="Where artifacts go: minio://, s3:// or gs://.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="One parameter of the package, repeatable.",
)
@click.option("--no-cache", is_flag=True, help="Run every step, even if nothing changed.")
@click.option(
    "--cron",
    metavar="EXPRESSION",
    help="Run again and again: minute, hour, day, month, weekday, in the installation's time.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, 10),
    help="Recurring runs at the same time.  [default: 1]",
)
@click.option("--replace", is_flag=True, help="Put out the recurring run of the same name.")
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end.  [default: wait]")
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Follow it so long at most."
)
@click.option("--upload-only", is_flag=True, help="Run nothing.")
@click.option("--debug", is_flag=True, help="Show a traceback if something breaks.")
def submit(package, host, namespace, token, ca_cert, no_cache, debug, **options) -> None:
    """Upload a compiled package to Kubeflow Pipelines, run it and follow the run.

    The package becomes a version of its pipeline; one that is there already is used as it is.
    Parameters are checked against the package before anything is sent.

    \b
      radio-signals submit package.yaml --host http://localhost:8080 --param epochs=20
      radio-signals submit package.yaml --host URL --cron "0 2 * * *" --replace

    \b
    Variables that are read, as by kfp.Client:
      KF_PIPELINES_ENDPOINT        the address, without --host
      KF_PIPELINES_UI_ENDPOINT     the user interface, if it has another address
      KF_PIPELINES_SA_TOKEN_PATH   a file with the token, without --token; in a pod it is
                                   /var/run/secrets/kubeflow/pipelines/token unless set
      KF_PIPELINES_DEFAULT_EXPERIMENT_NAME   the experiment, without --experiment
      KF_PIPELINES_IAP_OAUTH2_CLIENT_ID, KF_PIPELINES_APP_OAUTH2_CLIENT_ID and
      KF_PIPELINES_APP_OAUTH2_CLIENT_SECRET  behind Google's Identity-Aware Proxy
    In a pod, address and namespace are its own unless given.

    \b
    Exit status: 0 succeeded, or submitted with --no-wait, --cron or --upload-only; 2 the package
    or an option refused; 130 no longer followed; 1 the run failed, or anything else.
    """
    from pipeline.kubeflow.submit.submission import Wanted, submit_here

    raise SystemExit(
        submit_here(
            package,
            Wanted(cache=not no_cache, **options),
            host=host,
            namespace=namespace,
            token=token,
            ca_cert=ca_cert,
        )
    )


def main() -> None:
    """Entry point of the installed command."""
    # Being told to end is like Ctrl-C: workers are stopped and half-written files removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as request:
        sys.exit(request.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(failures.REFUSED)
    except (Exception, KeyboardInterrupt, click.Abort) as error:
        if isinstance(error, click.Abort):
            error = KeyboardInterrupt()
        sys.exit(
            failures.explain(
                error,
                lambda text: click.echo(text, err=True),
                log_file=None,
                debug="--debug" in sys.argv,
            )
        )


if __name__ == "__main__":
    main()
