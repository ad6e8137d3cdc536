"""Bad input stops a run before training, with status 2 and the place."""

import shutil

import pytest

from tests.end_to_end.conftest import run_pipeline


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


def test_anomalies_stop_the_run_before_training_in_plain_words(damaged, tmp_path):
    # Dead images: every pixel the same. The reader takes them, the schema does not.
    images = damaged / "train" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    lines[5] = b",".join([b"0.501961"] * (64 * 128)) + b"\n"
    images.write_bytes(b"".join(lines))
    refused = run_pipeline(damaged, tmp_path / "runs")
    assert refused.status == 2, refused.text
    assert "Error: The data do not fit the schema: train, feature contrast: " in refused.text
    assert "validation, feature" not in refused.text
    assert "Trainer" not in refused.text


def test_a_file_that_is_no_schema_is_named(small_data, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature { nme: 3 }")
    refused = run_pipeline(small_data, tmp_path / "runs", f"--schema={schema}")
    assert refused.status == 2, refused.text
    assert f"Error: {schema} is not a schema" in refused.text
