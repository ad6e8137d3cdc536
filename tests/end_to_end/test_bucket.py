"""A run whose data are in a bucket."""

from pathlib import Path

import boto3
import pytest

from tests.end_to_end.support.pipeline_runs import SMALL, run_pipeline
from tests.object_store import BUCKET, STORES, object_store

pytestmark = pytest.mark.slow


@pytest.fixture(params=STORES)
def address(request, small_data) -> str:
    """The address of the data in a bucket."""
    with object_store(request.param):
        client = boto3.client("s3", region_name="us-east-1")
        for file in filter(Path.is_file, small_data.rglob("*")):
            client.upload_file(str(file), BUCKET, f"data/{file.relative_to(small_data)}")
        yield f"s3://{BUCKET}/data"


def test_a_run_on_data_in_a_bucket_has_the_results_of_one_on_a_disk(address, first_run, tmp_path):
    run = run_pipeline(address, tmp_path / "runs", *SMALL)
    assert run.status == 0, run.text
    assert run.card["model_id"] == first_run.card["model_id"], "a digest of all weights"
    for key in ("accuracy", "confusion_matrix"):
        assert run.metrics.get(key) == first_run.metrics.get(key)
    assert run.metrics["data"].startswith(address)
