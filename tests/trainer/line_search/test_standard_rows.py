"""Rows by themselves: what is the same over a whole row is gone, and sizes are made alike."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import noise, path_image
from trainer.line_search.standard_rows import StandardRows


def rows_of(images: np.ndarray, rows: int = 64, channels: int = 128) -> np.ndarray:
    return StandardRows(rows, channels)(images[..., None].astype(np.float32)).numpy()


def test_every_row_has_mean_0_and_deviation_1():
    # Sines have no values beyond four deviations, which would be cut off.
    rows = rows_of(5 + 3 * np.sin(noise(4, 0)))
    np.testing.assert_allclose(rows.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=2), 1, atol=1e-4)


def test_a_very_strong_line_is_no_stronger_than_a_strong_one():
    images = np.clip(noise(1, 0), -2, 2)
    strong, very_strong = images.copy(), images.copy()
    strong[:, :, 64], very_strong[:, :, 64] = 12, 1000
    assert (rows_of(strong)[0, :, 64] == 4).all()
    assert (rows_of(very_strong)[0, :, 64] == 4).all()
    strong[:, :, 64] *= -1
    assert (rows_of(strong)[0, :, 64] == -4).all()


def test_a_burst_over_the_whole_band_and_another_gain_change_nothing():
    images = path_image(64.0, 0.25, 0.0) + noise(1, 1)
    burst = images.copy()
    burst[:, 20:26] = 5 * burst[:, 20:26] + 3
    np.testing.assert_allclose(rows_of(burst), rows_of(images), atol=1e-3)


def test_a_row_without_contrast_is_0():
    images = noise(1, 2)
    images[:, 10] = 7.0
    assert not rows_of(images)[0, 10].any()


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 128), (64, 64)), ((384, 512), (64, 64)), ((61, 130), (61, 65))]
)
def test_larger_images_are_averaged_down(size, expected):
    assert rows_of(noise(2, 3, *size), 64, 64).shape == (2, *expected)


def test_averaging_is_over_neighbours():
    image = np.zeros((1, 2, 8), np.float32)
    image[0, :, 2:4] = [[1.0, 3.0], [3.0, 1.0]]
    # Two rows and two channels become one pixel of mean 2 among three of 0.
    np.testing.assert_allclose(
        rows_of(image, 1, 4), [[[-0.57735, 1.73205, -0.57735, -0.57735]]], atol=1e-3
    )
