"""Options that several commands share, and the configuration that results from them."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from data.reading.layout import FORMAT_NAMES
from trainer.models import MODELS

if TYPE_CHECKING:
    from pipeline.config.config import Config

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FOLDER = click.Path(file_okay=False)
FILE = click.Path(dir_okay=False)
# Those of data.seed_layout, which imports NumPy.
SPLIT = click.Choice(["train", "validation", "test"])


def combine(*decorators: Decorator) -> Decorator:
    """Return a decorator that adds several options to a command, in the order given."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return add


config_options = combine(
    click.option("--config", "config_file", type=FILE, help="YAML file with configuration keys."),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set one configuration key. Can be repeated.",
    ),
)

# A name with two underscores is a section of the configuration and a key in it.
format_option = click.option(
    "--format",
    "input__format",
    type=click.Choice(("auto", *FORMAT_NAMES)),
    help="Format of the data files.  [default: auto]",
)

span_option = click.option(
    "--span", "input__span", type=int, help="Read DIR/span-N/ instead of the newest span."
)

validation_fraction_option = click.option(
    "--validation-fraction",
    "input__validation_fraction",
    type=float,
    metavar="FRACTION",
    help="Set aside this much of each class for validation, if DIR has no validation data.",
)

reading_options = combine(
    format_option,
    span_option,
    click.option(
        "--max-bad-rows",
        "input__max_bad_rows",
        type=int,
        help="Leave out up to this many bad rows instead of refusing the data.  [default: 0]",
    ),
    click.option(
        "--allow-duplicates",
        "input__allow_duplicates",
        is_flag=True,
        default=None,
        help="Accept spectrograms that are in both training and validation data.",
    ),
    validation_fraction_option,
    click.option(
        "--no-resize",
        "input__resize",
        is_flag=True,
        flag_value=False,
        default=None,
        help="Refuse pictures of another size instead of resizing them.",
    ),
)

model_options = combine(
    click.option(
        "--model", type=click.Choice(list(MODELS)), help="Model to train.  [default: compact]"
    ),
    click.option("--epochs", type=int, help="Passes over the training images.  [default: 12]"),
)

output_option = click.option(
    "--output", type=FOLDER, default="runs", show_default=True, help="Output folder of the runs."
)

debug_option = functools.partial(
    click.option, "--debug", is_flag=True, help="Show the traceback of an error."
)

run_options = combine(
    click.option("--data", type=click.Path(), help="Data folder or bucket address.  [required]"),
    click.option("--output", type=FOLDER, help="Folder for all results.  [default: runs]"),
    model_options,
    click.option("--batch-size", type=int, help="Images per training step.  [default: 32]"),
    click.option(
        "--seed", type=int, help="Seed of shuffling, weights and augmentation.  [default: 0]"
    ),
    reading_options,
    click.option("--initial-weights", type=FILE, help="Start training from a .weights.h5 file."),
    click.option(
        "--warm-start",
        is_flag=True,
        default=None,
        help="Start training from the newest pushed model that fits, if there is one.",
    ),
    click.option(
        "--early-stopping",
        type=int,
        help="Stop training after this many epochs without an improvement.",
    ),
    click.option(
        "--infer-schema", is_flag=True, default=None, help="Infer the schema from the data."
    ),
    click.option("--schema", type=FILE, help="Use this schema instead of the packaged one."),
    click.option(
        "--force-push",
        is_flag=True,
        help="Push the model even if it is not blessed. Needs --reason.",
    ),
    click.option(
        "--reason",
        "force_push_reason",
        help="The reason; kept in metrics.json, the report and the model card.",
    ),
    config_options,
    click.option(
        "--beam-args",
        "beam__args",
        callback=lambda _context, _option, text: shlex.split(text) if text else None,
        help="Options for Apache Beam, as one string.",
    ),
    click.option(
        "--no-cache",
        "cache",
        is_flag=True,
        flag_value=False,
        default=None,
        help="Run every step, even if nothing has changed.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(("text", "json")),
        default="text",
        show_default=True,
        help="Print text, or lines of JSON with time, level, run and step.",
    ),
    debug_option(),
)


def read_config(config_file: str | None, settings: tuple[str, ...], **options: Any) -> Config:
    """Return the configuration that results from the options of a command.

    Args:
      config_file: value of --config.
      settings: values of --set.
      options: values of other options by their configuration key, sections as `section__key`.

    Raises:
      ConfigError: a key or a value is wrong.
    """
    from pipeline.config.loading import load_config

    keys = {name.replace("__", "."): value for name, value in options.items()}
    return load_config(config_file, settings, keys)
