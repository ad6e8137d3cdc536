"""The thresholds in the configuration of the Evaluator."""

import json

import pytest
from tensorflow_model_analysis.evaluators.metrics_validator import validate_metrics
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.eval_config import build_eval_config, read_classes


def configure(**settings) -> config_pb2.EvalConfig:
    return build_eval_config(
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


def list_thresholds(**settings):
    thresholds = {}
    for metric in configure(**settings).metrics_specs[0].metrics:
        assert not metric.HasField("threshold"), "it would hold for every slice"
        for slice_threshold in metric.per_slice_thresholds:
            assert list(slice_threshold.slicing_specs) == [config_pb2.SlicingSpec()], "all images"
            thresholds[json.loads(metric.config)["name"]] = slice_threshold.threshold
    return thresholds


def lower_bounds(thresholds):
    return {
        name: pytest.approx(threshold.value_threshold.lower_bound.value, abs=1e-8)
        for name, threshold in thresholds.items()
        if threshold.HasField("value_threshold")
    }


def test_every_bound_of_the_configuration_is_set_on_its_metric():
    thresholds = list_thresholds()
    assert lower_bounds(thresholds) == {
        "accuracy": 0.9,
        "predicted_classes": 2,
        "precision_a": 0.8,
        "precision_b": 0.8,
        "recall_a": 0.7,
        "recall_b": 0.7,
    }
    assert thresholds["accuracy"].change_threshold.absolute.value == pytest.approx(-0.01)
    assert thresholds["lowest_recall"].change_threshold.absolute.value == pytest.approx(-0.05)


def test_the_classes_can_be_read_from_the_configuration():
    assert read_classes(configure()) == ["a", "b"]


def test_bounds_by_class_apply_to_the_named_classes():
    thresholds = list_thresholds(
        class_recall={"b": 0.95}, class_precision={}, balanced_accuracy=0.85
    )
    assert lower_bounds(thresholds) == {
        "accuracy": 0.9,
        "balanced_accuracy": 0.85,
        "predicted_classes": 2,
        "recall_b": 0.95,
    }


def test_zero_turns_a_bound_off_but_a_model_must_still_predict_two_classes():
    thresholds = list_thresholds(
        accuracy=0,
        class_precision=0,
        class_recall=0,
        baseline_margin=0,
        baseline_recall_margin=0,
    )
    assert set(thresholds) == {"accuracy", "predicted_classes"}
    assert thresholds["accuracy"].value_threshold.lower_bound.value == pytest.approx(0, abs=1e-8)
    assert not thresholds["accuracy"].HasField("change_threshold")


@pytest.mark.parametrize(
    ("right", "before", "passes"),
    [(774, 782, True), (773, 782, False), (720, 728, True), (719, 719, False)],
)
def test_a_metric_exactly_on_its_bound_passes_despite_rounding(right, before, passes):
    """For 800 images, an accuracy of at least 0.9, and at most 0.01 below the baseline."""
    config = configure(class_precision=0, class_recall=0, baseline_recall_margin=0)
    config.model_specs.add(name="baseline", is_baseline=True)
    accuracy = MetricKey("accuracy")
    change = MetricKey("accuracy", is_diff=True)
    value = right / 800
    metrics = {
        accuracy: value,
        change: value - before / 800,
        MetricKey("predicted_classes"): 2.0,
    }
    result = validate_metrics(((), metrics), config)
    failed = [
        failure.metric_key.name
        for validation in result.metric_validations_per_slice
        for failure in validation.failures
    ]
    assert (failed == []) == passes
