"""Training batches depend on the seed and their number, and on nothing else."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.trainer.small_run import CLASSES, HEIGHT, TRAIN, VALIDATION, WIDTH
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import TrainingBatches, read_validation_batches
from trainer.inputs.records import read_records


@pytest.fixture(scope="module")
def records(small_data):
    return read_records([str(small_data / "train.*")])


@pytest.fixture(scope="module")
def transform(small_data):
    return tft.TFTransformOutput(str(small_data / "transform"))


@pytest.fixture
def make_batches(records, transform):
    def make(seed: int = 0, augmentation: Augmentation | None = None) -> TrainingBatches:
        augmentation = augmentation or Augmentation()
        return TrainingBatches(records, transform, len(CLASSES), 8, seed, augmentation)

    return make


def read_images(dataset: tf.data.Dataset) -> list[np.ndarray]:
    return [images.numpy() for images, _ in dataset]


def test_an_epoch_includes_every_image_once_in_its_own_order(make_batches, records, transform):
    stored = np.concatenate(
        read_images(read_validation_batches(records, transform, len(CLASSES), 8).dataset)
    ).reshape(TRAIN, -1)
    train = make_batches()
    assert (train.images, train.steps) == (TRAIN, 7)
    orders = []
    for epoch in range(3):
        batches = read_images(train.read_epochs(epoch, epoch + 1))
        assert [len(batch) for batch in batches] == [8, 8, 8, 8, 8, 8, 2]
        images = np.concatenate(batches).reshape(TRAIN, -1)
        orders.append([int(np.argmin(((stored - image) ** 2).sum(1))) for image in images])
        np.testing.assert_array_equal(images, stored[orders[-1]])
        assert sorted(orders[-1]) == list(range(TRAIN))
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_a_later_epoch_can_be_read_without_the_earlier_ones(make_batches):
    train = make_batches(augmentation=Augmentation(flip_time=True, noise=0.3, shift_frequency=0.2))
    for late, whole in zip(
        read_images(train.read_epochs(2, 4)), read_images(train.read_epochs(0, 4))[14:], strict=True
    ):
        np.testing.assert_array_equal(late, whole)


def test_another_seed_gives_another_order_and_another_augmentation(make_batches):
    assert (
        read_images(make_batches(0).read_epochs(0, 1))[0]
        != read_images(make_batches(1).read_epochs(0, 1))[0]
    ).any()


def test_images_keep_their_labels(make_batches):
    images, labels = next(
        iter(make_batches(augmentation=Augmentation(noise=1e-6)).read_epochs(0, 1))
    )
    assert images.shape == (8, HEIGHT, WIDTH, 1)
    bright = np.sort(images.numpy().reshape(8, -1), axis=1)[:, -WIDTH:].mean(axis=1)
    # Stripes and dots are bright, the third class is not.
    np.testing.assert_array_equal(bright > 2, labels.numpy().argmax(axis=1) < 2)


def test_the_labels_of_the_whole_split_can_be_read(make_batches):
    assert np.bincount(make_batches().read_labels()).tolist() == [26, 12, 12]


def test_validation_is_read_in_stored_order(small_data, transform):
    split = read_records([str(small_data / "validation.*")])
    validation = read_validation_batches(split, transform, len(CLASSES), 8)
    labels = np.concatenate([labels.numpy().argmax(1) for _, labels in validation.dataset])
    np.testing.assert_array_equal(labels, np.maximum(np.arange(VALIDATION) % 4 - 1, 0))
    assert validation.images == VALIDATION
    assert int(validation.dataset.cardinality()) == 3


def test_no_iterator_waits_for_a_tuner_when_it_is_freed(make_batches, records, transform):
    validation = read_validation_batches(records, transform, len(CLASSES), 8)
    for dataset in (make_batches().read_epochs(0, 1), validation.dataset):
        assert dataset.options().autotune.enabled is False
