"""Averaging of spectrograms to a smaller size."""

import numpy as np
import pytest

from benchmarks.published_samples import average


def test_a_pixel_is_the_mean_of_its_area():
    image = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    expected = np.array([[[4.0, 7.0], [16.0, 19.0]]]) / 255
    np.testing.assert_allclose(average(image, 2, 2), expected, rtol=1e-6)


def test_a_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="Images of 4 x 6 cannot be averaged to 3 x 2"):
        average(np.zeros((1, 4, 6), np.uint8), 3, 2)
