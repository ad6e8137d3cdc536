"""The drift search finds known paths, and the best straight path among the straight ones."""

import keras
import numpy as np
import pytest

from tests.trainer.line_search.paths import CHANNELS, noise, path_image
from trainer.line_search.drift_search import DriftSearch

DRIFTS, SAGITTAS = 65, 13


def search(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    layer = DriftSearch(DRIFTS, SAGITTAS, drift=0.5, sagitta=12 / 128)
    line, curve = np.moveaxis(layer(rows.astype(np.float32)).numpy(), 1, 0)
    return line, curve


@pytest.mark.parametrize("middle", [40.0, 64.0, 100.0])
@pytest.mark.parametrize(
    ("drift", "sagitta"), [(0.0, 0.0), (0.25, 0.0), (-0.375, 4 / 128), (0.125, -9 / 128)]
)
def test_a_path_is_found_with_its_position_drift_and_sagitta(middle, drift, sagitta):
    _, ((f, d, s, polarity),) = search(path_image(middle, drift, sagitta))
    assert abs(f * CHANNELS - 0.5 - middle) <= 1.5
    assert abs(d - drift) <= 1 / DRIFTS
    assert abs(s - sagitta) <= 1.01 / CHANNELS
    assert polarity == 1


def test_the_first_path_is_the_best_path_without_sagitta():
    rows = path_image(64.0, 0.25, 0.0) + 0.6 * path_image(30.0, -0.25, 8 / 128)
    line, curve = search(rows)
    np.testing.assert_array_equal(line, curve)
    rows = 0.6 * path_image(64.0, 0.25, 0.0) + path_image(30.0, -0.25, 8 / 128)
    line, curve = search(rows)
    assert (line[0, 2], curve[0, 2]) == (0.0, 8 / 128)


def test_a_dark_path_is_found_as_a_dark_one():
    rows = path_image(64.0, 0.25, 4 / 128)
    bright, dark = search(rows)[1], search(-rows)[1]
    np.testing.assert_array_equal(dark, bright * [1, 1, 1, -1])


def test_a_faint_path_is_found_in_noise():
    """The line has one standard deviation, so no single pixel shows it."""
    rows = noise(20, 0) + path_image(64.0, 0.25, 0.0)
    line, _ = search(rows)
    is_near = (np.abs(line[:, 0] * CHANNELS - 64.5) < 3) & (np.abs(line[:, 1] - 0.25) < 3 / DRIFTS)
    assert is_near.sum() >= 19


@pytest.mark.parametrize("shape", [(64, 128), (61, 130), (48, 64)])
def test_an_image_alone_has_the_same_paths_as_among_others(shape):
    """Few images are searched in another way."""
    rows = noise(20, 4, *shape) + 2 * path_image(30.0, 0.25, -4 / 128, *shape)
    among_others = search(rows)
    for number in range(20):
        alone = search(rows[number : number + 1])
        for path, same in zip(alone, among_others, strict=True):
            np.testing.assert_array_equal(path[0], same[number])


def test_a_path_that_begins_outside_the_band_is_found():
    rows = 2 * path_image(6.0, 0.375, 0.0) + noise(1, 5)
    line, _ = search(rows)
    assert abs(line[0, 0] * CHANNELS - 6.5) < 2
    assert abs(line[0, 1] - 0.375) < 2 / DRIFTS


def test_a_faint_path_is_found_in_the_half_of_the_time_in_which_it_is_inside_the_band():
    """Where it is outside, there is no noise either."""
    rows = noise(20, 0) + 1.4 * path_image(2.0, 0.375, 0.0)
    line, _ = search(rows)
    is_near = (np.abs(line[:, 0] * CHANNELS - 2.5) < 3) & (np.abs(line[:, 1] - 0.375) < 3 / DRIFTS)
    assert is_near.sum() >= 19


@pytest.mark.parametrize("shape", [(48, 32), (61, 130), (16, 16)])
def test_images_of_any_size_can_be_searched(shape):
    line, curve = search(np.ones((2, *shape)))
    assert line.shape == curve.shape == (2, 4)


def test_a_copy_made_from_its_configuration_is_the_same_layer():
    layer = DriftSearch(9, 5, drift=0.25, sagitta=0.1)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    rows = noise(2, 3)
    np.testing.assert_array_equal(copy(rows), layer(rows))
    assert not layer.weights
