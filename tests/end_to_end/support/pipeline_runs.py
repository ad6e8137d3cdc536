"""The installed command, run as a user runs it, and what a run leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radio-signals")

# Low thresholds: the tests try the machinery, on few images and epochs.
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
      status: the exit status.
      text: the terminal output.
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
        """The pushed model's card."""
        card = Path(self.metrics["pushed_to"], "assets.extra", "model.json")
        return json.loads(card.read_text())

    @property
    def steps(self) -> list[str]:
        """Ids of the steps that finished, in order."""
        return re.findall(r"^\[ ?\d+/\d+\] (\S+)", self.text, re.MULTILINE)

    @property
    def training_log(self) -> list[str]:
        """The lines of the training log without its speed, which no seed fixes."""
        lines = (self.latest / "training_log.csv").read_text().splitlines()
        speed = lines[0].split(",").index("images_per_second")
        return [",".join(v for i, v in enumerate(line.split(",")) if i != speed) for line in lines]


def pushed_versions(output: Path) -> set[str]:
    """Names of the models pushed so far."""
    serving = output / "serving"
    return {path.name for path in serving.iterdir()} if serving.exists() else set()


def temporary_folder_of(output: Path) -> Path:
    """The folder in which runs of an output folder keep temporary files."""
    return output.parent / "temporary"


def run_pipeline(data: Path, output: Path, *arguments: str, command: str = "run") -> Run:
    """Run the command to its end."""
    temporary = temporary_folder_of(output)
    temporary.mkdir(parents=True, exist_ok=True)
    finished = subprocess.run(
        [COMMAND, command, f"--data={data}", f"--output={output}", *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    # Beside the output folder, because a run that is refused at once does not create that folder.
    latest = Path(tempfile.mkdtemp(dir=output.parent)) / "latest"
    if (output / "latest").exists():
        shutil.copytree(output / "latest", latest)
    return Run(finished.returncode, finished.stdout + finished.stderr, output, latest)


def kill_run(line: str, data: Path, output: Path, *arguments: str, command: str = "run") -> str:
    """Start the command, kill it once it prints `line`, and return its output up to there."""
    with subprocess.Popen(
        [COMMAND, command, f"--data={data}", f"--output={output}", *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        shown = ""
        for text in running.stdout:
            shown += text
            if line in text:
                running.send_signal(signal.SIGKILL)
                return shown
    raise AssertionError(f"the run ended before it printed {line!r}:\n{shown}")
