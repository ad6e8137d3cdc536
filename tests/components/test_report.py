"""The report's figures, table and page, from a confusion matrix."""

import re

import numpy as np
import pytest
from sklearn.metrics import classification_report, precision_recall_fscore_support

from components.report.page import render
from components.report.results import Results
from trainer.calibration import calibrate

CLASSES = ["squiggle", "narrowbanddrd", "narrowband", "noise"]
CALIBRATION = calibrate(
    np.repeat([[0.97, 0.01, 0.01, 0.01], [0.1, 0.7, 0.1, 0.1]], [150, 50], axis=0),
    np.repeat([0, 3, 1, 2], [130, 20, 40, 10]),
)
MATRIX = np.array([[48, 1, 1, 0], [0, 40, 10, 0], [2, 8, 40, 0], [0, 0, 0, 50]])


def results(**changes) -> Results:
    column, row = MATRIX.sum(axis=0), MATRIX.sum(axis=1)
    diagonal = MATRIX.diagonal()
    values = {
        "classes": CLASSES,
        "accuracy": float(diagonal.sum() / MATRIX.sum()),
        "precision": dict(zip(CLASSES, (diagonal / column).tolist(), strict=True)),
        "recall": dict(zip(CLASSES, (diagonal / row).tolist(), strict=True)),
        "confusion_matrix": MATRIX,
        "failures": [],
        "blessed": True,
        "pushed_to": "/serving/1",
        "data": "/data (SIMULATED: preset basic, seed 0)",
        "data_fingerprint": "sha256:abc",
        "dropped_rows": [],
        "data_warnings": [],
        "training": {
            "model": "compact",
            "parameters": 98932,
            "epochs": 3,
            "best_epoch": 2,
            "images_per_second": 512.3,
            "train_images": 800,
            "validation_images": 200,
            "seed": 0,
            "schedule": {"initial_rate": 0.004},
            "calibration": CALIBRATION,
        },
        "training_log": {
            name: [0.5, 0.3, 0.2]
            for name in ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate")
        },
    }
    return Results(**{**values, **changes})


@pytest.fixture(scope="module")
def pairs():
    actual, predicted = np.nonzero(MATRIX)
    counts = MATRIX[actual, predicted]
    return np.repeat(actual, counts), np.repeat(predicted, counts)


def test_the_table_is_the_one_scikit_learn_prints_for_the_same_predictions(pairs):
    expected = classification_report(*pairs, target_names=CLASSES, digits=4)
    assert results().classification_report() == expected


def test_f1_and_support_are_scikit_learns(pairs):
    _, _, f1, support = precision_recall_fscore_support(*pairs)
    assert list(results().f1.values()) == pytest.approx(f1.tolist(), abs=1e-12)
    assert list(results().support.values()) == support.tolist()


def test_f1_of_a_class_never_found_is_zero():
    nothing = dict.fromkeys(CLASSES, 0.0)
    assert results(precision=nothing, recall=nothing).f1 == nothing


def test_metrics_json_names_what_the_design_names():
    content = results().as_json()
    assert content["classes"]["narrowband"] == {
        "precision": pytest.approx(40 / 51),
        "recall": 0.8,
        "f1": pytest.approx(2 * 40 / 51 * 0.8 / (40 / 51 + 0.8)),
        "support": 50,
    }
    assert content["confusion_matrix"] == MATRIX.tolist()
    assert content["accuracy"] == pytest.approx(178 / 200)
    assert (content["blessed"], content["pushed_to"]) == (True, "/serving/1")
    assert content["training"]["images_per_second"] == 512.3


def test_the_page_needs_nothing_from_outside():
    page = render(results())
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "<script" not in page
    assert page.count("data:image/png;base64,") == 3


def test_the_page_of_a_blessed_model_shows_figures_and_where_it_went():
    page = render(results())
    assert "Blessed." in page
    assert "/serving/1" in page
    assert "/data (SIMULATED: preset basic, seed 0)" in page
    assert ">0.7843<" in page, "precision of narrowband, 40 of 51"


def test_the_page_of_a_refused_model_names_every_threshold_it_missed():
    missed = [
        "accuracy is 0.8900, 0.0600 below thresholds.accuracy = 0.95",
        "recall <noise> is low",
    ]
    page = render(results(blessed=False, pushed_to=None, failures=missed))
    assert "Not blessed, not pushed." in page
    assert missed[0] in page
    assert "recall &lt;noise&gt; is low" in page


def test_the_page_shows_calibration_before_and_after_and_what_it_was_fitted_on():
    page = render(results())
    before = (150 * (0.97 - 130 / 150) + 50 * (0.8 - 0.7)) / 200
    after = CALIBRATION["after"]["expected_calibration_error"]
    assert f"<td>{before:.4f}</td><td>{after:.4f}</td>" in page
    assert f"at temperature {CALIBRATION['temperature']:.3f}" in page
    assert "fitted on the 200 validation images" in page


def test_the_page_of_a_model_that_was_not_calibrated_shows_the_networks_own_figures():
    measured = {**CALIBRATION, "temperature": None, "after": CALIBRATION["before"]}
    page = render(results(training={**results().training, "calibration": measured}))
    assert "<code>calibrate</code> is off" in page
    assert "before" not in page
    assert page.count("data:image/png;base64,") == 3


def test_rows_that_were_left_out_are_listed_on_the_page_and_in_the_json():
    dropped = ['images.csv, row 3, column 6: "<oops>" is not a number.']
    found = results(dropped_rows=dropped)
    assert found.as_json()["dropped_rows"] == dropped
    page = render(found)
    assert "Bad rows left out: 1" in page
    assert "&lt;oops&gt;" in page
    assert "left out" not in render(results())
