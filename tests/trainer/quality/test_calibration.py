"""The temperature of probabilities is fitted, stays within bounds and is served."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from scipy.special import softmax

from tests.trainer.small_run import HEIGHT, WIDTH, build, fn_args
from trainer.inputs.batches import read_validation_batches
from trainer.inputs.records import read_records
from trainer.quality.calibration import (
    GREATEST,
    LEAST,
    apply_temperature,
    calibrate,
    fit_temperature,
)
from trainer.training import run_fn


def draw(temperature: float, images: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities that `temperature` calibrates perfectly, and labels."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 3.0, (images, 4))
    true = softmax(logits / temperature, axis=1)
    labels = (true.cumsum(axis=1) < rng.uniform(size=(images, 1))).sum(axis=1)
    return softmax(logits, axis=1), labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(temperature):
    assert fit_temperature(*draw(temperature)) == pytest.approx(temperature, rel=0.03)


def test_calibration_corrects_overconfidence_and_changes_no_decision():
    probabilities, labels = draw(2.5)
    calibration = calibrate(probabilities, labels)
    before, after = calibration["before"], calibration["after"]
    assert before["expected_calibration_error"] > 0.1
    for name in ("expected_calibration_error", "expected_calibration_error_equal_mass"):
        assert after[name] < 0.015
    assert after["brier_score"] < before["brier_score"]
    assert after["negative_log_likelihood"] < before["negative_log_likelihood"]
    served = apply_temperature(
        tf.constant(probabilities, tf.float32), calibration["temperature"]
    ).numpy()
    np.testing.assert_array_equal(served.argmax(axis=1), probabilities.argmax(axis=1))
    assert json.loads(json.dumps(calibration)) == calibration


def test_if_all_predictions_are_right_the_confidence_follows_the_rule_of_succession():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 800)
    probabilities = softmax(rng.normal(0, 0.3, (800, 4)) + 8.0 * np.eye(4)[labels], axis=1)
    temperature = fit_temperature(probabilities, labels)
    assert LEAST * 2 < temperature < GREATEST / 2
    confidence = softmax(np.log(probabilities) / temperature, axis=1).max(axis=1).mean()
    assert confidence == pytest.approx(1 - 0.75 / 801, abs=2e-4)


def test_certain_and_right_predictions_stay_within_bounds():
    calibration = calibrate(np.eye(4)[[0, 1, 2, 3]], np.array([0, 1, 2, 3]))
    assert LEAST < calibration["temperature"] <= GREATEST
    assert np.isfinite(calibration["after"]["negative_log_likelihood"])


def test_certain_and_wrong_predictions_get_the_greatest_temperature():
    assert fit_temperature(np.eye(4)[[0, 1, 2, 3]], np.array([1, 2, 3, 0])) == pytest.approx(
        GREATEST, rel=1e-3
    )


@pytest.mark.parametrize("labels", [[0, 0], [0, 1]])
def test_two_images_without_all_classes_give_a_temperature(labels):
    probabilities = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2]])
    calibration = calibrate(probabilities, np.array(labels))
    assert LEAST <= calibration["temperature"] <= GREATEST
    assert calibration["images"] == 2
    assert np.isfinite(calibration["after"]["brier_score"])


def test_without_a_fit_the_probabilities_are_only_measured():
    probabilities, labels = draw(2.5, 500)
    calibration = calibrate(probabilities, labels, fit=False)
    assert calibration["temperature"] is None
    assert calibration["after"] == calibration["before"]


@pytest.fixture
def exported(small_data, tmp_path, tiny_model):
    """A function that trains, and returns facts, probabilities, labels and served answers."""

    def run(**settings):
        run_fn(fn_args(small_data, tmp_path, **settings))
        card = json.loads((tmp_path / "Format-Serving/assets.extra/model.json").read_text())
        transform = tft.TFTransformOutput(str(small_data / "transform"))
        records = read_records([str(small_data / "validation.*")])
        batches = read_validation_batches(records, transform, 3, 32).dataset
        ((images, labels),) = list(batches)
        served = tf.saved_model.load(str(tmp_path / "Format-Serving"))
        answers = served.signatures["serving_default"](next(records.read_blocks()))
        model = build(HEIGHT, WIDTH, 3)
        model.load_weights(tmp_path / "model_run/weights/best.weights.h5")
        return card["training"], model(images).numpy(), labels.numpy().argmax(axis=1), answers

    return run


@pytest.mark.slow
def test_the_served_probabilities_are_calibrated(exported):
    facts, own, labels, answers = exported()
    calibration = facts["calibration"]
    expected = softmax(np.log(own) / calibration["temperature"], axis=1)
    served = answers["probabilities"].numpy()
    np.testing.assert_allclose(served, expected, atol=1e-6)
    np.testing.assert_allclose(answers["score"].numpy(), expected.max(axis=1), atol=1e-6)
    assert calibration["temperature"] == pytest.approx(fit_temperature(own, labels), rel=1e-3)
    assert calibration["images"] == len(labels)
    again = calibrate(served, labels, fit=False)["before"]
    for name in ("negative_log_likelihood", "brier_score"):
        assert calibration["after"][name] == pytest.approx(again[name], abs=1e-5)


@pytest.mark.slow
def test_calibrate_false_serves_the_models_own_probabilities(exported):
    facts, own, _, answers = exported(calibrate=False, epochs=1)
    np.testing.assert_allclose(answers["probabilities"].numpy(), own, atol=1e-6)
    assert facts["calibration"]["temperature"] is None


def test_the_measures_afterwards_are_those_of_what_is_served():
    probabilities, labels = np.tile([0.9, 0.1], (20, 1)), np.repeat([0, 1], [18, 2])
    result = calibrate(probabilities, labels, lower=lambda each: np.full_like(each, 0.5))
    assert result["after"]["negative_log_likelihood"] == pytest.approx(np.log(2))
    assert result["before"]["negative_log_likelihood"] == pytest.approx(
        -0.9 * np.log(0.9) - 0.1 * np.log(0.1)
    )
