"""Two worker processes, and two replicas in one process, compared with one device."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.ports import free_ports
from tests.trainer import plain_model
from tests.trainer.small_run import TRAIN, VALIDATION, fn_args
from trainer import models
from trainer.distributed.worker_process import write_arguments
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_FACTS, TRAINING_LOG
from trainer.training import run_fn

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).parents[3]
# The limit for three processes that import TensorFlow on a machine that may be busy.
SECONDS = 400
# Every step sees all images, so it does not matter which worker has which of them.
FULL_BATCH = {"model": plain_model.NAME, "batch_size": TRAIN, "epochs": 8}
# float32 sums in another order differ in the last digits, and eight steps amplify this.
TOLERANCE = {"rtol": 1e-3, "atol": 1e-4}


@pytest.fixture(autouse=True)
def plain(monkeypatch) -> None:
    monkeypatch.setitem(models.MODELS, plain_model.NAME, "tests.trainer.plain_model")


@contextlib.contextmanager
def start_processes(
    commands: list[list[str]], environments: list[dict], logs: Path
) -> Iterator[list]:
    """Start processes, and kill those that still run at the end."""
    logs.mkdir(parents=True, exist_ok=True)
    processes = []
    try:
        for number, (command, variables) in enumerate(zip(commands, environments, strict=True)):
            with open(logs / f"{number}.log", "w") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.trainer.plain_model", *command],
                        cwd=REPOSITORY,
                        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **variables},
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def make_tf_configs(count: int) -> list[dict[str, str]]:
    """Return the environment of each worker of a cluster on free ports of this machine."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    return [
        {
            "TF_CONFIG": json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": index},
                }
            )
        }
        for index in range(count)
    ]


def read_log(folder: Path, number: int) -> str:
    return (folder / f"{number}.log").read_text(errors="replace")


def train_with_workers(data: Path, output: Path, **settings) -> list[str]:
    """Train with two workers and return the log of each."""
    file = output / "worker.json"
    write_arguments(fn_args(data, output, **settings), str(file))
    with start_processes([[str(file)]] * 2, make_tf_configs(2), output / "logs") as workers:
        statuses = [worker.wait(timeout=SECONDS) for worker in workers]
    logs = [read_log(output / "logs", number) for number in range(2)]
    assert statuses == [0, 0], "\n".join(log[-3000:] for log in logs)
    return logs


def read_weights(output: Path) -> list[np.ndarray]:
    model = plain_model.build(16, 24, 3)
    model.load_weights(output / "model_run" / BEST_WEIGHTS)
    return model.get_weights()


def read_epochs(output: Path) -> list[dict[str, str]]:
    with open(output / "model_run" / TRAINING_LOG) as file:
        return list(csv.DictReader(file))


def read_facts(output: Path) -> dict:
    return json.loads((output / "model_run" / TRAINING_FACTS).read_text())


def extract_epochs(log: str) -> list[str]:
    """Return the lines of a log about epochs, without the speed."""
    lines = [line for line in log.splitlines() if line.startswith("epoch") and "validation" in line]
    return [line.rpartition("  ")[0].rstrip() for line in lines]


@pytest.fixture(scope="module")
def one_device(small_data, tmp_path_factory) -> Path:
    plain_model.register()
    output = tmp_path_factory.mktemp("one")
    run_fn(fn_args(small_data, output, strategy="one_device", **FULL_BATCH))
    return output


