"""The notebooks, executed on a small run."""

import re

import pytest

from data.seed_layout import CLASS_NAMES
from tests.end_to_end.pages.notebook import execute, outputs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explore_notebook(small_data):
    return execute("explore", RADIO_SIGNALS_DATA=small_data)


@pytest.fixture(scope="module")
def evaluate_notebook(only_run):
    return execute("evaluate", RADIO_SIGNALS_OUTPUT=only_run.output)


@pytest.fixture(scope="module")
def train_notebook(first_run):
    return execute("train", RADIO_SIGNALS_OUTPUT=first_run.output, RADIO_SIGNALS_EPOCHS=2)


def test_explore_counts_images_and_draws_spectrograms_grey_levels_and_statistics(explore_notebook):
    assert "csv-pair, 64 x 128 pixels" in outputs(explore_notebook, "stream")[0]
    counts = outputs(explore_notebook, "text/plain")[0]
    for name in CLASS_NAMES:
        assert re.search(rf"^{name} +120 +30$", counts, re.MULTILINE)
    assert len(outputs(explore_notebook, "image/png")) == 4


def test_explore_shows_statistics_as_a_table_and_in_tfdvs_view(explore_notebook):
    (page,) = [page for page in outputs(explore_notebook, "text/html") if "facets-overview" in page]
    table, _, frame = page.partition("<iframe")
    for feature in ("brightness", "contrast", "dynamic_range", "dead_channels", "class_name"):
        assert feature in table
    assert "squiggle (120)" in table
    assert "proto-input" in frame


def test_train_uses_the_input_and_the_model_of_the_run_and_draws_every_part(train_notebook):
    printed = "".join(outputs(train_notebook, "stream"))
    assert "480 training and 120 validation images" in printed
    accuracy = float(re.search(r"after 2 epochs: ([\d.]+)", printed)[1])
    assert accuracy > 0.3, "chance is 0.25"
    plots = outputs(train_notebook, "image/png")
    assert len(plots) == 3, "augmentation, learning rate, and training once"


def test_evaluate_shows_metrics_views_report_and_lineage_of_the_run(only_run, evaluate_notebook):
    metrics = only_run.metrics
    printed = "".join(outputs(evaluate_notebook, "stream"))
    pages = outputs(evaluate_notebook, "text/html")
    assert re.search(r"accuracy \d\.\d{4}", printed)
    assert "macro avg" in printed, "scikit-learn's report"
    assert len(outputs(evaluate_notebook, "image/png")) == 1
    (views,) = [page for page in pages if "srcdoc" in page]
    for element in ("tfma-nb-slicing-metrics", "tfma-nb-plot"):
        assert element in views
    assert f"<td>{metrics['accuracy']:.4f}</td>" in views
    lineage = pages[-1]
    for step in ("SpectrogramExampleGen", "Transform", "Trainer", "Evaluator", "Pusher"):
        assert step in lineage
    version = metrics["pushed_to"].rpartition("/")[2]
    assert "Model artifacts/Trainer/model" in lineage
    assert version.isdigit()


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_without_a_run_the_first_cell_says_how_to_get_one(name, tmp_path):
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError, match=r"There is no run in .* yet\. Run the pipeline"):
        execute(name, RADIO_SIGNALS_OUTPUT=tmp_path / "empty")
