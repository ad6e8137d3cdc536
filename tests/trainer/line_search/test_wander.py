"""The forward algorithm, against the sum over every single path."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm as gaussian

from tests.trainer.line_search.paths import CHANNELS, ROWS, noise
from trainer.line_search.wander import Wander


def by_enumeration(rows: np.ndarray, deviation: float, strength: float) -> float:
    """The log of the mean likelihood ratio over all paths of one small image."""
    height, width = rows.shape
    terms = []
    for path in itertools.product(range(width), repeat=height):
        term = -np.log(width)
        for row, place in enumerate(path):
            term += strength * rows[row, place] - 0.5 * strength**2
            if row:
                move = place - path[row - 1]
                term += np.log(
                    gaussian.cdf((move + 0.5) / deviation)
                    - gaussian.cdf((move - 0.5) / deviation)
                    + 1e-4 / width
                )
        terms.append(term)
    return logsumexp(terms)


@pytest.mark.parametrize("deviation", [0.35, 1.0])
@pytest.mark.parametrize("strength", [0.6, 2.0])
def test_it_is_the_sum_over_all_paths(deviation, strength):
    rows = noise(3, 0, rows=5, channels=4)
    found = Wander([deviation], [strength])(rows).numpy()[:, 0, 0]
    expected = [by_enumeration(image, deviation, strength) for image in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_either_polarity_is_the_mean_of_both():
    rows = noise(4, 1)
    bright, dark = (Wander([1.0], [0.6, 1.2])(image).numpy() for image in (rows, -rows))
    either = Wander([1.0], [0.6, 1.2], either_polarity=True)(rows).numpy()
    np.testing.assert_allclose(either, np.logaddexp(bright, dark) - np.log(2), rtol=1e-4)


def test_a_path_that_wanders_is_told_from_noise_and_by_how_much_it_does():
    rng = np.random.default_rng(2)
    wandering = noise(30, 3)
    for image in wandering:
        path = 64 + np.cumsum(rng.normal(scale=1.5, size=ROWS))
        image[np.arange(ROWS), np.clip(np.round(path), 0, CHANNELS - 1).astype(int)] += 2.5
    layer = Wander([0.35, 1.5, 5.0], [1.2, 2.4])
    found, without = layer(wandering).numpy(), layer(noise(30, 4)).numpy()
    assert (found.max(axis=(1, 2)) > without.max()).mean() > 0.9
    assert (found.max(axis=2).argmax(axis=1) == 1).mean() > 0.9


def test_the_strongest_pixels_do_not_overflow():
    found = Wander([0.5], [0.6, 2.4])(np.full((1, 64, 17), 1e4, np.float32)).numpy()
    assert np.isfinite(found).all()


def test_a_copy_made_from_its_configuration_is_the_same_layer():
    layer = Wander((0.5, 1), (0.6,), either_polarity=True)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_array_equal(copy(noise(2, 5)), layer(noise(2, 5)))
    assert not layer.weights
