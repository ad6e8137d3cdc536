"""Which pushed model becomes the baseline, and the artifact that holds it."""

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components.baseline_model.component import Executor, has_model
from components.baseline_model.selection import select_baseline
from trainer.export.pushed_models import list_pushed_models


def card(model_id: str, **changes) -> dict:
    return {"model_id": model_id, "classes": ["a", "b"], "height": 64, "width": 128, **changes}


def write_model(directory: Path, model_id: str, complete: bool = True, **changes) -> None:
    file = directory / "assets.extra" / "model.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(card(model_id, **changes)))
    if complete:
        (directory / "saved_model.pb").write_text(f"graph of {model_id}")


@pytest.fixture
def serving(tmp_path):
    serving = tmp_path / "serving"
    write_model(serving / "1700000000", "old")
    write_model(serving / "1800000000", "new")
    write_model(serving / "999", "oldest")
    write_model(serving / "1900000000", "incomplete", complete=False)
    write_model(serving / "backup", "copy made by hand")
    return serving


def test_complete_versions_are_listed_in_numerical_order(serving):
    assert [model.version for model in list_pushed_models(str(serving))] == [
        999,
        1700000000,
        1800000000,
    ]


def test_the_newest_pushed_model_is_the_baseline(serving):
    assert select_baseline(str(serving), card("candidate")).card["model_id"] == "new"


def test_a_candidate_is_not_its_own_baseline(serving):
    assert select_baseline(str(serving), card("new")).card["model_id"] == "old"


def test_there_is_no_baseline_before_anything_is_pushed(tmp_path):
    assert select_baseline(str(tmp_path / "serving"), card("candidate")) is None


@pytest.mark.parametrize(
    "change", [{"classes": ["b", "a"]}, {"height": 32}, {"width": 256}, {"classes": None}]
)
def test_a_model_for_other_classes_or_another_image_size_is_not_a_baseline(serving, change):
    write_model(serving / "1850000000", "foreign", **change)
    assert select_baseline(str(serving), card("candidate")).card["model_id"] == "new"


def run_executor(tmp_path, serving):
    candidate, baseline = standard_artifacts.Model(), standard_artifacts.Model()
    candidate.uri, baseline.uri = str(tmp_path / "candidate"), str(tmp_path / "baseline")
    write_model(tmp_path / "candidate" / "Format-Serving", "candidate")
    Executor().Do({"model": [candidate]}, {"baseline": [baseline]}, {"serving_dir": str(serving)})
    return baseline


def test_the_baseline_is_copied_out_of_the_serving_folder(tmp_path, serving):
    baseline = run_executor(tmp_path, serving)
    assert has_model(baseline)
    graph = Path(baseline.uri) / "Format-Serving" / "saved_model.pb"
    assert graph.read_text() == "graph of new"
    assert baseline.get_int_custom_property("version") == 1800000000


def test_a_first_run_gets_an_empty_baseline(tmp_path):
    baseline = run_executor(tmp_path, tmp_path / "serving")
    assert Path(baseline.uri).is_dir()
    assert not has_model(baseline)
