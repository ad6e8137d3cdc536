"""The command that classifies large inputs in parallel."""

from __future__ import annotations

import shlex
from typing import Any

import click

from pipeline.cli.classify import image_options
from pipeline.cli.options import config_options, debug_option, read_config


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--output", required=True, metavar="DIR", help="Folder, or address, for the Parquet files."
)
@click.option("--overwrite", is_flag=True, help="Replace the answers in DIR.")
@click.option(
    "--model",
    "model_folder",
    default="runs",
    show_default=True,
    metavar="DIR",
    help="Output folder of the runs whose newest blessed model is taken, or folder of one version.",
)
@image_options
@click.option(
    "--beam-args",
    "beam__args",
    callback=lambda _context, _option, text: shlex.split(text) if text else None,
    help="Options for Apache Beam, as one string.",
)
@config_options
@debug_option()
def infer(debug: bool, **options: Any) -> None:  # noqa: ARG001 - see main
    """Classify large inputs in parallel, as a Beam pipeline, with the newest blessed model.

    INPUT is as for `radio-signals classify`, without observations and standard input. DIR gets
    Parquet files with the columns of that command, in no order: pandas.read_parquet(DIR) reads all
    of them. The inference is recorded in the ML Metadata of the runs.

      radio-signals infer new --output classes

      radio-signals infer gs://bucket/new --output gs://bucket/classes
          --beam-args "--runner=FlinkRunner --flink_master=... --environment_type=..."

    Exit status: 0 done; 2 the input or the options refused; 1 any other failure.
    """
    from components.spectrogram_example_gen.file_systems import choose_files
    from pipeline.infer.command import Request, run

    reading = {name: options.pop(name) for name in list(options) if "__" in name}
    config = read_config(options.pop("config_file"), options.pop("settings"), **reading)
    try:
        run(
            Request(
                **options,
                layout=config.layout,
                span=config.input.span,
                max_bad_rows=config.input.max_bad_rows,
                beam_args=config.beam.args,
            ),
            choose_files,
        )
    except FileExistsError as error:
        raise click.UsageError(f"{error} Option: --overwrite.") from None
    except NotADirectoryError as error:
        raise click.UsageError(str(error)) from None
