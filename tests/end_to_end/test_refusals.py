"""Bad input stops a run before training, with status 2 and the place of the problem."""

import shutil
import subprocess

import pytest

from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, run_pipeline

pytestmark = pytest.mark.slow


@pytest.fixture
def damaged(small_data, tmp_path):
    directory = tmp_path / "data"
    shutil.copytree(small_data, directory)
    return directory


def test_a_bad_cell_is_reported_with_file_row_and_column(damaged, tmp_path):
    images = damaged / "validation" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    cells = lines[36].split(b",")
    cells[11] = b"oops"
    lines[36] = b",".join(cells)
    images.write_bytes(b"".join(lines))
    refused = run_pipeline(damaged, tmp_path / "runs")
    assert refused.status == 2, refused.text
    assert f'Error: {images}, row 37, column 12: "oops" is not a number.\n' in refused.text
    assert "Trainer" not in refused.text
    assert "Traceback" not in refused.text


def test_anomalies_stop_the_run_before_training_with_a_plain_message(damaged, tmp_path):
    # All pixels but one are equal, as no receiver would produce. The reader accepts such an image,
    # but the schema does not.
    images = damaged / "train" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    lines[5] = b",".join([b"0.494118"] + [b"0.501961"] * (64 * 128 - 1)) + b"\n"
    images.write_bytes(b"".join(lines))
    refused = run_pipeline(damaged, tmp_path / "runs")
    assert refused.status == 2, refused.text
    assert "Error: The data do not fit the schema: train, feature contrast: " in refused.text
    assert "validation, feature" not in refused.text
    assert "Trainer" not in refused.text


def test_data_check_and_run_report_the_same_problems_of_all_files_at_once(damaged, tmp_path):
    images = damaged / "train" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3][:-10] + b"\n"
    lines[7] = b",".join([b"0.501961"] * (64 * 128)) + b"\n"
    lines[9] = (damaged / "validation" / "images.csv").read_bytes().splitlines(keepends=True)[0]
    images.write_bytes(b"".join(lines))
    (damaged / "validation" / "labels.csv").unlink()
    expected = [
        f"Error: 3 problems in {damaged}:",
        (
            f"  {damaged}/validation/labels.csv is missing. A data folder of this format holds "
            "images.csv and labels.csv in each of train/ and validation/."
        ),
        f"  {images}, row 4: 8,191 values where 8,192 are expected.",
        (
            f"  {images}, row 8: all 8,192 values are 0.501961: a constant image holds no signal "
            "and no noise. Remove it."
        ),
        "Correct these rows, or leave them out: --max-bad-rows 2.",
    ]
    checked = subprocess.run(
        [COMMAND, "data", "check", damaged],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    refused = run_pipeline(damaged, tmp_path / "runs")
    assert checked.returncode == refused.status == 2
    assert checked.stderr.splitlines() == expected
    assert refused.text.splitlines() == expected, "before anything is loaded"


def test_bad_rows_are_left_out_on_request_and_recorded(damaged, tmp_path):
    images = damaged / "train" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3][:-10] + b"\n"
    images.write_bytes(b"".join(lines))
    run = run_pipeline(damaged, tmp_path / "runs", *SMALL, "--epochs=1", "--max-bad-rows=1")
    assert run.status in (0, 3), run.text
    dropped = f"{images}, row 4: 8,191 values where 8,192 are expected."
    assert run.metrics["dropped_rows"] == [dropped]
    assert run.metrics["training"]["train_images"] == 479
    assert dropped in run.text
    assert dropped in (run.latest / "report.html").read_text()


def test_a_file_that_is_not_a_schema_is_named_in_the_error(small_data, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature { nme: 3 }")
    refused = run_pipeline(small_data, tmp_path / "runs", f"--schema={schema}")
    assert refused.status == 2, refused.text
    assert f"Error: {schema} is not a schema" in refused.text
