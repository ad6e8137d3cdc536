"""A run that is killed anywhere is finished by the next run, and nothing is lost or wrong."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, Run, run_pipeline
from trainer.export.pushed_models import find_sound_models

HOOK = Path(__file__).with_name("kill_hook")
OPTIONS = (*SMALL, "--epochs=3", "--set=height=32", "--set=width=32")

# Where a run is killed: in a path with this text, before this change of it.
FEW_KILLS = (
    ("/SpectrogramExampleGen/", 4),
    ("/checkpoints/", 8),
    ("/Trainer/model/", 3),
    ("/Evaluator/", 2),
    ("/serving/", 3),
    ("/.latest-", 3),
)
# All places that a run writes to, in order. Each is killed at these changes, as far as there are.
ALL_PLACES = (
    r"/logs/",
    r"owner\.json",
    r"/SpectrogramExampleGen/",
    r"/StatisticsGen/",
    r"/Schema/",
    r"/ExampleValidator/",
    r"/accepted_statistics/",
    r"/Transform/",
    r"/checkpoints/",
    r"/Trainer/",
    r"/BaselineModel/",
    r"/Evaluator/",
    r"/Pusher/",
    r"/serving/",
    r"/Report/",
    r"/latest",
    r"/\.latest-",
)
CHANGES = (1, 2, 3, 5, 8, 13, 21, 34)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "data"
    simulate_dataset(folder, train=80, validation=40, height=32, width=32, workers=1)
    return folder


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory) -> Run:
    """A run that was never killed."""
    run = run_pipeline(data, tmp_path_factory.mktemp("whole") / "runs", *OPTIONS)
    assert run.status == 0, run.text
    return run


def run_until_killed(data: Path, output: Path, path: str, change: int) -> tuple[int, str]:
    """Run with the hook; return the exit status and the terminal output."""
    process = subprocess.run(
        [COMMAND, "run", f"--data={data}", f"--output={output}", *OPTIONS],
        env={
            **os.environ,
            "PYTHONPATH": f"{HOOK}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "KILL_PATH": f"{re.escape(str(output))}.*{path}",
            "KILL_AT": str(change),
        },
        capture_output=True,
        text=True,
        timeout=900,
        start_new_session=True,
    )
    return process.returncode, process.stdout + process.stderr


def check_folder(output: Path) -> None:
    """Check what must hold at every moment."""
    versions = [path for path in output.glob("serving/*") if path.name.isdigit()]
    assert len(versions) == len(list(find_sound_models(f"{output}/serving"))), "all are whole"
    if (output / "latest").exists():
        metrics = json.loads((output / "latest" / "metrics.json").read_text())
        table = (output / "latest" / "classification_report.txt").read_text()
        assert metrics["run_id"]
        assert re.search(rf"accuracy +{metrics['accuracy']:.4f}", table)
        assert f"{metrics['accuracy']:.4f}" in (output / "latest" / "report.html").read_text()


def kill_again_and_again(data: Path, output: Path, kills: Sequence[tuple[str, int]]) -> int:
    """Run once for each kill, always into the same folder; return how many runs were killed."""
    killed, finished = 0, set()
    for path, change in kills:
        status, text = run_until_killed(data, output, path, change)
        assert status in {0, -signal.SIGKILL}, f"{path} {change}: {text}"
        killed += status == -signal.SIGKILL
        reused = set(re.findall(r"^\[ ?\d+/\d+\] (\S+) +from the cache", text, re.MULTILINE))
        assert finished <= reused | {"BaselineModel", "Evaluator", "Pusher", "Report"}, text
        finished = set(re.findall(r"^\[ ?\d+/\d+\] (\S+)", text, re.MULTILINE))
        check_folder(output)
        print(f"{time.strftime('%H:%M:%S')} {path:24} {change:3} status {status:3}", flush=True)
    return killed


def check_result(run: Run, whole: Run) -> None:
    """Check that a run that followed kills has the results of a run that was never killed."""
    assert run.status == 0, run.text
    check_folder(run.output)
    assert run.card["model_id"] == whole.card["model_id"], "a digest of all weights"
    assert len(list(find_sound_models(f"{run.output}/serving"))) == 1, "it was pushed once"
    same = ("accuracy", "classes", "confusion_matrix", "data_fingerprint", "blessed")
    assert {key: run.metrics[key] for key in same} == {key: whole.metrics[key] for key in same}
    # A killed step leaves its folder of artifacts, which nothing refers to, to `prune`.
    assert not list((run.output / "serving").glob(".*"))
    assert len(list(run.output.glob(".latest-*"))) == 1


@pytest.mark.long
def test_six_kills_in_a_row_lose_nothing(data, whole, tmp_path):
    output = tmp_path / "runs"
    assert kill_again_and_again(data, output, FEW_KILLS) == len(FEW_KILLS)
    run = run_pipeline(data, output, *OPTIONS)
    check_result(run, whole)
    assert run.metrics["training"]["resumed_after_epochs"], "training was not begun again"
    assert run.training_log == whole.training_log


@pytest.mark.faults
def test_kills_at_many_changes_of_every_place_lose_nothing(data, whole, tmp_path):
    killed = 0
    for number, place in enumerate(ALL_PLACES):
        # A folder of its own, because the steps of a finished run are not run again.
        output = tmp_path / str(number) / "runs"
        for change in CHANGES:
            now = kill_again_and_again(data, output, [(place, change)])
            killed += now
            if not now:
                break
        check_result(run_pipeline(data, output, *OPTIONS), whole)
        print(f"{killed} kills, all results those of a run that was never killed", flush=True)
    assert killed >= 50
