"""Table of all spectrograms of the evaluated split that the model misclassifies."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from components.report.predictions import Predictions

COLUMNS = ("file", "row", "actual", "predicted", "probability", "probability_of_actual")


def format_misclassified(predictions: Predictions, classes: Sequence[str]) -> str:
    """Return CSV with a row for each misclassified spectrogram, the most confident first.

    Args:
      predictions: predictions for the evaluated split.
      classes: class names in the order of the label columns.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    most_confident_first = np.argsort(-predictions.confidence[wrong], kind="stable")
    for position in wrong[most_confident_first].tolist():
        actual, predicted = predictions.labels[position], predictions.predicted[position]
        probabilities = predictions.probabilities[position]
        writer.writerow(
            [
                predictions.files[position],
                predictions.rows[position],
                classes[actual],
                classes[predicted],
                f"{probabilities[predicted]:.4f}",
                f"{probabilities[actual]:.4f}",
            ]
        )
    return buffer.getvalue()
