"""The drift transform: known paths are found where they belong, and noise has a known size."""

import keras
import numpy as np
import pytest

from trainer.drift_transform import DriftTransform

ROWS, CHANNELS = 64, 128
DRIFTS, SAGITTAS = 65, 25


def transform(images: np.ndarray, **arguments) -> np.ndarray:
    layer = DriftTransform(ROWS, CHANNELS, DRIFTS, SAGITTAS, **arguments)
    return layer(images.astype(np.float32)).numpy()


def path_image(
    middle: float, drift: float, sagitta: float, rows: int = ROWS, channels: int = CHANNELS
) -> np.ndarray:
    """A path one channel wide, brightness 1, on 0: float [1, rows, channels, 1]."""
    time = (np.arange(rows) + 0.5) / rows
    path = middle + channels * (drift * (time - 0.5) + 4 * sagitta * time * (1 - time) - sagitta)
    image = np.zeros((rows, channels))
    place = np.round(path).astype(int)
    inside = (place >= 0) & (place < channels)
    image[np.arange(rows)[inside], place[inside]] = 1
    return image[None, ..., None]


def peak(found: np.ndarray, polarity: int) -> tuple[float, float]:
    """Drift and sagitta, in widths of the band, of the strongest sum of a map."""
    drift, sagitta = np.unravel_index(found[0, ..., polarity].argmax(), (DRIFTS, SAGITTAS))
    return np.linspace(-0.5, 0.5, DRIFTS)[drift], np.linspace(-12, 12, SAGITTAS)[sagitta] / CHANNELS


@pytest.mark.parametrize("middle", [40.0, 64.0, 100.0])
@pytest.mark.parametrize(
    ("drift", "sagitta"), [(0.0, 0.0), (0.25, 0.0), (-0.375, 4 / 128), (0.125, -9 / 128)]
)
def test_a_path_is_found_at_its_drift_and_sagitta_wherever_it_lies(middle, drift, sagitta):
    found = transform(path_image(middle, drift, sagitta))
    found_drift, found_sagitta = peak(found, polarity=0)
    assert abs(found_drift - drift) <= 1 / DRIFTS
    assert abs(found_sagitta - sagitta) <= 1 / CHANNELS


def test_a_dark_path_is_found_by_the_other_polarity():
    bright = transform(path_image(64.0, 0.25, 0.0))
    dark = transform(-path_image(64.0, 0.25, 0.0))
    np.testing.assert_allclose(dark, bright[..., ::-1], atol=1e-4)


def test_a_mirrored_image_has_a_mirrored_map():
    image = path_image(50.0, 0.3, 6 / 128) + np.random.default_rng(0).normal(
        scale=0.1, size=(1, ROWS, CHANNELS, 1)
    )
    found = transform(image)
    # Places are rounded, ties to even, so that a few sums are over other pixels.
    np.testing.assert_allclose(transform(image[:, ::-1])[:, ::-1], found, atol=0.8)


def test_sums_over_white_noise_have_deviation_one():
    noise = np.random.default_rng(0).normal(size=(40, ROWS, CHANNELS, 1))
    # One place in the band and the straight path without drift: a plain column sum.
    layer = DriftTransform(ROWS, CHANNELS, 1, 1, drift=0.0, sagitta=0.0)
    layer.build(noise.shape)
    sums = layer._pieces(noise[..., 0].astype(np.float32)).numpy()
    sums = sums.reshape(4, -1, 40).sum(axis=0) / layer._deviation
    assert sums[layer._margin : -layer._margin].std() == pytest.approx(1.0, abs=0.05)


def test_a_burst_over_the_whole_band_changes_nothing():
    image = path_image(64.0, 0.25, 0.0) + np.random.default_rng(4).normal(
        scale=0.1, size=(1, ROWS, CHANNELS, 1)
    )
    burst = image.copy()
    burst[:, 20:26] = 5 * burst[:, 20:26] + 3
    np.testing.assert_allclose(transform(burst), transform(image), atol=0.1)


def test_the_strongest_of_noise_is_where_the_model_expects_it():
    noise = np.random.default_rng(1).normal(size=(8, ROWS, CHANNELS, 1))
    found = transform(noise)
    assert found.mean() == pytest.approx(2.5, abs=0.3)
    assert found.std() == pytest.approx(0.5, abs=0.2)


def test_a_larger_image_is_averaged_down_without_changing_the_size_of_noise():
    noise = np.random.default_rng(2).normal(size=(4, 384, 512, 1))
    found = transform(noise)
    assert found.shape == (4, DRIFTS, SAGITTAS, 2)
    assert found.mean() == pytest.approx(2.5, abs=0.3)
    strong = transform(path_image(200.0, 0.25, 0.0, 384, 512))
    assert abs(peak(strong, polarity=0)[0] - 0.25) <= 1 / DRIFTS


@pytest.mark.parametrize("shape", [(48, 32), (61, 130), (16, 16)])
def test_any_size_is_transformed(shape):
    assert transform(np.ones((2, *shape, 1))).shape == (2, DRIFTS, SAGITTAS, 2)


def test_a_copy_made_from_its_configuration_is_the_same_layer():
    layer = DriftTransform(32, 64, 9, 5, drift=0.25, sagitta=0.1)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    images = np.random.default_rng(3).normal(size=(2, ROWS, CHANNELS, 1)).astype(np.float32)
    np.testing.assert_array_equal(copy(images), layer(images))
    assert not layer.weights
