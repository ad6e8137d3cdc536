"""The event files of a training run, as TensorBoard reads them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.quality.confusion_matrix import ConfusionMatrix
from trainer.watching.epoch_log import EpochLog
from trainer.watching.tensorboard_log import TensorBoardLog

CLASSES = ["squiggle", "narrowbanddrd", "narrowband", "noise"]


def images_and_labels(classes: int, height: int, width: int, images: int = 24):
    rng = np.random.default_rng(0)
    labels = np.eye(classes, dtype=np.float32)[np.arange(images) % classes]
    return rng.normal(size=(images, height, width, 1)).astype(np.float32), labels


def train(folder, classes, size, epochs, callbacks=(), mistakes_every=2):
    """Train a small model, without a TensorBoardLog if `folder` is None."""
    keras.utils.set_random_seed(0)
    image = keras.Input((*size, 1))
    pooled = keras.layers.Dropout(0.5)(keras.layers.AveragePooling2D(size[0] // 4)(image))
    features = keras.layers.Flatten()(pooled)
    model = keras.Model(image, keras.layers.Dense(len(classes), activation="softmax")(features))
    confusion_matrix = ConfusionMatrix(len(classes))
    data = tf.data.Dataset.from_tensor_slices(images_and_labels(len(classes), *size)).batch(8)
    log = TensorBoardLog(str(folder), classes, confusion_matrix, data, mistakes_every)
    model.compile(
        keras.optimizers.Adam(0.25),
        "categorical_crossentropy",
        metrics=["accuracy", *([confusion_matrix] if folder else [])],
        jit_compile=False,
    )
    history = model.fit(
        data,
        epochs=epochs,
        validation_data=data,
        callbacks=[EpochLog(24), *([log] if folder else []), *callbacks],
        verbose=0,
        shuffle=False,
    ).history
    return model, history, confusion_matrix, log


def read_tensors(folder) -> dict[str, list]:
    """Return (epoch, tensor) of every event, by tag."""
    # 0 keeps all events.
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return {
        tag: [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def decode_png(tensor) -> np.ndarray:
    """Return the pixels of an image summary, whose tensor is width, height and PNG."""
    width, height, encoded = tensor
    decoded = tf.io.decode_png(encoded).numpy()
    assert decoded.shape[:2] == (int(height), int(width))
    return decoded


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A model trained for four epochs, its history, its folder, and the events after each epoch."""
    folder = tmp_path_factory.mktemp("tensorboard")
    counts = []

    def count_events(epoch, logs):
        scalars = read_tensors(folder / "train")["epoch/loss"]
        plots = read_tensors(folder / "validation")["pictures/confusion matrix"]
        counts.append((len(scalars), len(plots)))

    counter = keras.callbacks.LambdaCallback(on_epoch_end=count_events)
    model, history, _, _ = train(folder, CLASSES, (8, 16), 4, [counter])
    return model, history, folder, counts


def test_every_metric_of_the_logs_becomes_a_scalar_of_its_epoch(watched):
    _, history, folder, _ = watched
    training, validation = read_tensors(folder / "train"), read_tensors(folder / "validation")
    names = {"loss", "accuracy", "lowest_recall"}
    assert set(training) == {
        f"epoch/{name}" for name in names | {"learning_rate", "images_per_second"}
    }
    assert {tag for tag in validation if tag.startswith("epoch/")} == {
        f"epoch/{name}" for name in names
    }
    for name, values in history.items():
        run = validation if name.startswith("val_") else training
        written = run["epoch/" + name.removeprefix("val_")]
        assert [epoch for epoch, _ in written] == [1, 2, 3, 4]
        assert [float(value) for _, value in written] == pytest.approx(values, rel=1e-6)
    assert [float(value) for _, value in training["epoch/learning_rate"]] == [0.25] * 4


def test_confusion_matrices_are_written_every_epoch_and_mistakes_every_other(watched):
    written = read_tensors(watched[2] / "validation")
    assert [epoch for epoch, _ in written["pictures/confusion matrix"]] == [1, 2, 3, 4]
    assert [epoch for epoch, _ in written["pictures/misclassified"]] == [2, 4]
    for _, tensor in written["pictures/confusion matrix"]:
        assert decode_png(tensor).shape == (455, 616, 3)


def test_an_epoch_is_visible_before_the_next_begins(watched):
    assert watched[3] == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_watching_does_not_change_weights(watched):
    unwatched = train(None, CLASSES, (8, 16), epochs=4)[0]
    for one, other in zip(watched[0].get_weights(), unwatched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_seven_classes_of_large_spectrograms_can_be_plotted(tmp_path):
    classes = [*CLASSES, "brightpixel", "squarepulsednarrowband", "squigglesquarepulsednarrowband"]
    _, _, confusion_matrix, log = train(tmp_path, classes, (384, 512), epochs=1)
    assert confusion_matrix.counts().shape == (7, 7)
    assert confusion_matrix.counts().sum() == 24
    log.show_mistakes("misclassified by the exported model", epoch=1)
    written = read_tensors(tmp_path / "validation")
    assert decode_png(written["pictures/confusion matrix"][0][1]).shape == (769, 1003, 3)
    [(epoch, plot)] = written["pictures/misclassified by the exported model"]
    assert epoch == 1
    assert decode_png(plot).shape[1] == 1200
