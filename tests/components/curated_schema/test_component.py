"""The import of the curated schema."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts

import data
from components.curated_schema.component import CuratedSchema, Executor
from data.invalid import InvalidData

PACKAGED = Path(data.__file__).parent / "schema.pbtxt"


def run_executor(component, folder):
    schema = standard_artifacts.Schema()
    schema.uri = str(folder)
    Executor().Do({}, {"schema": [schema]}, dict(component.exec_properties))


def test_the_schema_is_written_as_the_file_was_when_the_graph_was_built(tmp_path):
    file = tmp_path / "schema.pbtxt"
    file.write_text(PACKAGED.read_text())
    component = CuratedSchema(str(file))
    file.unlink()
    run_executor(component, tmp_path / "schema")
    assert (tmp_path / "schema" / "schema.pbtxt").read_text() == PACKAGED.read_text()


@pytest.mark.parametrize(
    ("content", "place"), [(b"feature {\n  nme: 'image'\n}\n", "2:3"), (b"\xff\xfe\x00", "1:1")]
)
def test_a_file_that_is_not_a_schema_is_refused_by_its_shown_name(tmp_path, content, place):
    file = tmp_path / "schema.pbtxt"
    file.write_bytes(content)
    component = CuratedSchema(str(file), shown_as="data/schema.pbtxt")
    with pytest.raises(
        InvalidData,
        match=rf"data/schema.pbtxt is not a schema \(a text-format .*Schema\): line {place} : ",
    ):
        run_executor(component, tmp_path / "schema")
    assert not (tmp_path / "schema").exists()
