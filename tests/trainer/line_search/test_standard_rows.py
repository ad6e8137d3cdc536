"""Each row is standardised separately, and images are brought to a common size."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import CHANNELS, noise, path_image
from trainer.line_search.standard_rows import StandardRows, find_bandpass, remove


def standardise(images: np.ndarray, rows: int = 64, channels: int = 128) -> np.ndarray:
    return StandardRows(rows, channels)(images[..., None].astype(np.float32)).numpy()


def test_every_row_has_mean_0_and_standard_deviation_1():
    # Sines have no values beyond four standard deviations, which would be clipped.
    rows = standardise(5 + 3 * np.sin(noise(4, 0)))
    np.testing.assert_allclose(rows.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=2), 1, atol=1e-4)


def test_very_strong_lines_are_clipped_like_strong_ones():
    images = np.clip(noise(1, 0), -2, 2)
    strong, very_strong = images.copy(), images.copy()
    strong[:, :, 64], very_strong[:, :, 64] = 12, 1000
    assert (standardise(strong)[0, :, 64] == 4).all()
    assert (standardise(very_strong)[0, :, 64] == 4).all()
    strong[:, :, 64] *= -1
    assert (standardise(strong)[0, :, 64] == -4).all()


def test_a_burst_over_the_whole_band_and_a_change_of_gain_have_no_effect():
    images = path_image(64.0, 0.25, 0.0) + noise(1, 1)
    burst = images.copy()
    burst[:, 20:26] = 5 * burst[:, 20:26] + 3
    np.testing.assert_allclose(standardise(burst), standardise(images), atol=1e-3)


def test_a_row_without_contrast_becomes_0():
    images = noise(1, 2)
    images[:, 10] = 7.0
    assert not standardise(images)[0, 10].any()


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 128), (64, 64)), ((384, 512), (64, 64)), ((61, 130), (61, 65))]
)
def test_larger_images_are_averaged_down(size, expected):
    assert standardise(noise(2, 3, *size), 64, 64).shape == (2, *expected)


def test_neighbouring_pixels_are_averaged():
    image = np.zeros((1, 2, 8), np.float32)
    image[0, :, 2:4] = [[1.0, 3.0], [3.0, 1.0]]
    # Two rows and two channels become one pixel with mean 2. The three other pixels are 0.
    np.testing.assert_allclose(
        standardise(image, 1, 4), [[[-0.57735, 1.73205, -0.57735, -0.57735]]], atol=1e-3
    )


@pytest.mark.parametrize("periods", [1.0, 2.5, 4.0])
def test_a_slope_and_a_standing_wave_are_removed(periods):
    channel = (np.arange(CHANNELS) + 0.5) / CHANNELS
    bandpass = 0.6 * np.sin(2 * np.pi * (periods * channel + 0.1)) + 0.6 * (channel - 0.5)
    rows = noise(64, 0).astype(np.float32)
    estimate = find_bandpass(rows + bandpass.astype(np.float32)).numpy()[:, 0]
    assert bandpass.std() > 0.3
    assert np.mean(estimate - bandpass, axis=0).std() < bandpass.std() / 8


def test_noise_has_no_bandpass():
    assert not np.any(find_bandpass(noise(2000, 0).astype(np.float32)))


@pytest.mark.parametrize("strength", [1.0, 3.0])
def test_a_line_that_drifts_is_no_bandpass(strength):
    rows = noise(8, 0).astype(np.float32) + strength * path_image(60.0, 0.1, 0.0)
    assert not np.any(find_bandpass(rows.astype(np.float32)))


def test_a_channel_that_stands_out_hardly_changes_the_others():
    rows = noise(8, 0).astype(np.float32)
    rows[:, :, 40] += 100.0
    assert np.abs(np.delete(find_bandpass(rows), 40, axis=2)).max() < 0.4


def test_only_what_has_a_line_or_a_bandpass_changes():
    rows = noise(3, 0).astype(np.float32)
    wave = 0.5 * np.sin(np.linspace(0, 2 * np.pi, CHANNELS, dtype=np.float32))
    rows[1] += wave
    lines = np.zeros_like(rows)
    lines[2, :, 30] = 3.0
    cleaned = remove(rows, lines).numpy()
    np.testing.assert_array_equal(cleaned[0], rows[0])
    assert np.corrcoef(cleaned[1].mean(axis=0), wave)[0, 1] < 0.3
    assert cleaned[2, :, 30].mean() == pytest.approx(-3.0, abs=0.4)
