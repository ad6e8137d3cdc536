"""A Keras model whose `fit` and `evaluate` work with every strategy of `tf.distribute`.

Keras 3 cannot do that with several workers. It reduces the metrics of each step over the workers,
along an axis that these scalars do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from trainer.distributed.strategy import first_local


class ReplicatedModel(keras.Model):
    """A model to create, compile and fit in the scope of a strategy.

    Within an epoch, its logs are those of this worker's first replica. At the end of an epoch, and
    after validation, they cover all replicas, because Keras's metrics sum over replicas when they
    are read. All workers therefore see the same metrics and make the same decisions.
    """

    def compile(self, **options: Any) -> None:
        """Compile the model with one step per call of the training function."""
        super().compile(**{**options, "steps_per_execution": 1})

    def make_train_function(self, force: bool = False) -> None:
        """Set the function that trains on the next batch of every replica."""
        if self.train_function is None or force:
            self.train_function: Any = self._on_every_replica(self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        """Set the function that evaluates the next batch of every replica."""
        if self.test_function is None or force:
            self.test_function: Any = self._on_every_replica(self.test_step)

    def _on_every_replica(self, step: Callable[[Any], Any]) -> Any:
        @tf.function
        def run(iterator: Any) -> Any:
            strategy = self.distribute_strategy
            return first_local(strategy, strategy.run(step, args=(next(iterator),)))

        return run


def replicate(model: keras.Model) -> ReplicatedModel:
    """Return a model with the same layers that several replicas can fit.

    Its batch normalisation uses mean and variance of the whole batch, over all replicas. If each
    replica used its own portion, the replicas would keep different moving averages, only the
    chief's would be exported, and gradients would depend on the number of replicas.

    Args:
      model: built in the strategy's scope. Call this function in the same scope.
    """
    for layer in _list_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
    return ReplicatedModel(model.inputs, model.outputs, name=model.name)


def _list_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield a layer and all layers inside it."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _list_layers(inner)
