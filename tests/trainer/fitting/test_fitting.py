"""Fitting: which epochs are trained, which weights are kept, and what is written of it."""

import csv
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.trainer.small_run import LAYOUT, TRAIN, fn_args
from trainer.fitting.checkpoints import TrainingState
from trainer.fitting.compiling import build_model, compile_model
from trainer.fitting.fitting import fit
from trainer.fitting.precomputed import TrainingSetup
from trainer.fitting.preparation import make_repeatable
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import TrainingBatches, read_records, read_validation_batches
from trainer.settings import resolve
from trainer.training import run_fn

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture
def fitted(small_data, tmp_path):
    """Fits the tiny model; returns it with the state at the end."""

    def fit_once(**configured) -> tuple[keras.Model, TrainingState]:
        settings = resolve(
            {**LAYOUT, "model": "tiny", "epochs": 3, "batch_size": 10, "seed": 0, **configured}
        )
        make_repeatable(settings.seed)
        transform = tft.TFTransformOutput(str(small_data / "transform"))
        train = TrainingBatches(
            read_records([str(small_data / "train.*")]), transform, 3, 10, 0, Augmentation()
        )
        validation = read_validation_batches(
            read_records([str(small_data / "validation.*")]), transform, 3, 10
        )
        model = build_model(settings)
        compile_model(model, settings, train.steps)
        task = TrainingSetup(model, model, train, validation)
        return model, fit(task, settings, str(tmp_path))

    return fit_once


def weights_of(model: keras.Model) -> list[np.ndarray]:
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
def test_training_ends_early_and_keeps_the_epoch_that_the_chosen_figure_says_is_best(
    fitted, monitor, best
):
    # So slowly that some epoch soon is no better than one before.
    _, state = fitted(
        epochs=40, keep_best=monitor, early_stopping=2, schedule={"initial_rate": 1e-7}
    )
    values = [logs[monitor] for logs in state.history]
    assert state.ended
    assert len(values) == state.best_epoch(monitor) + 2 < 40
    assert state.best(monitor) == best(values)


def test_the_model_is_left_with_its_best_weights(fitted, tmp_path):
    # So fast that it gets worse.
    model, state = fitted(keep_best="val_loss", schedule={"initial_rate": 0.5, "kind": "constant"})
    again = keras.models.clone_model(model)
    again.load_weights(tmp_path / "weights" / "best.weights.h5")
    for left, kept in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(left, kept)
    assert state.best_epoch("val_loss") < 3


def test_several_steps_an_execution_change_nothing_but_speed(fitted):
    one, one_state = fitted()
    five, five_state = fitted(steps_per_execution=5)
    assert (one.steps_per_execution, five.steps_per_execution) == (1, 5)
    for left, right in zip(weights_of(one), weights_of(five), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    for name in ("val_loss", "val_accuracy", "accuracy"):
        assert [logs[name] for logs in one_state.history] == pytest.approx(
            [logs[name] for logs in five_state.history], abs=1e-5
        )


def test_class_weights_are_of_the_loss(fitted):
    _, state = fitted(epochs=1, schedule={"initial_rate": 1e-9})
    _, heavy = fitted(
        epochs=1,
        schedule={"initial_rate": 1e-9},
        class_weights={"stripe": 3.0, "dot": 3.0, "nothing": 3.0},
    )
    assert heavy.history[0]["loss"] == pytest.approx(3 * state.history[0]["loss"], rel=1e-4)
    assert heavy.history[0]["val_loss"] == pytest.approx(state.history[0]["val_loss"], rel=1e-4)


def test_in_mixed_precision_weights_and_probabilities_are_float32_and_the_policy_does_not_stay(
    fitted,
):
    model, state = fitted(mixed_precision=True)
    assert keras.mixed_precision.dtype_policy().name == "float32"
    assert model.layers[0].compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.outputs[0].dtype == "float32"
    assert np.isfinite(state.history[-1]["val_loss"])


def test_training_facts_say_how_the_model_was_made(small_data, tmp_path):
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
    loaded = tf.saved_model.load(str(tmp_path / "Format-Serving"))
    assert [list(weight.shape) for weight in loaded.network_weights] == card["weights"]
