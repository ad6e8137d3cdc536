"""The folder OUTPUT/latest is replaced as a whole."""

import json
import sys
from pathlib import Path

from components.report.artifact_files import REPORT_TYPE
from pipeline.history.records import RunRecord, StepRecord
from pipeline.local.latest import write_latest


def make_run(folder: Path, run_id: str) -> RunRecord:
    """Make the artifacts of a run. Every file but the metrics contains the id of the run."""
    for name in ("report.html", "classification_report.txt", "misclassified.csv"):
        file = folder / run_id / "report" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(run_id)
    (folder / run_id / "report" / "metrics.json").write_text('{"accuracy": 0.5}')
    for name in ("training_log.csv", "weights/best.weights.h5"):
        file = folder / run_id / "model_run" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(run_id)
    artifacts = {REPORT_TYPE: "report", "ModelRun": "model_run"}
    return RunRecord(
        run_id, {kind: [str(folder / run_id / name)] for kind, name in artifacts.items()}
    )


def test_the_next_run_replaces_every_file_even_after_a_run_that_was_killed_here(tmp_path):
    output = str(tmp_path / "runs")
    write_latest(output, make_run(tmp_path, "first"), [])
    # A killed run leaves the folder that it filled, and perhaps the folder that it replaced.
    Path(output, ".latest-killed").mkdir()
    Path(output, ".latest-killed", "stale").write_text("stale")
    Path(output, ".latest-killed.link").symlink_to(".latest-killed")
    Path(output, "latest", "tuning.csv").write_text("only the first run searched")
    steps = [StepRecord("Trainer", 1.23456, cached=False), StepRecord("Report", 0, cached=True)]

    latest, metrics = write_latest(output, make_run(tmp_path, "second"), steps)

    files = {str(path.relative_to(latest)): path for path in Path(latest).rglob("*.*")}
    assert json.loads(files.pop("metrics.json").read_text()) == metrics
    assert metrics == {
        "accuracy": 0.5,
        "seconds": {"Trainer": 1.235, "Report": 0},
        "cached": ["Report"],
        "run_id": "second",
    }
    assert {name: path.read_text() for name, path in files.items()} == dict.fromkeys(
        [
            "report.html",
            "classification_report.txt",
            "misclassified.csv",
            "training_log.csv",
            "weights/best.weights.h5",
        ],
        "second",
    )
    link = Path(output, "latest")
    assert sorted(path.name for path in Path(output).iterdir()) == [str(link.readlink()), "latest"]


def test_a_reader_finds_the_folder_at_every_moment(tmp_path, monkeypatch):
    output = tmp_path / "runs"
    write_latest(str(output), make_run(tmp_path, "first"), [])
    seen = []

    def look(event, arguments):
        if event in {"os.rename", "os.remove", "os.rmdir", "os.symlink"}:
            seen.append((output / "latest" / "report.html").read_text())

    sys.addaudithook(lambda *event: looking and look(*event))
    looking = [True]
    write_latest(str(output), make_run(tmp_path, "second"), [])
    looking.clear()
    assert len(seen) > 10
    assert seen == sorted(seen), "first the old results, then the new ones"
    assert set(seen) == {"first", "second"}


def test_a_folder_of_an_older_version_is_replaced_by_a_link(tmp_path):
    output = tmp_path / "runs"
    (output / "latest").mkdir(parents=True)
    (output / "latest" / "report.html").write_text("old")
    write_latest(str(output), make_run(tmp_path, "new"), [])
    assert (output / "latest" / "report.html").read_text() == "new"
    assert (output / "latest").is_symlink()
    assert len(list(output.iterdir())) == 2
