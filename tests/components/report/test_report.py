"""The metrics, table and page of a report, from a confusion matrix."""

import csv
import functools
import io
import re

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import classification_report

from components.evaluator.evaluation import Evaluation, MetricValue, ModelMetrics, Slice
from components.report.data_statistics import Distribution, SplitStatistics
from components.report.data_validation import FeatureDistance, Validation
from components.report.misclassified_table import format_misclassified
from components.report.page.page import Contents, render_report
from components.report.page.spectrograms import choose_galleries
from components.report.predictions import Predictions
from components.report.provenance import InputArtifact, flatten
from components.report.results import Results
from trainer.quality.calibration import calibrate

CLASSES = ["squiggle", "narrowbanddrd", "narrowband", "noise"]
CALIBRATION = calibrate(
    np.repeat([[0.97, 0.01, 0.01, 0.01], [0.1, 0.7, 0.1, 0.1]], [150, 50], axis=0),
    np.repeat([0, 3, 1, 2], [130, 20, 40, 10]),
)
FAILURES = [
    "accuracy is 0.8900, 0.0600 below thresholds.accuracy = 0.95",
    "recall <noise> is low",
]
DROPPED_ROWS = ['images.csv, row 3, column 6: "<oops>" is not a number.']
MATRIX = np.array([[48, 1, 1, 0], [0, 40, 10, 0], [2, 8, 40, 0], [0, 0, 0, 50]])
DISTANCE = FeatureDistance(
    "validation and training images", "brightness", "Jensen-Shannon divergence", 0.0123, 0.14
)


def make_metrics(accuracy: float = 0.89, **undefined: None) -> ModelMetrics:
    def make_class_metrics(values: list[float]) -> dict[str, MetricValue]:
        decision = dict(zip(("precision", "recall", "f1"), values, strict=True)) | undefined
        return {
            **{
                name: MetricValue(value, value and (value - 0.05, value + 0.01))
                for name, value in decision.items()
            },
            "auc": MetricValue(0.97, (0.96, 0.98)),
            "average_precision": MetricValue(0.9, None),
        }

    column, row, hits = MATRIX.sum(axis=0), MATRIX.sum(axis=1), MATRIX.diagonal()
    by_class = np.stack([hits / column, hits / row, 2 * hits / (column + row)], axis=1)
    return ModelMetrics(
        accuracy=MetricValue(accuracy, (0.84, 0.93)),
        balanced_accuracy=MetricValue(0.89, (0.85, 0.92)),
        lowest_recall=MetricValue(0.8, None),
        by_class={
            name: make_class_metrics(values)
            for name, values in zip(CLASSES, by_class.tolist(), strict=True)
        },
        averages=dict.fromkeys(("macro", "weighted"), make_class_metrics([0.7, 0.7, 0.7])),
        confusion_matrix=MATRIX,
    )


def make_predictions() -> Predictions:
    """Predictions that add up to `MATRIX`, each more confident than the one before."""
    actual, predicted = np.nonzero(MATRIX)
    counts = MATRIX[actual, predicted]
    labels, predicted = np.repeat(actual, counts), np.repeat(predicted, counts)
    confidence = np.linspace(0.4, 0.999, len(labels))
    probabilities = np.repeat((1 - confidence)[:, np.newaxis] / 3, 4, axis=1)
    probabilities[np.arange(len(labels)), predicted] = confidence
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 16, 32), dtype=np.uint8)
    return Predictions(
        labels,
        probabilities.astype(np.float32),
        images,
        np.full(len(labels), "validation.csv"),
        np.arange(len(labels)) + 2,
    )


def render_page(
    baseline: ModelMetrics | None = None,
    validation: Validation = Validation((), (DISTANCE,)),  # noqa: B008 - It is immutable.
    **changes,
) -> str:
    """The page of `make_results` with these changes."""
    strong = Slice("line_strength_range", "10 and more", make_metrics())
    predictions = make_predictions()
    brightness = Distribution(
        0.1, 0.2, 0.25, 0.05, 0.4, edges=(0.1, 0.2, 0.4), images=(150.0, 50.0)
    )
    counts = dict.fromkeys(CLASSES, 50)
    return render_report(
        Contents(
            make_results(evaluation=Evaluation(make_metrics(), (strong,), baseline), **changes),
            predictions,
            choose_galleries(predictions, CLASSES),
            [SplitStatistics("validation", 200, counts, {"brightness": brightness})],
            validation,
            flatten({"epochs": 3, "schedule": {"kind": None}, "classes": CLASSES}),
            {"python": "3.10.1", "tfx": "1.16.0"},
            "abc123",
            [InputArtifact("model", "Model", 7, "/artifacts/Trainer/model/7")],
        )
    )


