"""The whole pipeline on a small simulated set: results, the served model, cache and verdicts.

Tests that add runs to the first output folder are in the order in which they need them.
"""

import csv
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    classification_report,
    confusion_matrix,
    roc_auc_score,
)
from sklearn.metrics import precision_recall_fscore_support as scores

from data.seed_layout import CLASS_NAMES
from tests.end_to_end.support.pipeline_runs import (
    SMALL,
    pushed_versions,
    run_pipeline,
    temporary_folder_of,
)
from tests.end_to_end.support.served_model import answers
from tests.graph import NODES
from trainer.export.model_card import find_damage, read_model_card
from trainer.export.model_card_page import MODEL_CARD_PAGE
from trainer.quality.reliability import measure_reliability

pytestmark = pytest.mark.slow

# With a higher rate, a single epoch would give a good model.
UNTRAINED = ("--epochs=1", "--set=schedule.initial_rate=1e-7")


def test_every_step_of_the_graph_runs_and_is_timed(first_run):
    assert set(first_run.steps) == NODES
    assert set(first_run.metrics["seconds"]) == NODES
    assert first_run.metrics["cached"] == []


def test_nothing_is_left_in_the_temporary_folder(first_output):
    assert list(temporary_folder_of(first_output).iterdir()) == []


def test_the_terminal_shows_epochs_table_and_paths_and_no_library_output(first_run, first_output):
    assert "epoch 4/4  loss" in first_run.text
    assert "class          precision  recall      F1  images" in first_run.text
    assert f"report   {first_output}/latest/report.html" in first_run.text
    assert "blessed and pushed" in first_run.text
    assert "(SIMULATED: preset basic, seed 0)" in first_run.text
    for noise in ("WARNING", "Warning", "absl", "oneDNN", "tensorflow:"):
        assert noise not in first_run.text
    (log,) = (first_run.output / "logs").iterdir()
    assert "Component Trainer is running." in log.read_text(), "the log keeps the rest"


def test_latest_contains_the_documented_files(first_run):
    latest = first_run.latest
    assert {path.name for path in latest.iterdir()} == {
        "metrics.json",
        "report.html",
        "classification_report.txt",
        "misclassified.csv",
        "training_log.csv",
        "weights",
    }
    assert (latest / "weights" / "best.weights.h5").stat().st_size > 100_000
    assert set(first_run.metrics) >= {
        "accuracy",
        "classes",
        "confusion_matrix",
        "blessed",
        "pushed_to",
        "training",
        "seconds",
        "run_id",
    }


def test_the_exported_epoch_has_the_lowest_validation_loss(first_run):
    with open(first_run.latest / "training_log.csv") as file:
        rows = list(csv.DictReader(file))
    training = first_run.metrics["training"]
    assert len(rows) == training["epochs"] == 4
    best = int(np.argmin([float(row["val_loss"]) for row in rows]))
    assert training["best_epoch"] == best + 1
    # Keras averages over batches of a float32 accuracy.
    assert first_run.metrics["accuracy"] == pytest.approx(
        float(rows[best]["val_accuracy"]), abs=1e-5
    )


def test_metrics_equal_scikit_learns_on_the_pushed_models_own_predictions(
    first_run, served, validation
):
    metrics, actual = first_run.metrics, validation[1]
    predicted = [CLASS_NAMES.index(name.decode()) for name in served["example_class"]]
    precision, recall, f1, support = scores(actual, predicted, zero_division=0)
    for index, name in enumerate(CLASS_NAMES):
        expected = {"precision": precision[index], "recall": recall[index], "f1": f1[index]}
        measured = metrics["classes"][name]
        assert {key: measured[key] for key in expected} == pytest.approx(expected, abs=1e-9)
        assert measured["support"] == support[index]
    assert metrics["accuracy"] == pytest.approx(accuracy_score(actual, predicted), abs=1e-9)
    assert metrics["confusion_matrix"] == confusion_matrix(actual, predicted).tolist()
    table = (first_run.latest / "classification_report.txt").read_text()
    assert table == classification_report(
        actual, predicted, target_names=CLASS_NAMES, digits=4, zero_division=0
    )


def test_averages_and_rankings_are_scikit_learns(first_run, served, validation):
    assert_scikit_learns(first_run.metrics, served["example_probabilities"], validation[1])


