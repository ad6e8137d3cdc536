"""Object stores that speak S3 on this machine: Moto's server, a simulation, and SeaweedFS."""

import functools
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication
from moto.server import ThreadedMotoServer

import data.storage.object_store
from tests.engines.seaweedfs import seaweedfs

BUCKET = "mlpipeline"
ACCESS_KEY, SECRET_KEY = "reader", "of-tests"


STORES = ["moto", pytest.param("seaweedfs", marks=pytest.mark.engines)]
"""Parameters of tests and fixtures that use each of the stores of `object_store`."""


@contextmanager
def object_store(kind: str = "moto") -> Iterator[dict[str, str]]:
    """Start a store with an empty bucket; yield the environment variables that point to it.

    Args:
      kind: "moto" or "seaweedfs".
    """
    start = {"moto": _moto, "seaweedfs": _seaweedfs}[kind]
    with start() as address, use_store(address) as environment:
        yield environment


@contextmanager
def use_store(address: str) -> Iterator[dict[str, str]]:
    """Make a store the one of the environment, with an empty bucket, as `object_store` does."""
    environment = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    with pytest.MonkeyPatch.context() as patch:
        # Drop this machine's own settings, or another store would be emptied below.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        bucket = boto3.resource("s3", endpoint_url=address, region_name="us-east-1").Bucket(BUCKET)
        bucket.create()
        yield environment
        bucket.objects.all().delete()
        bucket.delete()


@contextmanager
def _moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def _seaweedfs() -> Iterator[str]:
    with seaweedfs(ACCESS_KEY, SECRET_KEY) as store:
        yield store.address


@contextmanager
def no_store() -> Iterator[None]:
    """Set an address where no store answers, and wait for it only a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data.storage.object_store, "_DEADLINE_SECONDS", 1)
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        yield


@contextmanager
def keys_for(folder: str) -> Iterator[None]:
    """Within `object_store`, set keys that open only one folder of the bucket.

    The keys of a Kubeflow profile are like that.

    Args:
      folder: name of the folder in the bucket.
    """
    bucket = f"arn:aws:s3:::{BUCKET}"
    rights = [
        {"Action": ["s3:Get*", "s3:Put*", "s3:DeleteObject"], "Resource": f"{bucket}/{folder}/*"},
        {"Action": "s3:List*", "Resource": bucket},
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", **statement} for statement in rights],
    }
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_user(UserName=folder)
    iam.put_user_policy(UserName=folder, PolicyName="one-folder", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=folder)["AccessKey"]
    with pytest.MonkeyPatch.context() as patch, enable_iam_authentication():
        patch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        # A client keeps the keys that it started with.
        fresh_client = functools.cache(data.storage.object_store._client.__wrapped__)
        patch.setattr(data.storage.object_store, "_client", fresh_client)
        yield
    iam.delete_access_key(UserName=folder, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=folder, PolicyName="one-folder")
    iam.delete_user(UserName=folder)
