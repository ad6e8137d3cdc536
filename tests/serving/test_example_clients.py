"""The example clients of deploy/serving, which speak REST, against `radio-signals serve`."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.serving.small_models import HEIGHT, WIDTH

CLIENTS = Path(__file__).parents[2] / "deploy" / "serving" / "clients"


@pytest.fixture(scope="module")
def server(start, models, tmp_path_factory):
    serving = tmp_path_factory.mktemp("serving")
    models.push(1, serving, 1)
    models.push(2, serving, 2)
    return start(serving, "--label", "stable=1").wait_until_ready()


def ask_rest(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, CLIENTS / "classify_rest.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("stored", "options", "number"),
    [
        ("levels", (), 2),
        ("spectrograms", ("--label", "stable"), 1),
        ("levels", ("--version", "1"), 1),
    ],
)
def test_the_python_client_prints_the_class_of_each_image(
    server, models, tmp_path, stored, options, number
):
    np.save(tmp_path / "images.npy", getattr(models, stored))
    finished = ask_rest(tmp_path / "images.npy", "--server", server.url, *options)
    assert finished.returncode == 0, finished.stderr
    answers = models.answers[number]
    assert finished.stdout.splitlines() == [
        f"{image}\t{name}\t{score:.4f}"
        for image, (name, score) in enumerate(zip(answers["class"], answers["score"], strict=True))
    ]


def test_the_python_client_says_what_the_server_refused(server, tmp_path):
    np.save(tmp_path / "images.npy", np.zeros((1, 3, 5)))
    finished = ask_rest(tmp_path / "images.npy", "--server", server.url)
    assert finished.returncode == 1
    assert finished.stderr.startswith("The server refused the request (400): ")


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl is installed (Debian: curl)")
def test_the_shell_client_sends_one_row_of_a_file(server, models, tmp_path):
    with open(tmp_path / "images.csv", "w", newline="") as file:
        rows = models.spectrograms.reshape(-1, HEIGHT * WIDTH)
        csv.writer(file).writerows([[f"{value:.6f}" for value in row] for row in rows])
    finished = subprocess.run(
        [CLIENTS / "classify.sh", tmp_path / "images.csv", "3", server.url],
        env={**os.environ, "WIDTH": str(WIDTH)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    (answer,) = json.loads(finished.stdout)["predictions"]
    assert answer["class"] == models.answers[2]["class"][2]
    assert answer["probabilities"] == pytest.approx(models.answers[2]["probabilities"][2], abs=1e-4)
