"""Decision rules that predict a class from scores. They are fitted to training images."""

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

# Log likelihood ratios reach a thousand. Beyond this limit a few nats no longer matter.
SOFT_LIMIT = 5.0


def list_rules(seed: int = 0) -> dict[str, ClassifierMixin]:
    """Return the decision rules to compare, not fitted yet, by name."""
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


def tabulate(scores: Sequence[dict[str, float]]) -> np.ndarray:
    """Return scores as a table, with the differences that distinguish the classes.

    Returns:
      float64 [images, columns].
    """
    table = {name: np.array([row[name] for row in scores]) for name in scores[0]}
    evidence = [table[f"wander {wander.deviation} evidence"] for wander in WANDERS]
    wander = logsumexp(evidence, axis=0)
    line, curve = table["line evidence"], table["curve evidence"]
    fine = table["curve likelihood"] - table["line likelihood"]
    table["curve over line"] = fine
    table["curve over line, evidence"] = table["curve fine evidence"] - table["line fine evidence"]
    table["wander evidence"] = wander
    either = np.maximum(table["curve fine evidence"], table["line fine evidence"])
    table["wander over curve"] = wander - either
    table["wander over line"] = wander - table["line fine evidence"]
    table["any evidence"] = np.maximum.reduce([line, curve, wander])
    if "pulsed evidence" in table:
        _compare_pulsed(table)
    for name in list(table):
        if "evidence" in name or "over" in name or "likelihood" in name:
            table[f"soft {name}"] = np.arcsinh(table[name] / SOFT_LIMIT)
    return np.stack(list(table.values()), axis=1)


def _compare_pulsed(table: dict[str, np.ndarray]) -> None:
    """Add the differences that distinguish pulsed signals and bright pixels from others."""
    names = [name for name in table if name.startswith("pulsed wander") and "evidence" in name]
    wander = logsumexp([table[name] for name in names], axis=0)
    line, short = table["pulsed evidence"], table["short evidence"]
    steady = table["any evidence"]
    table["pulsed wander evidence"] = wander
    table["pulsed over line"] = line - table["line evidence"]
    table["pulsed over steady"] = np.maximum(line, wander) - steady
    table["pulsed wander over wander"] = wander - table["wander evidence"]
    table["pulsed wander over pulsed"] = wander - line
    table["short over pulsed"] = short - np.maximum(line, wander)
    table["short over steady"] = short - steady
    table["any evidence, pulsed too"] = np.maximum.reduce([line, wander, short, steady])
