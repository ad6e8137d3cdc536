"""The notebooks, executed on a small run."""

import re

import pytest
from nbclient.exceptions import CellExecutionError

from data.seed_layout import CLASS_NAMES
from tests.end_to_end.notebook import execute, outputs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explored(small_data):
    return execute("explore", RADIO_SIGNALS_DATA=small_data)


@pytest.fixture(scope="module")
def evaluated(first_run):
    return execute("evaluate", RADIO_SIGNALS_OUTPUT=first_run.output)


@pytest.fixture(scope="module")
def trained(first_run):
    return execute("train", RADIO_SIGNALS_OUTPUT=first_run.output, RADIO_SIGNALS_EPOCHS=2)


def test_exploring_counts_images_and_draws_spectrograms_grey_levels_and_statistics(explored):
    assert "csv-pair, 64 x 128 pixels" in outputs(explored, "stream")[0]
    counts = outputs(explored, "text/plain")[0]
    for name in CLASS_NAMES:
        assert re.search(rf"^{name} +120 +30$", counts, re.MULTILINE)
    assert len(outputs(explored, "image/png")) == 4


def test_exploring_ends_with_tfdvs_statistics_as_a_table_and_as_tfdvs_view(explored):
    (page,) = [page for page in outputs(explored, "text/html") if "facets-overview" in page]
    table, _, frame = page.partition("<iframe")
    for feature in ("brightness", "contrast", "dynamic_range", "dead_channels", "class_name"):
        assert feature in table
    assert "squiggle (120)" in table
    assert "proto-input" in frame


def test_training_follows_the_runs_input_and_model_and_draws_every_piece(trained):
    printed = "".join(outputs(trained, "stream"))
    assert "480 training and 120 validation images" in printed
    accuracy = float(re.search(r"after 2 epochs: ([\d.]+)", printed)[1])
    assert accuracy > 0.3, "chance is 0.25"
    pictures = outputs(trained, "image/png")
    assert len(pictures) == 3, "augmentation, learning rate, and training once"


def test_evaluating_shows_figures_views_report_and_lineage_of_the_run(first_run, evaluated):
    metrics = first_run.metrics
    printed = "".join(outputs(evaluated, "stream"))
    pages = outputs(evaluated, "text/html")
    assert re.search(r"accuracy \d\.\d{4}", printed)
    assert "macro avg" in printed, "scikit-learn's report"
    assert len(outputs(evaluated, "image/png")) == 1
    (views,) = [page for page in pages if "srcdoc" in page]
    for element in ("tfma-nb-slicing-metrics", "tfma-nb-plot"):
        assert element in views
    assert f"<td>{metrics['accuracy']:.4f}</td>" in views
    lineage = pages[-1]
    for step in ("SpectrogramExampleGen", "Transform", "Trainer", "Evaluator", "Pusher"):
        assert step in lineage
    version = metrics["pushed_to"].rpartition("/")[2]
    assert "Model artifacts/Trainer/model" in lineage and version.isdigit()


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_without_a_run_the_first_cell_says_what_to_do(name, tmp_path):
    with pytest.raises(CellExecutionError, match=r"There is no run in .* yet\. Run the pipeline"):
        execute(name, RADIO_SIGNALS_OUTPUT=tmp_path / "empty")
