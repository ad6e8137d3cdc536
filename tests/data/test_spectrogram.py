"""From power to a grey-scale image."""

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from data import spectrogram
from data.simulation.spectrogram import draw_noise

ROWS, CHANNELS = 256, 512


def test_an_image_is_the_log_power_in_jet_colours_resized_and_made_grey():
    voltage = draw_noise(ROWS * CHANNELS, np.random.default_rng(0))
    spectra = spectrogram.compute_power(voltage.reshape(ROWS, CHANNELS))
    level = np.log(spectra.astype(np.float64))
    colours = mpl.colormaps["jet"](level / level.max(), bytes=True)
    picture = Image.fromarray(colours[:, :, :3]).resize((128, 64), Image.Resampling.LANCZOS)
    expected = np.asarray(picture.convert("L")).astype(int)
    difference = np.abs(spectrogram.render(spectra, 64, 128).astype(int) - expected)
    # In single and double precision, a few logarithms are on different sides of a colour's edge.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.01


def test_a_channel_without_any_power_does_not_spoil_the_image():
    spectra = np.full((ROWS, CHANNELS), 1e5, np.float32)
    spectra[10, 10] = 0.0
    image = spectrogram.render(spectra, 64, 128)
    assert image.shape == (64, 128)
    assert image[40:].min() == image[40:].max()


@pytest.mark.parametrize(("height", "width"), [(ROWS, CHANNELS), (64, 128)])
def test_many_images_are_rendered_at_once_as_each_of_them_is_alone(height, width):
    rng = np.random.default_rng(0)
    spectra = rng.standard_exponential((3, ROWS, CHANNELS), dtype=np.float32) * np.float32(1e5)
    images = spectrogram.render(spectra, height, width)
    each = [spectrogram.render(image, height, width) for image in spectra]
    np.testing.assert_array_equal(images, each)


def test_an_image_that_needs_no_resizing_has_the_luma_of_its_colours():
    spectra = np.exp(np.linspace(0.0, 12.0, 256, dtype=np.float32)).reshape(1, 256)
    colours = mpl.colormaps["jet"](np.log(spectra) / np.log(spectra).max(), bytes=True)
    expected = np.asarray(Image.fromarray(colours[:, :, :3]).convert("L"))
    np.testing.assert_array_equal(spectrogram.render(spectra, 1, 256), expected)


def test_an_image_without_any_power_is_constant():
    image = spectrogram.render(np.zeros((4, 8), np.float32), 4, 8)
    np.testing.assert_array_equal(image, np.full((4, 8), 14))


def test_an_amplitude_image_is_as_light_as_the_mean_amplitude_of_its_pixels():
    power = np.array([[[1, 1, 4, 4], [1, 1, 4, 16]]], np.float32) ** 2
    image = spectrogram.render_amplitude(power, 1, 2)
    # The greatest amplitude, 16, would be 255: the mean of 1 is 16, that of 4, 4, 4 and 16 is 112.
    np.testing.assert_array_equal(image, [[[16, 112]]])


def test_an_amplitude_image_without_any_power_is_black():
    image = spectrogram.render_amplitude(np.zeros((4, 8), np.float32), 2, 4)
    np.testing.assert_array_equal(image, np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("height", "width", "oversampling"),
    [(64, 128, 4), (384, 512, 1), (16, 32, 4), (96, 256, 2), (1000, 2000, 1)],
)
def test_oversampling_is_limited_by_the_length_of_a_published_signal(height, width, oversampling):
    assert spectrogram.choose_oversampling(height, width) == oversampling
