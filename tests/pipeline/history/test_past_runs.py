"""A user names a past run by number, date or `latest`."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from components.report.artifact_files import REPORT_TYPE
from data.invalid import InvalidData
from pipeline.cli.main import cli
from pipeline.history.digests import Digests
from pipeline.history.past_runs import PastRun, find_run
from pipeline.history.records import create_metadata

RUNS = [
    PastRun(1, "2026-01-01T10:00:00", "reports/1", {"accuracy": 0.9}),
    PastRun(2, "2026-01-01T11:00:00", "reports/2", {"accuracy": 0.8}),
    PastRun(3, "2026-01-02T10:00:00", "", {}),
]


@pytest.mark.parametrize(
    ("name", "number"), [("1", 1), ("2", 2), ("2026-01-01T11", 2), ("latest", 2)]
)
def test_a_run_is_found_by_number_by_date_or_as_the_latest_with_a_report(name, number):
    assert find_run(RUNS, name).number == number


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("4", 'There are 3 runs; no run begins with "4". Give a number'),
        ("2026-01-01", 'several runs begin with "2026-01-01"'),
        ("1999", 'no run begins with "1999"'),
        ("3", "Run 3 ended before its report was written."),
    ],
)
def test_a_name_that_fits_no_single_run_with_a_report_is_refused(name, message):
    with pytest.raises(LookupError, match=message):
        find_run(RUNS, name)


def test_the_latest_of_runs_without_a_report_is_explained():
    with pytest.raises(LookupError, match=r"^None of 1 runs has a report yet\.$"):
        find_run(RUNS[2:], "latest")


@pytest.fixture
def report(tmp_path):
    """The report of the only run into a folder, with its digests."""
    store = metadata_store.MetadataStore(create_metadata(str(tmp_path)))
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "metrics.json").write_text('{"accuracy": 0.5}')
    (folder / "report.html").write_text("page")
    report_type = store.put_artifact_type(metadata_store_pb2.ArtifactType(name=REPORT_TYPE))
    run_type = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    (artifact,) = store.put_artifacts(
        [metadata_store_pb2.Artifact(type_id=report_type, uri=str(folder))]
    )
    (run,) = store.put_contexts(
        [metadata_store_pb2.Context(type_id=run_type, name="2026-01-01T10:00:00")]
    )
    store.put_attributions_and_associations(
        [metadata_store_pb2.Attribution(artifact_id=artifact, context_id=run)], []
    )
    Digests(str(tmp_path)).add([str(folder)])
    return folder


@pytest.mark.parametrize(
    ("name", "content"), [("metrics.json", '{"accuracy": 0.9}'), ("report.html", "")]
)
def test_a_damaged_report_is_named_and_not_shown(report, name, content):
    (report / name).write_text(content)
    message = (
        f"{report / name} is damaged. Restore it from a copy. If run 1 is the newest, its command "
        "makes it anew."
    )
    listed = CliRunner().invoke(cli, ["runs", "--output", str(report.parent)])
    _, row, warning = listed.output.splitlines()
    assert (listed.exit_code, warning) == (0, f"warning: {message}")
    assert row.split() == ["1", "2026-01-01", "10:00", "-", "-", "damaged", "-", "-", "-"]
    shown = CliRunner().invoke(cli, ["report", "--output", str(report.parent), "--run=1"])
    assert (type(shown.exception), str(shown.exception), shown.output) == (InvalidData, message, "")


def test_the_worst_class_has_the_lowest_recall():
    classes = {"noise": {"recall": 1.0}, "narrowband": {"recall": 0.5}}
    assert PastRun(1, "", "", {"classes": classes}).worst_class == ("narrowband", 0.5)


def test_listing_and_comparing_runs_loads_no_tensorflow():
    code = (
        "import sys, pipeline.terminal.tables, components.report.page.comparison; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