@functools.cache
def plain_page() -> str:
    return render_page()


@functools.cache
def page_with_baseline() -> str:
    """The page of a run that has a baseline, dropped rows, and data with an anomaly."""
    return render_page(
        baseline=make_metrics(accuracy=0.87),
        validation=Validation(("train, feature contrast: out of <range>",), ()),
        dropped_rows=DROPPED_ROWS,
    )


@functools.cache
def page_of_refused_model() -> str:
    """The page of a model that failed thresholds and was not calibrated."""
    calibration = {**CALIBRATION, "temperature": None, "after": CALIBRATION["before"]}
    return render_page(
        blessed=False,
        pushed_to=None,
        failures=FAILURES,
        training={**make_results().training, "calibration": calibration},
    )


def test_a_model_that_was_pushed_by_force_is_shown_with_the_reason():
    page = render_page(
        blessed=False,
        pushed_to="/serving/7",
        force_push_reason="the old one is <worse>",
        failures=FAILURES,
    )
    assert "<strong>Not blessed, pushed by force.</strong>" in page
    assert "Pushed to <code>/serving/7</code>. Reason given: the old one is &lt;worse&gt;" in page


def make_results(**changes) -> Results:
    values = {
        "force_push_reason": None,
        "classes": CLASSES,
        "evaluated_split": "validation",
        "evaluation": Evaluation(make_metrics(), (), None),
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
    assert make_results().classification_report() == expected


def test_undefined_metrics_are_zero_as_in_scikit_learn():
    undefined = Evaluation(make_metrics(precision=None, recall=None, f1=None), (), None)
    metrics = make_results(evaluation=undefined).as_json()["classes"]["noise"]
    assert [metrics[name] for name in ("precision", "recall", "f1")] == [0.0, 0.0, 0.0]


def test_metrics_json_has_the_documented_content():
    content = make_results().as_json()
    assert content["classes"]["narrowband"] == {
        "precision": pytest.approx(40 / 51),
        "recall": 0.8,
        "f1": pytest.approx(2 * 40 / 51 * 0.8 / (40 / 51 + 0.8)),
        "support": 50,
        "auc": 0.97,
        "average_precision": 0.9,
    }
    assert content["confusion_matrix"] == MATRIX.tolist()
    assert content["accuracy"] == pytest.approx(178 / 200)
    assert (content["blessed"], content["pushed_to"]) == (True, "/serving/1")
    assert content["training"]["images_per_second"] == 512.3


def test_the_page_needs_nothing_from_outside():
    page = plain_page()
    assert re.findall(r'(?:src|srcset|href)="(?!data:|#)', page) == []
    assert "<script" not in page
    # Five plots, each for light and for dark pages.
    assert page.count("data:image/svg+xml;base64,") == 2 * 5


def test_every_picture_has_an_alternative_text():
    images = re.findall(r"<img [^>]*>", plain_page())
    assert len(images) > 4
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)


def test_every_metric_has_its_interval_and_its_change_from_the_model_in_service():
    page = plain_page()
    assert '0.8000<span class="interval">0.750 to 0.810</span>' in page
    assert "compared with the model in service" not in page
    page = page_with_baseline()
    assert "+0.0200 compared with the model in service" in page
    assert '<span class="same">+0.0000</span>' in page


def test_the_page_shows_correct_wrong_and_uncertain_spectrograms_of_each_class():
    correct, wrong, uncertain = choose_galleries(make_predictions(), CLASSES)
    for name in CLASSES:
        assert {picture.predicted for picture in correct.by_class[name]} == {name}
        assert len(correct.by_class[name]) == 4
        confidence = [picture.probability for picture in correct.by_class[name]]
        assert confidence == sorted(confidence, reverse=True)
    assert [picture.predicted for picture in wrong.by_class["squiggle"]] == [
        "narrowband",
        "narrowbanddrd",
    ]
    assert not wrong.by_class["noise"]
    # The confidence rises from row to row, so the first rows of each class are the least certain.
    assert [picture.row for picture in uncertain.by_class["narrowbanddrd"]] == [52, 53, 54, 55]
    page = plain_page()
    assert '<span class="quiet">validation.csv, row 52</span>' in page
    assert "classified as narrowband (" in page
    assert page.count("<figcaption>") == sum(
        len(pictures)
        for gallery in (correct, wrong, uncertain)
        for pictures in gallery.by_class.values()
    )


