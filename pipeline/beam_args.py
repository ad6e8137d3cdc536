"""Options for Apache Beam, which runs the data steps."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from tfx.dsl.placeholder import placeholder

from pipeline.config.secrets import HIDDEN, hide_secret_options

# The direct runner's own engine. Named DirectRunner, Beam would first try to download and start
# another one, Prism. One process: at this size, starting workers takes longer than the work. The
# types of what a step passes on are those of TFX's own steps, and checking them takes a second.
DIRECT_RUNNER = (
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    "--no_pipeline_type_check",
)

# With any of these options, TFX assumes that Beam's workers have the packages they need.
_WORKER_PACKAGES = {
    "--extra_package",
    "--extra_packages",
    "--requirements_file",
    "--sdk_container_image",
    "--setup_file",
    "--worker_harness_container_image",
}


# Environment variable for an option that holds a secret, by the option's position.
_VARIABLE = "RADIO_SIGNALS_BEAM_OPTION_{}"
# A shorter text is no secret worth hiding, and would be found in every line.
_SHORTEST_SECRET = 4

BeamArg: TypeAlias = str | placeholder.Placeholder
"""An option, or the environment variable that has it."""


def make_beam_args(options: Sequence[str] = ()) -> list[BeamArg]:
    """Return the Beam options to run steps with.

    TFX writes the options to its log and computes cache keys from them. For an option with a
    secret, it therefore gets the name of an environment variable, which `provide_secrets` sets.

    Args:
      options: options of the configuration; empty for the direct runner.
    """
    shown = hide_secret_options(options)
    args: list[BeamArg] = [
        option if option == shown[i] else placeholder.environment_variable(_VARIABLE.format(i))
        for i, option in enumerate(options)
    ]
    args = args or list(DIRECT_RUNNER)
    if _WORKER_PACKAGES & {option.partition("=")[0] for option in options}:
        return args
    # Without any of these options, TFX builds a package of itself in every step for the workers to
    # install. That takes a second or two and leaves 50 MB in the temporary folder. A runner that
    # starts containers needs a real image, so its option is set already; others ignore the option.
    return [*args, "--sdk_container_image=none"]


@contextmanager
def provide_secrets(options: Sequence[str]) -> Iterator[None]:
    """Give the steps the options with secrets, and keep these secrets out of Python's logs.

    Beam logs options that it does not know, and its workers log all options to this process.

    Args:
      options: options of the configuration.
    """
    shown = hide_secret_options(options)
    hidden = {i: option for i, option in enumerate(options) if option != shown[i]}
    secrets = [secret for i, option in hidden.items() for secret in _list_secrets(option, shown[i])]
    make_record = logging.getLogRecordFactory()

    def make_record_without_secrets(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        message = record.getMessage()
        if any(secret in message for secret in secrets):
            for secret in secrets:
                message = message.replace(secret, HIDDEN)
            vars(record).update(msg=message, args=())
        return record

    variables = {_VARIABLE.format(i): option for i, option in hidden.items()}
    os.environ.update(variables)
    if secrets:
        logging.setLogRecordFactory(make_record_without_secrets)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make_record)
        for name in variables:
            del os.environ[name]


def _list_secrets(option: str, shown: str) -> list[str]:
    """Return the parts of an option that are hidden when it is shown."""
    parts = re.fullmatch("(.*)".join(map(re.escape, shown.split(HIDDEN))), option, re.DOTALL)
    return [part for part in parts.groups() if len(part) >= _SHORTEST_SECRET] if parts else []