def assert_scikit_learns(metrics, probabilities, actual):
    """Compare the metrics that classification_report.txt does not show."""
    predicted, actual = probabilities.argmax(axis=1), np.asarray(actual)
    balanced = balanced_accuracy_score(actual, predicted)
    assert metrics["balanced_accuracy"] == pytest.approx(balanced, abs=1e-9)
    recalls = [class_metrics["recall"] for class_metrics in metrics["classes"].values()]
    assert metrics["lowest_recall"] == min(recalls)
    # In batches of another size, the last bit of a probability may differ. That can change the
    # order of a few pairs of images with almost equal probabilities, but of no more.
    one_hot, few_pairs = np.eye(len(CLASS_NAMES))[actual], {"abs": 1e-3}
    ranking = {"auc": roc_auc_score, "average_precision": average_precision_score}
    for metric, score in ranking.items():
        measured = [metrics["classes"][name][metric] for name in CLASS_NAMES]
        expected = score(one_hot, probabilities, average=None)
        assert measured == pytest.approx(expected.tolist(), **few_pairs)
    for average in ("macro", "weighted"):
        measured = metrics["averages"][average]
        decided = scores(actual, predicted, average=average, zero_division=0)[:3]
        assert [measured["precision"], measured["recall"], measured["f1"]] == pytest.approx(
            decided, abs=1e-9
        )
        for metric, score in ranking.items():
            expected = score(one_hot, probabilities, average=average)
            assert measured[metric] == pytest.approx(expected, **few_pairs)


def test_metrics_lie_within_their_confidence_intervals(first_run):
    metrics = first_run.metrics
    intervals = metrics["intervals"]
    assert intervals["level"] == 0.95
    pairs = [(metrics[key], intervals[key]) for key in ("accuracy", "balanced_accuracy")]
    for kind in ("classes", "averages"):
        for name, by_metric in intervals[kind].items():
            pairs += [(metrics[kind][name][key], bounds) for key, bounds in by_metric.items()]
    assert len(pairs) == 2 + (4 + 2) * 5
    for value, bounds in pairs:
        # There is no interval if no resample ranks anything wrongly.
        assert value == 1 if bounds is None else bounds[0] <= value <= bounds[1]


def test_slices_by_class_and_by_line_strength_each_add_up_to_the_split(first_run):
    metrics = first_run.metrics
    by_feature = {}
    for one_slice in metrics["slices"]:
        by_feature.setdefault(one_slice["feature"], {})[one_slice["value"]] = one_slice
    assert list(by_feature) == ["class_name", "line_strength_range"]
    assert list(by_feature["class_name"]) == list(CLASS_NAMES)
    for name, one_slice in by_feature["class_name"].items():
        assert one_slice["accuracy"] == metrics["classes"][name]["recall"]
        assert one_slice["images"] == metrics["classes"][name]["support"]
    for slices in by_feature.values():
        matrices = [one_slice["confusion_matrix"] for one_slice in slices.values()]
        assert np.sum(matrices, axis=0).tolist() == metrics["confusion_matrix"]
    faint = by_feature["line_strength_range"]["below 5"]
    # Every signal of preset basic is visible, so images without a strong line are noise.
    assert faint["images"] == faint["classes"]["noise"]["support"] == 30


def test_the_model_card_shows_the_data_and_the_figures_of_the_run(first_run):
    metrics = first_run.metrics
    card = read_model_card(metrics["pushed_to"])
    assert card["data"]["source"] == Path(metrics["data"]).name
    assert card["data"]["simulated"]
    assert card["data"]["fingerprint"] == metrics["data_fingerprint"]
    assert card["evaluation"]["accuracy"] == metrics["accuracy"]
    assert card["evaluation"]["confusion_matrix"] == metrics["confusion_matrix"]
    assert card["versions"] == metrics["versions"]
    assert {threshold["metric"] for threshold in card["thresholds"]} >= {"accuracy"}
    page = Path(metrics["pushed_to"], MODEL_CARD_PAGE).read_text()
    low, high = metrics["intervals"]["accuracy"]
    assert f"| accuracy | {metrics['accuracy']:.4f} ({low:.3f} to {high:.3f}) |" in page
    assert find_damage(metrics["pushed_to"]) == ""


def test_a_first_model_has_no_baseline(first_run):
    assert first_run.metrics["baseline"] is None


def test_both_signatures_give_the_same_answers(served):
    np.testing.assert_array_equal(served["example_probabilities"], served["pixels_probabilities"])
    np.testing.assert_array_equal(served["example_class"], served["pixels_class"])


def test_an_answer_has_the_probabilities_and_the_name_and_score_of_the_class(served):
    probabilities = served["example_probabilities"]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    names = np.array(CLASS_NAMES, dtype="S")
    np.testing.assert_array_equal(served["example_class"], names[probabilities.argmax(axis=1)])
    np.testing.assert_array_equal(served["example_score"], probabilities.max(axis=1))


