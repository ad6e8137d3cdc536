"""Files that are not as they were made are found by their digests."""

import json

import pytest

from pipeline.history.digests import Digests


@pytest.fixture
def artifact(tmp_path):
    folder = tmp_path / "artifacts" / "Trainer" / "model" / "6"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    Digests(str(tmp_path)).add([str(folder)])
    return folder


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("saved_model.pb", b"grapi"),
        ("variables/variables.index", b""),
        ("variables/variables.index", None),
        ("variables/more", b""),
    ],
    ids=["changed", "emptied", "removed", "added"],
)
def test_the_damaged_file_is_named(artifact, tmp_path, name, content):
    assert Digests(str(tmp_path)).find_damage(str(artifact)) == ""
    if content is None:
        (artifact / name).unlink()
    else:
        (artifact / name).write_bytes(content)
    assert Digests(str(tmp_path)).find_damage(str(artifact)) == str(artifact / name)


def test_artifacts_that_are_unknown_or_in_a_bucket_count_as_undamaged(tmp_path):
    digests = Digests(str(tmp_path))
    digests.add(["s3://bucket/artifacts/1"])
    assert not digests.knows("s3://bucket/artifacts/1")
    assert digests.find_damage(str(tmp_path / "unknown")) == ""
    assert digests.is_record_intact(str(tmp_path / "metadata.sqlite"))


def test_artifacts_that_were_removed_are_forgotten(artifact, tmp_path):
    artifact.rename(tmp_path / "elsewhere")
    Digests(str(tmp_path)).add([str(tmp_path / "elsewhere")])
    stored = json.loads((tmp_path / "digests.json").read_text())
    assert list(stored["artifacts"]) == [str(tmp_path / "elsewhere")]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"\xff", None], ids=["emptied", "cut", "text", "bit"]
)
def test_digests_that_are_damaged_themselves_are_named_and_used_no_more(artifact, tmp_path, damage):
    file = tmp_path / "digests.json"
    content = bytearray(file.read_bytes())
    content[content.index(b"variables")] ^= 1
    file.write_bytes(content if damage is None else damage)
    digests = Digests(str(tmp_path))
    assert digests.problem == (
        f"{file} is damaged, so the results of earlier runs are used unchecked. To make them anew, "
        "run with --no-cache."
    )
    assert not digests.knows(str(artifact))
