"""A killed training step resumes after its last finished epoch, with the same results."""

import csv
import logging
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from tests.trainer.small_run import CLASSES, HEIGHT, WIDTH, build, make_settings, train
from trainer import models
from trainer.export.model_card import read_model_card
from trainer.fitting.checkpoints import Checkpoints, TrainingState
from trainer.fitting.compiling import compile_model

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_model")]

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


def read_card(output: Path) -> dict:
    return read_model_card(str(output / "Format-Serving"))


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


@pytest.fixture(scope="module")
def whole(small_data, tmp_path_factory) -> Path:
    """The output of the same training without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        train(small_data, folder, early_stopping=4)
    return folder


def test_a_killed_and_resumed_run_has_the_weights_and_logs_of_an_uninterrupted_run(
    small_data, killed, whole, tmp_path, caplog
):
    killed = Path(shutil.copytree(killed, tmp_path / "checkpoints"))
    first, second = sorted(path.name for path in killed.iterdir())
    key, _, _, writer = second.split("-")
    assert (first, second) == (f"{key}-epoch-1-{writer}", f"{key}-epoch-2-{writer}")

    # The kill may also come while the third checkpoint is being written.
    unfinished = killed / f"{key}-epoch-3-{writer}" / "tensorboard" / "train"
    unfinished.mkdir(parents=True)
    (unfinished / "events.out.tfevents.1").write_bytes(b"half an event")

    with caplog.at_level(logging.INFO, "radio_signals"):
        resumed = train(
            small_data, tmp_path / "resumed", early_stopping=4, checkpoint_dir=str(killed)
        )
    assert "resuming at epoch 3 of 5, the first 2 were trained before" in caplog.text
    assert "left out" not in caplog.text
    assert resumed["model_id"] == read_card(whole)["model_id"], "a digest of all weights"
    assert read_training_log(tmp_path / "resumed") == read_training_log(whole)
    assert len(read_training_log(whole)) == 5
    assert read_scalar_steps(tmp_path / "resumed") == read_scalar_steps(whole)
    assert read_scalar_steps(tmp_path / "resumed")["train/epoch/loss"] == [1, 2, 3, 4, 5]

    training = resumed["training"]
    assert training["resumed_after_epochs"] == [2]
    best_epoch = read_card(whole)["training"]["best_epoch"]
    assert (training["epochs"], training["best_epoch"]) == (5, best_epoch)
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
    assert len(list(checkpoints.iterdir())) == 2, "the checkpoints of the first run are still there"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "file", "message"),
    [
        pytest.param(damage, file, message, id=f"{damage.__name__} {file}")
        for damage, message in [
            (cut, r"is damaged: it has [\d,]+ bytes instead of [\d,]+\."),
            (empty, r"is damaged: it has 0 bytes instead of [\d,]+\."),
            (flip_a_bit, r"is damaged: its SHA-256 is not the one in checkpoint\.json\."),
            (remove, r"is missing\."),
        ]
        for file in ("variables.npz", "best.weights.h5", "train/*", "validation/*")
    ]
    + [
        pytest.param(damage, "checkpoint.json", r"is damaged\.", id=f"{damage.__name__} index")
        for damage in (cut, empty, flip_a_bit)
    ],
)
def test_a_damaged_checkpoint_is_left_out_and_the_one_before_is_used(
    checkpoints, tmp_path, caplog, damage, file, message
):
    older, newest = sorted(checkpoints.iterdir())
    (path,) = newest.rglob(file)
    damage(path)
    model = compile_tiny()
    state = open_folder(checkpoints).restore(model, str(tmp_path / "best"), str(tmp_path))
    assert re.fullmatch(
        f"{re.escape(str(path))} {message} This checkpoint is left out.", caplog.messages[0]
    )
    assert len(caplog.messages) == 1
    assert state.epochs == 1
    with np.load(older / "variables.npz") as arrays:
        for index, variable in enumerate(model.variables[: len(model.weights)]):
            np.testing.assert_array_equal(variable.numpy(), arrays[str(index)])
    assert (tmp_path / "best").read_bytes() == (older / "best.weights.h5").read_bytes()


def test_if_all_checkpoints_are_damaged_training_begins_with_the_same_weights_as_without(
    checkpoints, tmp_path, caplog
):
    paths = sorted(checkpoints.rglob("variables.npz"))
    for path in paths:
        cut(path)
    model = compile_tiny()
    before = model.get_weights()
    state = open_folder(checkpoints).restore(model, str(tmp_path / "best"), str(tmp_path))
    assert state == TrainingState()
    assert [message.split(" is ")[0] for message in caplog.messages] == [
        str(path) for path in reversed(paths)
    ]
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert not (tmp_path / "best").exists()


def test_a_checkpoint_of_other_variables_is_left_out(checkpoints, tmp_path, caplog):
    model = build(HEIGHT, WIDTH, len(CLASSES) + 1)
    compile_model(model, make_settings(), 7)
    state = open_folder(checkpoints).restore(model, str(tmp_path / "best"), str(tmp_path))
    assert state == TrainingState()
    assert "variables.npz does not fit the model. This checkpoint is left out." in caplog.text


@pytest.mark.parametrize("damaged", [1, pytest.param(2, marks=pytest.mark.long)])
def test_training_after_damage_ends_with_the_weights_of_an_uninterrupted_run(
    small_data, killed, whole, tmp_path, damaged
):
    folder = Path(shutil.copytree(killed, tmp_path / "checkpoints"))
    for path in sorted(folder.rglob("checkpoint.json"))[-damaged:]:
        cut(path)
    resumed = train(small_data, tmp_path, early_stopping=4, checkpoint_dir=str(folder))
    assert resumed["training"]["resumed_after_epochs"] == [1][damaged - 1 :]
    assert resumed["model_id"] == read_card(whole)["model_id"]
    assert list(folder.iterdir()) == [], "damaged checkpoints are removed too"


def test_processes_that_train_the_same_run_at_once_keep_each_others_checkpoints(tmp_path):
    model, folder, best = compile_tiny(), tmp_path / "checkpoints", str(tmp_path / "best")
    model.optimizer.build(model.trainable_variables)
    build(HEIGHT, WIDTH, len(CLASSES)).save_weights(tmp_path / "best.weights.h5")
    shutil.move(tmp_path / "best.weights.h5", best)

    def start() -> Checkpoints:
        checkpoints = Checkpoints(str(folder), "0123456789abcdef")
        checkpoints.epochs = checkpoints.restore(model, best, str(tmp_path)).epochs
        return checkpoints

    def save(checkpoints: Checkpoints, epoch: int) -> None:
        history = [{"val_loss": 1.0}] * epoch
        checkpoints.save(model, TrainingState(history), best, str(tmp_path))

    def list_epochs() -> list[int]:
        return sorted(int(path.name.split("-")[2]) for path in folder.iterdir())

    first = start()
    save(first, 1)
    save(first, 2)
    second = start()
    assert second.epochs == 2
    save(second, 3)
    save(first, 3)
    assert list_epochs() == [2, 3, 3], "the second process needs none of the first epoch"
    save(first, 4)
    save(second, 4)
    assert list_epochs() == [3, 3, 4, 4]
    second.remove()
    assert list_epochs() == [3, 4], "those of the process that still trains"
    assert start().epochs == 4
    first.remove()
    assert list(folder.iterdir()) == []


def open_folder(folder: Path) -> Checkpoints:
    """Return the checkpoints of the only run in a folder."""
    (key,) = {path.name.partition("-")[0] for path in folder.iterdir()}
    return Checkpoints(str(folder), key)


def compile_tiny() -> keras.Model:
    model = build(HEIGHT, WIDTH, len(CLASSES))
    compile_model(model, make_settings(), 7)
    return model
