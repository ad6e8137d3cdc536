"""The command itself: quick to help, and tidy."""

import os
import subprocess
import sys
from pathlib import Path

from tests.kubeflow.submit.packages import COMMAND


def test_the_help_loads_nothing_heavy():
    code = (
        "import sys; from pipeline.cli.main import cli; "
        "cli(['submit', '--help'], standalone_mode=False); "
        "sys.exit(bool({'kfp', 'kubernetes', 'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "KF_PIPELINES_SA_TOKEN_PATH" in shown.stdout


def test_the_installed_command_keeps_the_terminal_and_the_home_clean(installation, package):
    home = Path(os.environ["HOME"])
    (home / ".config/kfp").mkdir(parents=True)
    # Of another installation, with a namespace that this one would refuse.
    left = home / ".config/kfp/context.json"
    left.write_text('{"namespace": "elsewhere"}')
    shown = subprocess.run(
        [COMMAND, "submit", package, "--host", installation.url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    starts = [line.split()[0] for line in shown.stdout.splitlines()]
    assert starts == ["pipeline", "run", "page", "succeeded"]
    assert left.read_text() == '{"namespace": "elsewhere"}'
    assert [path for path in home.rglob("*") if path.is_file()] == [left]


def test_a_traceback_is_shown_with_debug_only(submit, installation, package):
    installation.failing = 1
    assert "Traceback" not in submit(package, "--host", installation.url)[2]
    installation.failing = 1
    assert "Traceback" in submit(package, "--host", installation.url, "--debug")[2]
