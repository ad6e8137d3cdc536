"""Augmentation makes the configured changes, and makes them repeatably."""

import numpy as np
import pytest

from trainer.inputs.augmentation import Augmentation

SEED = np.array([7, 0], np.int64)


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(64, 8, 10, 1)).astype(np.float32)


def test_without_augmentation_images_stay_the_same(images):
    np.testing.assert_array_equal(Augmentation()(images, SEED), images)


@pytest.mark.parametrize(("change", "axis"), [("flip_time", 1), ("flip_frequency", 2)])
def test_about_half_of_the_images_are_mirrored_along_the_right_axis(images, change, axis):
    changed = Augmentation(**{change: True})(images, SEED).numpy()
    mirrored = np.flip(images, axis)
    is_mirrored = (changed == mirrored).all((1, 2, 3))
    is_same = (changed == images).all((1, 2, 3))
    assert (is_mirrored ^ is_same).all()
    assert 20 < is_mirrored.sum() < 44, "half of 64, give or take three standard deviations"


def test_about_half_of_the_images_are_inverted(images):
    changed = Augmentation(invert=True)(images, SEED).numpy()
    is_inverted = (changed == -images).all((1, 2, 3))
    assert (is_inverted ^ (changed == images).all((1, 2, 3))).all()
    assert 20 < is_inverted.sum() < 44, "half of 64, give or take three standard deviations"


def test_a_shift_in_frequency_wraps_around_and_stays_within_its_limit(images):
    changed = Augmentation(shift_frequency=0.2)(images, SEED).numpy()
    shifts = [
        [shift for shift in range(-5, 5) if (np.roll(before, shift, axis=1) == after).all()]
        for before, after in zip(images, changed, strict=True)
    ]
    assert all(len(matches) == 1 for matches in shifts)
    assert {matches[0] for matches in shifts} == {-2, -1, 0, 1, 2}, "a fifth of ten channels"


def test_noise_has_the_configured_standard_deviation(images):
    added = Augmentation(noise=0.5)(images, SEED).numpy() - images
    assert added.std() == pytest.approx(0.5, rel=0.05)


def test_the_same_seed_gives_the_same_images_and_another_does_not(images):
    augmentation = Augmentation(flip_time=True, noise=0.1, shift_frequency=0.1)
    first, again = augmentation(images, SEED), augmentation(images, SEED)
    other = augmentation(images, SEED + 1)
    np.testing.assert_array_equal(first, again)
    assert (first.numpy() != other.numpy()).any()
