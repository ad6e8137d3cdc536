"""The epochs that are trained, the weights that are kept, and the files that are written."""

import csv
import json
import re

import keras
import numpy as np
import pytest

from pipeline.terminal.failures import REFUSED, explain
from tests.trainer.small_run import CLASSES, HEIGHT, TRAIN, WIDTH, build, fn_args, make_settings
from trainer import models
from trainer.export.network_weights import NETWORK_WEIGHTS
from trainer.fitting.checkpoints import TrainingState
from trainer.fitting.compiling import compile_model
from trainer.fitting.divergence import DivergedError
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import TrainingSetup
from trainer.fitting.preparation import prepare_run
from trainer.inputs.batches import read_batches
from trainer.inputs.records import read_records
from trainer.training import run_fn

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture
def fitted(small_data, tmp_path):
    """A function that fits the tiny model and returns it with the final state."""

    def fit_once(**config) -> tuple[keras.Model, TrainingState]:
        augment = {"flip_time": False, "noise": 0.0}
        settings = make_settings(**{"epochs": 3, "batch_size": 10, "augment": augment} | config)
        splits = [read_records([str(small_data / f"{name}.*")]) for name in ("train", "validation")]
        run = prepare_run(
            settings,
            str(small_data / "transform"),
            lambda transform: read_batches(*splits, transform, settings),
        )
        compile_model(run.model, settings, run.train.steps)
        setup = TrainingSetup(run.model, run.model, run.train, run.validation)
        return run.model, fit(setup, settings, str(tmp_path))

    return fit_once


def read_weights(model: keras.Model) -> list[np.ndarray]:
    return [weight.numpy() for weight in model.trainable_weights]


def test_all_epochs_are_trained_and_logged_with_rate_and_speed(fitted, tmp_path):
    _, state = fitted()
    with open(tmp_path / "training_log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert float(rows[-1]["learning_rate"]) == pytest.approx(0.02 * 0.01, rel=1e-5)
    assert state.images == 3 * TRAIN
    seconds = sum(TRAIN / float(row["images_per_second"]) for row in rows)
    assert state.training_seconds == pytest.approx(seconds)


@pytest.mark.parametrize(("monitor", "best"), [("val_loss", min), ("val_accuracy", max)])
def test_training_ends_early_and_keeps_the_epoch_with_the_best_value_of_the_chosen_metric(
    fitted, monitor, best
):
    # At this rate some epoch soon is no better than an earlier one.
    _, state = fitted(
        epochs=40, keep_best=monitor, early_stopping=2, schedule={"initial_rate": 1e-7}
    )
    values = [logs[monitor] for logs in state.history]
    assert state.ended
    assert len(values) == state.best_epoch(monitor) + 2 < 40
    assert state.best(monitor) == best(values)


def test_the_model_ends_with_its_best_weights(fitted, tmp_path):
    # At this rate the model gets worse.
    model, state = fitted(keep_best="val_loss", schedule={"initial_rate": 0.5, "kind": "constant"})
    stored = build(HEIGHT, WIDTH, len(CLASSES))
    stored.load_weights(tmp_path / "weights" / "best.weights.h5")
    for weight, expected in zip(model.get_weights(), stored.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert state.best_epoch("val_loss") < 3


@pytest.mark.slow
def test_several_steps_per_execution_only_change_the_speed(fitted):
    one, one_state = fitted(steps_per_execution=1)
    five, five_state = fitted(steps_per_execution=5)
    assert (one.steps_per_execution, five.steps_per_execution) == (1, 5)
    for left, right in zip(read_weights(one), read_weights(five), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    for name in ("val_loss", "val_accuracy", "accuracy"):
        assert [logs[name] for logs in one_state.history] == pytest.approx(
            [logs[name] for logs in five_state.history], abs=1e-5
        )


@pytest.mark.slow
def test_class_weights_multiply_the_training_loss_only(fitted):
    _, state = fitted(epochs=1, schedule={"initial_rate": 1e-9})
    _, heavy = fitted(
        epochs=1,
        schedule={"initial_rate": 1e-9},
        class_weights={"stripe": 3.0, "dot": 3.0, "nothing": 3.0},
    )
    assert heavy.history[0]["loss"] == pytest.approx(3 * state.history[0]["loss"], rel=1e-4)
    assert heavy.history[0]["val_loss"] == pytest.approx(state.history[0]["val_loss"], rel=1e-4)


def test_in_mixed_precision_weights_and_probabilities_are_float32_and_the_policy_is_reset(
    fitted,
):
    model, state = fitted(mixed_precision=True)
    assert keras.mixed_precision.dtype_policy().name == "float32"
    assert model.layers[0].compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"
    assert np.isfinite(state.history[-1]["val_loss"])


def test_training_facts_describe_how_the_model_was_trained(small_data, tmp_path):
    run_fn(
        fn_args(
            small_data,
            tmp_path,
            epochs=1,
            optimizer={"name": "sgd", "momentum": 0.9},
            label_smoothing=0.1,
            class_weights="balanced",
        )
    )
    card = json.loads((tmp_path / "Format-Serving/assets.extra/model.json").read_text())
    facts = json.loads((tmp_path / "model_run" / "training.json").read_text())
    assert card["training"] == facts
    assert facts["optimizer"] == {"name": "sgd", "momentum": 0.9}
    assert (facts["label_smoothing"], facts["class_weights"]) == (0.1, "balanced")
    assert facts["started_from"] == {"kind": "random", "path": "", "identity": ""}
    assert facts["schedule"] == {"initial_rate": 0.02}
    with np.load(tmp_path / "Format-Serving" / NETWORK_WEIGHTS) as arrays:
        assert [list(arrays[name].shape) for name in arrays.files] == card["weights"]


def test_a_run_that_diverges_ends_in_the_batch_in_which_it_does_and_says_why(fitted, tmp_path):
    with pytest.raises(DivergedError) as raised:
        fitted(schedule={"initial_rate": 1e30}, class_weights={"dot": 1000.0})
    assert re.fullmatch(
        r"Training diverged: the loss is (NaN|infinite) in epoch 1, batch [1-5] of 5\. "
        r"Likely reasons: a learning rate that is too high \(schedule\.initial_rate is 1e\+30\), "
        r"large class weights \(class_weights is \{'dot': 1000\.0\}\), or images unlike all "
        r"others\. Lower schedule\.initial_rate or set optimizer\.clip_norm, then run again\.",
        str(raised.value),
    )
    printed = []
    assert explain(raised.value, printed.append, log_file=None, debug=False) == REFUSED
    assert printed == [f"Error: {raised.value}"]
    assert (tmp_path / "training_log.csv").read_text() == "", "no epoch counts"
    assert not (tmp_path / "weights").exists()


def test_a_loss_that_is_nan_on_the_validation_images_only_ends_training_too(
    fitted, monkeypatch, tmp_path
):
    monkeypatch.setitem(models.MODELS, "lopsided", "tests.trainer.lopsided_model")
    message = "the loss is NaN in epoch 1, on the validation images. .*mixed_precision is true"
    with pytest.raises(DivergedError, match=message):
        fitted(model="lopsided", mixed_precision=True)
    assert not (tmp_path / "weights").exists()


def test_an_epoch_whose_metric_is_nan_is_never_the_best():
    state = TrainingState([{"val_loss": loss} for loss in (np.nan, 0.5, 0.4, np.nan, 0.4)])
    assert state.best_epoch("val_loss") == 3
    assert state.best("val_loss") == 0.4
