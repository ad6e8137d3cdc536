"""Carriers that come and go are removed, and lines that move are not."""

import numpy as np
import pytest

from tests.trainer.line_search.cleaner import make_cleaner
from tests.trainer.line_search.paths import line_image, noise
from trainer.line_search.intermittent import WithoutIntermittentCarriers


@pytest.fixture(scope="module")
def clean():
    return make_cleaner(WithoutIntermittentCarriers())


def test_noise_stays(clean):
    rows, cleaned, removed = clean(noise(64, 0))
    np.testing.assert_array_equal(removed, 0.0)
    # Only the twelve slowest cosines of its mean spectrum are gone.
    assert (cleaned - rows).std() < 0.06


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("strength", [2.0, 20.0])
@pytest.mark.parametrize(("first", "end"), [(0, 12), (20, 56)])
def test_a_carrier_is_removed_and_measured(clean, strength, sign, first, end):
    images = noise(8, 0)
    images[:, first:end, 40] += sign * strength
    _, cleaned, removed = clean(images)
    np.testing.assert_array_equal(removed[:, 1], 1)
    # Not more than twice the standard deviation of the mean of as many pixels of noise.
    left = cleaned[:, first:end, 40].mean(axis=1)
    assert np.abs(left).mean() < 2 / np.sqrt(end - first)
    # Very strong pixels are clipped at four standard deviations.
    expected = min(strength, 4.0) * np.sqrt(end - first)
    assert removed[:, 0] == pytest.approx(expected, rel=0.35)


def test_a_carrier_between_two_channels_is_one_carrier(clean):
    images = noise(8, 0)
    images[:, 8:40, 40:42] += 2.5
    _, cleaned, removed = clean(images)
    np.testing.assert_array_equal(removed[:, 1], 1)
    assert np.abs(cleaned[:, 8:40, 40:42].mean(axis=1)).max() < 2.5 / np.sqrt(32)


def test_two_carriers_are_removed(clean):
    images = noise(8, 0)
    images[:, 8:40, 40] += 10.0
    images[:, 24:, 90] += 2.0
    _, cleaned, removed = clean(images)
    np.testing.assert_array_equal(removed[:, 1], 2)
    assert np.abs(cleaned[:, 24:, 90].mean(axis=1)).max() < 2.5 / np.sqrt(40)


@pytest.mark.parametrize("strength", [1.2, 2.5, 10.0])
@pytest.mark.parametrize(
    ("drift", "sagitta"), [(2.5, 0.0), (-10.0, 0.0), (40.0, 0.0), (0.0, 4.0), (5.0, -8.0)]
)
def test_a_line_that_moves_stays(clean, drift, sagitta, strength):
    images = noise(8, 0) + strength * line_image(64.0, drift, sagitta)
    np.testing.assert_array_equal(clean(images)[2][:, 1], 0.0)


def test_a_faint_line_that_crosses_a_carrier_is_as_strong_afterwards_as_without_it(clean):
    line = line_image(50.0, 24.0, 0.0)
    images = noise(8, 0) + 1.2 * line
    crossed = images.copy()
    crossed[:, 16:56, 54] += 4.0
    along = line > 0
    along[:, :, 53:56] = False
    alone, beside = (clean(each)[1][:, along[0]].mean(axis=1) for each in (images, crossed))
    np.testing.assert_allclose(beside, alone, rtol=0.06)


def test_mirror_images_and_the_negative_have_the_same_carriers(clean):
    images = noise(8, 1)
    images[:, 12:44, 100] += 2.0
    _, cleaned, removed = clean(images)
    for change in (
        lambda each: each[:, ::-1],
        lambda each: each[:, :, ::-1],
        lambda each: -each,
    ):
        _, changed, measured = clean(change(images))
        np.testing.assert_allclose(changed, change(cleaned), atol=1e-4)
        np.testing.assert_allclose(measured, removed, rtol=1e-4)
