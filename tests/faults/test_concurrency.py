"""Several commands at once on one output folder and on one folder of artifacts, as processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, run_pipeline

pytestmark = pytest.mark.slow

SIZE = ("--set=height=32", "--set=width=32")
# It would take hours, so it is still in progress when it is killed.
ENDLESS = (*SMALL, *SIZE, "--epochs=10000")
SHORT = (*SMALL, *SIZE, "--epochs=1", "--set=thresholds.accuracy=0")

# Another machine differs from this one by its host name, so far as the lock can tell. A network
# file system is not part of the test.
OTHER_MACHINE = ("unshare", "--uts", "sh", "-c", 'hostname another-machine && exec "$@"', "sh")
CAN_RENAME = subprocess.run([*OTHER_MACHINE, "true"], capture_output=True).returncode == 0
HOST = "another-machine" if CAN_RENAME else socket.gethostname()

CLAIM = """
import sys
from pipeline.history.records import create_metadata
from pipeline.local.artifact_root import claim_artifact_root
root, output = sys.argv[1:]
connection = create_metadata(output)
print("ready", flush=True)
sys.stdin.readline()
claim_artifact_root(root, output, connection)
"""


@dataclass(frozen=True)
class Scene:
    """A run that was killed, and what other commands answered before.

    Attributes:
      data: the data folder.
      output: the output folder.
      process: id of the process that ran.
      answers: exit status and text, by the words of the command.
    """

    data: Path
    output: Path
    process: int
    answers: dict[tuple[str, ...], tuple[int, str]]


def call_at_once(*commands: tuple[str, ...]) -> dict[tuple[str, ...], tuple[int, str]]:
    """Start all commands, wait for all; return exit status and text of each."""
    processes = {
        command: subprocess.Popen(
            [COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for command in commands
    }
    texts = {command: process.communicate()[0] for command, process in processes.items()}
    return {command: (processes[command].returncode, texts[command]) for command in commands}


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    folder = tmp_path_factory.mktemp("concurrency")
    data, output = folder / "data", folder / "runs"
    simulate_dataset(data, train=60, validation=40, height=32, width=32, workers=1)
    paths = (f"--data={data}", f"--output={output}")
    with subprocess.Popen(
        [*(OTHER_MACHINE if CAN_RENAME else ()), COMMAND, "run", *paths, *ENDLESS],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            shown = []
            while "[ 1/10]" not in "".join(shown[-1:]):
                shown.append(run.stdout.readline())
                assert shown[-1], f"the run ended before its first step: {shown}"
            answers = call_at_once(
                ("runs", paths[1]),
                ("report", paths[1]),
                ("run", *paths, *SHORT),
                ("tune", *paths, *SHORT),
                ("prune", paths[1], "--yes"),
            )
            assert run.poll() is None, "the run went on meanwhile"
        finally:
            run.send_signal(signal.SIGKILL)
    return Scene(data, output, run.pid, {key[:1]: answer for key, answer in answers.items()})


def test_readers_answer_during_a_run(scene):
    status, text = scene.answers["runs",]
    heading, row = text.splitlines()
    assert (status, heading.split()[0]) == (0, "no.")
    assert row.split()[0] == "1"
    assert "not finished" in row
    status, text = scene.answers["report",]
    assert (status, text.splitlines()[-1]) == (2, "Error: None of 1 runs has a report yet.")


@pytest.mark.parametrize("command", ["run", "tune", "prune"])
def test_a_second_writer_is_refused_and_told_the_process_the_machine_and_since_when(scene, command):
    status, text = scene.answers[command,]
    today = time.strftime("%Y-%m-")
    assert status == 2
    assert re.fullmatch(
        rf"Error: Another run is writing to {scene.output}: process {scene.process} on {HOST}, "
        rf"since {today}\d\d \d\d:\d\d:\d\d\. Wait for it, or give --output another folder\.\n",
        text,
    )


def test_the_lock_of_a_dead_process_is_taken_over_and_its_finished_steps_are_reused(scene):
    run = run_pipeline(scene.data, scene.output, *SHORT)
    assert run.status == 0, run.text
    assert re.search(r"^\[ 1/10\] Schema +from the cache$", run.text, re.MULTILINE)
    assert f"on {socket.gethostname()}, since" in (scene.output / ".lock").read_text()


def test_a_second_output_folder_is_refused_the_artifacts_of_the_first(scene, tmp_path):
    run = run_pipeline(
        scene.data, tmp_path / "other", *SHORT, f"--set=artifacts={scene.output}/artifacts"
    )
    assert run.status == 2
    assert run.text.splitlines()[-1] == (
        f"Error: {scene.output}/artifacts holds the artifacts of another output folder, "
        f"{scene.output} on {HOST}. Two output folders cannot share one. Set `artifacts` to "
        "another folder."
    )


def test_of_output_folders_that_claim_one_folder_of_artifacts_at_once_one_gets_it(tmp_path):
    claims = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, tmp_path / "artifacts", tmp_path / f"runs-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for claim in claims:
        assert claim.stdout.readline() == "ready\n"
    for claim in claims:
        claim.stdin.write("\n")
        claim.stdin.flush()
    errors = [claim.communicate()[1] for claim in claims]
    (winner,) = (number for number, claim in enumerate(claims) if claim.returncode == 0)
    for number, error in enumerate(errors):
        if number != winner:
            assert (
                f"holds the artifacts of another output folder, {tmp_path}/runs-{winner} on"
                in (error.splitlines()[-1])
            )
