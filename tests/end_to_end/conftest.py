"""One small data set and one pipeline run, shared by the tests of this folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from data.simulation.dataset import simulate_dataset
from tests.end_to_end.served_model import answers

COMMAND = Path(sys.executable).with_name("radio-signals")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

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


@pytest.fixture(scope="session")
def validation(small_data):
    layout = Layout(CLASS_NAMES, HEIGHT, WIDTH)
    inventory = take_inventory(str(small_data), layout)
    return (
        split_images(inventory, "validation", layout),
        split_labels(inventory, "validation", layout),
    )


@pytest.fixture(scope="session")
def served(first_run, validation, tmp_path_factory):
    """What the pushed model answers, loaded with TensorFlow alone."""
    folder = tmp_path_factory.mktemp("served")
    return answers(first_run.metrics["pushed_to"], validation[0], folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
