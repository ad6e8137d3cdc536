"""Straightening turns a known path into the middle column."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import CHANNELS, noise, path_image
from trainer.line_search.straightened import Straightened, measure_inside

REACH = 5


def straighten(rows: np.ndarray, *path: float) -> np.ndarray:
    middle, drift, sagitta, polarity = path
    paths = np.array([[(middle + 0.5) / CHANNELS, drift, sagitta, polarity]], np.float32)
    return Straightened(REACH)(rows.astype(np.float32), paths[:, None]).numpy()[0, 0]


@pytest.mark.parametrize(("drift", "sagitta"), [(0.0, 0.0), (0.25, 0.0), (-0.25, 8 / 128)])
def test_the_path_becomes_the_middle_column(drift, sagitta):
    near = straighten(path_image(64.0, drift, sagitta), 64.0, drift, sagitta, 1.0)
    # The path of the image is rounded to channels, so up to half of it is beside the middle.
    assert near[:, REACH - 1 : REACH + 2].sum(axis=1) == pytest.approx(np.ones(64))
    assert (near[:, REACH] >= 0.5 - 1e-3).all()


def test_a_dark_path_becomes_a_bright_one():
    rows = path_image(64.0, 0.25, 0.0)
    dark = straighten(-rows, 64.0, 0.25, 0.0, -1.0)
    np.testing.assert_array_equal(dark, straighten(rows, 64.0, 0.25, 0.0, 1.0))


def test_a_path_between_channels_is_interpolated():
    rows = np.arange(CHANNELS, dtype=np.float32) * np.ones((1, 4, 1), np.float32)
    near = straighten(rows, 40.25, 0.0, 0.0, 1.0)
    np.testing.assert_allclose(
        near, 40.25 + np.arange(-REACH, REACH + 1) * np.ones((4, 1)), rtol=1e-5
    )


@pytest.mark.parametrize("middle", [0.0, CHANNELS - 1.0])
def test_values_outside_the_band_are_0(middle):
    near = straighten(np.ones((1, 4, CHANNELS)), middle, 0.0, 0.0, 1.0)
    inside = np.arange(-REACH, REACH + 1) * (1 if middle == 0 else -1) >= 0
    np.testing.assert_allclose(near, inside * np.ones((4, 1)), atol=1e-4)


def test_a_path_far_outside_the_band_gives_only_0():
    assert not straighten(noise(1, 0), 500.0, 0.0, 0.0, 1.0).any()


def test_the_fraction_of_rows_inside_the_band_is_known():
    """At a drift of the whole band, a path from the middle leaves it after half the time."""
    inside = [
        float(measure_inside(straighten(noise(1, 0), middle, drift, 0.0, 1.0)[None, None])[0, 0])
        for middle, drift in ((64.0, 0.5), (CHANNELS - 1.0, 1.0), (500.0, 0.0))
    ]
    np.testing.assert_allclose(inside, [1, 0.5, 0], atol=1 / 64)