def test_misclassified_spectrograms_are_listed_with_file_and_row_the_most_confident_first():
    predictions = make_predictions()
    table = list(csv.DictReader(io.StringIO(format_misclassified(predictions, CLASSES))))
    assert len(table) == MATRIX.sum() - MATRIX.trace()
    for line in table:
        position = int(line["row"]) - 2
        label = predictions.labels[position]
        assert line["file"] == "validation.csv"
        assert line["actual"] == CLASSES[label]
        assert line["predicted"] == CLASSES[predictions.predicted[position]] != line["actual"]
        probability = predictions.probabilities[position][label]
        assert float(line["probability_of_actual"]) == pytest.approx(probability, abs=5.1e-5)
    confidence = [float(line["probability"]) for line in table]
    assert confidence == sorted(confidence, reverse=True)


def test_large_spectrograms_are_averaged_down():
    images = np.zeros((1, 384, 512), np.uint8)
    images[0, :, 256:] = 200
    predictions = Predictions(
        np.array([0]),
        np.array([[0.9, 0.1]], np.float32),
        images,
        np.array(["images.npy"]),
        np.array([1]),
    )
    (picture,) = choose_galleries(predictions, ["line", "noise"])[0].by_class["line"]
    drawn = np.asarray(Image.open(io.BytesIO(picture.png)))
    assert drawn.shape == (128, 171)
    assert (drawn[0, 0], drawn[0, -1]) == (0, 255)


def test_the_page_shows_the_provenance_of_the_run():
    page = plain_page()
    for text in ("sha256:abc", "abc123", "1.16.0", "/artifacts/Trainer/model/7"):
        assert text in page
    assert "<code>schedule.kind</code></th><td>not set</td>" in page
    assert "squiggle, narrowbanddrd, narrowband, noise</td>" in page
    assert "<td>0.25</td>" in page, "mean brightness"


def test_the_page_shows_distances_between_sets_of_images_and_anomalies():
    page = plain_page()
    assert "No anomalies" in page
    assert "<td>Jensen-Shannon divergence</td><td>0.012</td><td>0.14</td>" in page
    page = page_with_baseline()
    assert "No anomalies" not in page
    assert "<li>train, feature contrast: out of &lt;range&gt;</li>" in page
    assert "No sets of images were compared" in page


def test_the_page_of_a_blessed_model_shows_metrics_and_where_it_was_pushed():
    page = plain_page()
    assert "Blessed." in page
    assert "/serving/1" in page
    assert "/data (SIMULATED: preset basic, seed 0)" in page
    assert ">0.7843<" in page, "precision"


def test_the_page_of_a_refused_model_names_every_threshold_that_it_failed():
    page = page_of_refused_model()
    assert "Not blessed, not pushed." in page
    assert FAILURES[0] in page
    assert "recall &lt;noise&gt; is low" in page


def test_the_page_shows_calibration_before_and_after_and_the_images_it_was_fitted_on():
    page = plain_page()
    before = (150 * (0.97 - 130 / 150) + 50 * (0.8 - 0.7)) / 200
    after = CALIBRATION["after"]["expected_calibration_error"]
    assert f"<td>{before:.4f}</td><td>{after:.4f}</td>" in page
    assert f"at temperature {CALIBRATION['temperature']:.3f}" in page
    assert "fitted on the 200 validation images" in page


def test_the_page_of_a_model_that_was_not_calibrated_shows_one_column():
    page = page_of_refused_model()
    assert "<code>calibrate</code> is off" in page
    assert ">network</th>" not in page
    assert page.count("data:image/svg+xml;base64,") == 2 * 5


def test_dropped_rows_are_listed_on_the_page_and_in_the_json():
    assert make_results(dropped_rows=DROPPED_ROWS).as_json()["dropped_rows"] == DROPPED_ROWS
    page = page_with_baseline()
    assert "Bad rows that were dropped: 1" in page
    assert "&lt;oops&gt;" in page
    assert "dropped" not in plain_page()


def test_the_page_names_the_split_that_was_measured():
    page = render_page(evaluated_split="test")
    assert "evaluation on 200 test images" in page
    assert "These spectrograms are from the test split." in page
    assert "fitted on the 200 validation images" in page
