"""The shards of the workers, and the batches made of them."""

import itertools

import numpy as np
import pytest

from data.invalid import InvalidData
from tests.trainer.inputs.test_records import read_all
from tests.trainer.small_run import CLASSES, TRAIN, VALIDATION, fn_args
from trainer.distributed.shards import Shard, ShardedTrainingBatches
from trainer.distributed.strategy import Distribution
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import TrainingBatches
from trainer.inputs.records import read_records


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_record_is_in_exactly_one_shard(small_data, workers):
    patterns = [str(small_data / "train.*")]
    everything = read_all(read_records(patterns))
    shards = [read_all(read_records(patterns, workers, worker)) for worker in range(workers)]
    assert sorted(itertools.chain(*shards)) == sorted(everything)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_files_that_can_be_divided_evenly_are_each_read_by_one_worker(small_data):
    files = [str(small_data / "train.tfrecord"), str(small_data / "validation.tfrecord")]
    assert [read_records(files, 2, worker).images for worker in range(2)] == [TRAIN, VALIDATION]


def test_a_split_with_too_few_records_for_all_workers_is_refused(small_data):
    with pytest.raises(InvalidData, match=f"no images for worker {VALIDATION} of 22"):
        read_records([str(small_data / "validation.tfrecord")], 22, VALIDATION)


class Replicas(Distribution):
    """Workers with one replica each. No process runs them."""

    @property
    def replicas(self) -> int:
        return self.workers


def choose_records(small_data, worker: int, epoch: int) -> np.ndarray:
    """Return the records that one of two workers trains on, [steps, images per step]."""
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
    assert isinstance(batches, TrainingBatches)
    assert batches.steps == 7 == -(-TRAIN // 8)
    return np.array([batches._choose_records(epoch * 7 + step) for step in range(7)])


def test_all_steps_have_one_size_and_an_epoch_includes_every_image(small_data):
    for worker in range(2):
        records = choose_records(small_data, worker, epoch=0)
        assert records.shape == (7, 4), "half of a batch of 8"
        assert set(records.ravel().tolist()) == set(range(25))


def test_the_order_differs_between_workers_and_between_epochs(small_data):
    first = choose_records(small_data, worker=0, epoch=0)
    assert (first != choose_records(small_data, worker=1, epoch=0)).any()
    assert (first != choose_records(small_data, worker=0, epoch=1)).any()
    np.testing.assert_array_equal(first, choose_records(small_data, worker=0, epoch=0))
