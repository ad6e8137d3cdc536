"""Line strength, measured on lines that the test draws."""

import numpy as np
import pytest

from components.spectrogram_example_gen.line_strength import measure_line_strength

HEIGHT, WIDTH = 64, 128
TIME = np.arange(HEIGHT)


def strength(images):
    levels = images.reshape(len(images), -1)
    return measure_line_strength(images, levels.mean(axis=1), levels.std(axis=1))


def noise(seed=0, images=1, **size):
    shape = (images, size.get("height", HEIGHT), size.get("width", WIDTH))
    return np.random.default_rng(seed).normal(128, 12, shape)


def with_line(levels, channels, deviations):
    drawn = levels.copy()
    drawn[:, np.arange(len(channels)), np.round(channels).astype(int)] += 12 * deviations
    return drawn


def as_levels(values):
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def test_the_strength_of_noise_is_nearly_four():
    strengths = strength(as_levels(noise(images=50)))
    assert 3.3 < strengths.min() < strengths.max() < 4.4
    assert strengths.mean() == pytest.approx(3.75, abs=0.1)


@pytest.mark.parametrize(
    "channels",
    [
        np.full(HEIGHT, 40.0),
        10 + 0.7 * TIME,
        120 - 0.9 * TIME,
        # Two cycles of a wave: no straight line follows it for the whole time.
        60 + 3 * np.sin(4 * np.pi * TIME / HEIGHT),
    ],
    ids=["upright", "drifting up", "drifting down", "wandering"],
)
@pytest.mark.parametrize("deviations", [3, -3])
def test_a_line_adds_up_over_sixteen_time_steps(channels, deviations):
    images = as_levels(with_line(noise(), channels, deviations))
    # 16 pixels at 3 standard deviations are 12 standard deviations of a sum of 16. It is less for a
    # line that no drift rate follows exactly, and because the line adds to the standard deviation
    # of the image.
    assert 6 < strength(images)[0] < 13.5


def test_strength_grows_with_the_line_and_not_with_the_gain():
    channels = 30 + 0.5 * TIME
    faint, strong = (as_levels(with_line(noise(), channels, size))[:1] for size in (2, 4))
    assert strength(faint)[0] + 4 < strength(strong)[0]
    halved = as_levels(with_line(noise(), channels, 4) / 2)
    assert strength(halved)[0] == pytest.approx(strength(strong)[0], rel=0.02)


def test_the_sum_along_a_line_is_exact():
    image = np.full((1, 16, 20), 100, np.uint8)
    image[0, np.arange(16), 2 + np.arange(16)] = 250
    mean, deviation = np.array([100.0]), np.array([10.0])
    assert measure_line_strength(image, mean, deviation)[0] == 16 * 150 / (4 * 10)


def test_the_strength_of_an_image_without_contrast_is_zero():
    assert strength(np.full((2, 32, 32), 7, np.uint8)).tolist() == [0, 0]


def test_many_images_have_the_same_strengths_as_single_ones():
    images = as_levels(noise(images=70))
    alone = [strength(images[index : index + 1])[0] for index in (0, 63, 64, 69)]
    assert strength(images)[[0, 63, 64, 69]].tolist() == alone
