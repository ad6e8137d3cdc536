"""The report's figures, table and page, from a confusion matrix."""

import csv
import functools
import io
import re

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import classification_report

from components.evaluator.evaluation import Evaluation, Figure, Figures, Slice
from components.report.data_statistics import Measure, SplitStatistics
from components.report.data_validation import Comparison, Validation
from components.report.misclassified_table import misclassified_csv
from components.report.page.contents import Contents
from components.report.page.page import render
from components.report.page.spectrograms import galleries
from components.report.predictions import Predictions
from components.report.provenance import Ancestor, flattened
from components.report.results import Results
from trainer.quality.calibration import calibrate

CLASSES = ["squiggle", "narrowbanddrd", "narrowband", "noise"]
CALIBRATION = calibrate(
    np.repeat([[0.97, 0.01, 0.01, 0.01], [0.1, 0.7, 0.1, 0.1]], [150, 50], axis=0),
    np.repeat([0, 3, 1, 2], [130, 20, 40, 10]),
)
MATRIX = np.array([[48, 1, 1, 0], [0, 40, 10, 0], [2, 8, 40, 0], [0, 0, 0, 50]])


COMPARISON = Comparison(
    "validation and training images", "brightness", "Jensen-Shannon divergence", 0.0123, 0.14
)


def figures(accuracy: float = 0.89, **undefined: None) -> Figures:
    def of_class(precision: float, recall: float, f1: float) -> dict[str, Figure]:
        decision = {"precision": precision, "recall": recall, "f1": f1} | undefined
        return {
            **{
                name: Figure(value, value and (value - 0.05, value + 0.01))
                for name, value in decision.items()
            },
            "auc": Figure(0.97, (0.96, 0.98)),
            "average_precision": Figure(0.9, None),
        }

    column, row, right = MATRIX.sum(axis=0), MATRIX.sum(axis=1), MATRIX.diagonal()
    by_class = [right / column, right / row, 2 * right / (column + row)]
    return Figures(
        accuracy=Figure(accuracy, (0.84, 0.93)),
        balanced_accuracy=Figure(0.89, (0.85, 0.92)),
        lowest_recall=Figure(0.8, None),
        by_class={
            name: of_class(*values)
            for name, *values in zip(CLASSES, *(of.tolist() for of in by_class), strict=True)
        },
        averages=dict.fromkeys(("macro", "weighted"), of_class(0.7, 0.7, 0.7)),
        confusion_matrix=MATRIX,
    )


def predictions() -> Predictions:
    """Answers that make up `MATRIX`, the surer the later an image comes."""
    actual, predicted = np.nonzero(MATRIX)
    counts = MATRIX[actual, predicted]
    labels, said = np.repeat(actual, counts), np.repeat(predicted, counts)
    sure = np.linspace(0.4, 0.999, len(labels))
    probabilities = np.repeat((1 - sure)[:, np.newaxis] / 3, 4, axis=1)
    probabilities[np.arange(len(labels)), said] = sure
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 16, 32), dtype=np.uint8)
    return Predictions(
        labels,
        probabilities.astype(np.float32),
        images,
        np.full(len(labels), "validation.csv"),
        np.arange(len(labels)) + 2,
    )


def page_of(
    baseline: Figures | None = None,
    validation: Validation = Validation((), (COMPARISON,)),  # noqa: B008
    **changes,
) -> str:
    """The page of `results` with these changes, beside what does not change."""
    strong = Slice("line_strength_range", "10 and more", figures())
    found = results(evaluation=Evaluation(figures(), (strong,), baseline), **changes)
    answers = predictions()
    measure = Measure(0.1, 0.2, 0.25, 0.05, 0.4, edges=(0.1, 0.2, 0.4), images=(150.0, 50.0))
    counts = {name: 50 for name in CLASSES}
    return render(
        Contents(
            found,
            answers,
            galleries(answers, CLASSES),
            [SplitStatistics("validation", 200, counts, {"brightness": measure})],
            validation,
            flattened({"epochs": 3, "schedule": {"kind": None}, "classes": CLASSES}),
            {"python": "3.10.1", "tfx": "1.16.0"},
            "abc123",
            [Ancestor("model", "Model", 7, "/artifacts/Trainer/model/7")],
        )
    )


@functools.cache
def plain_page() -> str:
    return page_of()


def results(**changes) -> Results:
    values = {
        "classes": CLASSES,
        "evaluation": Evaluation(figures(), (), None),
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


def test_figures_that_are_undefined_are_zero_as_scikit_learn_has_it():
    nothing = Evaluation(figures(precision=None, recall=None, f1=None), (), None)
    of_class = results(evaluation=nothing).as_json()["classes"]["noise"]
    assert [of_class[name] for name in ("precision", "recall", "f1")] == [0.0, 0.0, 0.0]


def test_metrics_json_names_what_the_design_names():
    content = results().as_json()
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
    # Five plots, for light pages and for dark ones.
    assert page.count("data:image/svg+xml;base64,") == 2 * 5


def test_every_picture_has_a_text_in_its_place():
    images = re.findall(r"<img [^>]*>", plain_page())
    assert len(images) > 4
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)


def test_every_figure_has_its_interval_and_its_change_from_the_model_in_service():
    page = plain_page()
    assert '0.8000<span class="interval">0.750 to 0.810</span>' in page
    assert "against the model in service" not in page
    page = page_of(baseline=figures(accuracy=0.87))
    assert "+0.0200 against the model in service" in page
    assert '<span class="same">+0.0000</span>' in page


