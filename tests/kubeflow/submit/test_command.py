"""The installed command: quick help, clean output, no files in the home folder."""

import os
import subprocess
import sys
from pathlib import Path

from tests.kubeflow.submit.packages import COMMAND


def test_help_loads_no_heavy_library():
    code = (
        "import sys; from pipeline.cli.main import cli; "
        "cli(['submit', '--help'], standalone_mode=False); "
        "sys.exit(bool({'kfp', 'kubernetes', 'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "KF_PIPELINES_SA_TOKEN_PATH" in shown.stdout


def test_the_command_prints_only_its_own_lines_and_leaves_the_home_folder_alone(api, package):
    home = Path(os.environ["HOME"])
    (home / ".config/kfp").mkdir(parents=True)
    # kfp's file about another installation, whose namespace this one would refuse.
    context = home / ".config/kfp/context.json"
    context.write_text('{"namespace": "elsewhere"}')
    shown = subprocess.run(
        [COMMAND, "submit", package, "--host", api.url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    starts = [line.split()[0] for line in shown.stdout.splitlines()]
    assert starts == ["pipeline", "run", "page", "succeeded"]
    assert context.read_text() == '{"namespace": "elsewhere"}'
    assert [path for path in home.rglob("*") if path.is_file()] == [context]


def test_a_traceback_is_shown_only_with_debug(submit, api, package):
    api.failing = 1
    assert "Traceback" not in submit(package, "--host", api.url)[2]
    api.failing = 1
    assert "Traceback" in submit(package, "--host", api.url, "--debug")[2]
