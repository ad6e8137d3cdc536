"""Names of the metrics in the Evaluator's output, for the code that writes and reads them."""

from __future__ import annotations

ACCURACY = "accuracy"
BALANCED_ACCURACY = "balanced_accuracy"
LOWEST_RECALL = "lowest_recall"
PREDICTED_CLASSES = "predicted_classes"
CONFUSION_MATRIX = "confusion_matrix"
EXAMPLE_COUNT = "example_count"

# Metrics of each class, and averages of them over the classes. Decision metrics depend only on the
# predicted class; ranking metrics depend on the probabilities of one class against the rest.
DECISION_METRICS = ("precision", "recall", "f1")
RANKING_METRICS = ("auc", "average_precision")
CLASS_METRICS = DECISION_METRICS + RANKING_METRICS
AVERAGES = ("macro", "weighted")


def class_metric_name(metric: str, class_name: str) -> str:
    """Return the name of a metric of one class, such as `recall_noise`."""
    return f"{metric}_{class_name}"


def average_metric_name(average: str, metric: str) -> str:
    """Return the name of an average over the classes, such as `macro_recall`."""
    return f"{average}_{metric}"


def interval_name(metric: str) -> str:
    """Return the name of the confidence interval of a metric, such as `accuracy_interval`."""
    return f"{metric}_interval"