def test_of_each_class_the_page_shows_right_ones_the_worst_and_the_undecided():
    right, wrong, undecided = galleries(predictions(), CLASSES)
    for name in CLASSES:
        assert {picture.predicted for picture in right.by_class[name]} == {name}
        assert len(right.by_class[name]) == 4
        surest_first = [-picture.probability for picture in right.by_class[name]]
        assert surest_first == sorted(surest_first)
    assert [picture.predicted for picture in wrong.by_class["squiggle"]] == [
        "narrowband",
        "narrowbanddrd",
    ]
    assert not wrong.by_class["noise"]
    # Surer the later, so that the first of each class are the least certain.
    assert [picture.row for picture in undecided.by_class["narrowbanddrd"]] == [52, 53, 54, 55]
    page = plain_page()
    assert '<span class="quiet">validation.csv, row 52</span>' in page
    assert "taken for narrowband (" in page
    assert page.count("<figcaption>") == sum(
        len(pictures)
        for gallery in (right, wrong, undecided)
        for pictures in gallery.by_class.values()
    )


def test_every_wrong_one_is_listed_with_file_and_row_the_surest_first():
    answers = predictions()
    listed = list(csv.DictReader(io.StringIO(misclassified_csv(answers, CLASSES))))
    assert len(listed) == MATRIX.sum() - MATRIX.trace()
    for line in listed:
        at = int(line["row"]) - 2
        assert line["file"] == "validation.csv"
        assert line["actual"] == CLASSES[answers.labels[at]]
        assert line["predicted"] == CLASSES[answers.predicted[at]] != line["actual"]
        of_actual = answers.probabilities[at][answers.labels[at]]
        assert float(line["probability_of_actual"]) == pytest.approx(of_actual, abs=5.1e-5)
    sure = [float(line["probability"]) for line in listed]
    assert sure == sorted(sure, reverse=True)


def test_large_spectrograms_are_averaged_down_to_what_a_page_has_room_for():
    images = np.zeros((1, 384, 512), np.uint8)
    images[0, :, 256:] = 200
    answer = Predictions(
        np.array([0]),
        np.array([[0.9, 0.1]], np.float32),
        images,
        np.array(["images.npy"]),
        np.array([1]),
    )
    (picture,) = galleries(answer, ["line", "noise"])[0].by_class["line"]
    drawn = np.asarray(Image.open(io.BytesIO(picture.png)))
    assert drawn.shape == (128, 171)
    assert (drawn[0, 0], drawn[0, -1]) == (0, 255)


def test_the_page_says_what_the_run_was_made_of():
    page = plain_page()
    for part in ("sha256:abc", "abc123", "1.16.0", "/artifacts/Trainer/model/7"):
        assert part in page
    assert "<code>schedule.kind</code></th><td>not set</td>" in page
    assert "squiggle, narrowbanddrd, narrowband, noise</td>" in page
    assert "<td>0.25</td>" in page, "mean brightness"


def test_the_page_says_how_far_apart_sets_of_images_are_and_what_does_not_fit():
    page = plain_page()
    assert "No anomalies" in page
    assert "<td>Jensen-Shannon divergence</td><td>0.012</td><td>0.14</td>" in page
    page = page_of(validation=Validation(("train, feature contrast: out of <range>",), ()))
    assert "No anomalies" not in page
    assert "<li>train, feature contrast: out of &lt;range&gt;</li>" in page
    assert "nothing to compare them with" in page


def test_the_page_of_a_blessed_model_shows_figures_and_where_it_went():
    page = plain_page()
    assert "Blessed." in page
    assert "/serving/1" in page
    assert "/data (SIMULATED: preset basic, seed 0)" in page
    assert ">0.7843<" in page, "precision"


def test_the_page_of_a_refused_model_names_every_threshold_it_missed():
    missed = [
        "accuracy is 0.8900, 0.0600 below thresholds.accuracy = 0.95",
        "recall <noise> is low",
    ]
    page = page_of(blessed=False, pushed_to=None, failures=missed)
    assert "Not blessed, not pushed." in page
    assert missed[0] in page
    assert "recall &lt;noise&gt; is low" in page


def test_the_page_shows_calibration_before_and_after_and_what_it_was_fitted_on():
    page = plain_page()
    before = (150 * (0.97 - 130 / 150) + 50 * (0.8 - 0.7)) / 200
    after = CALIBRATION["after"]["expected_calibration_error"]
    assert f"<td>{before:.4f}</td><td>{after:.4f}</td>" in page
    assert f"at temperature {CALIBRATION['temperature']:.3f}" in page
    assert "fitted on the 200 validation images" in page


def test_the_page_of_a_model_that_was_not_calibrated_shows_the_networks_own_figures():
    measured = {**CALIBRATION, "temperature": None, "after": CALIBRATION["before"]}
    page = page_of(training={**results().training, "calibration": measured})
    assert "<code>calibrate</code> is off" in page
    assert ">network</th>" not in page
    assert page.count("data:image/svg+xml;base64,") == 2 * 5


def test_rows_that_were_left_out_are_listed_on_the_page_and_in_the_json():
    dropped = ['images.csv, row 3, column 6: "<oops>" is not a number.']
    assert results(dropped_rows=dropped).as_json()["dropped_rows"] == dropped
    page = page_of(dropped_rows=dropped)
    assert "Bad rows left out: 1" in page
    assert "&lt;oops&gt;" in page
    assert "left out" not in plain_page()
