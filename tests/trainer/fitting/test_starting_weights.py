"""Training starts from random weights, from those of a file, or from those of a pushed model."""

import logging
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from data.fingerprint import fingerprint_file
from data.invalid import InvalidData
from tests.trainer.small_run import CLASSES, HEIGHT, WIDTH, build, fn_args, make_settings
from trainer import models
from trainer.export.model_card import read_model_card, write_model_card
from trainer.export.network_weights import NETWORK_WEIGHTS
from trainer.fitting.starting_weights import Start, find_newest_fitting, load_starting_weights
from trainer.training import run_fn

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture(scope="module")
def exported(small_data, tmp_path_factory) -> Path:
    """A model that the Trainer exported."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        run_fn(fn_args(small_data, folder, epochs=1))
    return folder


@pytest.fixture
def serving(exported, tmp_path):
    """A function that copies the exported model to a serving folder, with changes to its card."""
    folder = tmp_path / "serving"

    def push(version: int, **changes) -> Path:
        pushed = Path(shutil.copytree(exported / "Format-Serving", folder / str(version)))
        write_model_card(str(pushed), read_model_card(str(pushed)) | changes)
        return pushed

    push.folder = folder
    return push


def read_best_weights(exported: Path) -> list[np.ndarray]:
    model = build(HEIGHT, WIDTH, len(CLASSES))
    model.load_weights(exported / "model_run" / "weights" / "best.weights.h5")
    return model.get_weights()


def test_an_exported_model_has_no_variables_and_the_optimiser_is_not_stored(exported):
    serving = exported / "Format-Serving"
    stored = tf.train.list_variables(serving / "variables" / "variables")
    assert [name for name, _ in stored] == ["_CHECKPOINTABLE_OBJECT_GRAPH"]
    weights = build(HEIGHT, WIDTH, len(CLASSES)).count_params()
    with np.load(serving / NETWORK_WEIGHTS) as arrays:
        assert sum(arrays[name].size for name in arrays.files) == weights
    sizes = {}
    with h5py.File(exported / "model_run" / "weights" / "best.weights.h5") as file:
        file.visititems(lambda name, item: sizes.update({name: getattr(item, "size", 0)}))
    assert sum(sizes.values()) == weights
    assert not [name for name in sizes if "optimizer" in name]


def assert_same(model: keras.Model, weights: list[np.ndarray]) -> None:
    for weight, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("from_folder", [False, True])
def test_a_warm_start_loads_the_weights_of_the_pushed_model(exported, serving, from_folder):
    pushed = serving(1700000000)
    model = build(HEIGHT, WIDTH, len(CLASSES))
    path = serving.folder if from_folder else pushed
    start = load_starting_weights(model, make_settings(warm_start_from=str(path)))
    assert_same(model, read_best_weights(exported))
    card = read_model_card(str(pushed))
    assert start == Start("pushed model", str(pushed), card["model_id"])


def test_the_newest_fitting_model_is_chosen_and_the_others_are_named(serving):
    serving(1, classes=list(CLASSES))
    fitting = serving(2)
    serving(3, classes=["dot", "stripe", "nothing"])
    serving(4, height=2 * HEIGHT)
    serving(5, weights=[[3, 3, 1, 99]])
    serving(6, normalise="levels")
    serving(7, files={"saved_model.pb": fingerprint_file(str(fitting / "saved_model.pb"))})
    model = build(HEIGHT, WIDTH, len(CLASSES))
    pushed, explanation = find_newest_fitting(str(serving.folder), model, list(CLASSES), "image")
    assert pushed.path == str(fitting)
    assert explanation == (
        f"warm start from {fitting}; passed over: 7 does not hold its weights in a file, "
        "6 uses another normalisation, 5 has another architecture, 4 is for another image size, "
        "3 is for other classes"
    )


def test_without_a_pushed_model_training_starts_from_random_weights_and_says_so(
    serving, tmp_path, caplog
):
    model = build(HEIGHT, WIDTH, len(CLASSES))
    before = model.get_weights()
    with caplog.at_level(logging.INFO, "radio_signals"):
        start = load_starting_weights(
            model, make_settings(warm_start_from=str(tmp_path / "nowhere"))
        )
    assert start == Start()
    assert_same(model, before)
    assert "nothing has been pushed yet; training starts from random weights" in caplog.text
    serving(1, classes=["a", "b"])
    _, explanation = find_newest_fitting(str(serving.folder), model, list(CLASSES), "image")
    assert "no pushed model fits: 1 is for other classes" in explanation


def test_a_pushed_model_that_is_named_but_does_not_fit_is_refused(serving):
    pushed = serving(1, weights=[[1]])
    with pytest.raises(InvalidData, match=rf"{pushed} has another architecture"):
        load_starting_weights(
            build(HEIGHT, WIDTH, len(CLASSES)), make_settings(warm_start_from=str(pushed))
        )


def test_a_weights_file_is_loaded_and_named(exported):
    path = str(exported / "model_run" / "weights" / "best.weights.h5")
    model = build(HEIGHT, WIDTH, len(CLASSES))
    start = load_starting_weights(model, make_settings(initial_weights=path))
    assert_same(model, read_best_weights(exported))
    assert start == Start("weights file", path, fingerprint_file(path))


def test_a_weights_file_with_other_shapes_is_refused(exported):
    path = str(exported / "model_run" / "weights" / "best.weights.h5")
    with pytest.raises(InvalidData, match=r"do not fit the model tiny with 5 classes"):
        load_starting_weights(build(HEIGHT, WIDTH, 5), make_settings(initial_weights=path))


def test_a_file_without_weights_is_refused(tmp_path):
    path = tmp_path / "no.weights.h5"
    path.write_text("no weights")
    with pytest.raises(InvalidData, match=r"no\.weights\.h5 do not fit"):
        load_starting_weights(
            build(HEIGHT, WIDTH, len(CLASSES)), make_settings(initial_weights=str(path))
        )
