"""What training starts from: weights of a file, of a pushed model, or random ones."""

import json
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
from tests.trainer.small_run import CLASSES, HEIGHT, LAYOUT, WIDTH, build, fn_args
from trainer import models
from trainer.fitting.starting_weights import Start, find_newest_fitting, load_starting_weights
from trainer.settings import resolve
from trainer.training import run_fn

pytestmark = pytest.mark.usefixtures("tiny_model")


def settings(**configured):
    return resolve(
        {**LAYOUT, "model": "tiny", "epochs": 1, "batch_size": 8, "seed": 0} | configured
    )


@pytest.fixture(scope="module")
def exported(small_data, tmp_path_factory) -> Path:
    """A model as the Trainer exports it."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.MODELS, "tiny", "tests.trainer.small_run")
        run_fn(fn_args(small_data, folder, epochs=1))
    return folder


@pytest.fixture
def serving(exported, tmp_path):
    """A serving folder; pushes copies of the exported model, with another card on request."""
    folder = tmp_path / "serving"

    def push(version: int, **changes) -> Path:
        pushed = Path(shutil.copytree(exported / "Format-Serving", folder / str(version)))
        card = pushed / "assets.extra" / "model.json"
        card.write_text(json.dumps(json.loads(card.read_text()) | changes))
        return pushed

    push.folder = folder
    return push


def best_weights(exported: Path) -> list[np.ndarray]:
    model = build(HEIGHT, WIDTH, len(CLASSES))
    model.load_weights(exported / "model_run" / "weights" / "best.weights.h5")
    return model.get_weights()


def test_each_weight_is_stored_once_and_nothing_of_the_optimiser(exported):
    weights = build(HEIGHT, WIDTH, len(CLASSES)).count_params()
    served = dict(tf.train.list_variables(exported / "Format-Serving" / "variables" / "variables"))
    del served["_CHECKPOINTABLE_OBJECT_GRAPH"]
    assert sum(np.prod(shape) for shape in served.values()) == weights
    sizes = {}
    with h5py.File(exported / "model_run" / "weights" / "best.weights.h5") as file:
        file.visititems(lambda name, item: sizes.update({name: getattr(item, "size", 0)}))
    assert sum(sizes.values()) == weights
    assert not [name for name in sizes if "optimizer" in name]


def assert_same(model: keras.Model, weights: list[np.ndarray]) -> None:
    for taken, given in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(taken, given)


@pytest.mark.parametrize("from_folder", [False, True])
def test_a_warm_start_takes_the_pushed_models_weights(exported, serving, from_folder):
    pushed = serving(1700000000)
    model = build(HEIGHT, WIDTH, len(CLASSES))
    place = serving.folder if from_folder else pushed
    start = load_starting_weights(model, settings(warm_start_from=str(place)))
    assert_same(model, best_weights(exported))
    card = json.loads((pushed / "assets.extra" / "model.json").read_text())
    assert start == Start("pushed model", str(pushed), card["model_id"])


def test_the_newest_model_that_fits_is_taken_and_it_is_said_which_were_passed_over(serving):
    serving(1, classes=list(CLASSES))
    fitting = serving(2)
    serving(3, classes=["dot", "stripe", "nothing"])
    serving(4, height=2 * HEIGHT)
    serving(5, weights=[[3, 3, 1, 99]])
    serving(6, normalise="levels")
    model = build(HEIGHT, WIDTH, len(CLASSES))
    pushed, found = find_newest_fitting(str(serving.folder), model, list(CLASSES), "image")
    assert pushed.path == str(fitting)
    assert found == (
        f"warm start from {fitting}; passed over: 6 sees images normalised otherwise, "
        "5 is of another architecture, 4 is for another image size, 3 is for other classes"
    )


def test_without_a_pushed_model_training_starts_from_random_weights_and_says_so(
    serving, tmp_path, caplog
):
    model = build(HEIGHT, WIDTH, len(CLASSES))
    before = model.get_weights()
    with caplog.at_level(logging.INFO, "radio_signals"):
        start = load_starting_weights(model, settings(warm_start_from=str(tmp_path / "nowhere")))
    assert start == Start()
    assert_same(model, before)
    assert "nothing has been pushed yet; training starts from random weights" in caplog.text
    serving(1, classes=["a", "b"])
    _, found = find_newest_fitting(str(serving.folder), model, list(CLASSES), "image")
    assert "no pushed model fits: 1 is for other classes" in found


def test_a_pushed_model_that_was_named_and_does_not_fit_is_refused(serving):
    pushed = serving(1, weights=[[1]])
    with pytest.raises(InvalidData, match=rf"{pushed} is of another architecture"):
        load_starting_weights(
            build(HEIGHT, WIDTH, len(CLASSES)), settings(warm_start_from=str(pushed))
        )


def test_a_weights_file_is_taken_over_and_named(exported):
    path = str(exported / "model_run" / "weights" / "best.weights.h5")
    model = build(HEIGHT, WIDTH, len(CLASSES))
    start = load_starting_weights(model, settings(initial_weights=path))
    assert_same(model, best_weights(exported))
    assert start == Start("weights file", path, fingerprint_file(path))


def test_weights_of_another_shape_are_refused(exported):
    path = str(exported / "model_run" / "weights" / "best.weights.h5")
    with pytest.raises(InvalidData, match=r"do not fit the model tiny with 5 classes"):
        load_starting_weights(build(HEIGHT, WIDTH, 5), settings(initial_weights=path))


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    path = tmp_path / "no.weights.h5"
    path.write_text("nothing of the kind")
    with pytest.raises(InvalidData, match=r"no\.weights\.h5 do not fit"):
        load_starting_weights(
            build(HEIGHT, WIDTH, len(CLASSES)), settings(initial_weights=str(path))
        )
