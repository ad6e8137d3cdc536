"""A killed training step resumes after its last finished epoch, with the same results."""

import csv
import logging
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from data.invalid import InvalidData
from tests.trainer.small_run import train
from trainer import models

pytestmark = pytest.mark.usefixtures("tiny_model")

# This process kills itself when the training log reports epoch 3. That is after the checkpoints of
# the first two epochs, and before the third.
KILLED = """
import logging, os, signal, sys
from pathlib import Path
from tests.trainer.small_run import fn_args
from trainer import models
from trainer.training import run_fn

class Killer(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith("epoch 3/5"):
            os.kill(os.getpid(), signal.SIGKILL)

logging.getLogger("radio_signals").setLevel(logging.INFO)
logging.getLogger("radio_signals").addHandler(Killer())
models.MODELS["tiny"] = "tests.trainer.small_run"
data, output, checkpoints = map(Path, sys.argv[1:])
run_fn(fn_args(data, output, checkpoint_dir=str(checkpoints), early_stopping=4))
"""


def read_training_log(output: Path) -> list[dict]:
    """Return the training log without the speed."""
    with open(output / "model_run" / "training_log.csv") as file:
        return [
            {name: value for name, value in row.items() if name != "images_per_second"}
            for row in csv.DictReader(file)
        ]


def read_scalar_steps(output: Path) -> dict[str, list[int]]:
    """Return the steps of TensorBoard's scalars by name."""
    steps: dict[str, list[int]] = {}
    for file in sorted((output / "model_run" / "tensorboard").rglob("*tfevents*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                steps.setdefault(f"{file.parent.name}/{value.tag}", []).append(event.step)
    return steps


@pytest.fixture(scope="module")
def killed(small_data, tmp_path_factory) -> Path:
    """The checkpoints of a killed process."""
    folder = tmp_path_factory.mktemp("killed")
    finished = subprocess.run(
        [sys.executable, "-c", KILLED, small_data, folder / "output", folder / "checkpoints"],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr[-2000:]
    return folder / "checkpoints"


def test_a_killed_and_resumed_run_has_the_weights_and_logs_of_an_uninterrupted_run(
    small_data, killed, tmp_path, caplog
):
    (run_folder,) = killed.iterdir()
    names = {path.name for path in run_folder.iterdir()}
    assert {"checkpoint.json", "epoch-2"} < names
    assert len(names) == 3, "and the best weights, but nothing of the epoch before"

    # The kill may also come while the third checkpoint is being written.
    unfinished = run_folder / "epoch-3" / "tensorboard" / "train"
    unfinished.mkdir(parents=True)
    (unfinished / "events.out.tfevents.1").write_bytes(b"half an event")

    whole = train(small_data, tmp_path / "whole", early_stopping=4)
    with caplog.at_level(logging.INFO, "radio_signals"):
        resumed = train(
            small_data, tmp_path / "resumed", early_stopping=4, checkpoint_dir=str(killed)
        )
    assert "resuming at epoch 3 of 5, the first 2 were trained before" in caplog.text
    assert resumed["model_id"] == whole["model_id"], "a digest of all weights"
    assert read_training_log(tmp_path / "resumed") == read_training_log(tmp_path / "whole")
    assert len(read_training_log(tmp_path / "whole")) == 5
    assert read_scalar_steps(tmp_path / "resumed") == read_scalar_steps(tmp_path / "whole")
    assert read_scalar_steps(tmp_path / "resumed")["train/epoch/loss"] == [1, 2, 3, 4, 5]

    training = resumed["training"]
    assert training["resumed_after_epochs"] == [2]
    assert (training["epochs"], training["best_epoch"]) == (5, whole["training"]["best_epoch"])
    with open(tmp_path / "resumed" / "model_run" / "training_log.csv") as file:
        speeds = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    harmonic_mean = len(speeds) / sum(1 / speed for speed in speeds)
    assert training["images_per_second"] == pytest.approx(harmonic_mean), "of all five epochs"
    assert training["seconds"] > sum(50 / speed for speed in speeds)
    assert list(killed.iterdir()) == [], "the checkpoints are removed when training is complete"


# With a rate of almost 0 the first epoch stays the best, and training ends early.
HOPELESS = {"schedule": {"initial_rate": 1e-9}, "keep_best": "val_loss", "early_stopping": 1}


@pytest.fixture(scope="module")
def failed(small_data, tmp_path_factory) -> Path:
    """A run that trained all its epochs and failed during export."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "Format-Serving").write_text("a file in the place of the folder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        with pytest.raises(Exception, match="Format-Serving"):
            train(small_data, folder, checkpoint_dir=str(folder / "checkpoints"), **HOPELESS)
    return folder


@pytest.fixture
def checkpoints(failed, tmp_path) -> Path:
    """A copy of its checkpoints."""
    return Path(shutil.copytree(failed / "checkpoints", tmp_path / "checkpoints"))


def test_no_epoch_is_trained_again_if_all_were_finished(
    small_data, failed, checkpoints, tmp_path, caplog
):
    with caplog.at_level(logging.INFO, "radio_signals"):
        resumed = train(
            small_data, tmp_path / "resumed", checkpoint_dir=str(checkpoints), **HOPELESS
        )
    trained = read_training_log(failed)
    assert f"all {len(trained)} epochs were trained before" in caplog.text
    assert resumed["training"]["epochs"] == len(trained) < 5, "ended early"
    assert (tmp_path / "resumed" / "model_run" / "weights" / "best.weights.h5").exists()
    assert read_training_log(tmp_path / "resumed") == trained


def test_a_run_never_resumes_from_the_checkpoint_of_another_run(small_data, checkpoints, tmp_path):
    settings = {**HOPELESS, "checkpoint_dir": str(checkpoints), "seed": 1}
    other = train(small_data, tmp_path / "other", **settings)
    assert other["training"]["resumed_after_epochs"] == []
    assert len(list(checkpoints.iterdir())) == 1, "the checkpoint of the first run is still there"


@pytest.mark.parametrize("content", [b"not an archive", b"PK\x03\x04 cut off"])
def test_an_unreadable_checkpoint_is_reported_with_its_folder(
    small_data, checkpoints, tmp_path, content
):
    (variables,) = checkpoints.rglob("variables.npz")
    variables.write_bytes(content)
    with pytest.raises(InvalidData, match=r"checkpoint in .* cannot be read .* Delete that folder"):
        train(small_data, tmp_path / "again", checkpoint_dir=str(checkpoints), **HOPELESS)
