"""Addresses in a bucket, and the launcher's folders for them."""

import pytest

from pipeline.kubeflow.compile.launcher_folders import (
    LAUNCHER_ROOT,
    to_local_path,
    to_store_address,
)

PAIRS = [
    ("minio://mlpipeline/v2/artifacts/model", "/minio/mlpipeline/v2/artifacts/model"),
    ("s3://bucket/a/b", "/s3/bucket/a/b"),
    ("gs://bucket/a", "/gcs/bucket/a"),
]


@pytest.mark.parametrize(("uri", "path"), PAIRS)
def test_addresses_and_folders_are_mapped_in_both_directions(uri, path):
    assert to_local_path(uri) == path
    assert to_store_address(path) == uri


@pytest.mark.parametrize(
    "other", ["/mnt/radio/serving/1", "hdfs://name/path", "validation", "", "/miniopath/x"]
)
def test_other_texts_are_returned_unchanged(other):
    assert to_local_path(other) == other
    assert to_store_address(other) == other


def test_the_folders_can_have_another_root(monkeypatch, tmp_path):
    monkeypatch.setenv(LAUNCHER_ROOT, str(tmp_path))
    assert to_local_path("s3://bucket/a") == f"{tmp_path}/s3/bucket/a"
    assert to_store_address(f"{tmp_path}/s3/bucket/a") == "s3://bucket/a"
    assert to_store_address("/s3/bucket/a") == "/s3/bucket/a"
