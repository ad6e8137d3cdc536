"""On which devices a model is trained: one, the GPUs of this machine, or workers of a cluster.

All are synchronous data parallelism by `tf.distribute`: each replica computes the gradients of its
part of a batch, and all take the same step by their sum.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from data.invalid import InvalidData

# By which the operators that start workers, Kubeflow's and Vertex AI's, describe the cluster.
_VARIABLE = "TF_CONFIG"
_EXAMPLE = json.dumps(
    {
        "cluster": {"worker": ["host-a:2222", "host-b:2222"]},
        "task": {"type": "worker", "index": 0},
    }
)
# Those that train, the first of them the chief. `ps` would be another way of training, and an
# `evaluator` does not train.
_TRAINING_TASKS = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """What `TF_CONFIG` says.

    Attributes:
      addresses: host:port of every worker, the chief first.
      index: of this process among them.
    """

    addresses: tuple[str, ...]
    index: int


@dataclass(frozen=True)
class Distribution:
    """The devices of a run, seen from one worker.

    Attributes:
      strategy: of `tf.distribute`; None for one device, which needs none.
      workers: processes that train together.
      worker: number of this one, from 0.
    """

    strategy: tf.distribute.Strategy | None = None
    workers: int = 1
    worker: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this worker is the one that writes what comes of the run."""
        return self.worker == 0

    @property
    def replicas(self) -> int:
        """Devices that train, over all workers."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def local_replicas(self) -> int:
        """Devices that train in this worker."""
        return self.replicas // self.workers

    @property
    def in_words(self) -> str:
        """An addition to a sentence; empty for one device."""
        if not self.strategy:
            return ""
        return f"; {self.replicas} replicas, {self.workers} worker{'s' * (self.workers > 1)}"

    def scope(self) -> contextlib.AbstractContextManager:
        """In which variables have to be made: those of model, optimiser and metrics."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def of_all_workers(self, values: np.ndarray) -> np.ndarray:
        """Exchange whole numbers: int64 [...] of each worker to [workers, ...] on every one.

        All workers have to call it, with arrays of one shape, and none goes on before all have.
        """
        own = np.zeros((self.workers, *np.shape(values)), np.int64)
        own[self.worker] = values
        if self.workers == 1:
            return own
        each = self.strategy.run(lambda: tf.constant(own))
        return self.strategy.reduce("SUM", each, axis=None).numpy() // self.local_replicas


def choose(name: str, environment: Mapping[str, str] = os.environ) -> Distribution:
    """Return the devices to train on. In a cluster, wait until all workers are there.

    Must come before anything that makes TensorFlow look for devices.

    Args:
      name: auto, one_device, mirrored (all GPUs that this process sees) or multi_worker (the
        cluster that `TF_CONFIG` describes). auto is multi_worker where the cluster has several
        workers, else mirrored where there are several GPUs, else one_device.
      environment: that of the process.

    Raises:
      InvalidData: there is no cluster, or not more than one GPU, where the name asks for it;
        `TF_CONFIG` is not what it has to be.
    """
    if needs_cluster(name, environment):
        cluster = cluster_of(environment)
        return Distribution(_MultiWorker(), len(cluster.addresses), cluster.index)
    gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "mirrored" and gpus < 2:
        raise InvalidData(
            f"strategy: mirrored is for several GPUs, and TensorFlow sees {gpus} here. "
            "Set it to one_device or auto."
        )
    return mirrored() if name in ("auto", "mirrored") and gpus > 1 else Distribution()


def needs_cluster(name: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a strategy means workers of a cluster, for which processes must be started.

    Raises:
      InvalidData: as `choose` does.
    """
    if name not in ("auto", "multi_worker"):
        return False
    cluster = cluster_of(environment)
    if name == "multi_worker" and cluster is None:
        raise InvalidData(
            f"strategy: multi_worker needs the cluster in the environment variable {_VARIABLE}, "
            f"for example {_EXAMPLE}"
        )
    return cluster is not None and (name == "multi_worker" or len(cluster.addresses) > 1)


def mirrored(devices: list[str] | None = None) -> Distribution:
    """Return the distribution over several devices of this process; all GPUs unless given."""
    return Distribution(_Mirrored(devices))


def cluster_of(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Return the cluster that this process belongs to; None if it belongs to none.

    Raises:
      InvalidData: `TF_CONFIG` is malformed, or gives this process a task that does not train.
    """
    text = environment.get(_VARIABLE, "").strip()
    if not text:
        return None
    try:
        content = json.loads(text)
        tasks = content.get("cluster") or {}
        if not tasks:
            return None
        addresses = {
            kind: [str(address) for address in tasks.get(kind, [])] for kind in _TRAINING_TASKS
        }
        kind, index = str(content["task"]["type"]), int(content["task"]["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidData(
            f"{_VARIABLE} is not a cluster and a task in JSON ({type(error).__name__}: {error}). "
            f"It has to look like {_EXAMPLE}"
        ) from None
    if "ps" in tasks or kind not in _TRAINING_TASKS:
        raise InvalidData(
            f"{_VARIABLE} has parameter servers or makes this process the task {kind}. Training "
            f"is by tasks called {' and '.join(_TRAINING_TASKS)} alone."
        )
    if not 0 <= index < len(addresses[kind]):
        raise InvalidData(
            f"{_VARIABLE} makes this process {kind} {index}, and the cluster has "
            f"{len(addresses[kind])} of these, numbered from 0."
        )
    before = len(addresses["chief"]) if kind == "worker" else 0
    return Cluster((*addresses["chief"], *addresses["worker"]), before + index)


class _OwnBatches:
    """A strategy whose workers each read data of their own, in batches of one replica."""

    def experimental_distribute_dataset(self, dataset, options=None):
        # `keras.Model.fit` calls this. TensorFlow's takes it that all workers read the same, and
        # splits each batch among them. Without an end, because for data with one the workers ask
        # one another at every step whether anybody has any left; Keras counts the steps.
        return self.distribute_datasets_from_function(lambda _: dataset.repeat(), options)


class _Mirrored(_OwnBatches, tf.distribute.MirroredStrategy):
    pass


class _MultiWorker(_OwnBatches, tf.distribute.MultiWorkerMirroredStrategy):
    pass
