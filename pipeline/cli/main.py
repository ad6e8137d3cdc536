"""The command `radio-signals`.

Commands import what they need when they run, because importing TFX takes seconds and `--help` has
to answer at once.
"""

from __future__ import annotations

import sys

import click

from pipeline.cli.classify import classify
from pipeline.cli.data import data
from pipeline.cli.infer import infer
from pipeline.cli.kubeflow import compile_infer, compile_package, submit
from pipeline.cli.prune import prune
from pipeline.cli.reports import report, runs, tensorboard
from pipeline.cli.run import run, tune
from pipeline.cli.serve import serve
from pipeline.terminal import failures
from pipeline.terminal.interruption import ending_on_signals


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="radio-signals", prog_name="radio-signals")
def cli() -> None:
    """Classify radio-signal spectrograms with a TFX pipeline.

    To try it on simulated data:

      radio-signals data simulate simulated --train 800 --validation 200

      radio-signals run --data simulated
    """


for command in (data, run, tune, runs, report, tensorboard, prune, compile_package, submit):
    cli.add_command(command)
for command in (classify, infer, compile_infer, serve):
    cli.add_command(command)


def main() -> None:
    """Run the command and exit with its status."""
    with ending_on_signals():
        try:
            cli.main(standalone_mode=False)
        except click.exceptions.Exit as request:
            sys.exit(request.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(failures.REFUSED)
        except (Exception, KeyboardInterrupt) as error:
            # Click turns Ctrl-C into Abort.
            cause = KeyboardInterrupt() if isinstance(error, click.Abort) else error
            status = failures.explain(
                cause,
                lambda text: click.echo(text, err=True),
                log_file=None,
                debug="--debug" in sys.argv,
            )
            sys.exit(status)


if __name__ == "__main__":
    main()
