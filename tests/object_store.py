"""An object store that speaks S3, on this machine: Moto's server."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "mlpipeline"


@contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """Start a store with an empty bucket; yield the environment by which it is found."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": "of-tests",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            # Nothing of this machine's own, or it would be another store that is emptied below.
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            bucket = boto3.resource(
                "s3", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="us-east-1"
            ).Bucket(BUCKET)
            bucket.create()
            yield environment
            bucket.objects.all().delete()
            bucket.delete()
    finally:
        server.stop()
