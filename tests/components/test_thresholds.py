"""What a failed threshold says of itself."""

import json
import math

import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import validation_result_pb2

from components.evaluator.eval_config import eval_config
from components.evaluator.failed_thresholds import sentence


def failure(name: str, value: float, bound: float):
    failure = validation_result_pb2.ValidationFailure()
    failure.metric_key.name = name
    failure.metric_value.double_value.value = value
    failure.metric_threshold.value_threshold.lower_bound.value = bound
    return failure


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "balanced_accuracy",
            0.85,
            "balanced accuracy is 0.8500, 0.0500 below thresholds.balanced_accuracy = 0.9",
        ),
        ("accuracy", 0.85, "accuracy is 0.8500, 0.0500 below thresholds.accuracy = 0.9"),
        (
            "precision_narrow_band",
            0.4,
            "precision narrow_band is 0.4000, 0.5000 below thresholds.class_precision = 0.9",
        ),
        (
            "precision_noise",
            math.nan,
            "precision noise is undefined (the class was never predicted), "
            "thresholds.class_precision is 0.9",
        ),
        (
            "recall_noise",
            math.nan,
            "recall noise is undefined (no image is of the class), thresholds.class_recall is 0.9",
        ),
    ],
)
def test_a_missed_bound_is_named_with_value_and_distance(name, value, said):
    assert sentence(failure(name, value, bound=0.9)) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "accuracy",
            "accuracy is 0.0300 below the baseline's, more than the 0.01 allowed "
            "(thresholds.baseline_margin)",
        ),
        (
            "lowest_recall",
            "the lowest recall of a class is 0.0300 below the baseline's, more than the 0.01 "
            "allowed (thresholds.baseline_recall_margin)",
        ),
    ],
)
def test_a_model_below_the_baseline_is_told_by_how_much(name, said):
    worse = failure(name, -0.03, bound=0)
    worse.metric_key.is_diff = True
    worse.metric_threshold.change_threshold.absolute.value = -0.01
    assert sentence(worse) == said


def configured(**settings) -> tfma.EvalConfig:
    return eval_config(
        ["a", "b"],
        **{
            "accuracy": 0.9,
            "balanced_accuracy": 0.0,
            "class_precision": 0.8,
            "class_recall": 0.7,
            "baseline_margin": 0.01,
            "baseline_recall_margin": 0.05,
            **settings,
        },
    )


def thresholds(**settings):
    found = {}
    for metric in configured(**settings).metrics_specs[0].metrics:
        assert not metric.HasField("threshold"), "it would hold for every slice"
        for of_slices in metric.per_slice_thresholds:
            assert list(of_slices.slicing_specs) == [tfma.SlicingSpec()], "all images"
            found[json.loads(metric.config)["name"]] = of_slices.threshold
    return found


def lower_bounds(found):
    return {
        name: pytest.approx(of.value_threshold.lower_bound.value, abs=1e-8)
        for name, of in found.items()
        if of.HasField("value_threshold")
    }


def test_every_bound_of_the_configuration_is_set_on_its_metric():
    found = thresholds()
    assert lower_bounds(found) == {
        "accuracy": 0.9,
        "precision_a": 0.8,
        "precision_b": 0.8,
        "recall_a": 0.7,
        "recall_b": 0.7,
    }
    assert found["accuracy"].change_threshold.absolute.value == pytest.approx(-0.01)
    assert found["lowest_recall"].change_threshold.absolute.value == pytest.approx(-0.05)


def test_bounds_by_class_hold_for_the_classes_named():
    found = thresholds(class_recall={"b": 0.95}, class_precision={}, balanced_accuracy=0.85)
    assert lower_bounds(found) == {"accuracy": 0.9, "balanced_accuracy": 0.85, "recall_b": 0.95}


def test_zero_turns_a_bound_off_but_a_model_can_still_be_blessed():
    found = thresholds(
        accuracy=0,
        class_precision=0,
        class_recall=0,
        baseline_margin=0,
        baseline_recall_margin=0,
    )
    assert set(found) == {"accuracy"}
    assert found["accuracy"].value_threshold.lower_bound.value == pytest.approx(0, abs=1e-8)
    assert not found["accuracy"].HasField("change_threshold")


@pytest.mark.parametrize(
    ("right", "before", "passes"),
    [(774, 782, True), (773, 782, False), (720, 728, True), (719, 719, False)],
)
def test_a_figure_on_its_very_bound_passes_whatever_floating_point_makes_of_it(
    right, before, passes
):
    """Of 800 images, with an accuracy of 0.9 wanted and 0.01 less than the baseline allowed."""
    config = configured(class_precision=0, class_recall=0, baseline_recall_margin=0)
    config.model_specs.add(name="baseline", is_baseline=True)
    of_candidate = MetricKey("accuracy")
    change = MetricKey("accuracy", is_diff=True)
    value = right / 800
    found = validate_metrics(((), {of_candidate: value, change: value - before / 800}), config)
    failed = [
        failure.metric_key.name
        for of_slice in found.metric_validations_per_slice
        for failure in of_slice.failures
    ]
    assert (failed == []) == passes