def assert_same_training(output: Path, one_device: Path) -> None:
    for trained, expected in zip(read_weights(output), read_weights(one_device), strict=True):
        np.testing.assert_allclose(trained, expected, **TOLERANCE)
    for epoch, expected in zip(read_epochs(output), read_epochs(one_device), strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert float(epoch[name]) == pytest.approx(float(expected[name]), rel=1e-3), name


def test_two_workers_train_what_one_device_trains(small_data, one_device, tmp_path):
    logs = train_with_workers(small_data, tmp_path, **FULL_BATCH)
    assert_same_training(tmp_path, one_device)
    assert extract_epochs(logs[0]) == extract_epochs(logs[1]), "metrics cover all workers"
    assert len(extract_epochs(logs[0])) == 8
    facts = read_facts(tmp_path)
    assert (facts["workers"], facts["replicas"]) == (2, 2)
    assert (facts["train_images"], facts["validation_images"]) == (TRAIN, VALIDATION)
    # The chief exports a model like any other.
    spectrograms = tf.random.stateless_uniform([5, 16, 24], [1, 2])
    answers = [
        tf.saved_model.load(str(folder / "Format-Serving"))
        .signatures["classify_spectrograms"](spectrograms)["probabilities"]
        .numpy()
        for folder in (tmp_path, one_device)
    ]
    np.testing.assert_allclose(*answers, atol=1e-3)


def test_two_replicas_in_one_process_train_what_one_device_trains(small_data, one_device, tmp_path):
    file = tmp_path / "worker.json"
    write_arguments(fn_args(small_data, tmp_path, **FULL_BATCH), str(file))
    with start_processes([["mirrored", str(file)]], [{}], tmp_path / "logs") as (process,):
        status = process.wait(timeout=SECONDS)
    assert status == 0, read_log(tmp_path / "logs", 0)[-3000:]
    assert_same_training(tmp_path, one_device)
    assert (read_facts(tmp_path)["workers"], read_facts(tmp_path)["replicas"]) == (1, 2)


def test_all_workers_stop_early_after_the_same_epoch(small_data, tmp_path):
    # Accuracy on a few images soon stops improving, while their loss keeps falling.
    logs = train_with_workers(
        small_data,
        tmp_path,
        model=plain_model.NAME,
        epochs=40,
        keep_best="val_accuracy",
        early_stopping=2,
    )
    epochs = read_facts(tmp_path)["epochs"]
    assert 3 <= epochs < 40
    assert [len(extract_epochs(log)) for log in logs] == [epochs, epochs]


def test_when_a_worker_dies_the_other_ends_and_both_resume_at_the_same_epoch(small_data, tmp_path):
    settings = {"model": plain_model.NAME, "epochs": 300, "checkpoint_dir": str(tmp_path / "kept")}
    file = tmp_path / "worker.json"
    write_arguments(fn_args(small_data, tmp_path, **settings), str(file))
    logs = tmp_path / "logs"
    with start_processes([[str(file)]] * 2, make_tf_configs(2), logs) as (chief, other):
        while len(extract_epochs(read_log(logs, 0))) < 3:
            assert chief.poll() is None, read_log(logs, 0)[-3000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                chief.wait(timeout=0.05)
        other.kill()
        assert chief.wait(timeout=120) != 0
    finished = max(
        len(json.loads(file.read_text())["state"]["history"])
        for file in (tmp_path / "kept").glob("*/checkpoint.json")
    )
    assert 2 <= finished < 300
    with start_processes([[str(file)]] * 2, make_tf_configs(2), tmp_path / "again") as workers:
        while len(extract_epochs(read_log(tmp_path / "again", 1))) < 1:
            assert workers[1].poll() is None, read_log(tmp_path / "again", 1)[-3000:]
            with contextlib.suppress(subprocess.TimeoutExpired):
                workers[1].wait(timeout=0.05)
    for number in range(2):
        assert f"resuming at epoch {finished + 1} of 300" in read_log(tmp_path / "again", number)


def test_the_step_of_a_pipeline_starts_its_own_worker_process(
    small_data, one_device, tmp_path, monkeypatch, caplog
):
    """TensorFlow has already run in this process, as in the process of a pipeline."""
    tf.constant(0).numpy()
    arguments = fn_args(small_data, tmp_path, **{**FULL_BATCH, "model": "compact", "epochs": 1})
    (environment,) = make_tf_configs(1)
    monkeypatch.setenv("TF_CONFIG", environment["TF_CONFIG"])
    arguments.custom_config["strategy"] = "multi_worker"
    with caplog.at_level("INFO", logger="radio_signals.training"):
        run_fn(arguments)
    assert "1 replicas, 1 worker" in caplog.text
    assert (tmp_path / "Format-Serving" / "saved_model.pb").exists()
