"""One small data set and one pipeline run, shared by all tests of this folder.

The tests run in several processes. Whichever needs the data set or the run first makes it, and the
others wait for it. Only test_run.py adds runs to the folder of the first one. All other tests read
a copy, which does not change, or add runs to a copy of their own. What needs the paths in ML
Metadata to be true reads `only_run`.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, expect, sync_playwright

from data.reading.inventory import take_inventory
from data.reading.layout import Layout
from data.reading.split import split_images, split_labels
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import SMALL, Run, run_pipeline
from tests.end_to_end.support.served_model import answers

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id) -> Path:
    """A folder that all test processes of this session have in common."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    folder = folder / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def small_data(shared_folder) -> Path:
    """480 + 120 simulated images."""
    directory = shared_folder / "data"
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            simulate_dataset(directory, train=480, validation=120, workers=1)
    return directory


def run_once(data: Path, folder: Path, copy: Path | None = None) -> Run:
    """Run the pipeline into FOLDER/runs, or return the run if another test process made it.

    Args:
      data: what to train on.
      folder: shared by all processes.
      copy: where the output folder is copied; the returned run names the copy.
    """
    record, output = folder.with_suffix(".json"), folder / "runs"
    with FileLock(f"{record}.lock"):
        if not record.exists():
            run = run_pipeline(data, output, *SMALL)
            if copy and run.status == 0:
                shutil.copytree(run.output, copy)
            record.write_text(json.dumps([run.status, run.text, str(run.latest)]))
    status, text, latest = json.loads(record.read_text())
    assert status == 0, text
    return Run(status, text, copy or output, Path(latest))


@pytest.fixture(scope="session")
def first_run(small_data, shared_folder) -> Run:
    """The first run into an output folder, of which `output` is a copy: blessed and pushed."""
    return run_once(small_data, shared_folder / "first", shared_folder / "copy" / "runs")


@pytest.fixture(scope="session")
def only_run(small_data, shared_folder) -> Run:
    """The same run into a folder to which no test adds a run, for what shows the newest run."""
    return run_once(small_data, shared_folder / "only")


@pytest.fixture(scope="session")
def first_output(first_run, shared_folder) -> Path:
    """The output folder that the first run wrote to. A run into a copy trains again."""
    return shared_folder / "first" / "runs"


@pytest.fixture(scope="module")
def output_copy(first_run, tmp_path_factory) -> Path:
    """A copy of the first run's output folder, to which a module may add runs. They train again."""
    folder = tmp_path_factory.mktemp("copy") / "runs"
    shutil.copytree(first_run.output, folder)
    return folder


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
    """The pushed model's answers, computed with TensorFlow alone."""
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
