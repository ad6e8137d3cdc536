"""Images that are unlike the training images get nearly equal probabilities."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.export.served_probabilities import ServedProbabilities
from trainer.models.recipe import PrecomputedLayer
from trainer.quality.outliers import fit_outliers

PARTS = PrecomputedLayer("search", "decision")


def draw_evidence(count: int, seed: int) -> np.ndarray:
    """Return evidence whose first two numbers vary together; the third is constant: [count, 3]."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 10, count)
    return np.stack(
        [common + rng.normal(0, 3, count), common + rng.normal(0, 3, count), np.full(count, 7.0)],
        axis=1,
    ).astype(np.float32)


def one_class(count: int) -> np.ndarray:
    return np.zeros(count, np.int64)


@pytest.fixture(scope="module")
def outliers():
    return fit_outliers(PARTS, draw_evidence(2000, 0), one_class(2000), draw_evidence(5000, 1))


def measure(outliers, *evidence) -> list[float]:
    return outliers.measure(tf.constant(evidence, tf.float32)).numpy().ravel().tolist()


def test_two_of_a_hundred_images_like_the_validation_images_are_beyond_the_limit(outliers):
    squares = np.array(measure(outliers, *draw_evidence(20_000, 2)))
    assert (squares > 1).mean() == pytest.approx(0.02, abs=0.005)


def test_the_distance_is_that_from_the_nearest_class_as_much_as_that_class_varies():
    labels = np.repeat([0, 1], 2000)
    training, validation = draw_evidence(4000, 0), draw_evidence(4000, 1)
    for evidence in training, validation:
        evidence[2000:] = evidence[2000:] / 10 + [30, 30, 6.3]
    both = fit_outliers(PARTS, training, labels, validation)
    wide, narrow = measure(both, (0, 0, 7), (30, 30, 7))
    assert max(wide, narrow) < 0.01
    beside_wide, beside_narrow = measure(both, (-14, -14, 7), (44, 44, 7))
    assert beside_wide < 0.5
    assert beside_narrow > 2


def test_a_class_with_a_single_image_is_left_out():
    training, labels = draw_evidence(2001, 0), np.append(one_class(2000), 1)
    several = fit_outliers(PARTS, training, labels, draw_evidence(5000, 1))
    assert several.means.shape == (1, 3)
    assert fit_outliers(PARTS, training[:1], one_class(1), draw_evidence(5000, 1)) is None


def test_the_distance_takes_into_account_what_varies_together(outliers):
    together, apart, other = measure(outliers, (10, 10, 7), (20, -20, 7), (0, 0, 7.1))
    assert together < 0.2
    assert apart > 4
    assert other > 4, "a constant of the training images has another value"


def test_probabilities_stay_up_to_the_limit_and_become_nearly_equal_beyond_it(outliers):
    evidence = np.array([[0, 0, 7], [20, -20, 7], [1e6, 0, 7]], np.float32)
    probabilities = tf.constant(3 * [[0.9, 0.1]])
    lowered = outliers.lower_confidence(probabilities, tf.constant(evidence)).numpy()
    np.testing.assert_allclose(lowered[0], [0.9, 0.1], rtol=1e-6)
    np.testing.assert_allclose(lowered[1:], 2 * [[0.504, 0.496]], atol=1e-5)


def test_too_few_validation_images_set_no_limit():
    training, labels = draw_evidence(2000, 0), one_class(2000)
    assert fit_outliers(PARTS, training, labels, draw_evidence(48, 1)) is None
    assert fit_outliers(PARTS, training, labels, draw_evidence(49, 1)) is not None


def test_evidence_without_any_variation_sets_a_limit():
    outliers = fit_outliers(
        PARTS, np.zeros((200, 2), np.float32), one_class(200), np.zeros((200, 2))
    )
    assert measure(outliers, (0, 0)) == [0]
    assert measure(outliers, (1, 0))[0] > 2


def test_the_served_probabilities_are_calibrated_before_they_are_lowered(outliers):
    image = keras.Input((1, 3, 1), name="image")
    search = keras.Model(image, keras.layers.Reshape((3,))(image), name="search")
    evidence = keras.Input((3,), name="evidence")
    logits = keras.layers.Dense(2, kernel_initializer="zeros", name="logits")
    probabilities = keras.layers.Softmax()(logits(evidence))
    decision = keras.Model({"image": image, "evidence": evidence}, probabilities, name="decision")
    logits.set_weights([np.zeros((3, 2)), np.log([0.8, 0.2])])
    whole = keras.Input((1, 3, 1))
    model = keras.Model(whole, decision({"image": whole, "evidence": search(whole)}))
    served = ServedProbabilities(model, 0.5, outliers)
    images = tf.constant([[[[0.0], [0.0], [7.0]]], [[[20.0], [-20.0], [7.0]]]])
    usual, outlier = served.compute(images).numpy()
    np.testing.assert_allclose(usual, [16 / 17, 1 / 17], rtol=1e-5)
    np.testing.assert_allclose(outlier, [0.5044, 0.4956], atol=1e-4)


def test_features_that_are_repeated_count_once():
    training, validation = draw_evidence(2000, 0), draw_evidence(5000, 1)
    parts = PrecomputedLayer("search", "decision", repeated=3)
    twice = fit_outliers(parts, np.tile(training, 2), one_class(2000), np.tile(validation, 2))
    once = fit_outliers(PARTS, training, one_class(2000), validation)
    np.testing.assert_allclose(
        measure(twice, (5, 9, 7, 0, 0, 0)), measure(once, (5, 9, 7)), rtol=1e-5
    )
