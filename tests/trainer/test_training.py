"""Pieces of run_fn that whole runs show only indirectly."""

import csv

import keras
import numpy as np
import pytest

from data.invalid import InvalidData
from trainer.progress import EpochLog
from trainer.training import _callbacks, _load_weights


def small_model(units: int = 3) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(units, activation="softmax")], name="small"
    )
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, folder, epochs, early_stopping):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(20, 4)), np.eye(3)[rng.integers(0, 3, 20)]
    log = EpochLog(images_per_epoch=20)
    (folder / "weights").mkdir()
    callbacks = _callbacks(
        log,
        str(folder / "weights" / "best.weights.h5"),
        str(folder),
        {"early_stopping": early_stopping},
    )
    # No learning, so that validation never gets better after the first epoch.
    model.optimizer.learning_rate = 0.0
    model.fit(
        inputs,
        labels,
        batch_size=5,
        epochs=epochs,
        validation_data=(inputs, labels),
        callbacks=callbacks,
        verbose=0,
    )
    with open(folder / "training_log.csv") as file:
        return log, list(csv.DictReader(file))


def test_training_goes_through_all_epochs_unless_told_to_stop_early(tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "early").mkdir()
    _, rows = fit(small_model(), tmp_path / "all", epochs=6, early_stopping=0)
    assert len(rows) == 6
    _, rows = fit(small_model(), tmp_path / "early", epochs=6, early_stopping=2)
    assert len(rows) == 3, "the first epoch, and two without a gain"


def test_the_log_has_rate_and_speed_and_weights_are_written(tmp_path):
    log, rows = fit(small_model(), tmp_path, epochs=2, early_stopping=0)
    assert [float(row["learning_rate"]) for row in rows] == [0.0, 0.0]
    assert log.images == 40
    assert 40 / log.seconds == pytest.approx(
        2 / sum(1 / float(row["images_per_second"]) for row in rows), rel=1e-6
    )
    assert (tmp_path / "weights" / "best.weights.h5").exists()


def test_weights_are_taken_over_and_those_of_another_shape_refused(tmp_path):
    path = str(tmp_path / "first.weights.h5")
    first, second = small_model(), small_model()
    first.save_weights(path)
    _load_weights(second, path)
    for taken, given in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(taken, given)
    with pytest.raises(InvalidData, match=r"do not fit the model small with 5 classes"):
        _load_weights(small_model(units=5), path)


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    path = tmp_path / "no.weights.h5"
    path.write_text("nothing of the kind")
    with pytest.raises(InvalidData, match=r"no\.weights\.h5 do not fit"):
        _load_weights(small_model(), str(path))
