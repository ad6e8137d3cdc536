"""The view of a run's evaluation, without running its scripts."""

import re
import shutil

import pytest

from components.views.evaluation import show_evaluation
from data.seed_layout import CLASS_NAMES
from pipeline.history.records import connect_to_metadata, find_evaluations, read_runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluation(first_run) -> str:
    """The Evaluator's output in the first run. Later runs add others to the same folder."""
    evaluations = find_evaluations(connect_to_metadata(str(first_run.output)))
    return evaluations[first_run.metrics["run_id"]]


@pytest.fixture(scope="module")
def view(evaluation):
    return show_evaluation(evaluation, CLASS_NAMES)


def test_every_slice_has_a_column_and_the_first_has_the_metrics_of_the_run(first_run, view):
    metrics = first_run.metrics
    overall, *slices = view.metrics.columns
    assert overall == "Overall"
    values = view.metrics[overall]
    assert values["accuracy"] == pytest.approx(metrics["accuracy"])
    assert values["example_count"] == 120
    for name in CLASS_NAMES:
        for metric in ("precision", "recall"):
            expected = metrics["classes"][name][metric]
            # The precision of a class that was never predicted is undefined, 0 in the report.
            assert values.fillna(0)[f"{metric}_{name}"] == pytest.approx(expected)
    for name in slices:
        assert re.match(r"[a-z_]+:", name)
        assert 0 < view.metrics[name]["example_count"] < 120


def test_every_class_has_curves_and_calibration_of_all_images(first_run, view):
    assert list(view.plots) == list(CLASS_NAMES)
    for name, plot in view.plots.items():
        support = first_run.metrics["classes"][name]["support"]
        # At the lowest threshold every image is predicted as the class.
        first = plot["confusionMatrixAtThresholds"]["matrices"][0]
        assert first["truePositives"] == support
        assert first["falsePositives"] == 120 - support
        buckets = plot["calibrationHistogramBuckets"]["buckets"]
        assert sum(bucket.get("numWeightedExamples", 0) for bucket in buckets) == 120
        assert sum(bucket.get("totalWeightedLabel", 0) for bucket in buckets) == support


def test_tables_and_pictures_with_alternative_texts_precede_the_frame(first_run, view):
    static, _, _ = view.to_html().partition("<iframe")
    assert f"<td>{first_run.metrics['accuracy']:.4f}</td>" in static
    assert all(f'<th scope="row">recall_{name}</th>' in static for name in CLASS_NAMES)
    counts = ", ".join(map(str, first_run.metrics["confusion_matrix"][0]))
    assert f"{CLASS_NAMES[0]}: {counts};" in static
    pictures = re.findall(r"<img[^>]*>", static)
    assert len(pictures) == 2
    assert all(
        "data:image/png;base64," in one and re.search('alt="[^"]+"', one) for one in pictures
    )
    assert "<script" not in static


def test_the_frame_has_no_height_before_its_script_has_run(view):
    page = view.to_html()
    assert re.search(r"iframe \{[^}]*height: 0;", page)
    assert page.count("<iframe") == page.count("</iframe>") == 1


def test_a_cell_is_smaller_than_tfmas_script_alone(view):
    assert len(view.to_html()) < 1_000_000


def test_only_several_runs_are_compared_and_the_oldest_comes_first(first_run, evaluation, view):
    assert "<h3>Runs</h3>" not in view.to_html()
    several = show_evaluation({"2026-01-01": evaluation, "2026-01-02": evaluation}, CLASS_NAMES)
    assert list(several.runs.index) == ["2026-01-01", "2026-01-02"]
    assert several.runs["accuracy"].tolist() == [pytest.approx(first_run.metrics["accuracy"])] * 2
    assert "<h3>Runs</h3>" in several.to_html()


def test_the_same_evaluation_gives_the_same_page(evaluation, view):
    assert show_evaluation(evaluation, CLASS_NAMES).render_frame() == view.render_frame()


def test_names_are_shown_as_text_whatever_they_contain(evaluation):
    hostile = "</script><script>alert('run')</script>\"&"
    page = show_evaluation({"a": evaluation, hostile: evaluation}, CLASS_NAMES).to_html()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_front_ends_without_html_get_a_table_of_text(first_run, view):
    text = view._repr_mimebundle_()["text/plain"]
    assert re.search(rf"^accuracy +{first_run.metrics['accuracy']:.4f}", text, re.MULTILINE)
    assert "recall_noise" in text


def test_a_saved_page_is_self_contained_and_names_the_run(evaluation, tmp_path):
    show_evaluation({"2026-01-01": evaluation}, CLASS_NAMES).save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>Evaluation 2026-01-01</title>" in page
    assert not re.search(r'(src|href)="https?:', page)


def test_an_evaluation_without_plots_or_slices_is_shown_without_them(evaluation, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(evaluation, older)
    (plots,) = older.glob("plots-*")
    plots.unlink()
    view = show_evaluation(str(older), CLASS_NAMES)
    assert view.plots == {}
    page = view.to_html()
    assert "This evaluation has no curves" in page
    assert "tfma-nb-slicing-metrics" in page
    assert "tfma-nb-plot" not in page


def test_runs_are_listed_oldest_first_and_a_cached_evaluation_once(first_run):
    connection = connect_to_metadata(str(first_run.output))
    runs = [run.run_id for run in read_runs(connection)]
    assert runs == sorted(runs)
    evaluations = find_evaluations(connection)
    assert list(evaluations) == sorted(evaluations)
    assert len(set(evaluations.values())) == len(evaluations)
