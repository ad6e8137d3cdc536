"""Lines that do not drift are removed, and no others."""

import numpy as np
import pytest

from tests.trainer.line_search.cleaner import make_cleaner
from tests.trainer.line_search.paths import CHANNELS, ROWS, line_image, noise, path_image
from trainer.line_search.carriers import WithoutCarriers


@pytest.fixture(scope="module")
def clean():
    return make_cleaner(WithoutCarriers())


def test_noise_stays_as_it_is(clean):
    rows, cleaned, removed = clean(noise(64, 0))
    np.testing.assert_array_equal(removed, 0.0)
    # Only the twelve slowest cosines of its mean spectrum are gone.
    assert (cleaned - rows).std() < 0.06


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("strength", [2.5, 20.0])
def test_a_carrier_is_removed_and_measured(clean, strength, sign):
    images = noise(8, 0)
    images[:, :, 40] += sign * strength
    _, cleaned, removed = clean(images)
    # Not more than twice the standard deviation of the mean of a column of noise.
    assert np.abs(cleaned[:, :, 40].mean(axis=1)).max() < 2 / np.sqrt(ROWS)
    np.testing.assert_array_equal(removed[:, 1], 1)
    # Very strong pixels are clipped at four standard deviations.
    expected = min(strength, 4.0) * np.sqrt(ROWS)
    assert removed[:, 0] == pytest.approx(expected, rel=0.25)


def test_a_weak_carrier_beside_strong_ones_is_removed_too(clean):
    images = noise(8, 0)
    for column in (10, 30, 31, 90):
        images[:, :, column] += 30.0
    images[:, :, 60] += 1.5
    _, cleaned, removed = clean(images)
    assert np.abs(cleaned[:, :, 60].mean(axis=1)).max() < 2 / np.sqrt(ROWS)
    assert removed[:, 1].min() >= 5


def test_a_faint_line_beside_carriers_is_as_strong_afterwards_as_without_them(clean):
    images = noise(8, 0)
    images += 1.3 * path_image(38.0, 0.25, 0.0)
    crowded = images.copy()
    for column in (10, 70, 100):
        crowded[:, :, column] += 15.0
    _, alone, _ = clean(images)
    rows, cleaned, _ = clean(crowded)
    others = np.ones(CHANNELS, bool)
    others[[10, 70, 100]] = False
    np.testing.assert_allclose(
        cleaned[:, :, others].std(axis=(1, 2)), alone[:, :, others].std(axis=(1, 2)), rtol=0.06
    )
    assert rows[:, :, others].std() < 0.6 * alone[:, :, others].std()


@pytest.mark.parametrize("strength", [2.5, 10.0])
@pytest.mark.parametrize("drift", [2, -2, 10])
def test_a_line_that_drifts_by_two_channels_stays(clean, drift, strength):
    images = noise(8, 0) + strength * line_image(64.0, drift, 0.0)
    np.testing.assert_array_equal(clean(images)[2], 0.0)


def test_a_line_that_is_off_for_a_quarter_of_the_time_stays(clean):
    images = noise(8, 0)
    images[:, :48, 40] += 3.0
    np.testing.assert_array_equal(clean(images)[2], 0.0)


def test_most_of_a_sloping_gain_is_removed(clean):
    images = noise(8, 0) + np.linspace(-3.0, 3.0, CHANNELS)
    rows, cleaned, removed = clean(images)
    assert removed[:, 1].min() > CHANNELS / 4
    slope, rest = (np.abs(each.mean(axis=1)).mean() for each in (rows, cleaned))
    assert rest < 0.4 * slope
