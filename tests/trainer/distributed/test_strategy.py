"""Which devices are chosen, and who reads what."""

import json

import numpy as np
import pytest

from data.invalid import InvalidData
from tests.trainer.small_run import CLASSES, TRAIN, VALIDATION, fn_args
from trainer.distributed.shards import Shard, ShardedTrainingBatches
from trainer.distributed.strategy import (
    Cluster,
    Distribution,
    choose_devices,
    find_cluster,
    read_cluster,
)
from trainer.inputs.batches import TrainingBatches, read_records

WORKERS = {"worker": ["a:1", "b:1"]}


def environment(cluster, kind="worker", index=0) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_without_cluster_and_gpus_auto_is_one_device_without_a_strategy():
    chosen = choose_devices("auto", {})
    assert chosen == choose_devices("one_device", {}) == Distribution(None, 1, 0)
    assert chosen.is_chief and chosen.replicas == chosen.local_replicas == 1


def test_workers_are_counted_from_the_chief_on():
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:1"], "evaluator": ["e:1"]}
    addresses = ("c:1", "a:1", "b:1")
    assert read_cluster(environment(cluster, "chief")) == Cluster(addresses, 0)
    assert read_cluster(environment(cluster, "worker", 1)) == Cluster(addresses, 2)
    assert read_cluster(environment(WORKERS, index=1)) == Cluster(("a:1", "b:1"), 1)


@pytest.mark.parametrize(
    ("name", "given", "needed"),
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
def test_a_cluster_counts_where_it_is_asked_for_or_has_several_workers(name, given, needed):
    assert (find_cluster(name, given) is not None) is needed


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("multi_worker", {}, "needs the cluster in the environment variable TF_CONFIG"),
        ("multi_worker", {"TF_CONFIG": "{}"}, "needs the cluster"),
        ("mirrored", {}, "mirrored is for several GPUs, and TensorFlow sees 0 here"),
        ("auto", {"TF_CONFIG": "{"}, "not a cluster and a task in JSON"),
        ("auto", {"TF_CONFIG": "[1]"}, "not a cluster and a task in JSON"),
        ("auto", {"TF_CONFIG": json.dumps({"cluster": WORKERS})}, "not a cluster and a task"),
        ("auto", environment(WORKERS, index="first"), "not a cluster and a task in JSON"),
        ("auto", environment(WORKERS, index=2), "this process worker 2, and the cluster has 2"),
        ("auto", environment(WORKERS, "chief"), "this process chief 0, and the cluster has 0"),
        ("auto", environment({**WORKERS, "ps": ["p:1"]}), "has parameter servers"),
        ("auto", environment(WORKERS, "evaluator"), "the task evaluator"),
    ],
)
def test_devices_that_are_not_there_are_refused(name, given, message):
    with pytest.raises(InvalidData, match=message):
        choose_devices(name, given)


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_record_is_in_one_share(small_data, workers):
    everything = read_records([str(small_data / "train.*")]).serialised.numpy()
    shares = [
        read_records([str(small_data / "train.*")], workers, worker).serialised.numpy()
        for worker in range(workers)
    ]
    assert sorted(np.concatenate(shares)) == sorted(everything)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_files_that_can_be_dealt_out_evenly_are_read_by_one_worker_each(small_data):
    both = [str(small_data / "train.tfrecord"), str(small_data / "validation.tfrecord")]
    assert [read_records(both, 2, worker).images for worker in range(2)] == [TRAIN, VALIDATION]


def test_a_worker_without_records_is_refused(small_data):
    with pytest.raises(InvalidData, match=f"no images for worker {VALIDATION} of 22"):
        read_records([str(small_data / "validation.tfrecord")], 22, VALIDATION)


class Replicas(Distribution):
    """Workers of one replica each, of which none runs."""

    @property
    def replicas(self) -> int:
        return self.workers


def members(small_data, worker: int, epoch: int) -> np.ndarray:
    """Which records of its share one of two workers trains on, [steps, images of a step]."""
    from trainer.inputs.augmentation import Augmentation

    records = read_records(fn_args(small_data, small_data).train_files, 2, worker)
    batches = ShardedTrainingBatches(
        records,
        None,
        len(CLASSES),
        8,
        0,
        Augmentation(),
        Shard(records, (25, 25)),
        Replicas(None, 2, worker),
        (25, 13, 12),
    )
    assert isinstance(batches, TrainingBatches) and batches.steps == 7 == -(-TRAIN // 8)
    return np.array([batches._choose_records(epoch * 7 + step) for step in range(7)])


def test_all_steps_of_all_workers_are_of_one_size_and_an_epoch_sees_every_image(small_data):
    for worker in range(2):
        seen = members(small_data, worker, epoch=0)
        assert seen.shape == (7, 4), "half of a batch of 8"
        assert set(seen.ravel().tolist()) == set(range(25))


def test_order_differs_between_workers_and_between_epochs(small_data):
    first = members(small_data, worker=0, epoch=0)
    assert (first != members(small_data, worker=1, epoch=0)).any()
    assert (first != members(small_data, worker=0, epoch=1)).any()
    np.testing.assert_array_equal(first, members(small_data, worker=0, epoch=0))
