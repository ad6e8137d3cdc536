"""One small data set and one pipeline run, shared by the tests of this folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset

COMMAND = Path(sys.executable).with_name("radio-signals")

# Low bounds: what is tested is the machinery, on few images and epochs.
SMALL = (
    "--epochs=4",
    "--set=thresholds.accuracy=0.4",
    "--set=thresholds.class_precision=0",
    "--set=thresholds.class_recall=0",
    "--set=thresholds.baseline_recall_margin=0",
)


@dataclass(frozen=True)
class Run:
    """A finished `radio-signals run` or `tune`.

    Attributes:
      status, text: exit status, and what the terminal showed.
      output: the output folder, which later runs may share.
      latest: this run's copy of OUTPUT/latest, which later runs replace.
    """

    status: int
    text: str
    output: Path
    latest: Path

    @cached_property
    def metrics(self) -> dict:
        return json.loads((self.latest / "metrics.json").read_text())

    @property
    def card(self) -> dict:
        """What the pushed model says of itself."""
        card = Path(self.metrics["pushed_to"], "assets.extra", "model.json")
        return json.loads(card.read_text())

    @property
    def steps(self) -> list[str]:
        """Ids of the steps that finished, in order."""
        return re.findall(r"^\[ ?\d+/\d+\] (\S+)", self.text, re.MULTILINE)


def pushed_versions(output: Path) -> set[str]:
    """Names of the models pushed so far."""
    serving = output / "serving"
    return {path.name for path in serving.iterdir()} if serving.exists() else set()


def temporary_folder_of(output: Path) -> Path:
    """Where runs into an output folder are told to keep temporary files."""
    return output.parent / "temporary"


def run_pipeline(data: Path, output: Path, *arguments: str, command: str = "run") -> Run:
    temporary = temporary_folder_of(output)
    temporary.mkdir(exist_ok=True)
    finished = subprocess.run(
        [COMMAND, command, f"--data={data}", f"--output={output}", *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    # Next to the output folder, which a run that was refused at once did not make.
    latest = Path(tempfile.mkdtemp(dir=output.parent)) / "latest"
    if (output / "latest").exists():
        shutil.copytree(output / "latest", latest)
    return Run(finished.returncode, finished.stdout + finished.stderr, output, latest)


@pytest.fixture(scope="session")
def small_data(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("small") / "data"
    simulate_dataset(directory, train=480, validation=120, workers=1)
    return directory


@pytest.fixture(scope="session")
def first_run(small_data, tmp_path_factory) -> Run:
    run = run_pipeline(small_data, tmp_path_factory.mktemp("small") / "runs", *SMALL)
    assert run.status == 0, run.text
    return run
