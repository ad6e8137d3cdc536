"""Chooses the devices to train on: one, all GPUs of this machine, or the workers of a cluster.

Training is synchronous and data-parallel, by `tf.distribute`: each replica computes the gradients
of its portion of a batch, and all replicas take the same step with the sum of the gradients.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from data.invalid import InvalidData

# The operators of Kubeflow and Vertex AI describe the cluster to each worker in this variable.
_VARIABLE = "TF_CONFIG"
_EXAMPLE = json.dumps(
    {
        "cluster": {"worker": ["host-a:2222", "host-b:2222"]},
        "task": {"type": "worker", "index": 0},
    }
)
# The types of tasks that train; the first of these tasks is the chief. A task `ps`, a parameter
# server, is for asynchronous training, and a task `evaluator` does not train.
_TRAINING_TASKS = ("chief", "worker")


@dataclass(frozen=True)
class Cluster:
    """The content of `TF_CONFIG`.

    Attributes:
      addresses: host:port of every worker, the chief first.
      index: number of this process among them.
    """

    addresses: tuple[str, ...]
    index: int


@dataclass(frozen=True)
class Distribution:
    """The devices of a run, seen from one worker.

    Attributes:
      strategy: a strategy of `tf.distribute`; None for one device, which needs none.
      workers: number of processes that train together.
      worker: number of this process, from 0.
    """

    strategy: tf.distribute.Strategy | None = None
    workers: int = 1
    worker: int = 0

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the results of the run."""
        return self.worker == 0

    @property
    def replicas(self) -> int:
        """Number of devices that train, over all workers."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def local_replicas(self) -> int:
        """Number of devices that train in this worker."""
        return self.replicas // self.workers

    @property
    def description(self) -> str:
        """Text to append to a description of the run; empty for one device."""
        if not self.strategy:
            return ""
        return f"; {self.replicas} replicas, {self.workers} worker{'s' * (self.workers > 1)}"

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Return the scope in which to create the variables of model, optimiser and metrics."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def exchange(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Send whole numbers to all workers: int64 [...] becomes [workers, ...] on each of them.

        All workers must call this method with arrays of the same shape. None of them continues
        before all have called it.
        """
        numbers = np.zeros((self.workers, *np.shape(values)), np.int64)
        numbers[self.worker] = values
        if self.workers == 1 or self.strategy is None:
            return numbers
        per_replica = self.strategy.run(lambda: tf.constant(numbers))
        sums = self.strategy.reduce("SUM", per_replica, axis=None).numpy()
        return sums // self.local_replicas


def choose_devices(name: str, environment: Mapping[str, str] = os.environ) -> Distribution:
    """Return the devices to train on. In a cluster, wait until all workers have started.

    Call this function before anything that makes TensorFlow look for devices.

    Args:
      name: auto, one_device, mirrored (all GPUs that this process sees) or multi_worker (the
        cluster that `TF_CONFIG` describes). auto is multi_worker if the cluster has several
        workers, otherwise mirrored if there are several GPUs, otherwise one_device.
      environment: environment of the process.

    Raises:
      InvalidData: the name asks for a cluster or for several GPUs and there are none, or
        `TF_CONFIG` is malformed.
    """
    cluster = find_cluster(name, environment)
    if cluster:
        return Distribution(_MultiWorker(), len(cluster.addresses), cluster.index)
    gpus = len(tf.config.list_physical_devices("GPU"))
    if name == "mirrored" and gpus < 2:
        raise InvalidData(
            f"strategy: mirrored is for several GPUs, and TensorFlow sees {gpus} here. "
            "Set it to one_device or auto."
        )
    return mirror() if name in ("auto", "mirrored") and gpus > 1 else Distribution()


def find_cluster(name: str, environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Return the cluster to train on, for which worker processes must be started; None for none.

    Args:
      name: as for `choose_devices`.
      environment: environment of the process.

    Raises:
      InvalidData: as for `choose_devices`.
    """
    if name not in ("auto", "multi_worker"):
        return None
    cluster = read_cluster(environment)
    if name == "multi_worker":
        if cluster is None:
            raise InvalidData(
                "strategy: multi_worker needs the cluster in the environment variable "
                f"{_VARIABLE}, for example {_EXAMPLE}"
            )
        return cluster
    return cluster if cluster and len(cluster.addresses) > 1 else None


def mirror(devices: list[str] | None = None) -> Distribution:
    """Return the distribution over several devices of this process; None for all GPUs."""
    return Distribution(_Mirrored(devices))


def read_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
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
            f"It must look like {_EXAMPLE}"
        ) from None
    if "ps" in tasks or kind not in _TRAINING_TASKS:
        raise InvalidData(
            f"{_VARIABLE} has parameter servers or makes this process the task {kind}. Only tasks "
            f"called {' and '.join(_TRAINING_TASKS)} can train."
        )
    if not 0 <= index < len(addresses[kind]):
        raise InvalidData(
            f"{_VARIABLE} makes this process {kind} {index}, but the cluster has "
            f"{len(addresses[kind])} of these, numbered from 0."
        )
    chiefs = len(addresses["chief"]) if kind == "worker" else 0
    return Cluster((*addresses["chief"], *addresses["worker"]), chiefs + index)


def first_local(strategy: tf.distribute.Strategy, values: Any) -> Any:
    """Return the values of this worker's first replica from a structure of per-replica values."""
    return tf.nest.map_structure(
        lambda value: strategy.experimental_local_results(value)[0], values
    )


class _SeparateBatches(tf.distribute.Strategy):
    """A strategy whose workers each read their own data, in batches for one replica."""

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        # `keras.Model.fit` calls this method. TensorFlow assumes that all workers read the same
        # data, and splits each batch among them. The dataset repeats because with a finite one the
        # workers ask one another at every step whether any data is left; Keras counts the steps.
        return self.distribute_datasets_from_function(lambda _: dataset.repeat(), options)

    def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> Any:
        # `keras.Model.fit` averages the first batch, to learn its shape. TensorFlow cannot average
        # a tuple, nor batches of different sizes. Any replica's batch has the right shape.
        if isinstance(value, tuple):
            return first_local(self, value)
        return super().reduce(reduce_op, value, axis)


class _Mirrored(_SeparateBatches, tf.distribute.MirroredStrategy):
    pass


class _MultiWorker(_SeparateBatches, tf.distribute.MultiWorkerMirroredStrategy):
    pass