def test_calibration_is_measured_on_the_served_probabilities(first_run, served, validation):
    calibration = first_run.metrics["training"]["calibration"]
    measured = measure_reliability(served["example_probabilities"], validation[1])
    for name in ("negative_log_likelihood", "brier_score", "expected_calibration_error"):
        assert calibration["after"][name] == pytest.approx(measured[name], abs=1e-4)
    assert calibration["after"]["diagram"]["images"] == measured["diagram"]["images"]
    assert (
        f"temperature {calibration['temperature']:.3f}"
        in (first_run.latest / "report.html").read_text()
    )


def test_the_model_has_learned_something(first_run):
    assert first_run.metrics["accuracy"] > 0.5, "chance is 0.25"


def test_an_identical_run_is_answered_from_the_cache(small_data, first_run, first_output):
    before = first_run.metrics
    again = run_pipeline(small_data, first_output, *SMALL)
    assert again.status == 0, again.text
    assert set(again.metrics["cached"]) == NODES
    assert sum(again.metrics["seconds"].values()) < 5
    assert pushed_versions(again.output) == {before["pushed_to"].rpartition("/")[2]}, (
        "not pushed twice"
    )
    same = ("accuracy", "classes", "confusion_matrix", "pushed_to", "training")
    assert {key: again.metrics[key] for key in same} == {key: before[key] for key in same}


def test_a_training_setting_reruns_from_the_trainer_on_and_an_unblessed_model_is_not_pushed(
    small_data, first_output
):
    pushed = pushed_versions(first_output)
    refused = run_pipeline(
        small_data, first_output, *SMALL, *UNTRAINED, "--set=thresholds.accuracy=0.999"
    )
    assert refused.status == 3, refused.text
    assert set(refused.metrics["cached"]) == {
        "SpectrogramExampleGen",
        "StatisticsGen",
        "Schema",
        "ExampleValidator",
        "Transform",
    }
    assert pushed_versions(refused.output) == pushed
    assert (refused.metrics["blessed"], refused.metrics["pushed_to"]) == (False, None)
    accuracy = refused.metrics["accuracy"]
    failure = (
        f"accuracy is {accuracy:.4f}, {0.999 - accuracy:.4f} below thresholds.accuracy = 0.999"
    )
    assert failure in refused.metrics["failed_thresholds"]
    assert f"not blessed, not pushed:\n  {failure}" in refused.text
    assert failure in (refused.latest / "report.html").read_text()


def test_a_model_worse_than_the_one_in_service_is_not_pushed(
    small_data, first_run, first_output, validation, tmp_path
):
    pushed = pushed_versions(first_output)
    worse = run_pipeline(
        small_data, first_output, *SMALL, *UNTRAINED, "--set=thresholds.accuracy=0"
    )
    assert worse.status == 3, worse.text
    assert pushed_versions(worse.output) == pushed
    assert "below the baseline's, more than the 0.01 allowed" in worse.text
    baseline = worse.metrics["baseline"]
    assert baseline["confusion_matrix"] == first_run.metrics["confusion_matrix"]
    assert baseline["accuracy"] == first_run.metrics["accuracy"]
    change = baseline["change"]
    assert change["accuracy"] == worse.metrics["accuracy"] - baseline["accuracy"]
    assert change["classes"]["noise"]["auc"] == (
        worse.metrics["classes"]["noise"]["auc"] - baseline["classes"]["noise"]["auc"]
    )
    # Its metrics are scikit-learn's too, and unlike those of a good model they are far from 1.
    models = worse.output / "artifacts" / "Trainer" / "model"
    newest = max(models.iterdir(), key=lambda folder: int(folder.name))
    answered = answers(newest / "Format-Serving", validation[0], tmp_path)
    assert worse.metrics["balanced_accuracy"] < 0.9
    assert_scikit_learns(worse.metrics, answered["example_probabilities"], validation[1])


@pytest.mark.long
def test_changed_data_rerun_everything_and_copied_data_nothing(small_data, first_output, tmp_path):
    # A link keeps the name of the folder the same, so the cache must compare content.
    output, folder = tmp_path / "runs", tmp_path / "data"
    shutil.copytree(first_output, output)
    folder.symlink_to(small_data)
    settings = (*SMALL, "--epochs=1", "--set=thresholds.accuracy=0")
    run_pipeline(folder, output, *settings)

    copied = tmp_path / "copied"
    shutil.copytree(small_data, copied)
    folder.unlink()
    folder.symlink_to(copied)
    assert "SpectrogramExampleGen" in run_pipeline(folder, output, *settings).metrics["cached"]

    labels = copied / "train" / "labels.csv"
    before, text = labels.stat(), labels.read_bytes()
    labels.write_bytes(b"".join(reversed(text.splitlines(keepends=True))))
    os.utime(labels, ns=(before.st_atime_ns, before.st_mtime_ns))
    changed = run_pipeline(folder, output, *settings)
    # The schema is a file of the package and does not depend on the data.
    assert changed.metrics["cached"] == ["Schema"]
