"""The number of images that ingest stored in each file."""

import json

from data.stored_images import read_stored_images


def test_each_pattern_gives_the_files_of_its_split(tmp_path):
    stored = {"Split-train/a": 3, "Split-train/b": 0, "Split-validation/a": 2}
    (tmp_path / "findings.json").write_text(json.dumps({"stored": stored}))
    train, validation = (f"{tmp_path}/Split-{split}/*" for split in ("train", "validation"))
    assert read_stored_images([train]) == {
        f"{tmp_path}/Split-train/a": 3,
        f"{tmp_path}/Split-train/b": 0,
    }
    assert sum(read_stored_images([train, validation]).values()) == 5


def test_examples_without_a_count_give_none(tmp_path):
    assert read_stored_images([f"{tmp_path}/Split-train/*"]) == {}
    (tmp_path / "findings.json").write_text("{}")
    assert read_stored_images([f"{tmp_path}/Split-train/*"]) == {}
