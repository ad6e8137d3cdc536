"""A killed training step goes on from its last finished epoch, as if nothing had happened."""

import csv
import json
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
from tests.trainer.small_run import fn_args
from trainer import models
from trainer.training import run_fn

pytestmark = pytest.mark.usefixtures("tiny_model")

# Kills itself, as from outside, when the training log announces epoch 3: before that epoch's
# checkpoint, after those of the first two.
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


def train(data: Path, output: Path, **settings) -> dict:
    """Run the step; return the model card."""
    run_fn(fn_args(data, output, **settings))
    return json.loads((output / "Format-Serving" / "assets.extra" / "model.json").read_text())


def rows(output: Path) -> list[dict]:
    """The training log without its speed."""
    with open(output / "model_run" / "training_log.csv") as file:
        return [
            {name: value for name, value in row.items() if name != "images_per_second"}
            for row in csv.DictReader(file)
        ]


def scalars(output: Path) -> dict[str, list[int]]:
    """Steps of TensorBoard's scalars by name."""
    steps: dict[str, list[int]] = {}
    for file in sorted((output / "model_run" / "tensorboard").rglob("*tfevents*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                steps.setdefault(f"{file.parent.name}/{value.tag}", []).append(event.step)
    return steps


@pytest.fixture(scope="module")
def killed(small_data, tmp_path_factory) -> Path:
    """A folder of checkpoints that a killed process left."""
    folder = tmp_path_factory.mktemp("killed")
    finished = subprocess.run(
        [sys.executable, "-c", KILLED, small_data, folder / "output", folder / "checkpoints"],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == -signal.SIGKILL, finished.stderr[-2000:]
    return folder / "checkpoints"


def test_a_killed_run_ends_with_the_weights_and_logs_of_one_that_was_not(
    small_data, killed, tmp_path, caplog
):
    (run_folder,) = killed.iterdir()
    left = {path.name for path in run_folder.iterdir()}
    assert {"checkpoint.json", "epoch-2"} < left
    assert len(left) == 3, "and the best weights: nothing of the epoch before"

    # As if the kill had come while the third was being written.
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
    assert rows(tmp_path / "resumed") == rows(tmp_path / "whole")
    assert len(rows(tmp_path / "whole")) == 5
    assert scalars(tmp_path / "resumed") == scalars(tmp_path / "whole")
    assert scalars(tmp_path / "resumed")["train/epoch/loss"] == [1, 2, 3, 4, 5]

    training = resumed["training"]
    assert training["resumed_after_epochs"] == [2]
    assert (training["epochs"], training["best_epoch"]) == (5, whole["training"]["best_epoch"])
    with open(tmp_path / "resumed" / "model_run" / "training_log.csv") as file:
        speeds = [float(row["images_per_second"]) for row in csv.DictReader(file)]
    harmonic_mean = len(speeds) / sum(1 / speed for speed in speeds)
    assert training["images_per_second"] == pytest.approx(harmonic_mean), "of all five epochs"
    assert training["seconds"] > sum(50 / speed for speed in speeds)
    assert list(killed.iterdir()) == [], "nothing is left to go on with"


# A rate of nearly nothing, so that the first epoch stays the best and training ends early.
HOPELESS = {"schedule": {"initial_rate": 1e-9}, "keep_best": "val_loss", "early_stopping": 1}


@pytest.fixture(scope="module")
def broken(small_data, tmp_path_factory) -> Path:
    """A run all of whose epochs were trained, and that broke while exporting."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "Format-Serving").write_text("a file where a folder has to go")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        with pytest.raises(Exception, match="Format-Serving"):
            train(small_data, folder, checkpoint_dir=str(folder / "checkpoints"), **HOPELESS)
    return folder


@pytest.fixture
def checkpoints(broken, tmp_path) -> Path:
    """A copy of what it left."""
    return Path(shutil.copytree(broken / "checkpoints", tmp_path / "checkpoints"))


def test_after_the_last_epoch_nothing_is_trained_again(
    small_data, broken, checkpoints, tmp_path, caplog
):
    with caplog.at_level(logging.INFO, "radio_signals"):
        resumed = train(
            small_data, tmp_path / "resumed", checkpoint_dir=str(checkpoints), **HOPELESS
        )
    trained = rows(broken)
    assert f"all {len(trained)} epochs were trained before" in caplog.text
    assert resumed["training"]["epochs"] == len(trained) < 5, "ended early"
    assert (tmp_path / "resumed" / "model_run" / "weights" / "best.weights.h5").exists()
    assert rows(tmp_path / "resumed") == trained


def test_a_run_never_goes_on_from_anothers_checkpoint(small_data, checkpoints, tmp_path):
    settings = {**HOPELESS, "checkpoint_dir": str(checkpoints), "seed": 1}
    other = train(small_data, tmp_path / "other", **settings)
    assert other["training"]["resumed_after_epochs"] == []
    assert len(list(checkpoints.iterdir())) == 1, "the first one's is still there"


def test_a_checkpoint_that_cannot_be_read_is_named(small_data, checkpoints, tmp_path):
    (variables,) = checkpoints.rglob("variables.npz")
    variables.write_bytes(b"no archive")
    with pytest.raises(InvalidData, match=r"checkpoint in .* cannot be read .* Delete that folder"):
        train(small_data, tmp_path / "again", checkpoint_dir=str(checkpoints), **HOPELESS)
