"""The forward algorithm agrees with the sum over every single path."""

import itertools

import keras
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm as gaussian

from tests.trainer.line_search.paths import CHANNELS, ROWS, noise
from trainer.line_search.wander import Wander


def sum_by_enumeration(rows: np.ndarray, deviation: float, strength: float) -> float:
    """Return the log of the mean likelihood ratio over all paths of one small image."""
    height, width = rows.shape
    terms = []
    for path in itertools.product(range(width), repeat=height):
        term = -np.log(width)
        for row, channel in enumerate(path):
            term += strength * rows[row, channel] - 0.5 * strength**2
            if row:
                move = channel - path[row - 1]
                term += np.log(
                    gaussian.cdf((move + 0.5) / deviation)
                    - gaussian.cdf((move - 0.5) / deviation)
                    + 1e-4 / width
                )
        terms.append(term)
    return logsumexp(terms)


@pytest.mark.parametrize("deviation", [0.35, 1.0])
@pytest.mark.parametrize("strength", [0.6, 2.0])
def test_the_evidence_is_the_sum_over_all_paths(deviation, strength):
    rows = noise(3, 0, rows=5, channels=4)
    evidence = Wander([deviation], [strength])(rows).numpy()[:, 0, 0]
    expected = [sum_by_enumeration(image, deviation, strength) for image in rows]
    np.testing.assert_allclose(evidence, expected, rtol=1e-3, atol=1e-3)


def test_with_either_polarity_the_ratio_is_the_mean_of_both():
    rows = noise(4, 1)
    bright, dark = (Wander([1.0], [0.6, 1.2])(image).numpy() for image in (rows, -rows))
    either = Wander([1.0], [0.6, 1.2], either_polarity=True)(rows).numpy()
    np.testing.assert_allclose(either, np.logaddexp(bright, dark) - np.log(2), rtol=1e-4)


def test_a_wandering_path_is_told_from_noise_and_its_deviation_is_recognised():
    rng = np.random.default_rng(2)
    wandering = noise(30, 3)
    for image in wandering:
        path = 64 + np.cumsum(rng.normal(scale=1.5, size=ROWS))
        image[np.arange(ROWS), np.clip(np.round(path), 0, CHANNELS - 1).astype(int)] += 2.5
    layer = Wander([0.35, 1.5, 5.0], [1.2, 2.4])
    evidence, noise_evidence = layer(wandering).numpy(), layer(noise(30, 4)).numpy()
    assert (evidence.max(axis=(1, 2)) > noise_evidence.max()).mean() > 0.9
    assert (evidence.max(axis=2).argmax(axis=1) == 1).mean() > 0.9


def test_the_strongest_pixels_do_not_overflow():
    evidence = Wander([0.5], [0.6, 2.4])(np.full((1, 64, 17), 1e4, np.float32)).numpy()
    assert np.isfinite(evidence).all()


def test_a_copy_made_from_its_configuration_is_the_same_layer():
    layer = Wander((0.5, 1), (0.6,), either_polarity=True)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    np.testing.assert_array_equal(copy(noise(2, 5)), layer(noise(2, 5)))
    assert not layer.weights
