"""A folder of artifacts belongs to one output folder."""

import json
from pathlib import Path

import pytest
from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2

from pipeline.config.config import ConfigError
from pipeline.history.records import create_metadata
from pipeline.local.artifact_root import claim_artifact_root


def claim(root: Path, output: Path) -> None:
    """Do what a run does before its first step, and leave the record of a run."""
    connection = create_metadata(str(output))
    claim_artifact_root(str(root), str(output), connection)
    (root / "SpectrogramExampleGen").mkdir(parents=True, exist_ok=True)
    store = metadata_store.MetadataStore(connection)
    type_id = store.put_context_type(metadata_store_pb2.ContextType(name="pipeline_run"))
    if not store.get_contexts_by_type("pipeline_run"):
        store.put_contexts([metadata_store_pb2.Context(type_id=type_id, name="2026-01-01")])


def test_an_output_folder_keeps_its_artifacts(tmp_path):
    claim(tmp_path / "artifacts", tmp_path / "runs")
    owner = json.loads((tmp_path / "artifacts" / "owner.json").read_text())
    assert owner["output"] == str(tmp_path / "runs")
    claim(tmp_path / "artifacts", tmp_path / "runs")
    assert json.loads((tmp_path / "artifacts" / "owner.json").read_text()) == owner


def test_two_output_folders_cannot_share_artifacts(tmp_path):
    claim(tmp_path / "artifacts", tmp_path / "first")
    with pytest.raises(ConfigError) as refused:
        claim(tmp_path / "artifacts", tmp_path / "second")
    assert str(refused.value).startswith(
        f"{tmp_path}/artifacts holds the artifacts of another output folder, {tmp_path}/first on "
    )
    assert str(refused.value).endswith("Set `artifacts` to another folder.")


@pytest.mark.parametrize("content", [None, b""], ids=["lost", "emptied"])
@pytest.mark.parametrize("owner_known", [True, False])
def test_artifacts_whose_record_is_gone_are_refused(tmp_path, content, owner_known):
    output, root = tmp_path / "runs", tmp_path / "runs" / "artifacts"
    claim(root, output)
    (output / "metadata.sqlite").unlink()
    if content is not None:
        (output / "metadata.sqlite").write_bytes(content)
    if not owner_known:
        (root / "owner.json").unlink()
    with pytest.raises(ConfigError) as refused:
        claim(root, output)
    assert str(refused.value) == (
        f"{root} holds the artifacts of earlier runs, but {output}/metadata.sqlite is not the "
        f"record of these runs: it was lost or replaced. Restore it, or move {root} away to start "
        "anew."
    )


@pytest.mark.parametrize("damage", [lambda text: "{", lambda text: text.replace('"id"', '"ie"')])
def test_a_damaged_owner_is_named(tmp_path, damage):
    output, root = tmp_path / "runs", tmp_path / "runs" / "artifacts"
    claim(root, output)
    (root / "owner.json").write_text(damage((root / "owner.json").read_text()))
    with pytest.raises(ConfigError, match=f"^{root}/owner.json is damaged. If {output} is the"):
        claim(root, output)


def test_artifacts_of_an_older_version_are_taken_over_with_their_record(tmp_path):
    output, root = tmp_path / "runs", tmp_path / "runs" / "artifacts"
    claim(root, output)
    (root / "owner.json").unlink()
    claim(root, output)
    assert (root / "owner.json").exists()
