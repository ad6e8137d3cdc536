"""From scores to a class, with whatever has to be chosen fitted on training images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.matched_filter.wander import WANDERS

# Log likelihood ratios reach a thousand, where the tenth nat no longer matters.
SOFT_LIMIT = 5.0


def rules(seed: int = 0) -> dict[str, ClassifierMixin]:
    """The decision rules that are compared, not fitted yet."""
    return {
        "thresholds": DecisionTreeClassifier(
            max_leaf_nodes=12, min_samples_leaf=15, random_state=seed
        ),
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.3, max_iter=5000)
        ),
        "boosted trees": HistGradientBoostingClassifier(
            learning_rate=0.08,
            max_iter=100,
            max_leaf_nodes=12,
            min_samples_leaf=15,
            l2_regularization=1.0,
            max_features=0.4,
            random_state=seed,
        ),
    }


def columns(scores: Sequence[dict[str, float]]) -> tuple[list[str], np.ndarray]:
    """Scores as a table, with the differences that tell classes apart.

    Returns:
      Names of the columns and float64 [images, columns].
    """
    names = list(scores[0])
    table = {name: np.array([row[name] for row in scores]) for name in names}
    wander = logsumexp([table[f"wander {w.deviation} evidence"] for w in WANDERS], axis=0)
    line, curve = table["line evidence"], table["curve evidence"]
    fine = table["curve likelihood"] - table["line likelihood"]
    table["curve over line"] = fine
    table["curve over line, evidence"] = table["curve fine evidence"] - table["line fine evidence"]
    table["wander evidence"] = wander
    either = np.maximum(table["curve fine evidence"], table["line fine evidence"])
    table["wander over curve"] = wander - either
    table["wander over line"] = wander - table["line fine evidence"]
    table["any evidence"] = np.maximum.reduce([line, curve, wander])
    for name in list(table):
        if "evidence" in name or "over" in name or "likelihood" in name:
            table[f"soft {name}"] = np.arcsinh(table[name] / SOFT_LIMIT)
    return list(table), np.stack(list(table.values()), axis=1)
