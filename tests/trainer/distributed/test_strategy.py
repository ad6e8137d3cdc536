"""Choosing the devices to train on."""

import json

import pytest

from data.invalid import InvalidData
from trainer.distributed.strategy import (
    Cluster,
    Distribution,
    choose_devices,
    find_cluster,
    read_cluster,
)

WORKERS = {"worker": ["a:1", "b:1"]}


def environment(cluster, kind="worker", index=0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_auto_without_cluster_and_gpus_is_one_device_without_a_strategy():
    distribution = choose_devices("auto", {})
    assert distribution == choose_devices("one_device", {}) == Distribution(None, 1, 0)
    assert distribution.is_chief
    assert distribution.replicas == distribution.local_replicas == 1


def test_the_chief_is_the_first_of_the_workers():
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:1"], "evaluator": ["e:1"]}
    addresses = ("c:1", "a:1", "b:1")
    assert read_cluster(environment(cluster, "chief")) == Cluster(addresses, 0)
    assert read_cluster(environment(cluster, "worker", 1)) == Cluster(addresses, 2)
    assert read_cluster(environment(WORKERS, index=1)) == Cluster(("a:1", "b:1"), 1)


@pytest.mark.parametrize(
    ("name", "variables", "needed"),
    [
        ("auto", {}, False),
        ("auto", {"TF_CONFIG": " "}, False),
        ("auto", {"TF_CONFIG": "{}"}, False),
        ("auto", environment({"worker": ["a:1"]}), False),
        ("auto", environment(WORKERS), True),
        ("multi_worker", environment({"worker": ["a:1"]}), True),
        ("one_device", environment(WORKERS), False),
        ("mirrored", environment(WORKERS), False),
        ("one_device", {"TF_CONFIG": "{"}, False),
    ],
)
def test_a_cluster_is_used_on_request_or_if_it_has_several_workers(name, variables, needed):
    assert (find_cluster(name, variables) is not None) is needed


@pytest.mark.parametrize(
    ("name", "variables", "message"),
    [
        ("multi_worker", {}, "needs the cluster in the environment variable TF_CONFIG"),
        ("multi_worker", {"TF_CONFIG": "{}"}, "needs the cluster"),
        ("mirrored", {}, "mirrored is for several GPUs, and TensorFlow sees 0 here"),
        ("auto", {"TF_CONFIG": "{"}, "not a cluster and a task in JSON"),
        ("auto", {"TF_CONFIG": "[1]"}, "not a cluster and a task in JSON"),
        ("auto", {"TF_CONFIG": json.dumps({"cluster": WORKERS})}, "not a cluster and a task"),
        ("auto", environment(WORKERS, index="first"), "not a cluster and a task in JSON"),
        ("auto", environment(WORKERS, index=2), "this process worker 2, but the cluster has 2"),
        ("auto", environment(WORKERS, "chief"), "this process chief 0, but the cluster has 0"),
        ("auto", environment({**WORKERS, "ps": ["p:1"]}), "has parameter servers"),
        ("auto", environment(WORKERS, "evaluator"), "the task evaluator"),
    ],
)
def test_devices_that_do_not_exist_are_refused(name, variables, message):
    with pytest.raises(InvalidData, match=message):
        choose_devices(name, variables)
