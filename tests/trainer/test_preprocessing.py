"""preprocessing_fn: shapes, values, dead channels and images without contrast."""

import numpy as np
import pytest
import tensorflow as tf

from data.simulation.interference import DeadBand, Interference, carrier
from data.simulation.spectrogram import simulate_spectrogram
from trainer.preprocessing import preprocessing_fn

HEIGHT, WIDTH = 4, 6


def preprocess(levels: np.ndarray, **config) -> dict[str, tf.Tensor]:
    inputs = {
        "image": tf.constant([image.tobytes() for image in levels]),
        "label": tf.range(len(levels), dtype=tf.int64),
    }
    layout = {"height": float(HEIGHT), "width": float(WIDTH)}
    return preprocessing_fn(inputs, layout | config)


@pytest.fixture
def levels():
    return np.random.default_rng(0).integers(0, 256, (5, HEIGHT, WIDTH), dtype=np.uint8)


def test_images_keep_their_rows_and_columns_and_get_one_channel(levels):
    images = preprocess(levels)["image"]
    assert images.shape == (5, HEIGHT, WIDTH, 1)
    pixels = levels / 255
    expected = (pixels - pixels.mean((1, 2), keepdims=True)) / pixels.std((1, 2), keepdims=True)
    np.testing.assert_allclose(images[..., 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "config", [{"normalise": "levels"}, {"model": "reference", "normalise": None}]
)
def test_grey_levels_are_kept_if_the_model_or_the_configuration_says_so(levels, config):
    images = preprocess(levels, **config)["image"]
    np.testing.assert_allclose(images[..., 0], levels / 255, rtol=1e-6)


@pytest.mark.parametrize(
    "config", [{"normalise": "image", "model": "reference"}, {"model": "compact"}]
)
def test_images_are_standardised_for_other_models_and_on_request(levels, config):
    np.testing.assert_array_equal(
        preprocess(levels, **config)["image"], preprocess(levels)["image"]
    )


def test_each_image_is_standardised_on_its_own(levels):
    together = preprocess(levels)["image"]
    single = preprocess(levels[2:3])["image"]
    np.testing.assert_array_equal(together[2:3], single)


def test_brightness_and_contrast_of_the_rendering_do_not_matter():
    levels = np.random.default_rng(1).integers(0, 60, (1, HEIGHT, WIDTH), dtype=np.uint8)
    brighter = (3 * levels + 40).astype(np.uint8)
    np.testing.assert_allclose(
        preprocess(levels)["image"], preprocess(brighter)["image"], atol=1e-4
    )


def test_inverting_the_rendering_only_changes_the_sign(levels):
    np.testing.assert_allclose(
        preprocess(255 - levels)["image"], -preprocess(levels)["image"], atol=1e-5
    )


@pytest.mark.parametrize("level", [0, 255])
def test_dead_channels_and_their_neighbours_become_zero_and_do_not_count(levels, level):
    dead = levels.copy()
    dead[:, :, 4] = level
    images = preprocess(dead)["image"].numpy()[..., 0]
    spoilt = [3, 4, 5]
    np.testing.assert_array_equal(images[:, :, spoilt], 0)
    alive = np.delete(levels, spoilt, axis=2) / 255
    expected = (alive - alive.mean((1, 2), keepdims=True)) / alive.std((1, 2), keepdims=True)
    np.testing.assert_allclose(np.delete(images, spoilt, axis=2), expected, atol=1e-5)


def test_channels_without_power_are_found_despite_leakage_and_strong_lines_are_kept():
    dead_columns, line_column = [20, 71, 100], 50
    lines = [carrier(line_column / 128, strength) for strength in (5.0, 10.0, 20.0)]
    levels = np.stack(
        [
            simulate_spectrogram(
                None,
                64,
                128,
                np.random.default_rng(seed),
                interference=Interference(
                    carriers=(line,),
                    dead_bands=tuple(DeadBand(column / 128, 1 / 128) for column in dead_columns),
                ),
            )
            for seed, line in enumerate(lines)
        ]
    )
    images = preprocess(levels, height=64, width=128)["image"].numpy()[..., 0]
    zero = ~images.any(axis=1)
    spoilt = [19, 20, 21, 70, 71, 72, 99, 100, 101]
    assert [np.flatnonzero(channels).tolist() for channels in zero] == [spoilt] * 3
    # The lines remain, and stronger lines are further from the noise.
    depths = np.abs(images[:, :, line_column].mean(axis=1))
    assert (np.diff(depths) > 0.5).all()


def test_a_constant_image_becomes_zeros():
    np.testing.assert_array_equal(
        preprocess(np.full((1, HEIGHT, WIDTH), 77, np.uint8))["image"], np.zeros((1, 4, 6, 1))
    )


def test_labels_pass_through(levels):
    np.testing.assert_array_equal(preprocess(levels)["label"], np.arange(5))


def test_an_image_of_another_size_is_an_error_and_not_several_images():
    with pytest.raises(tf.errors.InvalidArgumentError):
        preprocess(np.zeros((1, 3 * HEIGHT, WIDTH), np.uint8))


def test_features_of_an_inferred_schema_have_another_axis_and_give_the_same_result(levels):
    inputs = {
        "image": tf.constant([[image.tobytes()] for image in levels]),
        "label": tf.range(len(levels), dtype=tf.int64)[:, tf.newaxis],
    }
    outputs = preprocessing_fn(inputs, {"height": HEIGHT, "width": WIDTH})
    np.testing.assert_array_equal(outputs["image"], preprocess(levels)["image"])
    np.testing.assert_array_equal(outputs["label"], np.arange(5))
