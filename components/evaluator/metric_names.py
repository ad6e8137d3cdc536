"""Names of the figures in the Evaluator's output. Whoever reads an evaluation looks for these."""

from __future__ import annotations

ACCURACY = "accuracy"
BALANCED_ACCURACY = "balanced_accuracy"
LOWEST_RECALL = "lowest_recall"
CONFUSION_MATRIX = "confusion_matrix"
EXAMPLE_COUNT = "example_count"

# By class and as means of the classes: those of the decision, then those of the probabilities,
# of one class against the rest.
DECISION_FIGURES = ("precision", "recall", "f1")
RANKING_FIGURES = ("auc", "average_precision")
FIGURES = DECISION_FIGURES + RANKING_FIGURES
AVERAGES = ("macro", "weighted")


def class_name(figure: str, name: str) -> str:
    """Return the name of a class's figure, such as `recall_noise`."""
    return f"{figure}_{name}"


def average_name(average: str, figure: str) -> str:
    """Return the name of a mean of the classes' figures, such as `macro_recall`."""
    return f"{average}_{figure}"


def interval_name(figure: str) -> str:
    """Return the name of the bounds of a figure, such as `accuracy_interval`."""
    return f"{figure}_interval"
